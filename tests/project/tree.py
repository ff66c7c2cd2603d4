"""The project's files, as its own tests look at them."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("revela", "shared", "orchestrator", "worker", "tests", "bench")


def modules() -> list[Path]:
    """Return every Python file of the packages, relative to the root; migrations are records, not modules."""
    found = [path.relative_to(ROOT) for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return sorted(path for path in found if "versions" not in path.parts)


@cache
def parsed(module: Path) -> ast.Module:
    """Return the syntax tree of a module."""
    return ast.parse((ROOT / module).read_text())


def functions(module: Path) -> Iterator[tuple[str, int]]:
    """Yield the name and length in lines of every function in a module."""
    for node in ast.walk(parsed(module)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
            yield node.name, node.end_lineno - node.lineno + 1


def documents() -> list[Path]:
    """Return every Markdown file that is written for readers."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
