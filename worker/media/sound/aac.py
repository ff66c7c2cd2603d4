"""AAC, the sound that every player plays: how it is made."""

CODEC = "aac"
_BITS_PER_CHANNEL = 96_000
_LEAST, _MOST = 128_000, 512_000


def encoded(channels: int, stream: str = "a") -> dict[str, str | int]:
    """Return the options that encode the sound `stream` (a stream specifier of FFmpeg's) of so many channels.

    Of FFmpeg's two searches for the quantizers, at rates as high as these, "fast" is the better and mostly the quicker
    one (FFmpeg's documentation of its AAC encoder; bench/media.py).
    """
    rate = min(max(_BITS_PER_CHANNEL * channels, _LEAST), _MOST)
    return {f"c:{stream}": CODEC, f"b:{stream}": rate, f"aac_coder:{stream}": "fast"}
