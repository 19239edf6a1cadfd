"""Tables in the terminal: columns line up for Japanese too, whose characters are as wide as two letters."""

import shutil
import sys
import unicodedata
from collections.abc import Sequence

from harness.cli.say import said

_NARROWEST, _WIDEST = 40, 120


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes.

    >>> columns("abc"), columns("日本語")
    (3, 6)
    """
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def window_width() -> int:
    """Return how many columns a line for people may have."""
    return min(_WIDEST, max(_NARROWEST, shutil.get_terminal_size((_WIDEST, 24)).columns))


def first_columns(text: str, width: int) -> str:
    """Return as much of a line as is not wider than ``width`` columns.

    >>> first_columns("日本語", 5)
    '日本'
    """
    while columns(text) > width:
        text = text[:-1]
    return text


def table(rows: Sequence[Sequence[str]], headers: Sequence[str] = ()) -> str:
    """Return rows as a table in the chosen language; with headers, as one that Markdown reads too.

    On a terminal that is narrower, each row is a block of lines, a cell with its heading on each.

    >>> print(table([("前", "1"), ("after", "2")], headers=["run", "n"]))
    | run   | n |
    |-------|---|
    | 前    | 1 |
    | after | 2 |
    """
    lines = [[said(cell) for cell in line] for line in ([headers, *rows] if headers else rows)]
    widths = [max(columns(cell) for cell in column) for column in zip(*lines, strict=True)]
    padded = [
        [cell + " " * (width - columns(cell)) for cell, width in zip(line, widths, strict=True)] for line in lines
    ]
    if not headers:
        return "\n".join("  ".join(line).rstrip() for line in padded)
    if rows and sum(widths) + 3 * len(widths) + 1 > _room():
        return "\n\n".join(_block(lines[0], line) for line in lines[1:])
    shown = [f"| {' | '.join(line)} |" for line in padded]
    return "\n".join([shown[0], f"|{'|'.join('-' * (width + 2) for width in widths)}|", *shown[1:]])


def _room() -> float:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else float("inf")


def _block(heads: Sequence[str], cells: Sequence[str]) -> str:
    first, *others = [(head, cell) for head, cell in zip(heads, cells, strict=True) if cell]
    return "\n".join([first[1], *(f"    {head}: {cell}" for head, cell in others)])
