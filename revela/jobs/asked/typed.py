"""A refusal that points at what was typed, where the server points into the request made of it."""

from typing import Any

from revela.client.errors import Refused
from shared.wire.problem import ProblemField


def as_typed(refused: Refused, request: dict[str, Any], *, from_images: bool) -> Refused:
    """Return the refusal of `request` with each pointer as words of the command line, the same fault only once."""
    faults = {
        (words_of(fault.pointer, request, from_images=from_images), fault.detail): None for fault in refused.errors
    }
    errors = [ProblemField(pointer=pointer, detail=detail) for pointer, detail in faults]
    typed = type(refused)(refused.problem.model_copy(update={"errors": errors}))
    typed.server = refused.server
    return typed


def words_of(pointer: str, request: dict[str, Any], *, from_images: bool) -> str:
    """Return what was typed for the place in `request` that a JSON pointer names."""
    match pointer.removeprefix("/").split("/"):
        case ["output_ttl_s" | "queue_ttl_s" as option]:
            return f"--{option.removesuffix('_s').replace('_', '-')}, in seconds"
        case ["labels" | "webhook" | "priority" as option, *field]:
            return " ".join(filter(None, (f"--{option.removesuffix('s')}", _dotted(field))))
        case ["operation"]:
            return str(request["operation"])
        case ["input" | "defaults", *field] if field:
            return f"--param {_dotted(field)}"
        case ["items", n, *field] if from_images and n.isdecimal():
            item = request["items"][int(n)]
            return f"--image {item['image']}" if field[:1] == ["image"] else f"--param {_dotted(field)}"
        case ["items", n, *field] if n.isdecimal():
            return " ".join(
                filter(None, (f"--items, item {int(n) + 1}{_name(request['items'][int(n)])}", _dotted(field)))
            )
    return pointer


def _name(item: Any) -> str:
    return f" ({item['id']})" if isinstance(item, dict) and "id" in item else ""


def _dotted(field: list[str]) -> str:
    return ".".join(part.replace("~1", "/").replace("~0", "~") for part in field)
