"""The end of an evaluation: its answers and verdicts, with what the run had before, become one `Run` and its files."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.engine.job import Outcome
from harness.engine.looks import Looks
from harness.engine.plan import PlannedJudge, items_of
from harness.locale import tr
from harness.notices import about
from harness.protocols import GivesNotices
from harness.runs.assemble import Evaluation
from harness.runs.declared import check_declared, check_estimand, check_margin, declared_on
from harness.runs.enter import enter
from harness.runs.folder import RunFolder
from harness.runs.manifest import JoinedJudge, Manifest, PromptTest, all_notices, with_judges_named
from harness.runs.pairwise import judged_pairs
from harness.runs.panels import panels_now, with_panels
from harness.runs.provenance import Invocation, provenance_of
from harness.runs.replacing import is_same_plan, refuse_another_plan
from harness.runs.rubrics import rubrics_of
from harness.runs.run import Run
from harness.runs.verdicts import refuse_losing, verdicts_now
from harness.store.store import Store
from harness.types import Declaration, Generation, Request


def finish(
    evaluation: Evaluation,
    outcome: Outcome,
    store: Store,
    *,
    invocation: Invocation,
    previous: Manifest | None = None,
    test: PromptTest | None = None,
) -> Run:
    """Return the run that an evaluation came to.

    What the same run had before, by its ``previous`` manifest, stays: judges that this evaluation does not bring along,
    an A/B test, and what was declared and is not declared anew.
    """
    job = evaluation.job
    own = {judge.name: judge for judge in job.planned_judges}
    before = {judge.name: judge for judge in previous.judges} if previous else {}
    judges = tuple((before | own).values())
    answers = _answers_now(outcome, job.requests, store)
    items = tuple(items_of(job.tasks, job.requests, answers, judges))
    joined = _others(evaluation, previous, [name for name in before if name not in own]) if previous else ()
    models = _model_notices(evaluation, previous)
    manifest = Manifest(
        run=evaluation.name,
        plan=evaluation.plan_digest,
        store=store.url,
        date=invocation.date,
        # a test of prompts has no say in the baseline where the run has one
        baseline=previous.baseline if test is not None and previous else evaluation.baseline,
        confidence=evaluation.spec.confidence,
        judges=judges,
        notices=all_notices(evaluation.notices, joined, models),
        own_notices=evaluation.notices,
        model_notices=models,
        joined=joined,
        panels=panels_now(evaluation.panels, previous.panels if previous else ()),
        looks=evaluation.looks or _looks_before(previous),
        ab=test or (previous.ab if previous else None),
        pairs=previous.pairs if previous else (),
        declared=declared_on(
            previous.declared if previous else None, evaluation.declared, new_judges=own.keys() - before.keys()
        ),
        swaps=previous.swaps if previous else (),
        language=invocation.language,
        trainings=evaluation.trainings,
        sizes=evaluation.sizes,
        rubrics={**(previous.rubrics if previous else {}), **rubrics_of(job.judges)},
        provenance=with_judges_named(_provenance(evaluation, invocation, previous), judges, joined),
    )
    return Run(
        name=evaluation.name,
        manifest=manifest,
        tasks=job.tasks,
        requests=job.requests,
        judges=judges,
        answers=answers,
        items=items,
        verdicts=verdicts_now(items, outcome.verdicts, store, manifest.swaps),
        pairwise=judged_pairs(manifest.pairs, job.tasks, job.requests, answers, store=store),
    )


def _provenance(evaluation: Evaluation, invocation: Invocation, previous: Manifest | None) -> dict[str, Any]:
    """Return where the figures come from; what was certified of an engine when it answered still holds."""
    before = previous.provenance.get("parity", {}) if previous else {}
    kept = {label: entry for label, entry in before.items() if label in evaluation.job.models}
    return provenance_of(replace(evaluation, parity={**kept, **evaluation.parity}), invocation)


def _looks_before(previous: Manifest | None) -> Looks | None:
    """Return the looks that a run had, now that all its rows are asked everything: they were seen on the way."""
    if previous is None or previous.looks is None:
        return None
    return replace(previous.looks, stops=(), reached=max(map(len, previous.looks.sizes.values())))


def finish_in_folder(
    evaluation: Evaluation,
    outcome: Outcome,
    store: Store,
    folder: RunFolder,
    *,
    invocation: Invocation,
    tell: Callable[[str], None],
    overwrite: bool = False,
    test: PromptTest | None = None,
) -> Run:
    """Return the run that an evaluation came to, its files written; ``tell`` hears what a reader should know.

    A run in which nothing changed since its files were written is not computed or rendered again.
    """
    own = evaluation.job.planned_judges
    with folder.lock():
        check_plan(evaluation, folder, overwrite=overwrite)  # another process may have used the name meanwhile
        previous = folder.previous()
        if previous is not None and not is_same_plan(previous, evaluation):
            for note in _what_goes(previous, evaluation):
                tell(note)
            previous = None
        for note in replaced(previous.judges if previous else (), own):
            tell(note)
        run = finish(evaluation, outcome, store, invocation=invocation, previous=previous, test=test)
        if previous is not None and not overwrite:
            refuse_losing(run, previous, [judge.name for judge in own])
        run = enter(run, store, before=previous, date=invocation.date)
        run.save(folder)
    return run


def check_plan(evaluation: Evaluation, folder: RunFolder, *, overwrite: bool) -> None:
    """Refuse to put an evaluation in the place of a run that asked something else, unless ``overwrite``.

    Raises:
        UsageError: the run of this name has another plan.
    """
    if not overwrite:
        refuse_another_plan(folder, evaluation)


def check_names(asked: Declaration, evaluation: Evaluation, folder: RunFolder) -> None:
    """Refuse a primary judge or task set that neither the evaluation nor the run it continues has.

    Raises:
        UnknownNameError: there is no judge, or no task set, of this name.
    """
    previous = folder.previous()
    earlier = previous.judges if previous is not None and is_same_plan(previous, evaluation) else ()
    panels = panels_now(evaluation.panels, previous.panels if previous is not None and earlier else ())
    judges = with_panels((*evaluation.job.planned_judges, *earlier), panels)
    tasks = [task.name for task in evaluation.job.tasks]
    check_declared(asked, judges, tasks)
    check_margin(evaluation.declared, judges, tasks)
    check_estimand(evaluation.declared, judges, tasks)


def replaced(before: Sequence[PlannedJudge], own: Sequence[PlannedJudge]) -> list[str]:
    """Return what is to be said of the judges of a run that make way for others of the same name."""
    had = {judge.name: judge.fingerprint for judge in before}
    return [
        tr(
            "Note: this run had a judge {name!r} with other settings or another file. The new one takes its "
            "place on the board; the old verdicts stay in the store.",
            name=judge.name,
        )
        for judge in own
        if had.get(judge.name, judge.fingerprint) != judge.fingerprint
    ]


def _what_goes(previous: Manifest, evaluation: Evaluation) -> list[str]:
    """Return what is to be said of that which a run had and an evaluation with another plan does not keep."""
    own = {judge.name for judge in evaluation.job.judges}
    notes: list[str] = [
        tr(
            "Note: judge {judge!r} had joined this run, which now has other tasks, models or prompts. "
            "Add it again: {command}",
            judge=joined.judge,
            command=joined.command,
        )
        for joined in previous.joined
        if joined.judge not in own
    ]
    if previous.ab is not None:
        notes.append(tr("Note: this run had an A/B test of prompts, which goes with its plan: run harness ab again."))
    return notes


def _answers_now(outcome: Outcome, requests: Sequence[Request], store: Store) -> Mapping[str, Generation]:
    """Return every answer: where this command got none, another may have."""
    missing = {request.key: None for request in requests if not _is_answered(outcome.answers.get(request.key))}
    return {**outcome.answers, **store.generations(list(missing))} if missing else outcome.answers


def _is_answered(generation: Generation | None) -> bool:
    return generation is not None and generation.text is not None


def _others(evaluation: Evaluation, previous: Manifest, names: Sequence[str]) -> tuple[JoinedJudge, ...]:
    """Return how the judges came to the run that this evaluation does not bring along: later, or by an earlier one."""
    joined = {judge.judge: judge for judge in previous.joined}
    earlier = [name for name in names if name not in joined]
    if earlier:
        known = {*evaluation.notices, *(notice for judge in joined.values() for notice in judge.notices)}
        notices = tuple(notice for notice in previous.own_notices if notice not in known)
        date, command = (str(previous.provenance[key]) for key in ("date", "command"))
        for name in earlier:
            joined[name] = JoinedJudge(judge=name, date=date, command=command, notices=notices)
    return tuple(joined[name] for name in names)


def _model_notices(evaluation: Evaluation, previous: Manifest | None) -> dict[str, tuple[str, ...]]:
    """Return what each model says of itself, by fingerprint.

    A model that had nothing to generate this time has nothing to say: what it said when it made the stored answers
    still holds, so the notices of the run before are kept.
    """
    said: dict[str, tuple[str, ...]] = {}
    known = previous.model_notices if previous else {}
    for label, backend in evaluation.job.models.items():
        before = known.get(backend.fingerprint, ())
        now = [about(label, notice) for notice in (backend.notices() if isinstance(backend, GivesNotices) else ())]
        said[backend.fingerprint] = tuple(dict.fromkeys([*said.get(backend.fingerprint, ()), *before, *now]))
    return {fingerprint: notices for fingerprint, notices in said.items() if notices}
