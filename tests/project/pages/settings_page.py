"""What `docs/settings.md` says of each variable, from the settings and the commands that read it."""

from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Any

import typer
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from orchestrator.settings import Settings
from revela.cli import app
from tests.project.pages.marked import sentence, table
from worker.settings import WorkerSettings

_HEADER = ("variable", "default", "meaning")


def environment_names(settings: type[BaseSettings]) -> dict[str, FieldInfo]:
    """Return each field by its environment variable."""
    prefix = settings.model_config.get("env_prefix", "")
    return {
        field.validation_alias if isinstance(field.validation_alias, str) else f"{prefix}{name}".upper(): field
        for name, field in settings.model_fields.items()
    }


def settings_table(settings: type[BaseSettings]) -> str:
    """Return the table of a settings object."""
    return table(_HEADER, [_row(name, field) for name, field in environment_names(settings).items()])


def commands_table() -> str:
    """Return the table of the variables that only commands read, each once."""
    known = {*environment_names(Settings), *environment_names(WorkerSettings)}
    options: dict[str, Any] = {}
    for option in _options(typer.main.get_command(app)):
        if isinstance(option.envvar, str) and option.envvar not in known:
            options.setdefault(option.envvar, option)
    rows = [
        (f"`{name}`", f"`{option.default}`" if isinstance(option.default, str) else "", sentence(option.help or ""))
        for name, option in options.items()
    ]
    return table(_HEADER, rows)


def _row(name: str, field: FieldInfo) -> tuple[str, str, str]:
    """Return a setting's row; a description that ends in `; default: …` says itself what holds without it."""
    meaning, _, default = (field.description or "").partition("; default: ")
    return f"`{name}`", default or _default(field), sentence(meaning)


def _default(field: FieldInfo) -> str:
    match field.default:
        case None | "" | ():
            return ""
        case bool():
            return f"`{str(field.default).lower()}`"
        case Enum():
            return f"`{field.default.value}`"
        case default:
            return f"`{default}`"


def _options(command: Any) -> Iterator[Any]:
    """Yield the options of a command (typer's own kind of click's) and of those below it."""
    yield from (parameter for parameter in command.params if parameter.param_type_name == "option")
    for below in getattr(command, "commands", {}).values():
        yield from _options(below)


PARTS: Mapping[str, Callable[[], str]] = {
    "server": lambda: settings_table(Settings),
    "worker": lambda: settings_table(WorkerSettings),
    "commands": commands_table,
}
