"""A Jinja2 environment in which single operations are bounded and a template always gives the same text.

On top of Jinja2's own sandbox (no private attributes, nothing mutable is changed): ``+``, ``*``, ``**``, ``%``, string
formatting, padding and ranges have limits, and what is random is gone: so are the addresses of objects.
"""

import functools
import re
from collections.abc import Callable, Mapping
from types import BuiltinMethodType
from typing import Any

from jinja2 import DictLoader, StrictUndefined
from jinja2.filters import FILTERS
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment, SandboxedFormatter
from jinja2.utils import Namespace

from harness.locale import tr
from harness.sandbox.printing import Named, named, printable, streaming

MAX_TEXT = 1_000_000
"""Characters (or items) that one text or list may hold."""
MAX_RANGE = 10_000
"""Numbers that one range may hold."""
MAX_WIDTH = 1_000
"""Width, precision or indentation that formatting and padding may ask for."""
MAX_BITS = 1_024
"""Bits that a product or a power of whole numbers may have."""

_PADDING_METHODS = frozenset({"center", "expandtabs", "ljust", "rjust", "zfill"})
_PADDING_FILTERS = ("batch", "center", "indent", "round", "slice", "tojson")
_LONG_NUMBER = re.compile(r"\d{4,}")
_PERCENT_WIDTH = re.compile(r"%(?:\([^)]*\))?[^%a-zA-Z(]*(?:\*|\d{4,})")


class LimitError(Exception):
    """An operation asks for more than a template may use; ``said`` says which."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


class Bounds(ImmutableSandboxedEnvironment):
    """What every environment here has in common."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - options of a Jinja2 environment
        super().__init__(autoescape=False, finalize=printable, **options)
        # A prompt must be the same each time: it decides under which key an answer is stored.
        filters = {name: function for name, function in FILTERS.items() if name != "random"}
        filters["format"] = _percent_format
        for name in _PADDING_FILTERS:
            filters[name] = bounded(name, FILTERS[name])
        self.filters = {name: streaming(function) for name, function in filters.items()}

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401 - any operand
        """Carry one operator out, if its result is not too large."""
        _OPERATOR_CHECKS[operator](left, right)
        return super().call_binop(context, operator, left, right)

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - any callable
        """Call an object, if it is no string method that pads too far."""
        obj = Named.of(obj)
        if (
            isinstance(obj, BuiltinMethodType)
            and isinstance(obj.__self__, str | bytes)
            and obj.__name__ in _PADDING_METHODS
        ):
            _check_widths(obj.__name__, args, kwargs)
        return super().call(context, obj, *args, **kwargs)

    def getattr(self, obj: Any, attribute: str) -> Any:  # noqa: ANN401 - any attribute of any value
        """Return an attribute, a method under its name alone."""
        return named(super().getattr(obj, attribute))

    def getitem(self, obj: Any, argument: Any) -> Any:  # noqa: ANN401 - any item of any value
        """Return an item or attribute, a method under its name alone."""
        return named(super().getitem(obj, argument))

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:  # noqa: ANN401 - any attribute
        """Return a bounded stand-in for ``str.format`` and ``str.format_map``, None for anything else."""
        if super().wrap_str_format(value) is None:
            return None
        text, formatter = str(value.__self__), _BoundedFormatter(self)
        if value.__name__ == "format_map":
            return lambda mapping: formatter.vformat(text, (), mapping)
        return lambda *args, **kwargs: formatter.vformat(text, args, kwargs)


class BoundedEnvironment(Bounds):
    """The environment of every prompt and rubric. ``parts`` are the texts that a template may include, by name."""

    def __init__(self, parts: Mapping[str, str] | None = None) -> None:
        super().__init__(undefined=StrictUndefined, keep_trailing_newline=True, loader=DictLoader(parts or {}))
        self.globals = {"range": bounded_range, "dict": dict, "namespace": Namespace}


class _BoundedFormatter(SandboxedFormatter):
    def format_field(self, value: Any, format_spec: str) -> str:  # noqa: ANN401 - any value
        if _LONG_NUMBER.search(format_spec):
            raise LimitError(tr("the format {spec!r} is wider than {most}", spec=format_spec[:20], most=MAX_WIDTH))
        return str(super().format_field(value, format_spec))


class _Range:
    """``range``, of a limited number of numbers."""

    def __call__(self, *bounds: int) -> range:
        """Return ``range(*bounds)``.

        >>> list(bounded_range(3))
        [0, 1, 2]

        Raises:
            LimitError: it holds more than `MAX_RANGE` numbers.
        """
        numbers = range(*bounds)
        # len() of a range beyond the machine's word is an error of its own.
        if numbers[MAX_RANGE:]:
            raise LimitError(tr("a range of more than {most:,} numbers", most=MAX_RANGE))
        return numbers

    def __repr__(self) -> str:
        return "<class 'range'>"


bounded_range = _Range()


def _check_sum(left: Any, right: Any) -> None:  # noqa: ANN401 - any operand
    if isinstance(left, str | bytes | list | tuple) and isinstance(right, str | bytes | list | tuple):
        _check_length(len(left) + len(right))


def _check_product(left: Any, right: Any) -> None:  # noqa: ANN401 - any operand
    for sequence, count in ((left, right), (right, left)):
        if isinstance(sequence, str | bytes | list | tuple) and isinstance(count, int):
            _check_length(len(sequence) * count)
    if isinstance(left, int) and isinstance(right, int):
        _check_bits(left.bit_length() + right.bit_length())


def _check_power(base: Any, exponent: Any) -> None:  # noqa: ANN401 - any operand
    if isinstance(base, int) and isinstance(exponent, int):
        _check_bits(base.bit_length() * abs(exponent))


def _check_percent(left: Any, _right: Any) -> None:  # noqa: ANN401 - any operand
    if isinstance(left, str | bytes):
        _check_percent_format(left if isinstance(left, str) else left.decode("latin-1"))


_OPERATOR_CHECKS: dict[str, Callable[[Any, Any], None]] = {
    "+": _check_sum,
    "*": _check_product,
    "**": _check_power,
    "%": _check_percent,
}


def _check_length(length: int) -> None:
    if length > MAX_TEXT:
        raise LimitError(tr("a text or list of more than {most:,} items", most=MAX_TEXT))


def _check_bits(bits: int) -> None:
    if bits > MAX_BITS:
        raise LimitError(tr("a number of more than {most:,} bits", most=MAX_BITS))


def _check_percent_format(text: str) -> None:
    if _PERCENT_WIDTH.search(text):
        raise LimitError(tr("formatting with % wider than {most}, or of a variable width", most=MAX_WIDTH))


def _check_widths(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    if any(isinstance(value, int) and value > MAX_WIDTH for value in (*args, *kwargs.values())):
        raise LimitError(tr("{name} by more than {most}", name=name, most=MAX_WIDTH))


def _percent_format(value: Any, *args: Any, **kwargs: Any) -> str:  # noqa: ANN401 - any value
    _check_percent_format(str(value))
    return str(FILTERS["format"](value, *args, **kwargs))


def bounded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter that pads or indents no further than `MAX_WIDTH`."""
    value = 1 + hasattr(function, "jinja_pass_arg")  # what is filtered is no width, however large a number

    @functools.wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passed on
        _check_widths(name, args[value:], kwargs)
        return function(*args, **kwargs)

    return checked
