"""What a table is made of, whatever the file's format."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_INTEGRAL = re.compile(r"([+-]?\d+)\.0+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: its values by column name, and where it stands in the file.

    ``line`` counts from 1: the line on which the row begins, or the row's number in a Parquet file.
    """

    line: int
    values: Mapping[str, Any]


def id_text(value: object) -> str | None:
    """Return an id cell as text, or None if it holds no id (null, blank, or neither text nor a whole number).

    Spreadsheets and data frames turn whole numbers into floats, so ``0``, ``0.0``, ``"0"`` and ``"0.0"`` are one id.

    >>> [id_text(cell) for cell in (0, 0.0, "0.0", " a-1 ", "", None, 1.5)]
    ['0', '0', '0', 'a-1', None, None, None]
    """
    if isinstance(value, str):
        text = value.strip()
        integral = _INTEGRAL.fullmatch(text)
        return integral[1] if integral else text or None
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return None


def shorten(value: object, *, width: int = 60) -> str:
    r"""Return ``value`` quoted for an error message: at most ``width`` characters of it, control characters escaped.

    >>> shorten("a\tb"), shorten("x" * 100, width=3)
    ("'a\\tb'", "'xxx…'")
    """
    text = value if isinstance(value, str) else repr(value)
    return repr(text if len(text) <= width else text[:width] + "…")


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
