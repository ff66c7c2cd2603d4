"""Sizes of files as people read them."""

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def human_size(size_bytes: int) -> str:
    """Return a size in the largest unit of which it is one or more: 5 GiB, 1.5 MiB, 812 bytes."""
    size, unit = float(size_bytes), 0
    while size >= 1024 and unit < len(_UNITS) - 1:
        size, unit = size / 1024, unit + 1
    return f"{size:.1f}".removesuffix(".0") + f" {_UNITS[unit]}"
