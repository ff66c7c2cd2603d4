"""What img2vid is measured against: the documented ffmpeg command, and encoding alone."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from worker.media import encoder
from worker.media.running import binary

CENTRED = ":x='iw/2-(iw/zoom/2)':y='ih/2-(ih/zoom/2)'"


def documented(photo: Path, target: Path, options: encoder.Arguments, *, centred: bool, fps: int = 24) -> None:
    """Run the widely copied zoompan command on the photo, with our encoder options; as written it zooms to a corner."""
    place = CENTRED if centred else ""
    zoompan = f"zoompan=z='min(1+0.324*on/120,1.324)':d=120:s=1920x1080:fps={fps}{place}"
    filters = f"scale=6720:3840:flags=lanczos,{zoompan},format=yuv420p"
    source = ["-framerate", str(fps), "-loop", "1", "-i", str(photo)]
    _run([*source, "-vf", filters, *_options(options), "-t", "5", "-movflags", "+faststart", str(target)])


def bare(raw: Path, target: Path, video: encoder.RawVideo, options: encoder.Arguments) -> None:
    """Encode finished raw frames from a file by the very command that img2vid uses."""
    argv = encoder.command(binary.find().path, video, target, options)
    subprocess.run([{"pipe:0": f"file:{raw}", "pipe": "file"}.get(part, part) for part in argv], check=True)


def _options(options: encoder.Arguments) -> list[str]:
    names = {"vcodec": "c:v"}
    return [part for name, value in options.items() for part in (f"-{names.get(name, name)}", str(value))]


def _run(arguments: Sequence[str]) -> None:
    quiet = ["-hide_banner", "-nostdin", "-loglevel", "error", "-y"]
    subprocess.run([binary.find().path, *quiet, *arguments], check=True)
