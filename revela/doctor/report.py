"""The doctor's report: every check, as lines or as JSON."""

import json
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from revela.doctor import machine
from revela.doctor.finding import Check, Finding, State
from revela.doctor.server import server_checks
from revela.failures import SomethingBroken

_SIGNS = {State.WORKS: "[green]✓[/green]", State.ABSENT: "[yellow]–[/yellow]", State.BROKEN: "[red]✗[/red]"}


def report(data_dir: Path | None, *, as_json: bool) -> None:
    """Print every finding as it is made, on the server's data in `data_dir` too; SomethingBroken if one is broken."""
    findings = []
    for check in _checks(data_dir):
        findings.append(check())
        if not as_json:
            _print_line(findings[-1])
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    broken = [finding.name for finding in findings if finding.state is State.BROKEN]
    if broken:
        raise SomethingBroken(f"broken: {', '.join(broken)}")


def _checks(data_dir: Path | None) -> list[Check]:
    return [
        machine.check_python,
        machine.check_ffmpeg,
        machine.check_encoder,
        machine.check_confinement,
        machine.check_gpu,
        machine.check_pictures,
        machine.check_sdk,
        *server_checks(data_dir),
    ]


def _print_line(finding: Finding) -> None:
    mend = f" → {finding.mend}" if finding.mend else ""
    line = f"{_SIGNS[finding.state]} {finding.name:<11} {escape(finding.detail + mend)}"
    Console(highlight=False, soft_wrap=True).print(line)
