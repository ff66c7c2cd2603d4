"""Parameters as they are typed: `key=value`, where a dotted key reaches into what holds fields of its own."""

import json
from collections.abc import Iterable
from typing import Any

from revela.failures import UsageFault

Params = dict[str, Any]


def params_named(texts: Iterable[str]) -> Params:
    """Return the parameters of `KEY=VALUE` texts; `font.family=Inter` and `font={"italic": true}` are merged.

    A value is JSON where it reads as JSON, else the text itself. UsageFault for what is no such text, and for two
    different values of one parameter.
    """
    params: Params = {}
    for text in texts:
        name, value = _named(text)
        for part in reversed(name.split(".")):
            value = {part: value}
        _merge(params, value, "", name)
    return params


def _named(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not (equals and all(key.split("."))):
        raise UsageFault(f"--param {text}: write it as key=value")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def _merge(into: Params, more: Params, prefix: str, typed: str) -> None:
    """Put `more` into `into`, field by field where both hold fields; `typed` is the key that it was typed with."""
    for name, value in more.items():
        if name not in into:
            into[name] = value
        elif isinstance(into[name], dict) and isinstance(value, dict):
            _merge(into[name], value, f"{prefix}{name}.", typed)
        elif into[name] != value:
            first, second = json.dumps(into[name]), json.dumps(value)
            raise UsageFault(f"--param {typed}: {prefix}{name} can't be both {first} and {second}")
