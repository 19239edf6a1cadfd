"""From a run to what is shown of it: its score tables, its leaderboard, and the view that every report is made from."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.analysis.best_checkpoint import with_best_checkpoints
from harness.analysis.leaderboard import Leaderboard, build_leaderboard, length_stop_rates
from harness.analysis.over_tries import over_tries
from harness.analysis.pairwise import PairBoard, pair_boards
from harness.analysis.panel import panel_tables
from harness.analysis.possible_range import within_scale
from harness.analysis.primary import Primary, primary_of
from harness.analysis.scores import ScoreTable, score_tables
from harness.analysis.these import SetSize, about_sets
from harness.errors import UnknownNameError
from harness.locale import tr
from harness.plugins import names
from harness.runs.declared import check_declared, check_estimand, declared_on
from harness.runs.panels import with_panels
from harness.runs.rubrics import judge_prompts
from harness.runs.run import Run
from harness.runs.swaps import run_swaps
from harness.specs import task_plugin
from harness.stats import Family
from harness.types import Declaration, PlannedTask, Request, RowKey, TaskSpec, Verdict
from reports.run_view import PromptExample, Report, ShownAnswer


def by_judges(run: Run, judges: Sequence[str]) -> Run:
    """Return a run with some of its judges and panels alone, panels with their members; with all if none is named.

    Raises:
        UnknownNameError: the run has no judge of this name.
    """
    panels = {panel.name: panel for panel in run.manifest.panels}
    known = [*(judge.name for judge in run.judges), *panels]
    for name in judges:
        if name not in known:
            raise UnknownNameError(tr("judge in this run"), name, known)
    if not judges:
        return run
    kept = {*judges, *(member for name in judges if name in panels for member in panels[name].members)}
    return replace(
        run,
        manifest=replace(run.manifest, panels=tuple(panel for panel in panels.values() if panel.name in judges)),
        judges=tuple(judge for judge in run.judges if judge.name in kept),
        items=tuple(item for item in run.items if item.judge in kept),
    )


def with_declared(run: Run, asked: Declaration) -> Run:
    """Return a run with something declared otherwise, which is after looking; nothing asked leaves it as it is.

    Raises:
        UnknownNameError: the run has no judge, or no task set, of this name.
        UsageError: a margin as wide as the scale, or a claim about exactly these tasks that cannot be made of this run.
    """
    judges, tasks = with_panels(run.judges, run.manifest.panels), [task.name for task in run.tasks]
    check_declared(asked, judges, tasks)
    declared = declared_on(run.manifest.declared, asked)
    if declared != run.manifest.declared:
        check_estimand(declared, judges, tasks, looks=run.manifest.looks)
    return replace(run, manifest=replace(run.manifest, declared=declared))


def tables_of(run: Run, judges: Sequence[str] = ()) -> list[ScoreTable]:
    """Return the score tables of a run's judges, as `Run.tables`; those of panels are `board_tables`."""
    chosen = by_judges(run, judges)
    return score_tables(run.tasks, chosen.judges, chosen.items, run.verdicts)


def board_tables(run: Run, judges: Sequence[str] = ()) -> list[ScoreTable]:
    """Return a table for each board of a run: task by task the primary one, then its judges, then its panels.

    Raises:
        UnknownNameError: the run has no judge or panel of this name.
    """
    chosen = by_judges(run, judges)
    apart = score_tables(run.tasks, chosen.judges, chosen.items, run.verdicts)
    panels = panel_tables(apart, chosen.manifest.panels)  # their errors do not hold that of equating
    swaps = run_swaps(chosen) if run.manifest.swaps else None
    own = score_tables(run.tasks, chosen.judges, chosen.items, run.verdicts, swaps) if swaps else apart
    shown = [table for table in own if not judges or table.judge.name in judges]
    primary = run_primary(run)
    first = sorted((*shown, *panels), key=lambda table: primary is None or table.judge.name != primary.judge)
    return [table for task in run.tasks for table in first if table.task == task.name]


def leaderboard_of(
    run: Run, *, baseline: str | None = None, family: Family = "baseline", judges: Sequence[str] = ()
) -> Leaderboard:
    """Return the leaderboard of a run, as `Run.leaderboard`."""
    return _leaderboard(run, board_tables(run, judges), baseline, family)


def run_primary(run: Run) -> Primary | None:
    """Return which boards of a run verdicts come from; its panels count among its judges."""
    judges = with_panels(run.judges, run.manifest.panels)
    return primary_of(run.manifest.declared, judges, [task.name for task in run.tasks])


