"""How a video's numbers stand for colours: H.273's numbers by FFmpeg's names, and which HDR they are."""

from typing import Any

from av.sidedata.sidedata import Type as SideData

from shared.media.facts import ColourFacts, Hdr

_UNSPECIFIED = 2

_PRIMARIES = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    9: "bt2020",
    11: "smpte431",
    12: "smpte432",
}
_TRANSFERS = {
    1: "bt709",
    4: "gamma22",
    5: "gamma28",
    6: "smpte170m",
    7: "smpte240m",
    8: "linear",
    11: "iec61966-2-4",
    13: "iec61966-2-1",
    14: "bt2020-10",
    15: "bt2020-12",
    16: "smpte2084",
    18: "arib-std-b67",
}
_MATRICES = {0: "gbr", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 9: "bt2020nc", 10: "bt2020c"}
_DOLBY_TAGS = ("dvh1", "dvhe", "dav1")
_RANGES = {1: "limited", 2: "full"}
"""H.273's numbers by FFmpeg's names."""


def colour(context: Any) -> ColourFacts:
    """Return what the codec's context says of colours."""
    return ColourFacts(
        primaries=_PRIMARIES.get(int(context.color_primaries)),
        transfer=_TRANSFERS.get(int(context.color_trc)),
        matrix=_MATRICES.get(int(context.colorspace)) if int(context.colorspace) != _UNSPECIFIED else None,
        range=_RANGES.get(int(context.color_range)),
    )


def hdr(context: Any, frame: Any) -> Hdr | None:
    """Return the kind of high dynamic range; None for the standard one."""
    beside = {data.type for data in frame.side_data}
    if context.codec_tag in _DOLBY_TAGS or SideData.DOVI_METADATA in beside:
        return "dolby_vision"
    match _TRANSFERS.get(int(context.color_trc)):
        case "smpte2084":
            return "hdr10"
        case "arib-std-b67":
            return "hlg"
        case _:
            return None
