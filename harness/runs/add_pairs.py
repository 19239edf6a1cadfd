"""Judges of pairs that join a run: its answers are compared, and the run has what came of it beside its boards."""

from collections.abc import Sequence
from dataclasses import replace

from harness.codec import digest
from harness.engine.job import Job, Outcome
from harness.engine.pairing import Anchors, answered, pairs_job
from harness.human.pair_ratings import pair_ratings_text, pairs_of
from harness.locale import Language
from harness.pairs.planned import ALL, BASELINE, PairRating, PlannedPairs, rows_that_meet
from harness.plugins import identity
from harness.protocols import Judge
from harness.runs.folder import RunFolder
from harness.runs.load import load_again
from harness.runs.pairwise import judged_pairs
from harness.runs.provenance import Invocation
from harness.runs.run import Run
from harness.store.store import Store
from harness.types import Request, RowKey


def rows_of(requests: Sequence[Request]) -> tuple[RowKey, ...]:
    """Return the rows of a run, in plan order."""
    return tuple(dict.fromkeys(RowKey(model=request.model, prompt=request.prompt) for request in requests))


def planned_pairs(
    rows: Sequence[RowKey],
    judge: Judge,
    *,
    baseline: str,
    against: str = BASELINE,
    anchors: Anchors | None = None,
    invocation: Invocation,
) -> PlannedPairs:
    """Return what a judge of pairs is to compare among rows, those of the model ``baseline`` among them.

    Raises:
        UsageError: nothing meets.
    """
    met = () if anchors is None else anchors.rows
    return PlannedPairs(
        judge=judge.name,
        fingerprint=identity(judge),
        against=against,
        pairs=rows_that_meet(rows, against, baseline=baseline, anchors=met),
        anchors=None if anchors is None else anchors.plan,
        date=invocation.date,
        command=invocation.command,
    )


def people_pairs(ratings: Sequence[PairRating], judge: str, *, baseline: str, invocation: Invocation) -> PlannedPairs:
    """Return what people said of pairs as an entry of a run, under the name of a judge."""
    is_of_baseline = all(baseline in {one.first.model, one.second.model} for one in ratings)
    return PlannedPairs(
        judge=judge,
        fingerprint="human.pairs.v1 " + digest(pair_ratings_text(ratings)),
        kind="human",
        against=BASELINE if is_of_baseline else ALL,
        pairs=pairs_of(ratings, baseline),
        ratings=tuple(ratings),
        date=invocation.date,
        command=invocation.command,
    )


def pair_job(run: Run, planned: PlannedPairs, judge: Judge, anchors: Anchors | None = None) -> Job:
    """Return the job that judges the pairs of a run."""
    return pairs_job(run.tasks, planned, judge, answered(run.requests, run.answers, anchors))


def add_pairs_in_folder(
    run: Run,
    planned: PlannedPairs,
    outcome: Outcome | None,
    store: Store,
    *,
    folder: RunFolder,
    language: Language | None = None,
) -> Run:
    """Return a run with a judge of pairs, with what others have added to it since it was loaded, its files written.

    A judge of the same name that compared the same takes its place. ``outcome``: None where people gave the verdicts.
    """
    with folder.lock():
        now = load_again(run, folder, store.url)
        found = with_pairs(now, planned, outcome, store, language=language)
        found.save(folder)
    return found


def with_pairs(
    run: Run, planned: PlannedPairs, outcome: Outcome | None, store: Store, *, language: Language | None = None
) -> Run:
    """Return a run with a judge of pairs; nothing is written."""
    plans = _with(run.manifest.pairs, planned)
    own = {} if outcome is None else outcome.verdicts
    return replace(
        run,
        manifest=replace(run.manifest, pairs=plans, store=store.url, language=language or run.manifest.language),
        pairwise=judged_pairs(plans, run.tasks, run.requests, run.answers, store=store, own=own),
    )


def _with(before: Sequence[PlannedPairs], planned: PlannedPairs) -> tuple[PlannedPairs, ...]:
    """Return the plans with one more; a rerun that asks nothing new keeps the first date and command."""
    known = next((one for one in before if _place(one) == _place(planned)), None)
    if known is not None and replace(planned, date=known.date, command=known.command) == known:
        return tuple(before)
    return (*(one for one in before if one is not known), planned)


def _place(one: PlannedPairs) -> tuple[str, str]:
    """Return what an entry is replaced by: people's verdicts are all in one."""
    return one.judge, "" if one.kind == "human" else one.against
