"""Panels as they are asked for: ``--panel A,B``, or a name of ``[judges.panel.NAME]`` in harness.toml."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from annotated_types import Len

from harness.codec import decode
from harness.engine.plan import PlannedJudge, PlannedPanel
from harness.errors import UnknownNameError, UnlikeJudgesError, UsageError
from harness.locale import tr
from harness.specs import Config, parse_judge, plain

TABLE = "panel"
_QUALITY = {"quality", "human"}
_FEWEST = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelSpec:
    """A panel as asked for: its name in every table, the names of its judges there, and these as typed, in order."""

    name: str
    members: tuple[str, ...]
    asked: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - a setting of the codec, as in harness.specs
    members: Annotated[tuple[str, ...], Len(_FEWEST)]


def parse_panel(text: str, config: Config) -> PanelSpec:
    """Return the panel of ``JUDGE,JUDGE[,…]``, or of a name under ``[judges.panel]`` in harness.toml.

    >>> panel = parse_panel("scores:a.csv, ./tone.py", Config())
    >>> panel.name, panel.members
    ('panel:scores:a.csv,./tone.py', ('scores:a.csv', 'tone'))

    Raises:
        UsageError: fewer than two judges, or one of them twice.
        UnknownNameError: one word that no panel of harness.toml is named after.
        InputError: its table in harness.toml holds something else than ``members``.
    """
    named: Mapping[str, Any] = config.judges.get(TABLE, {})
    name = text.strip()
    if name in named:
        asked = list(decode(_Table, named[name], where=f"[judges.{TABLE}.{name}]").members)
    else:
        asked = [part.strip() for part in text.replace("，", ",").replace("、", ",").split(",") if part.strip()]
        if len(asked) == 1 and ":" not in plain(name) and named:
            raise UnknownNameError(tr("panel of harness.toml"), name, list(named))
        name = ",".join(asked)
    if len(asked) < _FEWEST:
        raise UsageError(
            tr("--panel {text!r} names {n} judge: a panel has two or more.", text=text, n=len(asked)),
            hint=tr("For example: {example}", example="--panel gemini,openai:gpt-5"),
        )
    members = [parse_judge(member, config).text for member in asked]
    for member in members:
        if members.count(member) > 1:
            raise UsageError(tr("--panel {text!r} names {member!r} twice.", text=text, member=member))
    return PanelSpec(name=f"{TABLE}:{name}", members=tuple(members), asked=tuple(asked))


def panel_specs(texts: Iterable[str], config: Config) -> tuple[PanelSpec, ...]:
    """Return the panels of several texts.

    Raises:
        UsageError: as `parse_panel`, or two have one name.
    """
    found = [parse_panel(text, config) for text in texts]
    for panel in found:
        if [one.name for one in found].count(panel.name) > 1:
            raise UsageError(tr("--panel {text!r} was given twice.", text=panel.name.removeprefix(f"{TABLE}:")))
    return tuple(found)


def with_members(
    judges: Sequence[str], panels: Sequence[PanelSpec], config: Config, *, known: Collection[str] = ()
) -> tuple[str, ...]:
    """Return the judges to ask, as typed: those named, and the members of panels that are not among them or ``known``.

    Raises:
        UnknownNameError: no judge has a name.
    """
    there = {*known, *(parse_judge(text, config).text for text in judges if panels)}
    members = {
        name: typed
        for panel in panels
        for name, typed in zip(panel.members, panel.asked, strict=True)
        if name not in there
    }
    return tuple(dict.fromkeys([*judges, *members.values()]))


def planned_panels(panels: Sequence[PanelSpec], judges: Sequence[PlannedJudge]) -> tuple[PlannedPanel, ...]:
    """Return panels with their members found among the judges of a run.

    Raises:
        HarnessError: a member gives several scores, or they do not measure the same kind of thing.
    """
    known = {judge.name: judge for judge in judges}
    planned = []
    for panel in panels:
        for member in panel.members:
            if member not in known:
                several = [name for name in known if name.startswith(f"{member}/")]
                raise UnlikeJudgesError(
                    tr(
                        "{member!r} is no single judge, so panel {name!r} cannot hold it.",
                        member=member,
                        name=panel.name,
                    ),
                    hint=tr("It gives {names}.", names=", ".join(several)) if several else None,
                )
        refuse_unlike(panel, [known[member] for member in panel.members])
        planned.append(PlannedPanel(name=panel.name, members=panel.members))
    return tuple(planned)


def refuse_unlike(panel: PanelSpec, judges: Sequence[PlannedJudge]) -> None:
    """Refuse a panel whose members do not measure the same kind of thing.

    Raises:
        UnlikeJudgesError: judges of unlike kinds.
    """
    if len({"quality" if judge.kind in _QUALITY else judge.kind for judge in judges}) > 1:
        raise UnlikeJudgesError(
            tr(
                "Panel {name!r} would average {kinds}, which are not the same thing.",
                name=panel.name,
                kinds=", ".join(f"{judge.name} ({judge.kind})" for judge in judges),
            ),
            hint=tr("Name judges of one kind; others stay beside it with --judge."),
        )


def panels_now(own: Sequence[PlannedPanel], before: Sequence[PlannedPanel]) -> tuple[PlannedPanel, ...]:
    """Return the panels of a run: those that it had, and those of a command, which win where names are the same."""
    return tuple(({panel.name: panel for panel in before} | {panel.name: panel for panel in own}).values())


def with_panels(judges: Sequence[PlannedJudge], panels: Sequence[PlannedPanel]) -> tuple[PlannedJudge, ...]:
    """Return the judges of a run with its panels after them, for what goes by names and kinds alone."""
    known = {judge.name: judge for judge in judges}
    return (
        *judges,
        *(
            replace(known[panel.members[0]], name=panel.name)
            for panel in panels
            if all(member in known for member in panel.members)
        ),
    )


def declare_primary(options: Mapping[str, Any], panels: Sequence[PanelSpec]) -> dict[str, Any]:
    """Return the options of an evaluation: where panels alone were named, and no primary judge, the first is primary.

    >>> panels = [PanelSpec(name="p", members=("a", "b"), asked=("a", "b"))]
    >>> declare_primary({"judges": (), "primary": None}, panels)["primary"]
    'p'
    """
    only = bool(panels) and not options["judges"] and options.get("primary") is None
    return {**options, "primary": panels[0].name} if only else dict(options)


def panels_of(panels: Sequence[PlannedPanel], judges: Collection[str]) -> tuple[PanelSpec, ...]:
    """Return the panels on record whose members are all among the judges that are asked again."""
    return tuple(
        PanelSpec(name=panel.name, members=panel.members, asked=panel.members)
        for panel in panels
        if set(panel.members) <= set(judges)
    )
