"""Media inputs: text in Params that names a file, found by its type wherever it stands."""

import re
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

Scheme = Literal["https", "http", "upload", "output"]

_FORMS = (
    re.compile(r"https?://[^\s\\\x00-\x1f\x7f]{1,2040}", re.IGNORECASE),
    re.compile(r"upload://[A-Za-z0-9_]{1,64}"),
    re.compile(r"output://job_[0-9A-Z]{26}/[A-Za-z0-9._-]{1,128}/[a-z0-9_]{1,64}"),
)
_PATTERN = (
    r"^([Hh][Tt][Tt][Pp][Ss]?://[^\s\\]{1,2040}|upload://[A-Za-z0-9_]{1,64}"
    r"|output://job_[0-9A-Z]{26}/[A-Za-z0-9._-]{1,128}/[a-z0-9_]{1,64})$"
)
"""The three forms as JSON Schema says them, which knows no flags."""
_HELP = "an https:// (or http://) address, upload://ID, or output://JOB/ITEM/SLOT"


class MediaInput(str):
    """A file to work on: an ``https``/``http`` URL, ``upload://id`` or ``output://job/item/slot``.

    Only the form is checked here; whether the address may be reached is for
    `shared.fetch_guard.check_address`, and whether the file is there for whoever fetches it.
    """

    __slots__ = ()

    @property
    def scheme(self) -> Scheme:
        """Return which of the four kinds this is."""
        return self.partition(":")[0].lower()  # type: ignore[return-value]

    @property
    def is_url(self) -> bool:
        """Whether the caller named an address, so that the fetch guard applies."""
        return self.scheme in ("https", "http")

    @classmethod
    def parse(cls, value: str) -> "MediaInput":
        """Return `value` as a media input; ValueError for any other form."""
        if not any(form.fullmatch(value) for form in _FORMS):
            raise ValueError(f"must be {_HELP}")
        return cls(value)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(
            cls.parse,
            core_schema.str_schema(max_length=2048, strict=True),
            serialization=core_schema.to_string_ser_schema(),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {
            "type": "string",
            "format": "media-input",
            "maxLength": 2048,
            "pattern": _PATTERN,
            "description": f"A file: {_HELP}.",
            "examples": ["https://example.com/photo.jpg"],
        }


def media_inputs(value: Any, pointer: str = "") -> Iterator[tuple[str, MediaInput]]:
    """Yield (JSON pointer, media input) for each one in validated Params, nested and in lists too."""
    match value:
        case MediaInput():
            yield pointer, value
        case BaseModel():
            for name in type(value).model_fields:
                yield from media_inputs(getattr(value, name), f"{pointer}/{name}")
        case dict():
            for key, entry in value.items():
                yield from media_inputs(entry, f"{pointer}/{key}")
        case list() | tuple():
            for index, entry in enumerate(value):
                yield from media_inputs(entry, f"{pointer}/{index}")
