"""Between records and the outside world: canonical JSON, content hashes, and validation of what people write.

The only module that knows pydantic. A wrong value is reported with all its neighbours at once, each with its path.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from harness.errors import InputError, UnknownNameError
from harness.locale import Text, clauses, tr
from harness.types import Sample

T = TypeVar("T")


def canonical(value: object) -> str:
    r"""Return the one JSON text of a value: keys sorted, no spaces, ASCII (a lone surrogate stays a lone surrogate).

    >>> canonical({"b": 1, "a": ["日本"]})
    '{"a":["\\u65e5\\u672c"],"b":1}'
    """
    return _ENCODER.encode(value)


def digest(value: object) -> str:
    """Return the sha256 of a value's canonical JSON, in hex.

    >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    True
    """
    return hashlib.sha256(canonical(value).encode("ascii")).hexdigest()


def sample_digest(sample: Sample) -> str:
    """Return the sha256 of all that a judge may look at in a sample."""
    return digest([sample.inputs, sample.reference, sample.criteria, sample.rules])


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            name: found
            for name, later, default in _fields(type(value))
            if (found := getattr(value, name)) != default or not later
        }
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, tuple | set | frozenset):
        return sorted(value) if isinstance(value, set | frozenset) else list(value)
    if hasattr(value, "item"):  # a numpy scalar from a Parquet column
        return value.item()
    return str(value)


@cache
def _fields(kind: type) -> tuple[tuple[str, bool, object], ...]:
    """Return name, whether a record of before lacks it, and default of a record's fields: asked for each digest."""
    return tuple((item.name, bool(item.metadata.get("later")), item.default) for item in dataclasses.fields(kind))


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=_plain)


def decode(kind: type[T], data: str | Mapping[str, Any], *, where: str) -> T:
    """Return a record of ``kind`` from what a person wrote: a mapping or JSON text.

    A record whose ``__pydantic_config__`` is strict takes JSON text alone: a strict mapping would have no tuples.

    Raises:
        InputError: fields are missing, unknown or of the wrong type; the message lists every one of them with its path.
    """
    adapter = _adapter(kind)
    try:
        return adapter.validate_json(data) if isinstance(data, str) else adapter.validate_python(dict(data))
    except ValidationError as error:
        problems = error.errors(include_url=False)
        raise InputError(
            tr("{problems}.", problems=_joined([_describe(problem) for problem in problems])),
            path=where,
            hint=_near(problems, kind),
        ) from error


_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}  # building one takes a hundred times as long as using it


def _adapter(kind: type[T]) -> TypeAdapter[T]:
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def _joined(described: list[str]) -> str:
    return described[0] if len(described) == 1 else clauses(described)


def _describe(problem: ErrorDetails) -> str:
    path = ".".join(str(part) for part in problem["loc"]) or "top level"
    if problem["type"] in {"unexpected_keyword_argument", "extra_forbidden"}:
        return tr("{path}: no such key", path=path)
    said = _said(problem)
    got = problem["input"]
    if isinstance(got, dict | list):
        return tr("{path}: {problem}", path=path, problem=said)
    return tr("{path}: {problem} (got {got!r})", path=path, problem=said, got=got)


# What pydantic says most often, by its own words and by its kinds, so that it can be said in another language.
_SENTENCES = {
    str(sentence): sentence
    for sentence in (
        tr("input should be a valid integer"),
        tr("input should be a valid integer, unable to parse string as an integer"),
        tr("input should be a valid integer, got a number with a fractional part"),
        tr("input should be a valid number"),
        tr("input should be a valid number, unable to parse string as a number"),
        tr("input should be a finite number"),
        tr("input should be a valid string"),
        tr("input should be a valid boolean"),
        tr("input should be a valid boolean, unable to interpret input"),
        tr("input should be a valid array"),
        tr("input should be a valid list"),
        tr("input should be a valid tuple"),
        tr("input should be a valid mapping"),
        tr("input should be a valid dictionary"),
        tr("input should be an object"),
        tr("input should be None"),
        tr("field required"),
        tr("missing required argument"),
        tr("missing required keyword only argument"),
    )
}
_BOUNDS = {
    "greater_than": tr("input should be greater than {bound}", bound=0).msgid,
    "greater_than_equal": tr("input should be greater than or equal to {bound}", bound=0).msgid,
    "less_than": tr("input should be less than {bound}", bound=0).msgid,
    "less_than_equal": tr("input should be less than or equal to {bound}", bound=0).msgid,
    "literal_error": tr("input should be {bound}", bound=0).msgid,
}


def _said(problem: ErrorDetails) -> str:
    """Return what is wrong with a value: as a message where pydantic's sentence is a known one, else its sentence."""
    own = f"{problem['msg'][0].lower()}{problem['msg'][1:]}"
    if (template := _BOUNDS.get(problem["type"])) is not None:
        bound = own.removeprefix(template.partition("{")[0])
        *others, last = bound.split(" or ")
        either = tr("{others} or {last}", others=", ".join(others), last=last) if others else bound
        found = Text(template, {"bound": either})
        return found if found == own else own
    return _SENTENCES.get(own, own)


def _near(problems: list[ErrorDetails], kind: type[T]) -> str | None:
    """Return a suggestion for the first misspelt key, among the fields of the record it stands in."""
    for problem in problems:
        if problem["type"] not in {"unexpected_keyword_argument", "extra_forbidden"}:
            continue
        owner: Any = kind
        for part in problem["loc"][:-1]:
            hints = (
                {item.name: item.type for item in dataclasses.fields(owner)} if dataclasses.is_dataclass(owner) else {}
            )
            owner = hints.get(str(part), owner)
        if dataclasses.is_dataclass(owner):
            names = [item.name for item in dataclasses.fields(owner)]
            return UnknownNameError(tr("key"), str(problem["loc"][-1]), names).hint
    return None
