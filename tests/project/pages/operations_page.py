"""`docs/operations.md`: each operation as its contract tells it."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from orchestrator.api.description.job_request import job_examples
from orchestrator.api.description.schemas import Schemas
from shared.catalogue import Catalogue
from shared.operation import AnyOperation
from shared.wire.job import MAX_ITEMS
from tests.project.pages.marked import sentence, table

Json = dict[str, Any]

_BOUNDS = (("minimum", "≥ {}"), ("exclusiveMinimum", "> {}"), ("maximum", "≤ {}"), ("exclusiveMaximum", "< {}"))
_PICTURES = {
    "probe": ("What is found in a film: one of its sounds begins late", "probe/tracks.png"),
    "add_audio": ("Two sounds, and what ducking makes of them", "sound/duck.png"),
    "caption": ("Four of eight styles, at three times; [more of captions](captions.md)", "captions/styles-1.jpg"),
    "img2vid": ("FFmpeg's zoompan and img2vid, frame by frame", "img2vid/landscape-4x3.jpg"),
}
"""What is seen of an operation: a caption and the file, where there is something to see."""
_LENGTHS = (
    ("minLength", "≥ {} characters"),
    ("maxLength", "≤ {} characters"),
    ("minItems", "≥ {}"),
    ("maxItems", "≤ {}"),
)


def operations() -> str:
    """Return a section for every operation that comes with Revela."""
    return "\n\n".join(_section(operation) for operation in Catalogue.discover().values())


def _section(operation: AnyOperation) -> str:
    params, result = operation.params.model_json_schema(), operation.result.model_json_schema(mode="serialization")
    return "\n\n".join(
        (
            f"## {operation.name}",
            sentence(operation.summary),
            *_picture(operation.name),
            "### Parameters",
            table(("parameter", "type", "range", "default", "meaning"), _parameters(params)),
            "### Files",
            table(
                ("slot", "file", "content type", "largest, with the example's parameters"),
                _files(operation, params),
            ),
            "### Result",
            "Reported in the item's `result`; what is named like a slot stands beside that file's link.",
            table(("field", "type", "meaning"), [(f"`{name}`", *rest) for name, *rest in _fields(result)]),
            "### Limits",
            _limits(operation),
            "### Example",
            f"```json\n{json.dumps(_examples(operation)[f'{operation.name}_batch']['value'], indent=2)}\n```",
        )
    )


def _picture(name: str) -> Iterator[str]:
    if name in _PICTURES:
        caption, file = _PICTURES[name]
        yield f"![{caption.partition(';')[0]}]({file})"
        yield f"{caption}."


def _limits(operation: AnyOperation) -> str:
    largest, longest_s = _size(operation.limits.max_input_bytes), operation.limits.timeout_s
    return (
        f"An input has at most {largest}, one item takes at most {longest_s:g} s, a job has at most {MAX_ITEMS} items."
    )


def _examples(operation: AnyOperation) -> Json:
    return job_examples(Schemas(), {operation.name: operation})


def _one_item(operation: AnyOperation) -> Json:
    item: Json = _examples(operation)[operation.name]["value"]["input"]
    return item


def _files(operation: AnyOperation, schema: Json) -> Iterator[tuple[str, ...]]:
    """Yield the files of the example's item, then those that another value of one parameter brings."""
    example, known = _one_item(operation), set[str]()
    for said, item in [("", example), *_variants(schema, example)]:
        try:
            slots = operation.slots(operation.params.model_validate(item))
        except ValidationError:  # this value wants others beside it
            continue
        for slot in slots:
            if slot.name not in known:
                yield f"`{slot.name}`{said}", f"`{slot.filename}`", f"`{slot.content_type}`", _size(slot.max_bytes)
        known |= {slot.name for slot in slots}


def _variants(root: Json, example: Json) -> Iterator[tuple[str, Json]]:
    """Yield the example with one parameter set otherwise, and the words for it: each choice, or the least number."""
    for name, field in root.get("properties", {}).items():
        schema = _resolved(field, root)
        for value in schema.get("enum", ()):
            yield f", with `{name}`: `{json.dumps(value)}`", {**example, name: value}
        if "minimum" in schema:
            yield f", with `{name}`", {**example, name: schema["minimum"]}
        if schema.get("type") == "boolean":
            yield f", with `{name}`", {**example, name: not schema.get("default", False)}


def _parameters(root: Json) -> Iterator[tuple[str, ...]]:
    for path, schema, required in _leaves(root, root):
        default = "**needed**" if required else f"`{json.dumps(schema['default'])}`" if "default" in schema else ""
        yield (
            f"`{path}`",
            _type(schema),
            _range(schema),
            default,
            sentence(schema["description"]) if "description" in schema else "",
        )


def _fields(root: Json) -> Iterator[tuple[str, str, str]]:
    for path, schema, _ in _leaves(root, root):
        yield path, _type(schema), sentence(schema["description"]) if "description" in schema else ""


def _leaves(schema: Json, root: Json, prefix: str = "") -> Iterator[tuple[str, Json, bool]]:
    """Yield (dotted name, schema, whether it is needed) of each field that holds no fields itself.

    A list of objects is followed by their fields, `name[].field`.
    """
    for name, field in schema.get("properties", {}).items():
        resolved = _resolved(field, root)
        if resolved.get("properties"):
            yield from _leaves(resolved, root, f"{prefix}{name}.")
            continue
        yield f"{prefix}{name}", resolved, name in schema.get("required", ())
        yield from _leaves(_resolved(resolved.get("items", {}), root), root, f"{prefix}{name}[].")


def _resolved(schema: Json, root: Json) -> Json:
    """Return a field with what it refers to; `X or null` is X."""
    if "anyOf" in schema:
        [*choices] = [choice for choice in schema["anyOf"] if choice.get("type") != "null"]
        if len(choices) == 1:
            return _resolved({**choices[0], **{key: value for key, value in schema.items() if key != "anyOf"}}, root)
    if "$ref" in schema:
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        return {**root["$defs"][schema["$ref"].rpartition("/")[2]], **beside}
    return schema


def _type(schema: Json) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("format") == "media-input":
        return "media input"
    return str(schema.get("type", "any"))


def _range(schema: Json) -> str:
    parts = [text.format(f"{schema[key]:g}") for key, text in _BOUNDS if key in schema]
    if schema.get("format") != "media-input":
        parts += [text.format(schema[key]) for key, text in _LENGTHS if key in schema]
    if "multipleOf" in schema:
        parts.append("even" if schema["multipleOf"] == 2 else f"a multiple of {schema['multipleOf']}")
    return ", ".join(parts)


def _size(size_bytes: int) -> str:
    return f"{size_bytes / (1 << 20):.4g} MiB"


PARTS: Mapping[str, Callable[[], str]] = {"operations": operations}
