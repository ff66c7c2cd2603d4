"""How long img2vid takes, beside the documented command and beside encoding alone: python -m bench.img2vid."""

import argparse
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from bench.photos import rivals
from bench.rounds import Timings, interleaved
from shared.media.encoding import Quality
from shared.operations.img2vid import Params
from tests.pictures import SAMPLES, encoded, sample
from tests.worker.operations.lone_item import LoneItem
from worker.media import encoder
from worker.media.running import binary
from worker.operations import img2vid

SIZES = {"4:3": (4000, 3000), "16:9": (4000, 2250)}
BATCH = 20
CORES = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, one photo, a batch of 4")
    quick = parser.parse_args().quick
    print(f"ffmpeg: {binary.find().reason}\n")
    with tempfile.TemporaryDirectory(prefix="revela-bench-") as folder:
        kept = True
        for name in ["4:3"] if quick else SIZES:
            kept &= _one_photo(Path(folder), name, rounds=2 if quick else 5)
        kept &= _batch(Path(folder), 4 if quick else BATCH, rounds=1 if quick else 3)
    sys.exit(0 if kept else 1)


def _one_photo(folder: Path, name: str, rounds: int) -> bool:
    photo = folder / "photo.jpg"
    photo.write_bytes(encoded(sample("astronaut", *SIZES[name]), "JPEG"))
    options = _options(CORES)
    ways: dict[str, Callable[[], object]] = {}
    for quality in (Quality.BALANCED, Quality.HIGH):
        ways[f"{quality}"] = _ours(photo, folder, quality, options, CORES)
        ways[f"bare, frames of {quality}"] = _bare(photo, folder, quality, options)
    for centred in (False, True):
        label = "documented, centred" if centred else "documented"
        ways[label] = _documented(photo, folder, options, centred=centred)
    timings = interleaved(ways, rounds)
    print(f"One photo of {SIZES[name][0]}×{SIZES[name][1]}, 5 s of 1080p24, x264 veryfast crf 20, {CORES} threads:")
    for label in ways:
        print(f"  {label:26} {timings.median(label):6.2f} s  {[round(each, 2) for each in timings.seconds[label]]}")
    kept = [_aims(timings, Quality.BALANCED, 1.3, 1.6), _aims(timings, Quality.HIGH, 1.6, 1.35)]
    return all(kept)


def _aims(timings: Timings, quality: Quality, most: float, least: float) -> bool:
    over_bare = timings.ratio(quality, f"bare, frames of {quality}")
    slower = {name: timings.ratio(name, quality) for name in ("documented", "documented, centred")}
    kept = over_bare <= most and min(slower.values()) >= least
    work = timings.worked_ratio(quality, f"bare, frames of {quality}")
    faster = ", ".join(f"{ratio:.2f}× faster than {name}" for name, ratio in slower.items())
    verdict = "kept" if kept else "MISSED"
    print(f"  {quality}: {over_bare:.2f}× bare (aim {most}; {work:.2f}× its work), {faster} (aim {least}): {verdict}")
    return kept


def _batch(folder: Path, count: int, rounds: int) -> bool:
    photos, bares = [], []
    for number, name in enumerate(SAMPLES[: min(count, len(SAMPLES))]):
        photo = folder / f"photo{number}.jpg"
        photo.write_bytes(encoded(sample(name, *SIZES["4:3"], seed=number), "JPEG"))
        photos.append(photo)
        bares.append(_bare(photo, folder / photo.stem, Quality.BALANCED, _options(CORES)))
    order = [number % len(photos) for number in range(count)]
    folders = [folder / f"item{number}" for number in range(count)]
    together = [
        _ours(photos[number], place, Quality.BALANCED, _options(1), 1)
        for number, place in zip(order, folders, strict=True)
    ]
    ways = {"batch": lambda: _at_once(together), "bare": lambda: [bares[number]() for number in order]}
    timings = interleaved(ways, rounds)
    ratio = timings.ratio("batch", "bare")
    print(f"\nA batch of {count} photos of 4000×3000, {CORES} at a time with 1 encoder thread each:")
    print(f"  batch {timings.median('batch'):.2f} s, bare encodes one after the other {timings.median('bare'):.2f} s")
    work = timings.worked_ratio("batch", "bare")
    print(f"  {ratio:.2f}× bare (aim 1.3), {work:.2f}× its work: {'kept' if ratio <= 1.3 else 'MISSED'}")
    return ratio <= 1.3


def _at_once(ways: list[Callable[[], object]]) -> None:
    with ThreadPoolExecutor(CORES) as pool:
        list(pool.map(lambda way: way(), ways))


def _options(threads: int) -> encoder.Arguments:
    return encoder.arguments(encoder.X264, Quality.BALANCED, threads)


def _ours(
    photo: Path, folder: Path, quality: Quality, options: encoder.Arguments, threads: int
) -> Callable[[], object]:
    folder.mkdir(exist_ok=True)
    params = Params.model_validate({"image": "https://photos.example/a.jpg", "quality": quality})
    return lambda: img2vid.render(params, LoneItem(photo, folder, threads), options)


def _bare(photo: Path, folder: Path, quality: Quality, options: encoder.Arguments) -> Callable[[], object]:
    """Draw the frames into a file once, outside the timing."""
    folder.mkdir(exist_ok=True)
    params = Params.model_validate({"image": "https://photos.example/a.jpg", "quality": quality})
    frames = img2vid.photo_in_motion(params, LoneItem(photo, folder))
    raw = folder / f"{photo.stem}-{quality}.yuv"
    buffer = np.empty(frames.frame_bytes, np.uint8)
    with raw.open("wb") as file:
        for index in range(len(frames)):
            frames.draw(index, buffer)
            file.write(buffer.data)
    video = encoder.RawVideo(params.width, params.height, params.fps, params.frames)
    return lambda: rivals.bare(raw, folder / "bare.mp4", video, options)


def _documented(photo: Path, folder: Path, options: encoder.Arguments, *, centred: bool) -> Callable[[], object]:
    return lambda: rivals.documented(photo, folder / "documented.mp4", options, centred=centred)


if __name__ == "__main__":
    main()
