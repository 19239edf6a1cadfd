"""``harness audit``: how far each judge of a run can be trusted."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from harness.analysis.board import Board
from harness.analysis.drift import Drift
from harness.analysis.human_anchor import TaskDraw, anchoring
from harness.analysis.judge_audit import (
    Lengths,
    RaterAudit,
    comparable,
    confusion,
    group_alphas,
    judge_audits,
    rater_audit,
)
from harness.analysis.judge_error import judge_errors
from harness.analysis.primary import primary_of
from harness.analysis.rater_spread import rater_scores
from harness.analysis.rubric_tests import RubricTests
from harness.analysis.scores import ScoreTable
from harness.cli.execution import Allowance
from harness.cli.options import FiniteRange, call_limits, common_options, pace_options
from harness.cli.rubric_tests import rubric_tests_of
from harness.cli.say import language, say
from harness.errors import UnknownNameError, UnwritableError, UsageError
from harness.human.ratings import Rating
from harness.human.sheets import IMPORTED, rater_matrix
from harness.locale import tr
from harness.runs.boards import leaderboard_of, tables_of
from harness.runs.load import load_run
from harness.runs.panels import with_panels
from harness.runs.rated import imported_ratings
from harness.runs.run import Run
from harness.runs.swaps import run_drifts
from harness.runs.unpacking import run_folder
from harness.specs import load_config, store_url
from harness.stats.arrays import Floats
from harness.types import LIKERT_5, RowKey
from reports.audit import Audit, BoardErrors, TaskAudit, audit_document, audit_markdown
from reports.drift import drift_document, drift_markdown, drift_svg
from reports.rubric_tests import rubric_tests_document, rubric_tests_markdown


@click.command(
    "audit",
    short_help="Show how far each judge of a run can be trusted.",
    epilog="Example: harness audit demo --human human",
)
@click.argument("run", required=False)
@click.option("--human", metavar="NAME", help="The judge that stands for people.  [default: human, or the only one]")
@click.option("--rubric-tests", is_flag=True, help="Test a judge: other words, order, length, errors, injections.")
@click.option("--judge", metavar="NAME[:OPTION]", help="The judge to test.  [default: the run's primary one]")
@click.option("--rubric", metavar="NAME|PATH", help="Its rubric, for --rubric-tests.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Test on N tasks.  [default: 22, 30 of a run]")
@click.option("--max-cost", type=FiniteRange(min=0, min_open=True), metavar="USD", help="Spend no more than this.")
@click.option("--dry-run", is_flag=True, help="Say what --rubric-tests would take, and do nothing.")
@pace_options
@click.option("--svg", metavar="FILE", help="Write the chart of how the judges drifted between their versions.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, unrounded.")
@common_options
def audit(
    *,
    run: str | None,
    human: str | None,
    rubric_tests: bool,
    judge: str | None,
    rubric: str | None,
    limit: int | None,
    max_cost: float | None,
    dry_run: bool,
    wait: bool,
    batch: bool,
    svg: str | None,
    as_json: bool,
    config: str | None,
    store: str | None,
    **pace: Any,  # noqa: ANN401 - click's values, each typed where it is read
) -> None:
    """Show the card of every judge of a finished run; RUN is its name under runs/ or its folder.

    Scores and what is missing, agreement with the other judges, self-consistency where verdicts were repeated, how
    scores go with length, how small an error of the judge would change a verdict, and, where people rated a part of the
    answers, what they would say of all of them.

    --rubric-tests asks a judge for more verdicts, on answers of RUN or, without RUN, on 22 tasks that come along: with
    its rubric in other words and in another order, without the reference, on a brief and a long answer that say the
    same, on wrong ones, and on wrong ones that order full marks.
    """
    settings = load_config(config)
    stored = None if run is None else load_run(run, settings.runs, store)
    tests = None
    if rubric_tests:
        tests = rubric_tests_of(
            stored,
            judge,
            settings,
            store or (store_url(None, settings) if stored is None else stored.manifest.store),
            Allowance(max_cost=max_cost, wait=wait, batch=batch),
            rubric=rubric,
            limit=limit,
            limits=call_limits(pace),
            dry_run=dry_run,
        )
        if dry_run:
            return
    elif stored is None:
        raise UsageError(
            tr("No run was named."), hint=tr("harness audit RUN, or harness audit --rubric-tests --judge NAME")
        )
    found: Audit | None = None
    drifts: tuple[Drift, ...] = ()
    if run is not None and stored is not None:
        drifts = run_drifts(stored)
        with run_folder(run, settings.runs) as folder:
            found = build_audit(stored, imported_ratings(folder), human)
    if svg is not None:
        _write_drift(svg, drifts)
    if as_json:
        say(json.dumps(_document(found, drifts, tests), ensure_ascii=False, indent=1, allow_nan=False))
        return
    parts = [] if found is None else [audit_markdown(found, language=language())]
    parts += [drift_markdown(drifts, language=language())] if drifts else []
    parts += [] if tests is None else [rubric_tests_markdown(tests, language=language())]
    say("\n".join(parts), nl=False)


def _document(found: Audit | None, drifts: Sequence[Drift], tests: RubricTests | None) -> dict[str, Any]:
    """Return the cards, how judges drifted, and the tests of a rubric."""
    document = {"schema": 1} if found is None else audit_document(found) | {"drift": drift_document(drifts)}
    return document if tests is None else document | {"rubric_tests": rubric_tests_document(tests)}


def _write_drift(path: str, drifts: Sequence[Drift]) -> None:
    """Write the chart of how judges drifted.

    Raises:
        UsageError: no judge of the run was judged again by another version.
        UnwritableError: the file cannot be written.
    """
    if not drifts:
        raise UsageError(
            tr("There is no drift to draw: no anchors were judged by another version."),
            hint=tr("harness judge RUN --anchors judges them."),
        )
    try:
        Path(path).expanduser().write_text(drift_svg(drifts, language=language()), encoding="utf-8")
    except OSError as error:
        raise UnwritableError(
            tr("Cannot write {path}: {strerror}.", path=path, strerror=error.strerror or error),
            hint=tr("Name another file."),
        ) from error
    say(tr("Written: {path}", path=path), err=True)


def build_audit(stored: Run, ratings: Sequence[Rating], human: str | None = None) -> Audit:
    """Return the audit of a run. ``ratings`` were imported from its own sheets.

    ``human``: the judge that stands for people; None for the imported sheets, or else the only judge of that kind.

    Raises:
        UnknownNameError: the run has no judge of this name.
    """
    known = [judge.name for judge in stored.judges]
    if human is not None and human not in known:
        raise UnknownNameError(tr("judge in this run"), human, known)
    people = [judge.name for judge in stored.judges if judge.kind == "human"]
    human = human or (IMPORTED if IMPORTED in people else people[0] if len(people) == 1 else None)
    confidence = stored.manifest.confidence
    tables = tables_of(stored)
    judges = with_panels(stored.judges, stored.manifest.panels)
    primary = primary_of(stored.manifest.declared, judges, [task.name for task in stored.tasks])
    boards = () if primary is None else leaderboard_of(stored, judges=(primary.judge,)).boards
    return Audit(
        run=stored.name,
        confidence=confidence,
        human=human,
        estimand=stored.manifest.declared.estimand or "new",
        tasks=tuple(
            _task_audit(
                stored,
                task.name,
                [table for table in tables if table.task == task.name],
                [board for board in boards if board.task == task.name],
                human=human,
                ratings=ratings,
            )
            for task in stored.tasks
        ),
        raters=_raters(stored, ratings, confidence),
    )


def _task_audit(
    stored: Run,
    task: str,
    tables: Sequence[ScoreTable],
    boards: Sequence[Board],
    *,
    human: str | None,
    ratings: Sequence[Rating],
) -> TaskAudit:
    confidence = stored.manifest.confidence
    [cards] = judge_audits(tables, _lengths(stored), confidence=confidence)
    by_name = {table.judge.name: table for table in tables}
    people = by_name.get(human or "")
    against = [
        table
        for table in tables
        if people is not None and table is not people and comparable(table.judge, people.judge)
    ]
    confusions = [confusion(table, people) for table in against if people is not None]
    draw = _draw(stored, human, task)
    anchorings = [
        anchoring(
            table,
            people,
            baseline=stored.manifest.baseline,
            draw=draw,
            by_rater=_by_rater(people, ratings),
            confidence=confidence,
        )
        for table in against
        if people is not None
    ]
    return TaskAudit(
        task=task,
        cards=cards.cards,
        pairs=cards.pairs,
        groups=group_alphas(tables),
        confusions=tuple(found for found in confusions if found is not None),
        anchorings=tuple(found for found in anchorings if found is not None),
        errors=tuple(
            BoardErrors(judge=board.judge.name, errors=judge_errors(board))
            for board in boards
            if board.comparisons and board.is_primary
        ),
    )


def _by_rater(people: ScoreTable, ratings: Sequence[Rating]) -> Floats | None:
    """Return what each rater gave; None of ratings from a file, which are one score an answer."""
    if not ratings or people.judge.name != IMPORTED:
        return None
    return rater_scores(ratings, people.task, people.rows, [sample.id for sample in people.samples])


def _lengths(stored: Run) -> Lengths:
    return {
        (request.task, RowKey(model=request.model, prompt=request.prompt), request.sample_id, request.repeat): len(text)
        for request in stored.requests
        if (given := stored.answers.get(request.key)) is not None and (text := given.text) is not None
    }


def _draw(stored: Run, human: str | None, task: str) -> TaskDraw:
    """Return what is on record of the random draw behind a judge's ratings of a task set."""
    draw = next((joined.draw for joined in stored.manifest.joined if joined.judge == human and joined.draw), {})
    population, chosen, strata = (draw.get(name, {}).get(task) for name in ("population", "chosen", "strata"))
    return TaskDraw(population=population, chosen=chosen, strata=(strata or {}).get("parts", ()))


def _raters(stored: Run, ratings: Sequence[Rating], confidence: float) -> RaterAudit | None:
    if not ratings:
        return None
    matrix, raters, tasks = rater_matrix(ratings)
    scale = next((judge.scale for judge in stored.judges if judge.name == IMPORTED), LIKERT_5)
    return rater_audit(matrix, raters, tasks, scale, confidence=confidence)
