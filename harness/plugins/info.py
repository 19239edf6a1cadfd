"""What a judge or model declares, checked: the one place where attributes of plugins are looked up by name."""

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from importlib.metadata import EntryPoint
from typing import Any

from harness.errors import PluginError, UnknownNameError
from harness.locale import joined, tr
from harness.plugins.finding import SAID, came_from
from harness.protocols import KINDS, SOURCES, Judge, JudgeInfo, ModelBackend, ModelInfo, Price
from harness.types import Scale

_NONE_IS_MEANT = frozenset({"price", "requests_per_minute", "scored_by", "variant"})
"""Attributes whose None says something; elsewhere it stands for the default."""

NEEDED: Mapping[str, tuple[str, ...]] = {
    "models": ("fingerprint", "generate"),
    "judges": ("name", "scale", "fingerprint", "judge"),
    "tasks": ("samples",),
}
_CALLED: Mapping[str, str] = {"models": "generate", "judges": "judge"}


def judge_info(judge: Judge) -> JudgeInfo:
    """Return what a judge declares: its record ``info``, else its attributes; its fingerprint as it is now."""
    return JudgeInfo(**_declared(JudgeInfo, judge))


def model_info(backend: ModelBackend) -> ModelInfo:
    """Return what a model declares: its record ``info``, else its attributes."""
    return ModelInfo(**_declared(ModelInfo, backend))


def _declared(kind: type[JudgeInfo | ModelInfo], made: Any) -> dict[str, Any]:  # noqa: ANN401 - a plugin's object
    """Return what an object says of itself by the names of a record's fields; attributes come before ``info``."""
    given = getattr(made, "info", None)
    holders = [made, given] if isinstance(given, kind) else [made]
    values: dict[str, Any] = {}
    for item in fields(kind):
        holder = next((one for one in holders if hasattr(one, item.name)), None)
        value = getattr(holder, item.name, None)
        if value is not None or (holder is not None and item.name in _NONE_IS_MEANT):
            values[item.name] = value
    if metrics := values.get("metrics"):
        values["metrics"] = metrics = scales_of(metrics, values.get("scale"))
        if isinstance(metrics, Mapping):
            values.setdefault("scale", next(iter(metrics.values())))
    return values


def check(point: EntryPoint, group: str, made: Any) -> None:  # noqa: ANN401 - a plugin's object
    """Refuse a judge or model that declares what cannot be, and give it what only its ``info`` says.

    Raises:
        PluginError: a sentence that names the attribute, what it is, and what it must be.
    """
    _check_called(point, group, made)
    kind = JudgeInfo if group == "judges" else ModelInfo
    values = _declared(kind, made)
    for item in fields(kind):
        value = values.get(item.name)
        if value is None and (item.default is not MISSING or item.default_factory is not MISSING):
            continue
        if item.name in _ONE_OF:
            _check_known(point, item.name, value)
        elif not (must := _MUST_BE[item.name])[0](value):
            raise _wrong(point, group, item.name, value, must[1])
        if item.name in NEEDED[group] and not hasattr(made, item.name):
            _fill(point, group, made, item.name, value)


def missing_attributes(group: str, made: Any) -> list[str]:  # noqa: ANN401 - a plugin's object
    """Return the attributes that a plugin's object must have and lacks."""
    declared = _declared(JudgeInfo if group == "judges" else ModelInfo, made) if group != "tasks" else {}
    return [name for name in NEEDED[group] if name not in declared and not _has(made, name)]


def _has(made: object, name: str) -> bool:
    return name in dir(made)  # which runs no property


def _fill(point: EntryPoint, group: str, made: object, name: str, value: object) -> None:
    try:
        object.__setattr__(made, name, value)
    except AttributeError:
        raise _wrong(point, group, name, None, tr("given by the object, whose class has slots")) from None


