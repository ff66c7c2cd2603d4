"""Looking into what was made."""

from dataclasses import replace
from pathlib import Path

import pytest

from shared.errors import OutputInvalid
from tests.worker.media.running.test_frames import GENEROUS, HEIGHT, WIDTH, Noise, command
from worker.context import CancelFlag
from worker.media.made import Ordered, verified
from worker.media.running.confinement import Reach
from worker.media.running.frames import feed

pytestmark = pytest.mark.slow

ORDERED = Ordered((WIDTH, HEIGHT), (12, 12), 0.5, sounds=0, tolerance_s=0.02, codec="h264", pixel_format="yuv420p")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "made.mp4"
    feed(command(path, 12), Noise(12), reach=Reach(writes=(path.parent,)), limits=GENEROUS, cancel=CancelFlag())
    return path


def test_what_is_as_ordered_is_told(made: Path) -> None:
    video = verified(made, ORDERED).video
    assert (video.frames, video.fps, video.duration_s) == (12, 24.0, 0.5)
    colour = video.colour
    assert (colour.primaries, colour.transfer, colour.matrix, colour.range) == ("bt709", "bt709", "bt709", "limited")


@pytest.mark.parametrize(
    "wrong",
    [
        {"frames": (13, 13)},
        {"frames": (1, 11)},
        {"size": (640, HEIGHT)},
        {"length_s": 0.48 - 0.001},
        {"codec": "hevc"},
        {"pixel_format": "yuv444p"},
        {"sounds": 1},
        {"texts": 1},
        {"sound_s": 0.5},
    ],
    ids=str,
)
def test_what_is_not_as_ordered_is_output_invalid(made: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(OutputInvalid, match="not as ordered"):
        verified(made, replace(ORDERED, **wrong))  # type: ignore[arg-type]


@pytest.mark.parametrize("kept", [0, 40, 0.5])
def test_half_a_file_is_output_invalid(made: Path, tmp_path: Path, kept: float) -> None:
    content = made.read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(content[: int(kept if kept > 1 else kept * len(content))])
    with pytest.raises(OutputInvalid):
        verified(cut, ORDERED)


@pytest.mark.parametrize(
    "text",
    ["#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{0}\n#EXT-X-ENDLIST\n", "ffconcat version 1.0\nfile '{0}'\n"],
)
def test_a_file_that_names_another_is_not_followed(made: Path, tmp_path: Path, text: str) -> None:
    listing = tmp_path / "listing.mp4"
    listing.write_text(text.format(made))
    with pytest.raises(OutputInvalid):
        verified(listing, ORDERED)
