"""From what stands on the command line to the body of ``POST /v1/jobs``."""

import json
import re
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from revela.client.downloads.file_names import distinct_names
from revela.failures import UsageFault
from revela.jobs.asked.params import params_named
from revela.keeping.spans import KEEP
from shared.wire.status import Status

_SPAN = re.compile(r"(\d{1,9})([smhdw])")
_SPAN_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def job_request(
    operation: str, params: Sequence[str], images: Sequence[str], items: str | None, **further: Any
) -> dict[str, Any]:
    """Return the request: one item per image or entry of `items`, with `params` (`key=value`) as their defaults.

    `further` fields of the request are left out where they are None or empty; KEEP is the request's null.

    An image's item has the image's file name as id, without its extension and with -2, -3, … where two would be alike.
    Without images and items there is one item, made of `params` alone. UsageFault for a text that can't be read.
    """
    if images and items is not None:
        raise UsageFault("give either --image or --items")
    named = params_named(params)
    others = {
        name: None if value == KEEP and name == "output_ttl_s" else value for name, value in further.items() if value
    }
    if images:
        ids = distinct_names(map(_file_stem, images), "image")
        entries = [{"id": item_id, "image": image} for item_id, image in zip(ids, images, strict=True)]
        return {"operation": operation, "items": entries, "defaults": named, **others}
    if items is not None:
        return {"operation": operation, "items": _read_items(items), "defaults": named, **others}
    return {"operation": operation, "input": named, **others}


def _file_stem(address: str) -> str:
    """Return the name at the end of an address without its extension; empty where there is none."""
    try:
        parts = urlsplit(address.removeprefix("@"))
    except ValueError:
        return ""
    return Path(unquote(parts.path).rstrip("/") or parts.netloc).stem


def _read_items(source: str) -> list[Any]:
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text()
    except (OSError, UnicodeDecodeError) as failed:
        raise UsageFault(f"--items {source}: {getattr(failed, 'strerror', None) or 'not a text file'}") from failed
    try:
        items = json.loads(text)
    except ValueError as failed:
        raise UsageFault(f"--items {source}: not JSON: {failed}") from failed
    if not isinstance(items, list):
        raise UsageFault(f"--items {source}: must be a JSON list of items")
    return items


def status_named(text: str) -> Status:
    """Return the status of that name, in any case; UsageFault lists them all."""
    try:
        return Status(text.upper())
    except ValueError:
        raise UsageFault(f"--status {text}: one of {', '.join(Status)}") from None


def labels_named(texts: Sequence[str]) -> dict[str, str]:
    """Return the labels of `NAME=VALUE` texts; UsageFault."""
    labels = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise UsageFault(f"--label {text}: write it as NAME=VALUE")
        labels[name] = value
    return labels


def moment_named(option: str, text: str, now: datetime) -> datetime:
    """Return the time that a text names: so long before `now` (90s, 15m, 2h, 3d, 1w), or a date or time in ISO 8601.

    One without a zone is this machine's. UsageFault.
    """
    span = _SPAN.fullmatch(text)
    try:
        if span is not None:
            return now - timedelta(**{_SPAN_UNITS[span[2]]: int(span[1])})
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise UsageFault(f"{option} {text}: write it as 90s, 15m, 2h, 3d, 1w, or as 2026-01-31T12:00:00Z") from None
