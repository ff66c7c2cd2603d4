"""How long captions and sound take, beside single ffmpeg commands: python -m bench.media [PART…].

Everything runs on a clip of its own making, interleaved, with medians; the operations do all that they do in a job but
the transfers: probing, confining, verifying.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.rounds import Timings, interleaved
from shared.media.encoding import Quality
from shared.operations.add_audio import Params as SoundParams
from shared.operations.caption import Params as CaptionParams
from tests.worker.operations.lone_item import LoneItem
from worker.media import encoder
from worker.media.captions.drawing.faces import FOLDER
from worker.media.captions.drawing.font_cache import environment
from worker.media.running import binary
from worker.media.running.capture import environment as base_environment
from worker.operations import add_audio, caption

CORES = 2
VIDEO, SOUND, TEXT = "https://bench.example/a.mp4", "https://bench.example/a.m4a", "https://bench.example/a.srt"
_CUE_S = 2


@dataclass(frozen=True, slots=True)
class Material:
    """The clip, a sound, subtitles for all of it, and a folder for what is made."""

    folder: Path
    video: Path
    sound: Path
    text: Path
    styled: Path
    """The subtitles as our own ASS file, so that the plain command draws the very same."""

    def item(self, threads: int, name: str = "item") -> LoneItem:
        """Return surroundings for one run."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return LoneItem(self.video, folder, threads, others={SOUND: self.sound, TEXT: self.text})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="15 s of 720p, fewer rounds")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART", help=f"of {', '.join(PARTS)}; all")
    asked = parser.parse_args()
    quick = asked.quick
    print(f"ffmpeg: {binary.find().reason}\n")
    size, length_s, rounds = ("1280x720", 15, 3) if quick else ("1920x1080", 60, 5)
    with tempfile.TemporaryDirectory(prefix="revela-bench-") as folder:
        material = _material(Path(folder), size, length_s)
        print(f"A clip of {length_s} s of {size} at 30 frames per second, H.264 and AAC, {_mib(material.video)}:\n")
        kept = [PARTS[name](material, rounds) for name in asked.parts or PARTS]
    sys.exit(0 if all(kept) else 1)


def _burn(material: Material, rounds: int) -> bool:
    options = encoder.arguments(encoder.X264, Quality.BALANCED, CORES)
    ways = {
        "burn": lambda: caption.run(_captions(), material.item(CORES)),
        "plain": lambda: _ffmpeg(material, "-i", material.video, "-vf", _filter(material), *_words(options), *_SOUND),
        "bare": lambda: _ffmpeg(material, "-i", material.video, *_words(options), *_SOUND),
    }
    timings = interleaved(ways, max(2, rounds - 2))
    _print("Captions burnt in", timings)
    ratio, share = timings.ratio("burn", "plain"), 100 * timings.ratio("bare", "burn")
    return _verdict(f"{ratio:.3f}× the plain command; {share:.0f} % of it is decoding and encoding", 1.05, ratio)


def _several(material: Material, rounds: int) -> bool:
    jobs = [partial(_one_captioned, material, f"item{n}") for n in range(CORES)]

    def together() -> None:
        with ThreadPoolExecutor(CORES) as pool:
            list(pool.map(lambda job: job(), jobs))

    ways: dict[str, Callable[[], object]] = {"together": together, "one by one": lambda: [job() for job in jobs]}
    timings = interleaved(ways, max(1, rounds - 3))
    _print(f"{CORES} clips, each with one encoder thread", timings)
    gain = timings.ratio("one by one", "together")
    decoding = "decoding and libass have threads of their own in both ways"
    return _verdict(f"{gain:.2f}× the throughput ({decoding})", 1.7, gain, at_least=True)


def _one_captioned(material: Material, name: str) -> None:
    caption.run(_captions(), material.item(1, name))


def _sound(material: Material, rounds: int) -> bool:
    options = _words(encoder.arguments(encoder.X264, Quality.BALANCED, CORES))
    both = ("-i", material.video, "-i", material.sound, "-map", "0:v", "-map", "1:a", "-shortest")
    aac = ("-c:a", "aac", "-b:a", "192k")
    ways = {
        "encoded": lambda: add_audio.run(_joined(volume=0.9), material.item(CORES)),
        "its command": lambda: _ffmpeg(material, *both, "-c:v", "copy", "-af", "volume=0.9", *aac),
        "copied": lambda: add_audio.run(_joined(), material.item(CORES)),
        "its command, too": lambda: _ffmpeg(material, *both, "-c", "copy"),
        "with the video": lambda: _ffmpeg(material, *both, *options, *aac),
    }
    timings = interleaved(ways, max(2, rounds - 2))
    _print("A sound replaced: encoded as AAC, and copied as it is AAC already", timings)
    kept = [
        _verdict(f"{kind}: {faster:.0f}× faster than encoding the video again", 40, faster, at_least=True)
        for kind in ("encoded", "copied")
        for faster in [timings.ratio("with the video", kind)]
    ]
    for kind, command in (("encoded", "its command"), ("copied", "its command, too")):
        ratio = timings.ratio(kind, command)
        kept.append(_verdict(f"{kind}: {ratio:.2f}× the single command", 1.2, ratio))
    return all(kept)


