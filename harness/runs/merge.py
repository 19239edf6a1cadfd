"""Several runs of one task set as one: their rows on one board, where nothing stands against comparing them."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from harness.analysis.tried import merged_boards
from harness.engine.looks import Looks, merged_looks
from harness.engine.plan import AskedLess, PlannedJudge, PlannedPanel, items_of, plan_digest, task_hash
from harness.errors import UnlikeRunsError
from harness.locale import tr
from harness.notices import Notice
from harness.runs.manifest import JoinedJudge, JudgeSwap, Manifest
from harness.runs.merged_engines import refuse_unlike_engines
from harness.runs.merged_pairs import merged_pairs
from harness.runs.run import Run
from harness.types import PlannedTask, Request, RowKey, Verdict

Value = TypeVar("Value")
_Cell = tuple[str, str, str, str | None, int]
# What provenance says of a whole run, so that it is said for each where several are merged.
_OF_A_RUN = ("date", "command", "sampling", "repeats", "judge_repeats", "limit", "versions", "machine", "templates")


def merge_runs(runs: Sequence[Run], judges: Sequence[str] = ()) -> Run:
    """Return the rows of all runs as one run, by the judges named or by all.

    A row that is in two runs with the same answers is there once; two rows of one name with different answers are told
    apart by their run's name. The baseline, the confidence and what was declared are the first run's. The rows are in
    no store until the run is saved, which then keeps them beside its files.

    Raises:
        HarnessError: a task set has other content in another run, the runs share none, a judge of one name is another
            judge, or two engines answered and nobody has certified that they are equal.
    """
    if len(runs) == 1:
        return runs[0]
    tasks = _tasks(runs)
    refuse_unlike_engines(runs)
    merged_judges = _judges(runs, judges)
    renamed = _renamed(runs)
    requests: dict[_Cell, Request] = {}
    given: dict[tuple[_Cell, str, int], Verdict | None] = {}
    for run in runs:
        for request in run.requests:
            model = renamed.get((run.name, _row(request)), request.model)
            own = request if model == request.model else replace(request, model=model)
            requests.setdefault(_cell(own), own)
        for item in run.items:
            model = renamed.get((run.name, _row(item.request)), item.request.model)
            cell = _cell(item.request, model)
            if item.judge in merged_judges:
                given.setdefault((cell, item.judge, item.judge_repeat), run.verdicts.get(item.key))
    answers, planned = _first(run.answers for run in runs), tuple(merged_judges.values())
    asked_less = _asked_less(requests.values(), planned, given)
    # keys anew: that of a rating holds the model's label, which may be another now
    items = tuple(items_of(tasks, tuple(requests.values()), answers, planned, asked_less))
    verdicts = ((item.key, given.get((_cell(item.request), item.judge, item.judge_repeat))) for item in items)
    manifest = _manifest(runs, renamed, planned, plan_digest(tasks, tuple(requests.values())))
    pairwise = merged_pairs(runs, renamed, tasks, tuple(requests.values()), answers)
    return Run(
        name=" + ".join(run.name for run in runs),
        manifest=replace(manifest, asked_less=asked_less, pairs=tuple(one.plan for one in pairwise)),
        tasks=tasks,
        requests=tuple(requests.values()),
        judges=planned,
        answers=answers,
        items=items,
        verdicts={
            **{again: run.verdicts[again] for run in runs for again in _again(run) if again in run.verdicts},
            **{key: verdict for key, verdict in verdicts if verdict is not None},
        },
        pairwise=pairwise,
    )


def _asked_less(
    requests: Iterable[Request],
    judges: Sequence[PlannedJudge],
    given: Mapping[tuple[_Cell, str, int], Verdict | None],
) -> tuple[AskedLess, ...]:
    """Return where a judge was asked for fewer verdicts an answer than its repeats: one of the runs lacks it."""
    asked: Counter[tuple[str, str, RowKey]] = Counter()
    for (task, _, model, prompt, _), judge, repeat in given:
        place = judge, task, RowKey(model=model, prompt=prompt)
        asked[place] = max(asked[place], repeat + 1)
    places = dict.fromkeys((request.task, _row(request)) for request in requests)
    return tuple(
        AskedLess(judge=judge.name, task=task, model=row.model, prompt=row.prompt, repeats=asked[judge.name, task, row])
        for judge in judges
        for task, row in places
        if asked[judge.name, task, row] < judge.repeats
    )


def _first(maps: Iterable[Mapping[str, Value]]) -> dict[str, Value]:
    """Return all entries; of two under one key the first."""
    found: dict[str, Value] = {}
    for each in maps:
        found = {**each, **found}
    return found


def _row(request: Request) -> RowKey:
    return RowKey(model=request.model, prompt=request.prompt)


def _cell(request: Request, model: str | None = None) -> _Cell:
    return request.task, request.sample_id, model or request.model, request.prompt, request.repeat


def _tasks(runs: Sequence[Run]) -> tuple[PlannedTask, ...]:
    found: dict[str, tuple[PlannedTask, Run]] = {}
    for run in runs:
        for task in run.tasks:
            known, owner = found.setdefault(task.name, (task, run))
            if known is not task and task_hash(known.samples) != task_hash(task.samples):
                raise UnlikeRunsError(
                    tr(
                        "Task set {name!r} is not the same in runs {name_2!r} ({n_samples} tasks) and "
                        "{name_3!r} ({n_samples_2} tasks): their scores cannot stand on one board.",
                        name=task.name,
                        name_2=owner.name,
                        n_samples=len(known.samples),
                        name_3=run.name,
                        n_samples_2=len(task.samples),
                    ),
                    hint=tr("Evaluate both on the same file with the same --limit."),
                )
    for run in runs[1:]:
        if not {task.name for task in run.tasks} & {task.name for task in runs[0].tasks}:
            raise UnlikeRunsError(
                tr(
                    "Runs {name!r} and {name_2!r} share no task set: there is nothing to put on one board.",
                    name=runs[0].name,
                    name_2=run.name,
                ),
                hint=tr("Report them one by one."),
            )
    return tuple(task for task, _ in found.values())


def _judges(runs: Sequence[Run], chosen: Sequence[str]) -> dict[str, PlannedJudge]:
    found: dict[str, tuple[PlannedJudge, Run]] = {}
    for run in runs:
        for judge in run.judges:
            if chosen and judge.name not in chosen:
                continue
            known, owner = found.setdefault(judge.name, (judge, run))
            if (known.fingerprint, known.scale) != (judge.fingerprint, judge.scale):
                raise UnlikeRunsError(
                    tr(
                        "Judge {name!r} is not the same in runs {name_2!r} and {name_3!r} (another model, "
                        "rubric, file or setting): its scores cannot stand on one board.",
                        name=judge.name,
                        name_2=owner.name,
                        name_3=run.name,
                    ),
                    hint=tr("Judge one run again (harness judge RUN --judge ...), or name the others: --judge NAME."),
                )
    repeats: Counter[str] = Counter()
    for judge in (judge for run in runs for judge in run.judges):
        repeats[judge.name] = max(repeats[judge.name], judge.repeats)
    return {name: replace(judge, repeats=repeats[name]) for name, (judge, _) in found.items()}


def _swaps(runs: Sequence[Run], judges: Collection[str]) -> tuple[JudgeSwap, ...]:
    """Return how versions of the judges were linked in any of the runs; of two alike the first run's."""
    found: dict[tuple[str, str, str], JudgeSwap] = {}
    for swap in (swap for run in runs for swap in run.manifest.swaps if swap.judge in judges):
        found.setdefault((swap.judge, swap.old, swap.new), swap)
    return tuple(found.values())


