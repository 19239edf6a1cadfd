"""The names that programs and plugins outside rely on, with their signatures: a change of any is a change of the file.

To accept one: ``HARNESS_ACCEPT_API=1 pytest tests/api/test_pinned.py``, and say so in the changelog.
"""

import dataclasses
import importlib
import inspect
import os
import re
from pathlib import Path
from types import ModuleType
from typing import Any

GOLDEN = Path(__file__).with_name("golden") / "api.txt"
MODULES = ("harness", "harness.protocols", "harness.types", "harness.testing")
INNER = re.compile(r"\b(harness\.(?:protocols|types))\.[a-z]+\.(?=[A-Z])")


def described() -> str:
    """Return a line for every public name, and one for each field, method and property of a class."""
    lines: list[str] = []
    for name in MODULES:
        module = importlib.import_module(name)
        lines += [
            f"# {name}",
            *(line for public in _public(module) for line in _lines(public, getattr(module, public))),
        ]
    return "\n".join(lines) + "\n"


def _public(module: ModuleType) -> list[str]:
    if hasattr(module, "__all__"):
        return sorted(module.__all__)
    own = [
        name for name, value in vars(module).items() if getattr(value, "__module__", module.__name__) == module.__name__
    ]
    return sorted(name for name in own if not name.startswith("_") and not inspect.ismodule(vars(module)[name]))


def _lines(name: str, value: Any) -> list[str]:
    if inspect.ismodule(value):
        return [line for inner in _public(value) for line in _lines(f"{name}.{inner}", getattr(value, inner))]
    if inspect.isclass(value):
        members = [
            line
            for member, known in sorted(vars(value).items())
            if not member.startswith("_")
            for line in _member(f"{name}.{member}", known)
        ]
        fields = dataclasses.fields(value) if dataclasses.is_dataclass(value) else ()
        return [
            f"class {name}",
            *(f"  {field.name}: {_type(field.type)}{_default(field)}" for field in fields if field.init),
            *members,
        ]
    if callable(value) and not hasattr(value, "__origin__"):
        return [f"def {name}{_signature(value)}"]
    return [f"{name} = {value!r}"]


def _member(name: str, known: Any) -> list[str]:
    if isinstance(known, property):
        return [f"  property {name} -> {_type(inspect.signature(known.fget).return_annotation)}"]
    function = known.__func__ if isinstance(known, classmethod | staticmethod) else known
    return [f"  def {name}{_signature(function)}"] if inspect.isfunction(function) else []


def _signature(function: Any) -> str:
    return _plain(str(inspect.signature(function)))


def _type(annotation: Any) -> str:
    return _plain(annotation if isinstance(annotation, str) else inspect.formatannotation(annotation))


def _plain(text: str) -> str:
    """Python 3.13 names the module of Path otherwise; which file a public name is in, nobody asks."""
    return INNER.sub(r"\1.", text.replace("pathlib._local.", "pathlib."))


def _default(field: Any) -> str:
    if field.default_factory is not dataclasses.MISSING:
        return " = …"
    return "" if field.default is dataclasses.MISSING else f" = {field.default!r}"


def test_the_public_names_and_signatures_are_those_on_record() -> None:
    """Every module that others import from."""
    if os.environ.get("HARNESS_ACCEPT_API"):
        GOLDEN.write_text(described(), encoding="utf-8")
    assert GOLDEN.read_text(encoding="utf-8") == described()
