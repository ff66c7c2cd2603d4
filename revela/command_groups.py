"""The order of the commands on the first screen of help: by what somebody wants, not by alphabet."""

from typing import Any

from typer.core import TyperGroup

SECTIONS = {
    "See it work": ("demo", "doctor"),
    "Give jobs to a server": ("submit", "job", "jobs", "operations"),
    "Run a server and its workers": ("serve", "keys", "worker", "migrate"),
}


class SectionedCommands(TyperGroup):
    """A group whose help lists its commands in sections."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - typer's
        """Write one list of commands for each section."""
        width = formatter.width - 6 - max(map(len, self.commands))
        for section, names in SECTIONS.items():
            with formatter.section(section):
                formatter.write_dl([(name, self.commands[name].get_short_help_str(width)) for name in names])