def _again(run: Run) -> list[str]:
    return [again for swap in run.manifest.swaps for _, again in swap.anchors]


def _panels(runs: Sequence[Run], judges: Collection[str]) -> tuple[PlannedPanel, ...]:
    """Return the panels of all runs whose members are all here."""
    found = {panel.name: panel for run in reversed(runs) for panel in run.manifest.panels}
    return tuple(panel for panel in found.values() if set(panel.members) <= set(judges))


def _renamed(runs: Sequence[Run]) -> dict[tuple[str, RowKey], str]:
    """Return new labels for rows of one name whose answers are not the same in all runs that have them."""
    keys: dict[RowKey, dict[str, set[tuple[str, str, int, str]]]] = {}
    for run in runs:
        for request in run.requests:
            cell = (request.task, request.sample_id, request.repeat, request.key)
            keys.setdefault(_row(request), {}).setdefault(run.name, set()).add(cell)
    return {
        (run, row): f"{row.model} ({run})"
        for row, owners in keys.items()
        if len({frozenset(cells) for cells in owners.values()}) > 1
        for run in owners
    }


def _manifest(
    runs: Sequence[Run], renamed: Mapping[tuple[str, RowKey], str], judges: tuple[PlannedJudge, ...], plan: str
) -> Manifest:
    first = runs[0].manifest
    labels = {(run, row.model): label for (run, row), label in renamed.items()}
    provenance = _provenance(runs, labels)
    looks = merged_looks([_under_new_names(run, renamed) for run in runs])
    said = [notice for run in runs for notice in run.manifest.notices]
    if looks is None and any(run.manifest.looks for run in runs):
        said.append(
            Notice(
                "looks_not_merged",
                tr("These runs were looked at on the way at unlike times: the merged boards are not corrected for it."),
            )
        )
    notices = tuple(dict.fromkeys(said))
    return Manifest(
        plan=plan,
        store="",
        date=str(provenance["date"]),
        baseline=labels.get((runs[0].name, first.baseline), first.baseline),
        confidence=first.confidence,
        judges=judges,
        panels=_panels(runs, {judge.name for judge in judges}),
        swaps=_swaps(runs, {judge.name for judge in judges}),
        looks=looks,
        notices=notices,
        own_notices=notices,
        model_notices={},
        joined=_joined(runs, judges),
        declared=first.declared,
        language=first.language,
        trainings={
            name: tuple(labels.get((run.name, label), label) for label in known)
            for run in runs
            for name, known in run.manifest.trainings.items()
        },
        sizes={task: size for run in runs for task, size in run.manifest.sizes.items()},
        rubrics={judge: rubric for run in runs for judge, rubric in run.manifest.rubrics.items()},
        ledger=merged_boards([(run.name, run.manifest.ledger) for run in runs], renamed),
        provenance=provenance,
    )