def _leaderboard(run: Run, tables: Sequence[ScoreTable], baseline: str | None, family: Family) -> Leaderboard:
    if baseline is not None and baseline not in run.models:
        raise UnknownNameError(tr("model label in this run"), baseline, run.models)
    made = build_leaderboard(
        run.name,
        tables,
        length_stop_rates(run.requests, run.answers),
        baseline=baseline or run.manifest.baseline,
        family=family,
        confidence=run.manifest.confidence,
        declared=run.manifest.declared,
        looks=run.manifest.looks,
        primary=run_primary(run),
    )
    made = about_sets(made, tables, {task.name: _task_set(run, task) for task in run.tasks})
    made = with_best_checkpoints(made, tables, run.manifest.trainings)
    is_own = family == "baseline" and baseline in (None, run.manifest.baseline)
    # of other comparisons than the run's own, what was tried is known, and no figure over it
    ledger = run.manifest.ledger if is_own else [replace(one, rows=(), luck=None) for one in run.manifest.ledger]
    return within_scale(over_tries(made, ledger))


def _task_set(run: Run, task: PlannedTask) -> SetSize:
    """Return what is known of a task set: one that a plugin of its name reads is as it was published."""
    is_fixed = task_plugin(TaskSpec(name=task.name)) in names("tasks")
    return SetSize(size=set_sizes(run)[task.name], is_fixed=is_fixed)


def set_sizes(run: Run) -> dict[str, int]:
    """Return how many tasks each set of a run has, whatever part of them it asked."""
    return {task.name: max(len(task.samples), run.manifest.sizes.get(task.name, 0)) for task in run.tasks}


def view_of(run: Run, *, baseline: str | None = None, judges: Sequence[str] = (), command: str | None = None) -> Report:
    """Return what a report shows of a run: its figures, computed once, and every answer with its verdicts.

    ``command``: what makes the figures again, if it is not the run's own.

    Raises:
        UnknownNameError: the run has no model or judge of this name.
    """
    shown = by_judges(run, judges)
    tables = board_tables(run, judges)
    provenance = dict(run.manifest.provenance) | ({} if command is None else {"command": command})
    return Report(
        leaderboard=_leaderboard(run, tables, baseline, "baseline"),
        tables=tuple(tables),
        answers=_answers(shown),
        prompts=_prompt_examples(run.requests, provenance.get("templates", {})),
        provenance=provenance,
        notices=run.manifest.notices,
        pairs=pairs_of(run, judges, baseline=baseline),
        asked=judge_prompts(run.manifest.rubrics, run.tasks),
    )


def pairs_of(run: Run, judges: Sequence[str] = (), *, baseline: str | None = None) -> tuple[PairBoard, ...]:
    """Return what judges of pairs say of a run's answers: those that are named, all if none is."""
    shown = [one for one in run.pairwise if not judges or one.plan.judge in judges]
    rows = tuple(dict.fromkeys(RowKey(model=request.model, prompt=request.prompt) for request in run.requests))
    return pair_boards(
        shown,
        run.tasks,
        baseline=baseline or run.manifest.baseline,
        rows=rows,
        confidence=run.manifest.confidence,
    )


def _answers(run: Run) -> tuple[ShownAnswer, ...]:
    verdicts: dict[int, dict[str, list[Verdict]]] = {}
    for item in run.items:
        verdicts.setdefault(id(item.request), {}).setdefault(item.judge, []).append(run.verdict(item))
    return tuple(
        ShownAnswer(
            task=request.task,
            sample_id=request.sample_id,
            row=RowKey(model=request.model, prompt=request.prompt),
            repeat=request.repeat,
            generation=run.answers.get(request.key),
            sampling=None if request.prompt is None else request.sampling,
            verdicts={judge: tuple(given) for judge, given in verdicts.get(id(request), {}).items()},
        )
        for request in run.requests
    )


def _prompt_examples(requests: Sequence[Request], templates: Mapping[str, Any]) -> tuple[PromptExample, ...]:
    """Return, for each template and task, what it makes of the first sample."""
    first: dict[tuple[str, str], Request] = {}
    for request in requests:
        if request.prompt is not None:
            first.setdefault((request.prompt, request.task), request)
    return tuple(
        PromptExample(
            name=prompt,
            sha256=templates.get(prompt, {}).get("sha256"),
            task=task,
            sample_id=request.sample_id,
            rendered=request.rendered,
        )
        for (prompt, task), request in first.items()
    )
