"""A picture of ducking, made by the operation itself: docs/sound/duck.png; python -m bench.sound.pictures."""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from shared.operations.add_audio import Params
from tests.worker.media.clips import AAC, H264, make
from tests.worker.media.sound.hearing import RATE, Samples, heard
from tests.worker.operations.lone_item import LoneItem
from worker.media.captions.drawing.faces import FOLDER
from worker.operations import add_audio

LENGTH_S = 12
VIDEO, SOUND = "https://bench.example/talk.mp4", "https://bench.example/music.wav"
SPEECH = "between(t,1,3.2)+between(t,3.6,5)+between(t,7.5,9.5)"
WIDTH, ROW, EDGE, LABEL = 960, 96, 16, 190
GROUND, INK = (18, 22, 28), (230, 232, 236)
COLOURS = ((255, 191, 64), (90, 178, 255), (122, 214, 140))
ROWS = ("the video's own sound", "the new one", "mode: duck")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", nargs="?", type=Path, default=Path("docs/sound/duck.png"))
    target = parser.parse_args().target
    with tempfile.TemporaryDirectory(prefix="revela-bench-") as name:
        folder = Path(name)
        voice = f"aevalsrc='(0.5*sin(2*PI*180*t)+0.3*random(0)-0.15)*abs(sin(9*t))*({SPEECH})':d={LENGTH_S}:s=48000"
        talk = ("-f", "lavfi", "-i", f"color=s=64x64:r=10:d={LENGTH_S}", "-f", "lavfi", "-i", voice)
        video = make(folder / "talk.mp4", *H264, *AAC, sources=talk)
        tune = f"aevalsrc='0.35*sin(2*PI*440*t)*(0.75+0.25*sin(2*PI*2*t))':d={LENGTH_S}:s=48000"
        music = make(folder / "music.wav", sources=("-f", "lavfi", "-i", tune))
        item = LoneItem(video, folder, others={SOUND: music})
        add_audio.run(Params.model_validate({"video": VIDEO, "audio": SOUND, "mode": "duck"}), item)
        sounds = [heard(path) for path in (video, music, item.output("video"))]
    target.parent.mkdir(parents=True, exist_ok=True)
    _drawn(sounds).save(target, optimize=True)


def _drawn(sounds: list[Samples]) -> Image.Image:
    picture = Image.new("RGB", (WIDTH, len(ROWS) * ROW + 2 * EDGE), GROUND)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.truetype(FOLDER / "Inter-Regular.ttf", 16)
    for n, (label, samples, colour) in enumerate(zip(ROWS, sounds, COLOURS, strict=True)):
        middle = EDGE + n * ROW + ROW // 2
        draw.text((EDGE, middle), label, INK, font, anchor="lm")
        for column, peak in enumerate(_peaks(samples, WIDTH - LABEL - EDGE)):
            half = max(1, round(peak * (ROW - 8) / 2))
            draw.line((LABEL + column, middle - half, LABEL + column, middle + half), colour)
    return picture


def _peaks(samples: Samples, count: int) -> NDArray[np.float32]:
    """Return how loud each of so many equal parts of the time is."""
    whole = np.zeros(LENGTH_S * RATE, np.float32)
    part = samples[: len(whole)]
    whole[: len(part)] = np.abs(part)
    return np.asarray([piece.max() for piece in np.array_split(whole, count)], np.float32)


if __name__ == "__main__":
    main()
