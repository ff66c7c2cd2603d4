"""AAC, the sound that every player plays: how it is made."""

CODEC = "aac"
LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}
"""What players have; other sounds are brought to the next of them."""
_BITS_PER_CHANNEL = 96_000
_LEAST, _MOST = 128_000, 512_000


def channels(count: int) -> int:
    """Return how many channels a sound of so many gets."""
    return count if count < 2 else 2 if count < 6 else 6


def encoded(count: int, stream: str = "a") -> dict[str, str | int]:
    """Return the options that encode the sound `stream` (FFmpeg's specifier) of so many channels as players have them.

    Of FFmpeg's two searches for the quantizers, at rates as high as these, "fast" is the better and mostly the quicker
    one (FFmpeg's documentation of its AAC encoder; bench/media.py).
    """
    rate = min(max(_BITS_PER_CHANNEL * channels(count), _LEAST), _MOST)
    return {
        f"c:{stream}": CODEC,
        f"b:{stream}": rate,
        f"ac:{stream}": channels(count),
        f"aac_coder:{stream}": "fast",
    }
