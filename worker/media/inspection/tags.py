"""What a file's tags say of when and where it was recorded."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from shared.media.facts import Location

_PLACE = re.compile(r"([+-]\d{1,2}(?:\.\d+)?)([+-]\d{1,3}(?:\.\d+)?)([+-]\d+(?:\.\d+)?)?")
"""ISO 6709, Annex H: degrees, as cameras write them."""
_PLACES = ("location", "com.apple.quicktime.location.iso6709", "location-eng")
_TIMES = ("com.apple.quicktime.creationdate", "creation_time", "date_utc")
_UNSET_YEAR = 1970
"""Muxers write the beginning of their time where they know none."""


def created_at(tags: Mapping[str, str]) -> str | None:
    """Return when a file was made, RFC 3339 in UTC; None where it does not say, or says nonsense."""
    known = {name.lower(): value for name, value in tags.items()}
    for name in _TIMES:
        try:
            when = datetime.fromisoformat(known.get(name, "").strip())
            when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
        except (ValueError, OverflowError):
            continue
        if when.year > _UNSET_YEAR:
            return when.strftime("%Y-%m-%dT%H:%M:%SZ")
    return None


def location_of(tags: Mapping[str, str]) -> Location | None:
    """Return where a file was recorded; None where it does not say, or names no place on Earth."""
    known = {name.lower(): value for name, value in tags.items()}
    for name in _PLACES:
        if place := _PLACE.match(known.get(name, "")):
            latitude, longitude, altitude = (None if part is None else float(part) for part in place.groups())
            if latitude is not None and longitude is not None and abs(latitude) <= 90 and abs(longitude) <= 180:
                return Location(latitude=latitude, longitude=longitude, altitude_m=altitude)
    return None
