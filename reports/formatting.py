"""How figures and foreign text are shown. The only place that rounds, and the only one that escapes for Markdown."""

import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from math import isclose
from typing import TypeGuard

from harness.stats import RankSet
from harness.types import Estimate, RowKey

MISSING = "–"
"""What stands where there is no figure."""

_SHA256 = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")
_LONG = 40  # a value longer than this does not fit a table
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c\u2028\u2029]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
# Only what Markdown would act on inside a table cell: an underscore within a word stays as it is, names stay readable.
# A dollar sign starts a formula on GitHub.
_MARKDOWN = re.compile(r"[\\`*\[\]|~$]|<(?=[A-Za-z/!?])|&(?=#|\w)|(?<![^\W_])_|_(?![^\W_])")


def number(value: float | None, digits: int = 2) -> str:
    """Return a rounded figure, or a dash where there is none.

    >>> number(3.14159), number(None), number(-0.001)
    ('3.14', '–', '0.00')
    """
    if value is None:
        return MISSING
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def sort_key(value: float | None) -> str:
    """Return a figure as text to sort by, closer than any shown digit but not to the last bit; "" for none.

    >>> sort_key(0.1 + 0.2), sort_key(None)
    ('0.3', '')
    """
    return "" if value is None else f"{value:.8g}"


def percent(value: float | None) -> str:
    """Return a share as whole percent.

    >>> percent(0.0425), percent(None)
    ('4 %', '–')
    """
    return MISSING if value is None else f"{value * 100:.0f} %"


def interval(estimate: Estimate, digits: int = 2, *, with_sign: bool = False) -> str:
    """Return ``low – high`` (``low … high`` with signs), or a dash where the interval cannot be computed."""
    if estimate.low is None or estimate.high is None:
        return MISSING
    if with_sign:
        return f"{signed(estimate.low, digits)} … {signed(estimate.high, digits)}"
    return f"{number(estimate.low, digits)} – {number(estimate.high, digits)}"


def signed(value: float | None, digits: int = 2) -> str:
    """Return a rounded difference with its sign.

    >>> signed(0.2), signed(-0.2), signed(0.001), signed(None)
    ('+0.20', '-0.20', '0.00', '–')
    """
    text = number(value, digits)
    return f"+{text}" if value is not None and value > 0 and float(text) != 0 else text


def off_by_rounding(first: float | None, second: float | None, difference: float | None, digits: int) -> bool:
    """Return whether two means and their difference do not add up as they are shown, each rounded for itself.

    More digits would not help: a third, two thirds and their difference add up with no number of them.

    >>> off_by_rounding(1 / 3, 2 / 3, 1 / 3, 2), off_by_rounding(0.2, 0.5, 0.3, 1), off_by_rounding(1.0, 2.0, 0.4, 1)
    (True, False, False)
    """
    if first is None or second is None or difference is None or not isclose(second - first, difference, abs_tol=1e-9):
        return False
    one, other, apart = (Decimal(number(value, digits)) for value in (first, second, difference))
    return other - one != apart


def p_value(value: float | None) -> str:
    """Return a p-value to three digits, never as zero.

    >>> p_value(0.0421), p_value(0.00002), p_value(1.0), p_value(None)
    ('0.042', '<0.001', '1.000', '–')
    """
    if value is None:
        return MISSING
    return "<0.001" if value < 0.001 else f"{value:.3f}"  # noqa: PLR2004 - the last digit shown


def ranks(rank: RankSet | None) -> str:
    """Return a rank set as ``1`` or ``1–3``.

    >>> ranks(RankSet(low=1, high=3)), ranks(RankSet(low=2, high=2)), ranks(None)
    ('1–3', '2', '–')
    """
    if rank is None:
        return MISSING
    return str(rank.low) if rank.low == rank.high else f"{rank.low}–{rank.high}"


def kind_key(kind: str, scored_by: str | None) -> str:
    """Return the key of the words for what a judge's scores are, which follow from what it declares alone.

    >>> kind_key("human", None), kind_key("quality", "model"), kind_key("quality", None)
    ('human', 'quality_model', 'quality')
    """
    return f"{kind}_{scored_by}" if kind == "quality" and scored_by else kind


