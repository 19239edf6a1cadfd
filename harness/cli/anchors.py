"""A judge that changed: its anchors judged again by the version that answers now, or everything, by that one alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from harness.cli.board import board_on_screen
from harness.cli.closing import say_closing
from harness.cli.execution import UNSCORED_EXIT, Allowance, invocation, limit_judges, rounds
from harness.cli.say import said, say
from harness.cli.table import table
from harness.engine.plan import JudgementItem, PlannedJudge
from harness.engine.versions import UNSAID, shown_version, shown_versions, versions_given
from harness.errors import JudgeUnavailableError, UnlikeJudgesError, UsageError
from harness.locale import tr
from harness.protocols import CallLimits, EstimatesCost, Judge, KeepsVersion, Served
from harness.runs.assemble import open_judges
from harness.runs.folder import RunFolder
from harness.runs.manifest import JudgeSwap
from harness.runs.run import Run
from harness.runs.swaps import equated_by
from harness.runs.version_anchors import (
    ANCHORS,
    add_swaps,
    again_keys,
    anchoring_job,
    draw_anchors,
    freeze_anchors,
    frozen_anchors,
    held_to,
    kept_like,
)
from harness.specs import Config, parse_judge, store_mirror
from harness.stats.equating import EquatingMethod
from harness.store.call_counts import StoredCallCounts
from harness.store.mirror import mirrored_store
from harness.store.store import Store
from harness.types import Judgement, Verdict

_PROBES = 3  # answers that are tried until one says which version answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """The judge of a run that changed: as the run has it, as it is opened now, and its scores by version."""

    run: Run
    planned: PlannedJudge
    judge: KeepsVersion
    given: Mapping[str, int]

    @property
    def shown(self) -> str:
        """The version whose scores the run's boards show."""
        name, swaps = self.planned.name, self.run.manifest.swaps
        olds = {name: [swap.shown for swap in swaps if swap.judge == name]}
        return shown_versions({name: self.given}, olds).get(name) or next(iter(self.given))


def changed_judge(
    run: Run, judges: Sequence[str], settings: Config, *, rubric: str | None, limits: CallLimits
) -> Changed:
    """Return the judge of a run whose versions are to be compared: the one that is named, or the only one with any.

    Raises:
        UsageError: there is none, or several, or its server says no versions.
        UnlikeJudgesError: it is opened with other settings than the run's.
    """
    given = versions_given(run.items, run.verdicts)
    names = list(judges) or list(given)
    if len(names) != 1:
        raise UsageError(
            tr(
                "Which judge changed? Those of run {run} that say it: {names}.",
                run=run.name,
                names=", ".join(given),
            )
            if names
            else tr("No judge of run {run} says which version of its model gave a score.", run=run.name),
            hint=tr("Name it: --judge NAME"),
        )
    rows = list(dict.fromkeys((request.model, request.prompt) for request in run.requests))
    spec = parse_judge(names[0], settings, rubric=rubric)
    [opened], _ = open_judges([spec], run.tasks, rows)
    for planned in run.judges:
        if planned.name in given and (judge := kept_like(opened, planned)) is not None:
            if judge.name != planned.name:  # one of several rubrics, which has the rubric's name behind its own
                [opened], _ = open_judges([replace(spec, text=planned.name)], run.tasks, rows)
                judge = kept_like(opened, planned)
            if isinstance(judge, KeepsVersion):
                limit_judges([judge], limits)
                return Changed(run=run, planned=planned, judge=judge, given=given[planned.name])
    raise UnlikeJudgesError(
        tr("Run {run} was not judged by {judge!r} as it is opened now.", run=run.name, judge=names[0]),
        hint=tr("Name it as it was then, with the same --rubric and settings."),
    )


