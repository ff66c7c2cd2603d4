"""Languages of subtitle tracks: MP4 holds ISO 639-2 codes of three letters; the usual ones of two are translated."""

from typing import Annotated

from pydantic import AfterValidator, Field

_THREE = {
    "ar": "ara", "bg": "bul", "bn": "ben", "ca": "cat", "cs": "ces", "da": "dan", "de": "deu", "el": "ell", "en": "eng",
    "es": "spa", "et": "est", "eu": "eus", "fa": "fas", "fi": "fin", "fr": "fra", "gl": "glg", "he": "heb", "hi": "hin",
    "hr": "hrv", "hu": "hun", "id": "ind", "is": "isl", "it": "ita", "ja": "jpn", "ka": "kat", "ko": "kor", "lt": "lit",
    "lv": "lav", "ms": "msa", "nb": "nob", "nl": "nld", "nn": "nno", "no": "nor", "pl": "pol", "pt": "por", "ro": "ron",
    "ru": "rus", "sk": "slk", "sl": "slv", "sq": "sqi", "sr": "srp", "sv": "swe", "ta": "tam", "te": "tel", "th": "tha",
    "tr": "tur", "uk": "ukr", "ur": "urd", "vi": "vie", "zh": "zho",
}  # fmt: skip


def _three_letters(tag: str) -> str:
    code = tag.partition("-")[0]
    if len(code) == 2 and code not in _THREE:
        raise ValueError("is no language of two letters that is known here; name it by its three letters (ISO 639-2)")
    return _THREE.get(code, code)


Language = Annotated[
    str,
    Field(pattern="^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35, examples=["pt"]),
    AfterValidator(_three_letters),
]
"""A code of three letters; one of two is taken, too, and one with a region (BCP 47), which an MP4 can't hold."""
