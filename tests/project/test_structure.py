"""Size, names and places: what keeps the tree readable."""

import ast
import re
from collections import Counter
from pathlib import Path

from tests.project.tree import ROOT, functions, modules, parsed

MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 60
MAX_FOLDER_MODULES = 12
UNLIMITED_FOLDERS = ("shared/operations", "worker/operations", "tests/broken/contracts", "tests/broken/runs")
PUBLIC_PACKAGES = ("revela/__init__.py",)
"""What users import from, so that names must be there."""
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc", "core", "lib"}


def test_no_module_is_longer_than_a_reader_s_patience() -> None:
    lengths = {str(module): len((ROOT / module).read_text().splitlines()) for module in modules()}
    assert {name: length for name, length in lengths.items() if length > MAX_MODULE_LINES} == {}


def test_no_function_is_longer_than_a_screen() -> None:
    lengths = {f"{module}:{name}": length for module in modules() for name, length in functions(module)}
    assert {name: length for name, length in lengths.items() if length > MAX_FUNCTION_LINES} == {}


def test_no_folder_holds_more_modules_than_can_be_kept_in_mind() -> None:
    count = Counter(str(module.parent) for module in modules() if module.name != "__init__.py")
    crowded = {folder: n for folder, n in count.items() if n > MAX_FOLDER_MODULES and folder not in UNLIMITED_FOLDERS}
    assert crowded == {}


def test_every_module_says_in_its_first_sentence_what_it_is() -> None:
    assert [str(module) for module in modules() if not _begins_with_a_sentence(module)] == []


def _begins_with_a_sentence(module: Path) -> bool:
    first = (ast.get_docstring(parsed(module)) or "").split("\n\n")[0].strip()
    return first.endswith((".", ":", "…")) and len(first.splitlines()) <= 4


def test_an_init_module_holds_nothing_but_its_sentence() -> None:
    inits = [module for module in modules() if module.name == "__init__.py" and str(module) not in PUBLIC_PACKAGES]
    assert [str(module) for module in inits if len(parsed(module).body) > 1] == []


def test_no_name_of_a_module_or_folder_says_nothing() -> None:
    names = {part.removesuffix(".py") for module in modules() for part in module.parts}
    assert names & SAYS_NOTHING == set()


def test_which_statuses_are_open_is_said_in_one_place() -> None:
    """`OPEN_STATUSES` of jobs and items, `OPEN_ENDPOINT_STATUSES` of an endpoint's runs: who needs them names them."""
    spelt = re.compile(r"Status\.IN_QUEUE,\s*\w*Status\.IN_PROGRESS|for status in Status if not status\.terminal")
    said = [str(module) for module in modules() if spelt.search((ROOT / module).read_text())]
    assert said == ["orchestrator/dispatch/port.py", "shared/wire/status.py"]