def _check_called(point: EntryPoint, group: str, made: object) -> None:
    """Refuse what nobody can call, or would have to await."""
    name = _CALLED[group]
    method = getattr(made, name)
    is_async = inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method)
    if is_async or not callable(method):
        must = tr("a plain method, not async: the engine calls it in threads")
        raise _wrong(point, group, name, "async def" if is_async else method, must)


def _check_known(point: EntryPoint, attribute: str, declared: object) -> None:
    """Refuse a judge that declares what nobody knows: its scores would be read as something that they are not."""
    known = _ONE_OF[attribute]
    if isinstance(declared, str) and declared in known:
        return
    hints = [
        tr("It comes from {point}.", point=came_from(point)),
        UnknownNameError(attribute, str(declared), known).hint,
    ]
    raise PluginError(
        tr(
            "The judge {name!r} cannot be opened: its {attribute} is {declared!r}, which is none of {known}.",
            name=point.name,
            attribute=attribute,
            declared=declared,
            known=", ".join(known),
        ),
        hint=joined([hint for hint in hints if hint], " "),
    )


def _wrong(point: EntryPoint, group: str, attribute: str, value: object, must: str) -> PluginError:
    return PluginError(
        tr(
            "The {kind} {name!r} cannot be opened: its {attribute} is {value!r}, but must be {must}.",
            kind=SAID[group],
            name=point.name,
            attribute=attribute,
            value=value,
            must=must,
        ),
        hint=tr("It comes from {point}; docs/plugins.md says what a plugin may declare.", point=came_from(point)),
    )


def scales_of(metrics: object, scale: object) -> Any:  # noqa: ANN401 - checked by who reads it
    """Return metrics with a scale each: a mapping as it stands, a bare list of names with the judge's own scale."""
    if isinstance(metrics, Mapping):
        return {name: scale_of(one) for name, one in metrics.items()}
    return dict.fromkeys(metrics, scale) if isinstance(metrics, list | tuple) else metrics


def scale_of(given: object) -> Any:  # noqa: ANN401 - checked by who reads it
    """Return a scale from itself or from its ends and step as a list: ``(0, 10)``, ``(1, 5, 1)``.

    >>> scale_of((1, 5, 1))
    Scale(low=1, high=5, step=1)
    """
    match given:
        case [int() | float() as low, int() | float() as high]:
            return Scale(low=low, high=high)
        case [int() | float() as low, int() | float() as high, int() | float() as step]:
            return Scale(low=low, high=high, step=step)
    return given


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_scale(value: object) -> bool:
    return (
        isinstance(value, Scale)
        and -math.inf < value.low < value.high < math.inf
        and (value.step is None or value.step > 0)
    )


def _is_pace(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _are_metrics(value: object) -> bool:
    named = scales_of(value, Scale(low=0, high=1))
    return isinstance(named, Mapping) and all(_is_text(name) and _is_scale(one) for name, one in named.items())


_ONE_OF: Mapping[str, tuple[str, ...]] = {"kind": KINDS, "scored_by": SOURCES}

_MUST_BE: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "name": (_is_text, tr("a text that is not empty")),
    "scale": (_is_scale, tr("a harness.types.Scale with low below high, such as LIKERT_5, UNIT or PASS_FAIL")),
    "fingerprint": (_is_text, tr("a text that is not empty and changes whenever a score or an answer could")),
    "metrics": (_are_metrics, tr("a mapping of names to scales, or a list of names that share the judge's scale")),
    "in_flight": (_is_count, tr("a whole number, 1 or more")),
    "give_up_after": (_is_count, tr("a whole number, 1 or more")),
    "default_repeats": (_is_count, tr("a whole number, 1 or more")),
    "price": (
        lambda value: isinstance(value, Price),
        tr("an object with a method cost(tokens_in, tokens_out), or None where it is not known"),
    ),
    "requests_per_minute": (_is_pace, tr("a number above 0, or None for no pace")),
    "variant": (_is_text, tr("a text that is not empty, or None")),
    "details": (lambda value: isinstance(value, Mapping), tr("a mapping of names to values")),
}
