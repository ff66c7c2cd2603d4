"""Looking into finished files."""

from pathlib import Path

import pytest

from shared.errors import OutputInvalid
from tests.worker.media.running.test_frames import GENEROUS, HEIGHT, WIDTH, Noise, command
from worker.context import CancelFlag
from worker.media import probe
from worker.media.running.confinement import Reach
from worker.media.running.frames import feed

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("probe") / "made.mp4"
    feed(command(path, 12), Noise(12), reach=Reach(writes=(path.parent,)), limits=GENEROUS, cancel=CancelFlag())
    return path


def test_the_facts_are_the_files(made: Path) -> None:
    facts = probe.video(made)
    assert (facts.codec, facts.width, facts.height, facts.pixel_format) == ("h264", WIDTH, HEIGHT, "yuv420p")
    assert (facts.frames, facts.fps, facts.duration_s, facts.streams) == (12, 24.0, 0.5, 1)
    # H.273: 1 is BT.709; FFmpeg's range 1 is limited.
    assert (facts.primaries, facts.transfer, facts.matrix, facts.range) == (1, 1, 1, 1)


@pytest.mark.parametrize("wrong", [{"frames": 13}, {"width": 640}, {"height": 200}, {"fps": 25}])
def test_what_is_not_as_ordered_is_output_invalid(made: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(OutputInvalid, match="not as ordered"):
        ordered = {"width": WIDTH, "height": HEIGHT, "fps": 24, "frames": 12} | wrong
        probe.verified(
            made, width=ordered["width"], height=ordered["height"], fps=ordered["fps"], frames=ordered["frames"]
        )


@pytest.mark.parametrize("kept", [0, 40, 0.5])
def test_half_a_file_is_output_invalid(made: Path, tmp_path: Path, kept: float) -> None:
    content = made.read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(content[: int(kept if kept > 1 else kept * len(content))])
    with pytest.raises(OutputInvalid):
        probe.verified(cut, width=WIDTH, height=HEIGHT, fps=24, frames=12)


@pytest.mark.parametrize(
    "text",
    ["#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{0}\n#EXT-X-ENDLIST\n", "ffconcat version 1.0\nfile '{0}'\n"],
)
def test_a_file_that_names_another_is_not_followed(made: Path, tmp_path: Path, text: str) -> None:
    listing = tmp_path / "listing.mp4"
    listing.write_text(text.format(made))
    with pytest.raises(OutputInvalid):
        probe.video(listing)
