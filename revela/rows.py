"""Rows on standard output that can be copied and piped: nothing in them is ever folded or shortened."""

import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.text import Text

Cell = str | Text

_GAP = "  "


def print_rows(rows: Iterable[Sequence[Cell]], headings: Sequence[str] = ()) -> None:
    """Write rows of one length: aligned and coloured on a terminal, else tab-separated, bare and without headings."""
    table = [[one_line(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        sys.stdout.writelines("\t".join(cell.plain for cell in row) + "\n" for row in table)
        return
    if headings:
        table.insert(0, [Text(heading, "bold") for heading in headings])
    widths = [max(cell.cell_len for cell in column) for column in zip(*table, strict=True)]
    # A width of the table's own: rich cuts what is wider than its console, where a terminal only goes on below.
    console = Console(highlight=False, width=sum(widths) + len(_GAP) * len(widths) + 1)
    for row in table:
        padded = [_padded(cell, width) for cell, width in zip(row[:-1], widths, strict=False)]
        console.print(Text(_GAP).join([*padded, row[-1]]), soft_wrap=True)


def one_line(cell: Cell) -> Text:
    """Return the cell without what would break its row, or act on the terminal: tabs, newlines, escapes."""
    text = cell if isinstance(cell, Text) else Text(cell)
    if text.plain.isprintable():
        return text
    return Text("".join(letter if letter.isprintable() else " " for letter in text.plain), text.style)


def _padded(cell: Text, width: int) -> Text:
    padded = cell.copy()
    padded.append(" " * (width - cell.cell_len))
    return padded
