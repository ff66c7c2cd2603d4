"""What the worker's side needs of this machine: Python, ffmpeg, encoders, GPU, the SDK, picture formats."""

import importlib.metadata
import platform
import subprocess
import sys
from io import BytesIO

from revela.doctor.finding import Finding, State
from shared.errors import EncodeFailed

_SETUP = "run make setup again"


def check_python() -> Finding:
    """Python is new enough."""
    state = State.WORKS if sys.version_info >= (3, 11) else State.BROKEN
    return Finding("Python", state, platform.python_version(), "" if state is State.WORKS else "install Python 3.11")


def check_ffmpeg() -> Finding:
    """An ffmpeg with what is needed is found."""
    from worker.media.running import binary

    try:
        found = binary.find()
    except EncodeFailed as failure:
        return Finding(
            "ffmpeg", State.BROKEN, failure.detail, "install ffmpeg with libx264, or name it in REVELA_FFMPEG"
        )
    return Finding("ffmpeg", State.WORKS, f"{found.path} ({found.reason})")


def check_encoder() -> Finding:
    """An encoder encodes a frame; NVENC is tried, and x264 does its work where it fails."""
    from worker.media import encoder

    try:
        chosen = encoder.choose()
    except EncodeFailed as failure:
        return Finding("encoder", State.BROKEN, failure.detail, "install an ffmpeg with libx264")
    return Finding("encoder", State.WORKS, f"{chosen.name} ({chosen.reason})")


def check_confinement() -> Finding:
    """A confined process can neither read others' files nor open a socket."""
    from worker.media.running import confinement

    found = confinement.report()
    state = State.WORKS if found.whole else State.ABSENT
    mend = "" if found.whole else "use Linux 5.13 or newer, with Landlock and seccomp"
    return Finding("confinement", state, found.reason, mend)


def check_gpu() -> Finding:
    """The driver lists a GPU."""
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return Finding("GPU", State.ABSENT, "no NVIDIA GPU here, the CPU does the work")
    return Finding("GPU", State.WORKS, listed.strip().replace("\n", "; "))


def check_sdk() -> Finding:
    """The RunPod SDK is there and can be imported."""
    try:
        import runpod.serverless  # noqa: F401 - that it imports is what is asked

        return Finding("RunPod SDK", State.WORKS, importlib.metadata.version("runpod"))
    except ImportError as missing:
        return Finding("RunPod SDK", State.BROKEN, str(missing), _SETUP)


def check_pictures() -> Finding:
    """HEIC and AVIF pictures, made here, are read back."""
    import pillow_heif
    from PIL import Image

    pillow_heif.register_heif_opener()
    unread = []
    for name in ("HEIF", "AVIF"):
        file = BytesIO()
        try:
            Image.new("RGB", (64, 64), "orange").save(file, name)
            with Image.open(file) as picture:
                picture.load()
        except (OSError, KeyError, ValueError):
            unread.append(name)
    if unread:
        return Finding("HEIC, AVIF", State.BROKEN, f"can't read {' and '.join(unread)}", _SETUP)
    return Finding("HEIC, AVIF", State.WORKS, "a picture of each was read")