def judge_anchors(
    changed: Changed,
    settings: Config,
    name: str,
    store: str | None,
    allowance: Allowance,
    *,
    n: int,
    method: EquatingMethod | None,
    dry_run: bool,
) -> int:
    """Judge anchors again by the version that answers now, and put the versions' scores on one scale."""
    _say_cost(changed, n)
    if dry_run:
        say(tr("Nothing was done (--dry-run)."))
        return 0
    run, planned, folder = changed.run, changed.planned, RunFolder(settings.runs, name)
    with mirrored_store(store or run.manifest.store, store_mirror(settings), tell=partial(say, err=True)) as rows:
        held, probe, first = present_version(changed, rows, n)
        assert held.kept_version is not None
        others = [version for version in changed.given if version not in (held.kept_version, UNSAID)]
        if not others:
            say(
                tr(
                    "{judge} answers as {version}: nothing to equate.",
                    judge=planned.name,
                    version=held.kept_version,
                )
            )
            return 0
        date = invocation().date
        swaps: list[JudgeSwap] = []
        unscored = 0
        for version in others:
            anchors = frozen_anchors(run, rows, planned, version, n)
            freeze_anchors(run, rows, planned, version, anchors, date=date)
            _keep(rows, run, held, [(first, probe)])
            for _ in rounds(anchoring_job(run, held, anchors), rows, max_cost=allowance.max_cost, wait=allowance.wait):
                pass
            pairs = again_keys(run, held, anchors)
            found = rows.judgements([again for _, again in pairs])
            unscored += len(pairs) - len(found)
            swaps.append(
                JudgeSwap(
                    judge=planned.name,
                    old=version,
                    new=held.kept_version,
                    shown=changed.shown if changed.shown in (version, held.kept_version) else version,
                    anchors=tuple((one, again) for one, again in pairs if again in found),
                    method=method,
                    date=date,
                )
            )
        linked = add_swaps(run, swaps, rows, folder)
    for swap in swaps:
        _say_equating(linked, swap)
    say(board_on_screen(linked, folder), nl=False)
    if unscored:
        say(tr("{n} anchors got no score; the same command tries them again.", n=unscored), err=True)
    say_closing(linked, folder)
    return UNSCORED_EXIT if unscored else 0


def present_version(changed: Changed, store: Store, n: int = ANCHORS) -> tuple[KeepsVersion, Verdict, JudgementItem]:
    """Return the judge held to the version that its server answers as now, and the verdict that said so with its item.

    Raises:
        HarnessError: it cannot be asked, or says no version.
    """
    run, judge = changed.run, changed.judge
    loose = held_to(judge, None)
    if isinstance(loose, Served):
        loose.attach(StoredCallCounts(store), lambda delay: say(delay.reason, err=True))
    samples = {(task.name, sample.id): sample for task in run.tasks for sample in task.samples}
    for item in draw_anchors(run, changed.planned.name, changed.shown, n)[:_PROBES]:
        verdict = loose.judge(samples[item.request.task, item.request.sample_id], run.answers[item.request.key])
        if verdict.version is not None and verdict.score is not None:
            return held_to(loose, verdict.version), verdict, item
    raise JudgeUnavailableError(
        tr("{judge} does not say which version of its model answers.", judge=judge.name),
        hint=tr("Its server names none: compare by hand, with harness judge RUN --judge under another name."),
    )


def check_alone(*, anchors: int | None, rejudge: bool, panels: Sequence[str], batch: bool) -> None:
    """Refuse what does not go together with looking at a judge that changed.

    Raises:
        UsageError: both ways were asked for, or a panel, or batches.
    """
    if anchors is None and not rejudge:
        return
    if anchors is not None and rejudge:
        raise UsageError(
            tr("--anchors and --rejudge were both given."),
            hint=tr("Equate by a part of the answers (--anchors), or judge all of them (--rejudge)."),
        )
    if panels or (batch and anchors is not None):
        raise UsageError(
            tr("--anchors and --rejudge are about one judge, call by call: no --panel, and no --batch of anchors."),
            hint=tr("Leave it out."),
        )


