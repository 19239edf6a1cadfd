"""An evaluation in looks: what is asked next depends on what is settled, by the primary boards so far."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from harness.analysis.comparing import compare_rows
from harness.analysis.looks import at_look
from harness.analysis.primary import Primary, primary_of
from harness.analysis.scores import ScoreTable
from harness.engine.halving import check_candidates, dropped
from harness.engine.job import Job, Outcome
from harness.engine.looks import Looks, Stop, asked_at, asked_until, planned_looks, stopped_rows, stops
from harness.engine.plan import plan_digest
from harness.errors import UsageError
from harness.locale import tr
from harness.runs.assemble import Evaluation
from harness.runs.boards import board_tables
from harness.runs.declared import check_estimand
from harness.runs.finish import finish
from harness.runs.panels import with_panels
from harness.runs.parity import certified
from harness.runs.provenance import Invocation
from harness.stats import Design, FamilyComparison
from harness.stats.sequential import sequential_p
from harness.store.store import Store
from harness.types import RowKey

Rounds = Callable[[Job, float | None], Iterable[Outcome]]
"""Carries a job out for no more than so many dollars (None: whatever it costs): what it came to, once or daily."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """An evaluation after its looks: with the requests that were asked alone, and what they came to."""

    evaluation: Evaluation
    outcome: Outcome


def looks_for(evaluation: Evaluation, *, looks: int | None, halving: bool) -> Looks | None:
    """Return the looks that options ask for; None where nothing asks for any.

    Raises:
        UsageError: both were asked for, too few tasks or candidates, verdicts come from a judge that is not asked, or
            are declared to be about exactly these tasks.
    """
    if looks is None and not halving:
        return None
    if looks is not None and halving:
        raise UsageError(tr("--looks and --halving were both given."), hint=tr("Leave one out."))
    job = evaluation.job
    rows = {RowKey(model=request.model, prompt=request.prompt) for request in job.requests}
    if halving:
        check_candidates(len(rows) - 1)
    elif len(rows) < 2:  # noqa: PLR2004 - a row and what it is compared with
        raise UsageError(
            tr("--looks has nothing to compare: there is one row."), hint=tr("Name a baseline too: --model base.")
        )
    primary = _primary(evaluation)
    known = with_panels(job.planned_judges, evaluation.panels)
    if primary is None or primary.judge not in {judge.name for judge in known}:
        raise UsageError(tr("The judge that verdicts come from is not asked here."), hint=tr("Name it with --primary."))
    planned = planned_looks(job.tasks, looks=looks, halving=halving)
    check_estimand(evaluation.declared, known, [task.name for task in job.tasks], looks=planned)
    return planned


def carried_out(
    evaluation: Evaluation,
    store: Store,
    looks: Looks | None,
    rounds: Rounds,
    *,
    invocation: Invocation,
    max_cost: float | None,
    tell: Callable[[str], None],
) -> Iterator[tuple[Evaluation, Outcome]]:
    """Yield what an evaluation came to after each round, with itself: looks may have left a part of it out.

    Raises:
        UnequalEngineError: another engine than the HF path is not equal to it.
    """
    evaluation = certified(evaluation, store, tell=tell)
    if looks is not None:
        found = look_by_look(evaluation, looks, store, rounds, invocation=invocation, max_cost=max_cost, tell=tell)
        yield found.evaluation, found.outcome
        return
    if not store.has_plan(evaluation.plan_digest):
        samples = {task.name: task.samples for task in evaluation.job.tasks}
        store.save_plan(evaluation.plan_digest, samples, evaluation.job.requests)
    for outcome in rounds(evaluation.job, max_cost):
        yield evaluation, outcome


def look_by_look(
    evaluation: Evaluation,
    looks: Looks,
    store: Store,
    rounds: Rounds,
    *,
    invocation: Invocation,
    max_cost: float | None,
    tell: Callable[[str], None],
) -> Looked:
    """Carry an evaluation out in looks, and stop asking rows whose comparison is settled, or that fell behind.

    Every answer and verdict is stored as it comes, and the same evaluation takes the same decisions again: what was
    interrupted continues. ``tell`` hears what each look stopped.
    """
    everything, total = evaluation.job.requests, Outcome(answers={}, verdicts={}, generated=0, judged=0)
    last = max(map(len, looks.sizes.values()))
    for look in range(1, last + 1):
        left = None if max_cost is None else max_cost - total.spent
        job = replace(evaluation.job, requests=asked_at(everything, looks, look))
        for done in rounds(job, left):
            total = _joined(total, done)
        looks = replace(looks, reached=look)
        # Where a judge gave up or a quota is used up there is nothing to decide by; the same command goes on.
        if look == last or total.out_of_budget or total.stopped or total.resumes:
            break
        asked = _until(evaluation, looks, look)
        run = finish(asked, total, store, invocation=invocation)
        new = _decide(asked, looks, look, board_tables(run))
        for note in _notes(looks, new, look):
            tell(note)
        looks = replace(looks, stops=(*looks.stops, *new), reached=last)
        if not asked_at(everything, looks, look + 1):
            break
    final = _until(evaluation, looks, last)
    if not store.has_plan(final.plan_digest):
        samples = {task.name: task.samples for task in final.job.tasks}
        store.save_plan(final.plan_digest, samples, final.job.requests)
    return Looked(evaluation=final, outcome=total)


def _until(evaluation: Evaluation, looks: Looks, look: int) -> Evaluation:
    """Return an evaluation of what was asked up to one look."""
    kept = asked_until(evaluation.job.requests, looks, look)
    return replace(
        evaluation,
        job=replace(evaluation.job, requests=kept),
        plan_digest=plan_digest(evaluation.job.tasks, kept),
        looks=looks,
        planned=evaluation.planned or evaluation.job.requests,
    )


def _primary(evaluation: Evaluation) -> Primary | None:
    judges = with_panels(evaluation.job.planned_judges, evaluation.panels)
    return primary_of(evaluation.declared, judges, [task.name for task in evaluation.job.tasks])


def _decide(evaluation: Evaluation, looks: Looks, look: int, tables: Sequence[ScoreTable]) -> tuple[Stop, ...]:
    primary = _primary(evaluation)
    found: list[Stop] = []
    for table in tables:
        if primary is None or not primary.holds(table.task, table.judge.name):
            continue
        stopped = stopped_rows(looks, table.task)
        base = next((place for place, row in enumerate(table.rows) if row.model == evaluation.baseline), 0)
        candidates = {row for place, row in enumerate(table.rows) if place != base} - stopped
        behind = _behind(table, evaluation, looks, look, base=base, candidates=candidates)
        if candidates and behind >= candidates:  # nobody is left to be compared with
            behind = {*behind, table.rows[base]}
        found += stops(table.task, behind, look)
    return tuple(found)


def _behind(
    table: ScoreTable, evaluation: Evaluation, looks: Looks, look: int, *, base: int, candidates: set[RowKey]
) -> set[RowKey]:
    """Return the candidates to be asked no more after one look."""

    def compared(number: int) -> FamilyComparison:
        seen = at_look(table, looks, number)
        design = Design(clusters=seen.clusters, confidence=evaluation.spec.confidence)
        return compare_rows(seen, design, family="baseline", baseline=base).family

    families = [compared(number) for number in range(1, look + 1)]
    rows = [table.rows[candidate] for candidate, _ in families[-1].pairs]
    if looks.kind == "halving":
        values = dict(zip(rows, (one.difference.value for one in families[-1].comparisons), strict=True))
        return dropped({row: value for row, value in values.items() if row in candidates})
    sizes = looks.sizes[table.task]
    shares = [size / sizes[-1] for size in sizes]
    # Bonferroni's share, which Holm's correction of the board never asks more than: what stops a row settles it there.
    alpha = (1 - evaluation.spec.confidence) / max(1, len(rows))
    settled = set()
    for place, row in enumerate(rows):
        history = [family.comparisons[place].p_value for family in families]
        p_value = sequential_p([1.0 if p is None else p for p in history], shares)
        if row in candidates and p_value <= alpha:
            settled.add(row)
    return settled


def _notes(looks: Looks, new: Sequence[Stop], look: int) -> list[str]:
    """Return what to say of those that one look stopped, task set by task set."""
    said: list[str] = []
    for task in dict.fromkeys(stop.task for stop in new):
        names = ", ".join(dict.fromkeys(stop.model for stop in new if stop.task == task))
        values = {"task": task, "look": look, "n": looks.sizes[task][look - 1], "names": names}
        said.append(
            tr("Note: look {look} at {task} ({n} tasks): asked no more, as the worse half: {names}.", **values)
            if looks.kind == "halving"
            else tr("Note: look {look} at {task} ({n} tasks): settled and asked no more: {names}.", **values)
        )
    return said


def _joined(before: Outcome, new: Outcome) -> Outcome:
    return Outcome(
        answers={**before.answers, **new.answers},
        verdicts={**before.verdicts, **new.verdicts},
        generated=before.generated + new.generated,
        judged=before.judged + new.judged,
        failures={**before.failures, **new.failures},
        stopped=new.stopped,
        resumes=new.resumes,
        spent=before.spent + new.spent,
        out_of_budget=new.out_of_budget,
    )


def looks_again(recorded: Looks | None, evaluation: Evaluation) -> Looks | None:
    """Return the looks with which a run is made again; None where it was not looked at on the way as planned."""
    if recorded is None or recorded.kind == "grown":
        return None
    looks = None if recorded.kind == "halving" else max(map(len, recorded.sizes.values()))
    return looks_for(evaluation, looks=looks, halving=recorded.kind == "halving")
