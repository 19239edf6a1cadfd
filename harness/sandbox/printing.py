"""What a template may print: text and plain values, never an object's address, which is another one each time."""

import functools
import re
from collections.abc import Callable, Iterator
from types import GeneratorType
from typing import Any

from jinja2 import Undefined
from jinja2.runtime import Macro

from harness.locale import tr

ADDRESS = re.compile(r"<[^<>]{1,200} at 0x[0-9a-fA-F]{4,}>")
"""How Python shows an object that has no words of its own."""


class NotTextError(Exception):
    """A template prints an object that is no text; ``said`` says which."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


class Named:
    """Stands for a method that a template takes from a value: it can be called and has a name, but no address."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401, D102 - passed on
        return self._function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<method {getattr(self._function, '__name__', 'object')}>"

    @classmethod
    def of(cls, value: Any) -> Any:  # noqa: ANN401 - any callable
        """Return the method that a `Named` stands for, anything else as it is."""
        return value._function if isinstance(value, cls) else value  # noqa: SLF001 - its own


class Stream:
    """Stands for what a filter gives item by item."""

    __slots__ = ("_items",)

    def __init__(self, items: Iterator[Any]) -> None:
        self._items = items

    def __iter__(self) -> Iterator[Any]:
        return self._items

    def __next__(self) -> Any:  # noqa: ANN401 - any item
        return next(self._items)

    def __repr__(self) -> str:
        return "<items>"


def named(value: Any) -> Any:  # noqa: ANN401 - any attribute of any value
    """Return a method under its name alone, anything else as it is."""
    return Named(value) if callable(value) and not isinstance(value, Undefined | Macro | Named) else value


def streaming(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter whose items come in a `Stream`."""

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passed on
        result = function(*args, **kwargs)
        is_lazy = isinstance(result, GeneratorType) or type(result).__name__.endswith("iterator")
        return Stream(result) if is_lazy else result

    return wrapped


def printable(value: Any) -> Any:  # noqa: ANN401 - any value of an expression
    """Return a value that stands between ``{{`` and ``}}``.

    Raises:
        NotTextError: it is a function, a method, a macro that is not called, or items that are not joined.
    """
    if isinstance(value, str | int | float | Undefined) or value is None:
        return value
    if isinstance(value, Stream):
        raise NotTextError(tr("it prints items that are not joined: end with |list or |join"))
    if callable(value):
        raise NotTextError(tr("it prints {what}, which is no text: call it, or take it out", what=_name(value)))
    return value


def check_text(text: str, known: Callable[[str], bool]) -> None:
    """Raise NotTextError if a text shows an object's address that ``known`` does not find among what was given."""
    if " at 0x" not in text:
        return
    for found in ADDRESS.findall(text):
        if not known(found):
            raise NotTextError(tr("it prints {what}, which is no text", what=f"{found.split(' at 0x')[0]}>"))


def _name(value: object) -> str:
    shown = repr(value)
    return getattr(value, "__name__", type(value).__name__) if " at 0x" in shown else shown
