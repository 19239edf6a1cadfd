"""Plugins: models, judges and tasks by entry point. Built-ins come through the same door as a stranger's."""

from collections.abc import Callable
from typing import Any

from harness.errors import HarnessError, PluginError
from harness.installation import MissingExtraError
from harness.locale import tr
from harness.plugins.finding import SAID, Group, _found, came_from, entry, fault, missing_extra, names
from harness.plugins.info import check, judge_info, missing_attributes, model_info
from harness.plugins.metrics import expanded
from harness.plugins.origins import Origin, each, identity, origin, remember_origins, unread
from harness.protocols import Ratings

Factory = Callable[[Any], Any]

__all__ = [
    "Factory",
    "Group",
    "Origin",
    "_found",
    "came_from",
    "entry",
    "identity",
    "judge_info",
    "load",
    "make",
    "missing_extra",
    "model_info",
    "names",
    "origin",
    "unread",
]


def load(group: Group, name: str) -> Factory:
    """Return a plugin's factory, importing its module.

    Raises:
        UnknownNameError: no plugin of this group has this name.
        MissingExtraError: it needs packages of an extra that is not installed.
        HarnessError: its module cannot be imported for another reason.
    """
    point = entry(group, name)
    what = tr("{kind} {name!r}", kind=SAID[group], name=name)
    try:
        factory: Factory = point.load()
    except ModuleNotFoundError as error:
        if point.extras:
            raise MissingExtraError(what, point.extras[0]) from error
        raise PluginError(
            tr("The {what} cannot be imported: {error}.", what=what, error=error),
            hint=tr("It comes from {point}.", point=came_from(point)),
        ) from error
    except Exception as error:
        raise PluginError(
            tr("The {what} cannot be imported: {name}: {error}.", what=what, name=type(error).__name__, error=error),
            hint=tr("It comes from {point}.", point=came_from(point)),
        ) from error
    return factory


def make(group: Group, name: str, spec: object) -> Any:  # noqa: ANN401 - what the group's protocol says
    """Return what a plugin's factory makes of a spec, checked: what it declares can be relied on.

    A judge that declares metrics comes back as a list of judges, one for each.

    Raises:
        HarnessError: the plugin refuses the spec, cannot be loaded, or has a fault of its own.
    """
    factory = load(group, name)
    try:
        made = factory(spec)
        objects = each(made)
        lacking = [attribute for one in objects for attribute in missing_attributes(group, one)]
    except HarnessError:
        raise
    except Exception as error:
        raise fault(group, name, f"{type(error).__name__}: {error}") from error
    if lacking or (group != "tasks" and not objects):
        raise fault(
            group,
            name,
            tr("it made {kind}, without {names}", kind=type(made).__name__, names=", ".join(lacking) or tr("content")),
        )
    if group == "tasks":
        return made
    point = entry(group, name)
    for one in objects:
        check(point, group, one)
    remember_origins(point, spec, made)
    if group == "models" or not any(judge_info(judge).metrics for judge in objects):
        return made
    return [metric for judge in objects for metric in _metrics(name, judge)]


def _metrics(name: str, judge: Any) -> list[Any]:  # noqa: ANN401 - a judge
    if isinstance(judge, Ratings):
        raise fault("judges", name, tr("it declares metrics and rates models; a judge does one or the other"))
    return list(expanded(judge))
