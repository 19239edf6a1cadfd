"""What is said of rows of a file of ratings: where they stand, what is wrong, what may have been meant."""

import difflib
from collections import defaultdict
from collections.abc import Iterable, Sequence

from harness.human.ratings import Rating
from harness.locale import listing, tr, trn
from harness.tables import compact

_LISTED = 8


def by_problem(ratings: Iterable[Rating]) -> str:
    """Return the lines without a usable score, by what is wrong: "2 blank (lines 4, 9), 1 not a number (line 7)"."""
    lines: dict[str, list[int]] = defaultdict(list)
    for rating in ratings:
        if rating.problem:
            lines[rating.problem].append(rating.line)
    return listing(
        tr("{n} {problem} ({lines})", n=len(found), problem=problem, lines=line_numbers(found))
        for problem, found in lines.items()
    )


def guessed(name: str, known: Iterable[str]) -> str:
    """Return a name that the run does not have, with the one that may have been meant.

    >>> guessed("tunde", ["tuned", "base"]), guessed("x", ["tuned"])
    ("'tunde' (did you mean 'tuned'?)", "'x'")
    """
    near = difflib.get_close_matches(name, list(known), n=1)
    return tr("{name!r} (did you mean {near!r}?)", name=name, near=near[0]) if near else repr(name)


def line_numbers(lines: Sequence[int]) -> str:
    """Return where something stands in a file.

    >>> line_numbers([4]), line_numbers([2, 3, 4, 9])
    ('line 4', 'lines 2-4, 9')
    """
    return trn("line {lines}", "lines {lines}", len(lines), lines=compact(lines))


def first_few(names: Iterable[str]) -> str:
    """Return the first names, and how many more there are.

    >>> first_few("abcdefghij")
    'a, b, c, d, e, f, g, h and 2 more'
    """
    names = list(names)
    first = listing(names[:_LISTED])
    return tr("{listed} and {n} more", listed=first, n=len(names) - _LISTED) if len(names) > _LISTED else first
