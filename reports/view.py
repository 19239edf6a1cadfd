"""How figures and foreign text are shown. The only place that rounds, and the only one that escapes for Markdown."""

import re

from harness.scores import RowKey
from harness.stats import RankSet
from harness.types import Estimate

_MISSING = "–"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200e\u200f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
# Only what Markdown would act on inside a table cell: an underscore within a word stays as it is, names stay readable.
_MARKDOWN = re.compile(r"[\\`*\[\]<|~]|&(?=#|\w)|(?<![^\W_])_|_(?![^\W_])")


def number(value: float | None, digits: int = 2) -> str:
    """Return a rounded figure, or a dash where there is none.

    >>> number(3.14159), number(None), number(-0.001)
    ('3.14', '–', '0.00')
    """
    if value is None:
        return _MISSING
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def percent(value: float | None) -> str:
    """Return a share as whole percent.

    >>> percent(0.0425), percent(None)
    ('4 %', '–')
    """
    return _MISSING if value is None else f"{value * 100:.0f} %"


def interval(estimate: Estimate, digits: int = 2, *, with_sign: bool = False) -> str:
    """Return ``low – high`` (``low … high`` with signs), or a dash where the interval cannot be computed."""
    if estimate.low is None or estimate.high is None:
        return _MISSING
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


def p_value(value: float | None) -> str:
    """Return a p-value to three digits, never as zero.

    >>> p_value(0.0421), p_value(0.00002), p_value(1.0), p_value(None)
    ('0.042', '<0.001', '1.000', '–')
    """
    if value is None:
        return _MISSING
    return "<0.001" if value < 0.001 else f"{value:.3f}"  # noqa: PLR2004 - the last digit shown


def ranks(rank: RankSet | None) -> str:
    """Return a rank set as ``1`` or ``1–3``.

    >>> ranks(RankSet(low=1, high=3)), ranks(RankSet(low=2, high=2)), ranks(None)
    ('1–3', '2', '–')
    """
    if rank is None:
        return _MISSING
    return str(rank.low) if rank.low == rank.high else f"{rank.low}–{rank.high}"


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
