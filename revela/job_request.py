"""From what stands on the command line to the body of ``POST /v1/jobs``."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from revela.failures import UsageFault
from shared.wire.status import Status


def job_request(operation: str, params: Sequence[str], images: Sequence[str], items: str | None) -> dict[str, Any]:
    """Return the request: one item per image or entry of `items`, with `params` (`key=value`) as their defaults.

    Without images and items there is one item, made of `params` alone. UsageFault for a text that can't be read.
    """
    if images and items is not None:
        raise UsageFault("give either --image or --items")
    named = dict(_param(text) for text in params)
    if images:
        entries = [{"id": f"img-{n:03}", "image": image} for n, image in enumerate(images, 1)]
        return {"operation": operation, "items": entries, "defaults": named}
    if items is not None:
        return {"operation": operation, "items": _read_items(items), "defaults": named}
    return {"operation": operation, "input": named}


def _param(text: str) -> tuple[str, Any]:
    """Return (key, value) of `key=value`; the value is JSON where it reads as JSON, else the text itself."""
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise UsageFault(f"--param {text}: write it as key=value")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


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
