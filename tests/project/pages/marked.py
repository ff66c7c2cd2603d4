"""Pages with made parts: between two marks stands what the code says, around them what people wrote."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

_PART = re.compile(r"(<!-- made by `make docs`: (?P<name>[a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def with_parts(page: str, parts: Mapping[str, Callable[[], str]]) -> str:
    """Return `page` with each marked part made anew; KeyError for a mark that names no part."""
    return _PART.sub(lambda found: f"{found[1]}\n{parts[found['name']]().strip()}\n\n{found[3]}", page)


def names_of_parts(page: str) -> list[str]:
    """Return the names at the marks of a page."""
    return [found["name"] for found in _PART.finditer(page)]


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |".replace("|  |", "| |") for line in lines)


def sentence(text: str) -> str:
    """Return `text` as a sentence: on one line, with a capital letter and a full stop."""
    plain = " ".join(text.split())
    return plain[:1].upper() + plain[1:] + ("" if plain.endswith((".", "!", "?", "…")) else ".")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