def _under_new_names(run: Run, renamed: Mapping[tuple[str, RowKey], str]) -> tuple[Sequence[Request], Looks | None]:
    """Return the requests and the looks of a run by the labels that its rows have beside those of other runs."""
    labels = {row: label for (name, row), label in renamed.items() if name == run.name}
    looks = run.manifest.looks
    if not labels:
        return run.requests, looks
    requests = [replace(one, model=labels.get(_row(one), one.model)) for one in run.requests]
    if looks is None:
        return requests, None
    stops = [
        replace(stop, model=labels.get(RowKey(model=stop.model, prompt=stop.prompt), stop.model))
        for stop in looks.stops
    ]
    return requests, replace(looks, stops=tuple(stops))


def _joined(runs: Sequence[Run], judges: Sequence[PlannedJudge]) -> tuple[JoinedJudge, ...]:
    """Return how the judges came that joined one of the runs later, with the draw behind people's ratings."""
    names = {judge.name for judge in judges}
    found: dict[str, JoinedJudge] = {}
    for entry in (entry for run in runs for entry in run.manifest.joined if entry.judge in names):
        found.setdefault(entry.judge, entry)
    return tuple(found.values())


def _provenance(runs: Sequence[Run], labels: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    provenances = {run.name: run.manifest.provenance for run in runs}

    def models(key: str) -> dict[str, Any]:
        return {
            labels.get((run, label), label): known
            for run, provenance in provenances.items()
            for label, known in provenance.get(key, {}).items()
        }

    provenance = {
        "date": max(str(provenance["date"]) for provenance in provenances.values()),
        "runs": {
            run: {key: provenance[key] for key in _OF_A_RUN if key in provenance}
            for run, provenance in provenances.items()
        },
        "tasks": {name: value for known in provenances.values() for name, value in known["tasks"].items()},
        "models": models("models"),
        "model_details": models("model_details"),
        "parity": models("parity"),
        "templates": {name: value for known in provenances.values() for name, value in known["templates"].items()},
        "judges": {name: value for known in provenances.values() for name, value in known["judges"].items()},
    }
    return {key: value for key, value in provenance.items() if value}
