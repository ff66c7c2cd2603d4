"""Which font families captions can be set in, from the data file beside this module; the fonts are the worker's."""

import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field

_DOCUMENT: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))

FAMILIES: tuple[str, ...] = tuple(_DOCUMENT["families"])
DEFAULT_FAMILY: str = _DOCUMENT["default"]


def has_bold(family: str) -> bool:
    """Whether there is a bold face of `family`; the display families have a single, heavy one."""
    return "bold" in _DOCUMENT["families"][family]["weights"]


def _known(name: str) -> str:
    by_lowercase = {family.lower(): family for family in FAMILIES}
    if (family := by_lowercase.get(name.strip().lower())) is None:
        raise ValueError(f"there is no font family of this name here; there are: {', '.join(FAMILIES)}")
    return family


Family = Annotated[str, Field(max_length=64, json_schema_extra={"enum": list(FAMILIES)}), AfterValidator(_known)]
"""The name of a family, in any case of letters; another is refused with the names that there are."""
