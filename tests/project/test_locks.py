"""The lock files: complete, hashed, and silent about where packages come from."""

import itertools
import re
import tomllib
from pathlib import Path

import pytest

from tests.project.tree import ROOT

LOCKS = ("orchestrator", "worker", "build", "dev")
_PIN = re.compile(r"^([a-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)", re.MULTILINE)
_NAME = re.compile(r"^[A-Za-z0-9._-]+")


def lock(name: str) -> str:
    return (ROOT / "infra/locks" / f"{name}.lock").read_text()


def pins(name: str) -> dict[str, str]:
    return dict(_PIN.findall(lock(name)))


def declared(name: str) -> set[str]:
    """Return the packages that `pyproject.toml` asks for in that lock."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project, groups = document["project"], document["dependency-groups"]
    extras = project["optional-dependencies"]
    wanted = {
        "build": groups["build"],
        "orchestrator": [*project["dependencies"], *extras["orchestrator"]],
        "worker": [*project["dependencies"], *extras["worker"]],
        "dev": [*project["dependencies"], *itertools.chain(*extras.values()), *groups["build"], *groups["dev"]],
    }[name]
    return {_package(line) for line in wanted if isinstance(line, str)}


def _package(requirement: str) -> str:
    match = _NAME.match(requirement)
    assert match, requirement
    return re.sub(r"[-_.]+", "-", match[0]).lower()


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_address_and_no_index(name: str) -> None:
    assert re.findall(r"://|--(?:extra-)?index-url|--find-links|--trusted-host", lock(name)) == []


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_has_a_hash(name: str) -> None:
    entries = re.split(r"^(?=\S)", re.sub(r"^\s*#.*\n", "", lock(name), flags=re.MULTILINE), flags=re.MULTILINE)
    assert [entry.partition(" ")[0] for entry in entries if entry.strip() and "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_holds_all_that_is_asked_for(name: str) -> None:
    assert declared(name) - set(pins(name)) == set()


def test_what_is_tested_is_what_is_deployed() -> None:
    tested = pins("dev")
    for name in ("orchestrator", "worker", "build"):
        assert {package: pin for package, pin in pins(name).items() if tested.get(package) != pin} == {}


def test_the_orchestrator_s_lock_holds_nothing_of_the_worker_s() -> None:
    heavy = {"numpy", "opencv-python-headless", "av", "onnxruntime", "runpod", "pillow", "imageio-ffmpeg"}
    assert set(pins("orchestrator")) & heavy == set()


def test_ci_runs_the_whole_of_make_test() -> None:
    script = ROOT / ".ci/run"
    assert script.stat().st_mode & 0o111
    assert "make test" in script.read_text()
    assert re.search(r"^test: check\b", Path(ROOT / "Makefile").read_text(), re.MULTILINE)
