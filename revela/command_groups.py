"""How the commands are shown and run: their order on the first screen of help, an example each, a reader that left."""

import sys
from typing import Any

from typer.core import TyperGroup

SECTIONS = {
    "See it work": ("demo", "doctor"),
    "Give jobs to a server": (
        "submit",
        "upload",
        "uploads",
        "job",
        "jobs",
        "events",
        "download",
        "cancel",
        "retry",
        "delete",
        "webhooks",
        "operations",
    ),
    "Keep what would go": ("pin", "unpin", "hold", "release", "audit"),
    "Run a server and its workers": ("serve", "keys", "tenants", "storage", "worker", "migrate"),
}


EXAMPLES = {
    "demo": "revela demo holiday.jpg --output videos",
    "doctor": "revela doctor",
    "submit": "revela submit img2vid --image https://example.com/beach.jpg --param duration_s=3 --output videos",
    "upload": "revela upload holiday.mp4 beach.jpg",
    "uploads list": "revela uploads list --state completed",
    "uploads delete": "revela uploads delete upl_01K9ZV6Q0S8M7D3X5B2C4F6G8H",
    "job": "revela job job_01K9ZV6Q0S8M7D3X5B2C4F6G8H --wait",
    "jobs": "revela jobs --label order=A-17 --since 2h",
    "events": "revela events job_01K9ZV6Q0S8M7D3X5B2C4F6G8H --json",
    "download": "revela download job_01K9ZV6Q0S8M7D3X5B2C4F6G8H videos",
    "cancel": "revela cancel job_01K9ZV6Q0S8M7D3X5B2C4F6G8H",
    "retry": "revela retry job_01K9ZV6Q0S8M7D3X5B2C4F6G8H --wait",
    "delete": "revela delete job_01K9ZV6Q0S8M7D3X5B2C4F6G8H",
    "pin": "revela pin job_01K9ZV6Q0S8M7D3X5B2C4F6G8H",
    "unpin": "revela unpin job_01K9ZV6Q0S8M7D3X5B2C4F6G8H",
    "hold": "revela hold job_01K9ZV6Q0S8M7D3X5B2C4F6G8H --reason 'Case 4711'",
    "release": "revela release job_01K9ZV6Q0S8M7D3X5B2C4F6G8H",
    "audit": "revela audit --action job.deleted",
    "operations": "revela operations img2vid",
    "serve": "revela serve --workers 1",
    "worker": "revela worker --url http://10.0.0.5:3000 --id box-1 --token rvw_…",
    "migrate": "revela migrate --data-dir data",
    "keys create": "revela keys create shop --tenant acme --expires 30d",
    "keys list": "revela keys list --tenant acme",
    "keys revoke": "revela keys revoke k7m2x9qwer45",
    "keys worker": "revela keys worker box-1",
    "tenants list": "revela tenants list",
    "tenants suspend": "revela tenants suspend acme",
    "tenants resume": "revela tenants resume acme",
    "tenants sources": "revela tenants sources acme media.example '*.cdn.example'",
    "storage check": "revela storage check --grace 7d",
    "storage lifecycle": "revela storage lifecycle --abort-days 8",
    "webhooks listen": "revela webhooks listen 8000",
    "webhooks deliveries": "revela webhooks deliveries job_01K9ZV6Q0S8M7D3X5B2C4F6G8H",
    "webhooks redeliver": "revela webhooks redeliver evt_01K9ZV6Q0S8M7D3X5B2C4F6G8H",
    "webhooks rotate": "revela webhooks rotate --tenant acme",
}
"""What stands at the end of a command's help; a test reads each as the command does."""


def example_text(command: str) -> str:
    """Return the end of a command's help; the mark keeps its lines from being joined."""
    return f"\b\nExample:\n  {EXAMPLES[command]}"


class SectionedCommands(TyperGroup):
    """A group whose help lists its commands in sections."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command. ReaderGone where its output is read no longer, as by `head`."""
        try:
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()
        except BrokenPipeError as gone:
            from revela.failures import ReaderGone

            raise ReaderGone from gone

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - typer's
        """Write one list of commands for each section."""
        width = formatter.width - 6 - max(map(len, self.commands))
        for section, names in SECTIONS.items():
            with formatter.section(section):
                formatter.write_dl([(name, self.commands[name].get_short_help_str(width)) for name in names])