def by_present_version(changed: Changed, settings: Config, url: str, *, dry_run: bool) -> KeepsVersion:
    """Return the judge held to the version that answers now; what that one said already is kept.

    A dry run asks nobody, and takes everything to be judged.
    """
    if dry_run:
        return held_to(changed.judge, UNSAID)
    with mirrored_store(url, store_mirror(settings), tell=partial(say, err=True)) as rows:
        held, probe, first = present_version(changed, rows)
        _keep(rows, changed.run, held, [(first, probe)])
        taken = take_over(changed, held, rows)
    say(
        tr(
            "{judge} answers as {version}: all is judged by it, and {n} verdicts that it gave already are kept.",
            judge=changed.planned.name,
            version=held.kept_version,
            n=taken,
        ),
        err=True,
    )
    return held


def take_over(changed: Changed, held: KeepsVersion, store: Store) -> int:
    """Store what this very version has said already as verdicts of the judge that is held to it; return how many."""
    run = changed.run
    own = [
        item
        for item in run.items
        if item.judge == changed.planned.name and run.verdict(item).version == held.kept_version
    ]
    return _keep(store, run, held, [(item, run.verdict(item)) for item in own])


def _keep(store: Store, run: Run, judge: Judge, given: Sequence[tuple[JudgementItem, Verdict]]) -> int:
    """Store verdicts as those of another judge on the same answers."""
    rows = []
    for item, verdict in given:
        [(_, key)] = again_keys(run, judge, [item])
        rows.append(
            Judgement(
                key=key,
                request_key=item.request.key,
                judge=judge.name,
                judge_fingerprint=judge.fingerprint,
                repeat=item.judge_repeat,
                verdict=verdict,
            )
        )
    store.write(judgements=[row for row in rows if row.verdict.score is not None])
    return len(rows)


def _say_cost(changed: Changed, n: int) -> None:
    """Say what judging the anchors takes, before anything is asked."""
    run, judge = changed.run, changed.judge
    versions = [version for version in changed.given if version != UNSAID]
    samples = {(task.name, sample.id): sample for task in run.tasks for sample in task.samples}
    drawn = [item for version in versions for item in draw_anchors(run, changed.planned.name, version, n)]
    cost: float | None = None
    if isinstance(judge, EstimatesCost):
        each = [
            judge.estimate(samples[item.request.task, item.request.sample_id], run.answers[item.request.key]).cost
            for item in drawn
        ]
        cost = None if None in each else sum(one for one in each if one is not None)
    say(
        tr(
            "Up to {n} answers are judged again by {judge} as it answers now: {n} calls, {cost}. "
            "Scores so far: {versions}.",
            n=len(drawn),
            judge=changed.planned.name,
            cost=tr("price unknown") if cost is None else f"${cost:.2f}",
            versions=", ".join(f"{said(shown_version(version))} {count}" for version, count in changed.given.items()),
        ),
        err=True,
    )


def _say_equating(run: Run, swap: JudgeSwap) -> None:
    """Print what scores of one version become on the other's scale, by both methods."""
    made = {name: equated_by(run, swap, name) for name in ("linear", "equipercentile")}
    known = {name: one for name, one in made.items() if one is not None}
    if not known:
        say(
            tr(
                "{n} anchors with both scores: too few, or too alike, to equate {new} and {old}. "
                "Their scores stay apart.",
                n=len(run.anchors(swap)),
                new=swap.equated,
                old=swap.shown,
            ),
            err=True,
        )
        return
    first = next(iter(known.values()))
    say(
        tr(
            "{n} anchors of {tasks} tasks: scores by {new} on the scale of {old}, with their standard error",
            n=first.n,
            tasks=first.n_clusters,
            new=swap.equated,
            old=swap.shown,
        )
    )
    names = {"linear": said(tr("linear")), "equipercentile": said(tr("equipercentile"))}
    lines = [
        (f"{level:g}", *(f"{one.values[place]:.2f} ± {one.errors[place]:.2f}" for one in known.values()))
        for place, level in enumerate(first.levels)
        if len(first.levels) < 12 or place % 5 == 0  # noqa: PLR2004 - of a scale without steps, some
    ]
    say(table(lines, [said(tr("score")), *(names[name] for name in known)]))
    say("")
