"""What a table is made of, whatever the file's format."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_INTEGRAL = re.compile(r"([+-]?\d+)\.0+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: its values by column name, and where it stands in the file.

    ``line`` counts from 1: the line on which the row begins, or the row's number in a Parquet file.
    ``trouble`` says why there are no values, in a row that only a reader that keeps odd rows returns.
    """

    line: int
    values: Mapping[str, Any]
    trouble: str | None = None


def name_text(value: object) -> str | None:
    """Return a naming cell as text, or None if it names nothing (null, blank, neither text nor a whole number).

    >>> [name_text(cell) for cell in (" base ", 7, 7.0, "7.0", "", None, True)]
    ['base', '7', '7', '7.0', None, None, None]
    """
    if isinstance(value, str):
        return value.strip() or None
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return str(int(value))
    return None


def id_text(value: object) -> str | None:
    """Return a task id as text, or None if the cell holds none.

    Spreadsheets and data frames turn whole numbers into floats, so ``0``, ``0.0``, ``"0"`` and ``"0.0"`` are one id.

    >>> [id_text(cell) for cell in (0, 0.0, "0.0", " a-1 ", "", None, 1.5)]
    ['0', '0', '0', 'a-1', None, None, None]
    """
    text = name_text(value)
    integral = _INTEGRAL.fullmatch(text) if text else None
    return integral[1] if integral else text


def shorten(value: object, *, width: int = 60) -> str:
    r"""Return ``value`` quoted for an error message: at most ``width`` characters of it, control characters escaped.

    >>> shorten("a\tb"), shorten("x" * 100, width=3)
    ("'a\\tb'", "'xxx…'")
    """
    text = value if isinstance(value, str) else repr(value)
    return repr(text if len(text) <= width else text[:width] + "…")


def compact(numbers: Iterable[int]) -> str:
    """Return line numbers or ids as text, runs of three or more as ranges.

    >>> compact([9, 1, 2, 3, 5, 6])
    '1-3, 5, 6, 9'
    """
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    texts = [f"{run[0]}-{run[-1]}" if run[2:] else ", ".join(map(str, run)) for run in runs]
    return ", ".join(texts)


def lf(value: Any) -> Any:  # noqa: ANN401 - a JSON value of any shape goes in and comes out
    r"""Return ``value`` with CRLF inside any text turned into LF, so that copies with either line end read alike.

    >>> lf({"input": "a\r\nb", "tags": ["c\r\n"]})
    {'input': 'a\nb', 'tags': ['c\n']}
    """
    if isinstance(value, str):
        return value.replace("\r\n", "\n") if "\r" in value else value
    if isinstance(value, list):
        return [lf(item) for item in value]
    if isinstance(value, dict):
        return {key: lf(item) for key, item in value.items()}
    return value
