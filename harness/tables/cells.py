"""Cells that spreadsheets show and never run, and the way back."""

import unicodedata
from collections.abc import Collection

_SIGNS = "=+-@"
_BREAKS = "\t\r\n"
# The tables that we write for spreadsheets, by columns that no other table is likely to have together.
_OURS = (
    frozenset({"item", "score", "comment"}),  # sheets of raters, and ratings.csv
    frozenset({"run", "task_id", "judge_repeat", "judge_version"}),  # harness export
    frozenset({"scale_low", "scale_high", "rank_low", "rank_high", "length_stop_rate"}),  # results.csv
)


def guarded(text: str) -> str:
    r"""Return text for a spreadsheet cell: what would run as a formula gets an apostrophe in front.

    That is what begins with ``=``, ``+``, ``-`` or ``@``, in full width or half, behind any blanks; and what begins
    with a tab or a line break. So does such text that has apostrophes already: `unguarded` gives back every text.

    >>> guarded("=1+1"), guarded(" ＝1"), guarded("'-1"), guarded("a=1"), guarded("'quoted'")
    ("'=1+1", "' ＝1", "''-1", 'a=1', "'quoted'")
    """
    return f"'{text}" if _runs(text) else text


def unguarded(cell: str) -> str:
    """Return the text that `guarded` made a cell of.

    >>> unguarded("'=1+1"), unguarded("''-1"), unguarded("'quoted'")
    ('=1+1', "'-1", "'quoted'")
    """
    return cell[1:] if cell.startswith("'") and _runs(cell[1:]) else cell


def is_ours(columns: Collection[str]) -> bool:
    """Return whether a table of these columns is one that we wrote, with guarded cells."""
    names = {name.strip().casefold() for name in columns}
    return any(own <= names for own in _OURS)


def _runs(text: str) -> bool:
    rest = text.lstrip("'")
    if rest[:1] and rest[0] in _BREAKS:
        return True
    first = next((character for character in rest if not _is_blank(character)), "")
    return first != "" and unicodedata.normalize("NFKC", first)[:1] in _SIGNS


def _is_blank(character: str) -> bool:
    """Return whether a program may drop a character at the front of a cell: blanks, marks without width, controls."""
    return character.isspace() or unicodedata.category(character) in {"Cc", "Cf", "Zs", "Zl", "Zp"}
