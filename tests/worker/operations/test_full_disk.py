"""A disk that is full while a video is made: a typed error, whichever way it is made."""

from pathlib import Path
from typing import Any

import pytest

from shared.errors import WorkerDiskFull
from shared.operations.add_audio import Params as SoundParams
from shared.operations.caption import Params as CaptionParams
from tests.faults.small_disk import small_disk
from tests.shared.captions.written import srt
from tests.worker.media.clips import AAC, H264, make
from tests.worker.operations.lone_item import LoneItem
from worker.operations import add_audio, caption

pytestmark = pytest.mark.slow

VIDEO, SOUND = "https://media.example/video", "https://media.example/audio"
GRAINY = ("-f", "lavfi", "-i", "testsrc2=s=640x360:r=25:d=4,noise=alls=20:allf=t")
TONE = ("-f", "lavfi", "-i", "sine=f=440:r=48000:d=4")
DISK_BYTES = 400_000
KINDS = {"v.mp4": (*H264, *AAC), "v.webm": ("-c:v", "libvpx", "-deadline", "realtime", "-b:v", "4M", "-c:a", "libopus")}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("work", ["burn", "soft", "sound"])
def test_a_full_disk_is_worker_disk_full(kind: str, work: str, tmp_path: Path) -> None:
    video = make(tmp_path / kind, *KINDS[kind], sources=(*GRAINY, *TONE))
    assert video.stat().st_size > DISK_BYTES
    asked: dict[str, Any] = {"video": VIDEO}
    with small_disk(tmp_path / "disk", DISK_BYTES) as disk, pytest.raises(WorkerDiskFull):
        item = LoneItem(video, disk, threads=2)
        if work == "sound":
            add_audio.run(SoundParams.model_validate({**asked, "audio": SOUND, "mode": "mix"}), item)
        else:
            caption.run(CaptionParams.model_validate({**asked, "subtitles": srt("Hello"), "mode": work}), item)
