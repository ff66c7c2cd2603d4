"""Where subtitles come from: a file, named as any media input, or the text itself in the request."""

import functools
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from shared.captions.syntax import checked
from shared.errors import SubtitleLimits, SubtitleSyntax
from shared.wire.media_input import MediaInput

MAX_INLINE_BYTES = 64 << 10
"""Params are stored and sent with each item; what is larger is better uploaded once."""
_INLINE_SIGNS = ("\n", "-->", "[", "{")
_checked_lately = functools.lru_cache(maxsize=16)(checked)
"""A job's items may share the subtitles in its defaults, up to sixteen tracks of them: they are read once."""


def _source(written: str) -> str:
    if not any(sign in written for sign in _INLINE_SIGNS):
        return MediaInput.parse(written)
    if "\n" not in written and "://" in written[:9]:
        return MediaInput.parse(written)
    if len(written.encode(errors="replace")) > MAX_INLINE_BYTES:
        raise ValueError(f"subtitles in the request have at most {MAX_INLINE_BYTES >> 10} KiB; upload a larger file")
    try:
        _checked_lately(written)
    except (SubtitleSyntax, SubtitleLimits) as refused:
        raise ValueError(f"{refused.detail} ({refused.code})") from refused
    return written


def _written(value: Any) -> Any:
    if isinstance(value, dict | list):
        raise ValueError("words as JSON are given as text, in a string, or as a file")  # noqa: TRY004 - pydantic's way
    return value


def _schema(schema: dict[str, Any]) -> None:
    schema["examples"] = ["https://example.com/captions.srt"]


SubtitleSource = Annotated[
    str,
    Field(min_length=1, max_length=MAX_INLINE_BYTES, json_schema_extra=_schema),
    AfterValidator(_source),
    BeforeValidator(_written),
]
"""A `MediaInput`, or a plain `str` that holds the subtitles and was found good."""
