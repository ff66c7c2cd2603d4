"""What is told, what is documented and what alerts ask for are the same."""

import asyncio
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.orchestrator.api.running import Api
from tests.orchestrator.metrics.scraping import scrape
from tests.project.tree import ROOT

ALERTS = ROOT / "infra/prometheus/alerts.yml"
PAGE = ROOT / "docs/monitoring.md"

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="there is no promtool here")


async def families(api: Api) -> dict[str, str]:
    """Return every family's type by its name, as it stands in queries."""
    async with api.as_tenant("operator", scopes=["admin"]) as client:
        told = await scrape(client)
    return {name + ("_total" if family.type == "counter" else ""): family.type for name, family in told.items()}


async def test_every_metric_is_documented_with_its_type_and_no_other(api: Api) -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+)", PAGE.read_text(), re.MULTILINE)
    assert dict(rows) == await families(api)


async def test_names_and_units_are_prometheus_s(api: Api) -> None:
    for name, kind in (await families(api)).items():
        assert re.fullmatch(r"(revela|process)_[a-z_]+", name)
        assert name.endswith("_total") == (kind == "counter")
        assert not re.search(r"_(ms|milliseconds|minutes|kb|mb)(_|$)", name)
        if kind == "histogram":
            assert name.endswith("_seconds")


async def test_alerts_ask_for_what_is_told(api: Api) -> None:
    told = await families(api)
    expressions = re.findall(r"expr:.*?(?=\n *(?:for|labels):)", ALERTS.read_text(), re.DOTALL)
    asked = set(re.findall(r"\b(?:revela|process)_\w+", " ".join(expressions)))
    assert len(asked) >= 10
    assert {name for name in asked if name not in told and name.removesuffix("_bucket") not in told} == set()


@needs_promtool
async def test_promtool_finds_nothing_to_say_of_the_metrics(api: Api) -> None:
    async with api.as_tenant("operator", scopes=["admin"]) as client:
        text = (await client.get("/metrics")).content
    checked = await asyncio.create_subprocess_exec(
        "promtool", "check", "metrics", stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    _, said = await checked.communicate(text)
    assert (checked.returncode, said.decode()) == (0, "")


@needs_promtool
def test_promtool_takes_the_alerts(tmp_path: Path) -> None:
    checked = subprocess.run(["promtool", "check", "rules", str(ALERTS)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    example = re.search(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert example is not None
    (tmp_path / "alerts.yml").write_bytes(ALERTS.read_bytes())
    key = tmp_path / "revela.key"
    key.touch()
    (tmp_path / "prometheus.yml").write_text(example[1].replace("/etc/prometheus/revela.key", str(key)))
    checked = subprocess.run(
        ["promtool", "check", "config", str(tmp_path / "prometheus.yml")], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


@needs_promtool
def test_alerts_fire_when_they_shall_and_else_not() -> None:
    cases = Path(__file__).with_name("alert_cases.yml")
    checked = subprocess.run(["promtool", "test", "rules", str(cases)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
