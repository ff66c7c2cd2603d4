"""Make the bundled fonts from the families' own files: `python infra/fonts/make_fonts.py SOURCES TARGET`.

SOURCES holds the unpacked npm packages @expo-google-fonts/NAME, each in a folder NAME; fontTools is needed. Fonts are
cut to the scripts they are here for and given one height: libass measures a font's size by its ascent and descent, so
that each family, and each stand-in for what it lacks, would else have another size and another baseline.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

from fontTools.subset import Options, Subsetter, load_font, save_font

ASCENT, DESCENT = 1.1, 0.4
"""As in worker/media/captions/drawing/faces.py."""
_MARKS = ("ccmp", "locl", "mark", "mkmk", "kern")
_JOINING = ("rlig", "init", "medi", "fina", "isol", "med2", "fin2", "fin3", "calt", "rclt", "curs", "liga")
_EUROPEAN = (
    (0x20, 0x7E), (0xA0, 0x24F), (0x2B0, 0x52F), (0x1E00, 0x1EFF), (0x2000, 0x209F), (0x20A0, 0x20C0), (0x2100, 0x214F),
    (0x2190, 0x2199), (0x2200, 0x22FF), (0x25A0, 0x25FF), (0x2660, 0x266F), (0x2713, 0x2717), (0xFB00, 0xFB04),
    (0xFFFC, 0xFFFD),
)  # fmt: skip
_FURTHER_LATIN = (0x250, 0x2AF)
"""Azerbaijani's and many African languages' letters; their capitals stand among the European ones."""
_ARABIC = (
    (0x20, 0x20),
    (0xA0, 0xA0),
    (0x25CC, 0x25CC),
    (0x600, 0x8FF),
    (0x2000, 0x206F),
    (0xFB50, 0xFDFF),
    (0xFE70, 0xFEFE),
)
_HEBREW = (
    (0x20, 0x20),
    (0xA0, 0xA0),
    (0x20AA, 0x20AA),
    (0x25CC, 0x25CC),
    (0x590, 0x5FF),
    (0x2000, 0x206F),
    (0xFB1D, 0xFB4F),
)
_NOTES = ((0x2669, 0x266F),)
_SIGNS = ((0x25A0, 0x25FF), (0x2605, 0x2606), (0x2610, 0x2612), (0x2713, 0x2718))
_EVERYTHING = ((0, 0x10FFFF),)
_HOMES = {0x200C: "NotoSansArabic", 0x200D: "NotoEmoji", 0xFE0E: "NotoEmoji", 0xFE0F: "NotoEmoji", 0x20E3: "NotoEmoji"}
"""Where a character that joins others may be: libass would else take it from another font, and so cut what it joins."""
_MONGOLIAN_VOWEL_SEPARATOR = 0x180E
"""Given to the emoji font without shape and width: faces.SCRIPT_OF_EMOJI says what for."""

Ranges = Iterable[tuple[int, int]]
FONTS: dict[str, tuple[str, Ranges, tuple[str, ...]]] = {
    **{
        f"{stem}-{weight}": (f"{package}/{folder}", ranges, features)
        for stem, package, ranges, features in (
            ("Inter", "inter", _EUROPEAN, _MARKS),
            ("Roboto", "roboto", _EUROPEAN, (*_MARKS, "liga", "calt")),
            ("Montserrat", "montserrat", _EUROPEAN, _MARKS),
            ("NotoSans", "noto-sans", (*_EUROPEAN, _FURTHER_LATIN), (*_MARKS, "liga", "calt")),
            ("NotoSansArabic", "noto-sans-arabic", _ARABIC, (*_MARKS, *_JOINING)),
            ("NotoSansHebrew", "noto-sans-hebrew", _HEBREW, (*_MARKS, *_JOINING)),
        )
        for weight, folder in (("Regular", "400Regular"), ("Bold", "700Bold"))
    },
    "Anton-Regular": ("anton/400Regular", _EUROPEAN, (*_MARKS, "liga", "calt")),
    "BebasNeue-Regular": ("bebas-neue/400Regular", _EUROPEAN, (*_MARKS, "liga", "calt")),
    "NotoEmoji-Bold": ("noto-emoji/700Bold", _EVERYTHING, (*_MARKS, *_JOINING)),
    "NotoSansSymbols-Bold": ("noto-sans-symbols/700Bold", _NOTES, _MARKS),
    "NotoSansSymbols2-Regular": ("noto-sans-symbols-2/400Regular", _SIGNS, _MARKS),
}


def make(source: Path, target: Path, ranges: Ranges, features: tuple[str, ...]) -> None:
    """Write one font."""
    options = Options(
        hinting=False, notdef_outline=True, name_IDs=["*"], name_languages=["*"], recalc_timestamp=False,
        layout_features=list(features), drop_tables=[*Options().drop_tables, "DSIG", "STAT"],
    )  # fmt: skip
    font = load_font(str(source), options)
    wanted = {code for code in font.getBestCmap() if any(low <= code <= high for low, high in ranges)}
    wanted -= {code for code, home in _HOMES.items() if not target.stem.startswith(f"{home}-")}
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=wanted)
    subsetter.subset(font)
    if target.stem.startswith("NotoEmoji-"):
        joiner = font.getBestCmap()[0x200D]
        for table in font["cmap"].tables:
            if table.isUnicode() and table.format != 14:
                table.cmap[_MONGOLIAN_VOWEL_SEPARATOR] = joiner
    ascent, descent = (round(part * font["head"].unitsPerEm) for part in (ASCENT, DESCENT))
    windows, horizontal = font["OS/2"], font["hhea"]
    windows.usWinAscent, windows.usWinDescent = ascent, descent
    windows.sTypoAscender, windows.sTypoDescender, windows.sTypoLineGap = ascent, -descent, 0
    horizontal.ascent, horizontal.descent, horizontal.lineGap = ascent, -descent, 0
    save_font(font, str(target), options)


if __name__ == "__main__":
    sources, targets = Path(sys.argv[1]), Path(sys.argv[2])
    for name, (folder, ranges, features) in FONTS.items():
        [source] = (sources / folder).glob("*.ttf")
        make(source, targets / f"{name}.ttf", ranges, features)
