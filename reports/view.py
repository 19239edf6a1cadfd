"""How figures and foreign text are shown. The only place that rounds, and the only one that escapes for Markdown."""

import re

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


def interval(estimate: Estimate, digits: int = 2) -> str:
    """Return ``low – high``, or a dash where the interval cannot be computed."""
    if estimate.low is None or estimate.high is None:
        return _MISSING
    return f"{number(estimate.low, digits)} – {number(estimate.high, digits)}"


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
