"""Where a judge or model comes from, as far as the store's keys have to hold it: a stranger's code and settings."""

import weakref
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from importlib.metadata import EntryPoint
from typing import Any

from harness.codec import digest
from harness.locale import tr
from harness.notices import Notice
from harness.plugins.code import code_hash, is_ours, modules_of


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


def unread(made: Sequence[Any]) -> list[Notice]:
    """Return a notice for each judge or model whose code cannot be hashed."""
    found = [origin(one) for one in made]
    return [
        Notice(
            "plugin_unread",
            tr(
                "The code of plugin {plugin} cannot be read, so a change of it is noticed only by its fingerprint.",
                plugin=one.plugin,
            ),
        )
        for one in dict.fromkeys(found)
        if one is not None and one.code is None
    ]


def remember_origins(point: EntryPoint, spec: object, made: object) -> None:
    """Settle the origin of what a stranger's plugin made: two of its objects, or of its specs, are never one."""
    typed, plain = _given(spec)
    several = list(made.items()) if isinstance(made, Mapping) else [(_name(one), one) for one in each(made)]
    for own, one in several:
        modules = [point.module, *modules_of(type(one))]
        if all(map(is_ours, modules)):
            continue
        apart = str(own).removeprefix(typed) if len(several) > 1 or isinstance(made, Mapping) else ""
        code = code_hash(type(one), modules, point.dist)
        _remember(one, Origin(plugin=point.name, code=code, given=digest([plain, apart])[:8]))


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


def each(made: object) -> list[Any]:
    """Return the objects that a factory made: one, a sequence of them, or a mapping of labels to them."""
    if isinstance(made, Mapping):
        return list(made.values())
    return list(made) if isinstance(made, Sequence) else [made]