def row_name(row: RowKey) -> str:
    """Return a row's model, with its prompt where there is one."""
    return row.model if row.prompt is None else f"{row.model} / {row.prompt}"


def score_digits(low: float, high: float) -> int:
    """Return how many digits a score needs on a scale: fewer where the scale is wide.

    >>> score_digits(1, 5), score_digits(0, 1), score_digits(0, 100)
    (2, 3, 1)
    """
    width = high - low
    return 3 if width <= 1 else 2 if width <= 10 else 1  # noqa: PLR2004 - the two breaks of the rule


def printable(text: str) -> str:
    r"""Return text that any terminal or file takes: what UTF-8 cannot hold and what steers a terminal is replaced.

    >>> printable("a\ud800b\x1b[31m\u202ec")
    'a�b�[31m�c'
    """
    return _CONTROL.sub("\ufffd", _SURROGATE.sub("\ufffd", text))


def markdown_cell(text: str) -> str:
    r"""Return text as it stands, safe inside a Markdown table cell.

    >>> markdown_cell("a|b\n<script> my_model _x_")
    'a\\|b \\<script> my_model \\_x\\_'
    """
    return _MARKDOWN.sub(r"\\\g<0>", " ".join(printable(text).split()))


def markdown_line(text: str) -> str:
    r"""Return text as it stands, safe as a line of its own: nothing at its start begins a heading, list or quotation.

    >>> markdown_line("# a"), markdown_line("12. b"), markdown_line("-c|d"), markdown_line("3 e")
    ('\\# a', '12\\. b', '\\-c\\|d', '3 e')
    """
    line = markdown_cell(text)
    first = re.match(r"[#>+=-]|\d+[.)]", line)
    if first is None:
        return line
    place = first.end() - 1
    return f"{line[:place]}\\{line[place:]}"


def minute(date: str) -> str:
    """Return an ISO date and time to the minute, with its offset; other text as it stands.

    >>> minute("2026-11-22T17:50:47+09:00"), minute("2026-11-22T17:50:47+00:00"), minute("undated")
    ('2026-11-22 17:50 +09:00', '2026-11-22 17:50 UTC', 'undated')
    """
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?", date)
    if found is None:
        return date
    day, time, offset = found.groups()
    zone = "UTC" if offset in ("Z", "+00:00") else offset
    return f"{day} {time} {zone}" if zone else f"{day} {time}"


def is_long(value: object) -> TypeGuard[Mapping[str, object]]:
    """Return whether a provenance value is a mapping that does not fit a table's cell."""
    return isinstance(value, Mapping) and any(
        isinstance(item, Mapping) or len(str(item)) > _LONG for item in value.values()
    )


def shown_value(value: object) -> str:
    """Return a provenance value as text: mappings and lists in one line, a sha256 shortened as git does.

    >>> shown_value({"a": 1, "b": [2, None]}), shown_value("0" * 64)
    ('a 1, b 2, –', '000000000000')
    """
    if value is None:
        return MISSING
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {shown_value(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(shown_value(item) for item in value)
    return _SHA256.sub(r"\1", str(value))


def columns(text: str) -> int:
    """Return how many columns text takes: two for a full-width character.

    >>> columns("日本 ab")
    7
    """
    return sum(_width(character) for character in text)


def _width(character: str) -> int:
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def shortened(text: str, width: int) -> str:
    """Return text of at most ``width`` columns (a full-width character takes two), its middle left out.

    >>> shortened("nvidia/Llama-3.1-Nemotron-70B-Instruct-HF", 20), shortened("日本語のモデル", 9), shortened("a", 5)
    ('nvidia/Ll…nstruct-HF', '日本…デル', 'a')
    """
    widths = [_width(character) for character in text]
    if sum(widths) <= width:
        return text
    first = last = 0
    left, right = 0, len(text)
    while first + widths[left] <= (width - 1) // 2:
        first += widths[left]
        left += 1
    while last + widths[right - 1] <= width - 1 - first and right > left + 1:
        right -= 1
        last += widths[right]
    return f"{text[:left]}…{text[right:]}"