def _soft(material: Material, rounds: int) -> bool:
    ways: dict[str, Callable[[], object]] = {
        "soft": lambda: caption.run(_captions(mode="soft"), material.item(CORES)),
        "plain": lambda: _ffmpeg(material, "-i", material.video, "-i", material.text, "-c", "copy", "-c:s", "mov_text"),
        "copy": lambda: shutil.copyfile(material.video, material.folder / "copied.mp4"),
    }
    timings = interleaved(ways, rounds)
    _print("Captions as a track", timings)
    ratio = timings.ratio("soft", "copy")
    plain = timings.ratio("soft", "plain")
    return _verdict(f"{ratio:.2f}× copying the file ({plain:.2f}× the plain command)", 2.0, ratio)


def _preview(material: Material, rounds: int) -> bool:
    ways = {"preview": lambda: caption.run(_captions(preview_at_s=7.5), material.item(CORES))}
    timings = interleaved(ways, rounds)
    _print("One frame of it", timings)
    work_s = timings.worked_median("preview")
    return _verdict(f"{work_s:.2f} s of the processor's time", 1.0, work_s)


_SOUND = ("-c:a", "copy")


def _captions(**fields: object) -> CaptionParams:
    return CaptionParams.model_validate({"video": VIDEO, "subtitles": TEXT, **fields})


def _joined(**fields: object) -> SoundParams:
    return SoundParams.model_validate({"video": VIDEO, "audio": SOUND, **fields})


def _filter(material: Material) -> str:
    return f"ass=filename={material.styled}:fontsdir={FOLDER},format=yuv420p"


def _material(folder: Path, size: str, length_s: int) -> Material:
    """Make the clip: a moving picture with grain, so that the encoder has work to do, and pink noise."""
    video, sound, text = folder / "clip.mp4", folder / "sound.m4a", folder / "text.srt"
    picture = f"mandelbrot=s={size}:r=30:maxiter=60,noise=alls=6:allf=t"
    sources = ("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", "sine=f=440:r=48000")
    encoded = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-t", str(length_s))
    _run(*sources, *encoded, video)
    _run(
        "-f",
        "lavfi",
        "-i",
        f"anoisesrc=r=48000:a=0.1:c=pink:d={length_s}",
        "-ac",
        "2",
        "-c:a",
        "aac",
        "-b:a",
        "192k",
        sound,
    )
    cues = [
        f"{n + 1}\n{_time(n * _CUE_S)} --> {_time((n + 1) * _CUE_S - 0.1)}\nThis is caption {n + 1} of the clip\n"
        for n in range(length_s // _CUE_S)
    ]
    text.write_text("\n".join(cues))
    material = Material(folder, video, sound, text, folder / "styled.ass")
    caption.run(_captions(preview_at_s=1), material.item(CORES, "styled"))
    shutil.copyfile(folder / "styled" / "captions.ass", material.styled)
    return material


def _ffmpeg(material: Material, *words: str | Path) -> None:
    _run(*words, "-movflags", "+faststart", material.folder / "plain.mp4", material=material)


def _run(*words: str | Path, material: Material | None = None) -> None:
    fonts = environment() if material else {}
    argv = [binary.find(filters=("ass",)).path, "-nostdin", "-v", "error", "-y", *map(str, words)]
    subprocess.run(argv, check=True, env=base_environment(fonts))


def _words(options: Mapping[str, str | int]) -> list[str]:
    return [word for name, value in options.items() for word in (f"-{name}", str(value))]


def _time(seconds: float) -> str:
    return f"00:{int(seconds) // 60:02}:{int(seconds) % 60:02},{round(seconds % 1 * 1000):03}"


def _mib(path: Path) -> str:
    return f"{path.stat().st_size / (1 << 20):.1f} MiB"


def _print(title: str, timings: Timings) -> None:
    print(f"{title}:")
    for name, seconds in timings.seconds.items():
        print(f"  {name:12} {timings.median(name):7.3f} s  {[round(each, 3) for each in seconds]}")


def _verdict(said: str, aim: float, found: float, *, at_least: bool = False) -> bool:
    kept = found >= aim if at_least else found <= aim
    print(f"  {said} (aim {'≥' if at_least else '≤'} {aim}): {'kept' if kept else 'MISSED'}\n")
    return kept


PARTS: Mapping[str, Callable[[Material, int], bool]] = {
    "burn": _burn,
    "several": _several,
    "sound": _sound,
    "soft": _soft,
    "preview": _preview,
}


if __name__ == "__main__":
    main()
