"""What items report beside or instead of files, as a person reads it: a line for each value, long lists cut short."""

from collections.abc import Iterator, Sequence
from typing import Any

from shared.wire.job import ItemView

MOST_ENTRIES = 10
"""Of a list, and of a job's items, so many are shown."""
_INDENT = "  "


def reports_only(item: ItemView) -> bool:
    """Whether an item's result is data alone: it has reported something, and made no file."""
    return bool(item.result) and not item.output


def data_lines(items: Sequence[ItemView]) -> Iterator[str]:
    """Yield the data of items that made no files, each below its item's id; nothing where there are none."""
    telling = [item for item in items if reports_only(item)]
    for item in telling[:MOST_ENTRIES]:
        yield item.id
        yield from _fields(item.result, _INDENT)
    yield from _rest(telling, "")


def _fields(fields: dict[str, Any], indent: str) -> Iterator[str]:
    """Yield a line for each field, and its own below it; what is null or empty is left out."""
    for name, value in fields.items():
        match value:
            case None | []:
                continue
            case dict() if not value:
                continue
            case dict():
                yield f"{indent}{name}"
                yield from _fields(value, indent + _INDENT)
            case list() if any(isinstance(entry, dict | list) for entry in value):
                yield f"{indent}{name}"
                yield from _entries(value, indent + _INDENT)
            case list():
                shown = ", ".join(map(_scalar, value[:MOST_ENTRIES]))
                yield f"{indent}{name}: {', '.join([shown, *_rest(value, '')])}"
            case _:
                yield f"{indent}{name}: {_scalar(value)}"


def _entries(entries: list[Any], indent: str) -> Iterator[str]:
    """Yield a list's entries, each begun by a dash."""
    for entry in entries[:MOST_ENTRIES]:
        lines = list(_fields(entry, "")) if isinstance(entry, dict) else [_scalar(entry)]
        for n, line in enumerate(lines or ["(nothing)"]):
            yield f"{indent}{'  ' if n else '- '}{line}"
    yield from _rest(entries, indent)


def _rest(entries: Sequence[Any], indent: str) -> Iterator[str]:
    if len(entries) > MOST_ENTRIES:
        yield f"{indent}… and {len(entries) - MOST_ENTRIES} more"


def _scalar(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case str():
            return value
    return str(value)
