"""What fontconfig found out about the bundled fonts, kept: finding it out takes as long as drawing a frame."""

import functools
import hashlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

from worker.media.captions.drawing.faces import CONFIGURATION, FOLDER
from worker.media.running import binary
from worker.media.running.capture import capture

_SUBTITLES = """[Script Info]
ScriptType: v4.00+
[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Noto Sans,20
[Events]
Format: Start, End, Style, Text
Dialogue: 0:00:00.00,0:00:01.00,Default,a
"""


def environment() -> dict[str, str]:
    """Return what libass must know: the bundled fonts alone, and where what was found out about them is kept."""
    return {"FONTCONFIG_FILE": str(CONFIGURATION), "XDG_CACHE_HOME": str(folder())}


@functools.cache
def folder() -> Path:
    """Return the folder that holds it, made at the first call by a drawing of our own; nobody else can write there.

    It lies among the temporary files under a name that tells fonts and user, so that the next worker finds it there.
    """
    place = Path(tempfile.gettempdir()) / f"revela-fonts-{os.getuid()}-{_version()}"
    if not _is_ours(place):
        fresh = Path(tempfile.mkdtemp(prefix=place.name))
        _fill(fresh)
        try:
            fresh.rename(place)
        except OSError:  # another worker was quicker, or somebody else's folder is in the way
            if not _is_ours(place):
                return fresh
            shutil.rmtree(fresh, ignore_errors=True)
    return place


def _version() -> str:
    """Return what changes with the fonts, with where they lie, and with the ffmpeg that reads them."""
    files = sorted((path.name, path.stat().st_mtime_ns) for path in FOLDER.iterdir())
    known = f"{FOLDER.resolve()} {binary.find(filters=('ass',)).path} {FOLDER.stat().st_mtime_ns} {files}"
    return hashlib.sha256(known.encode()).hexdigest()[:16]


def _is_ours(place: Path) -> bool:
    try:
        found = place.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077


def _fill(place: Path) -> None:
    """Let fontconfig look at every font, by drawing one letter."""
    subtitles = place / "letter.ass"
    subtitles.write_text(_SUBTITLES)
    picture = ("-f", "lavfi", "-i", "color=s=32x32:d=0.1", "-vf", f"ass=filename={subtitles}:fontsdir={FOLDER}")
    argv = [binary.find(filters=("ass",)).path, "-v", "error", *picture, "-frames:v", "1", "-f", "null", "-"]
    fonts = {"FONTCONFIG_FILE": str(CONFIGURATION), "XDG_CACHE_HOME": str(place)}
    capture(argv, timeout_s=60, further=fonts)
