"""``harness audit``: how far each judge of a run can be trusted."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

from harness.analysis.human_anchor import anchoring
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
from harness.analysis.leaderboard import Board
from harness.analysis.primary import primary_of
from harness.analysis.rater_spread import rater_scores
from harness.analysis.scores import ScoreTable
from harness.cli.options import common_options
from harness.cli.say import language, say
from harness.errors import UnknownNameError
from harness.human.ratings import Rating
from harness.human.sheets import IMPORTED, rater_matrix
from harness.locale import tr
from harness.runs.boards import leaderboard_of, tables_of
from harness.runs.load import load_run
from harness.runs.panels import with_panels
from harness.runs.rated import imported_ratings
from harness.runs.run import Run
from harness.runs.unpacking import run_folder
from harness.specs import load_config
from harness.stats.arrays import Floats
from harness.types import LIKERT_5, RowKey
from reports.audit import Audit, BoardErrors, TaskAudit, audit_document, audit_markdown


@click.command(
    "audit",
    short_help="Show how far each judge of a run can be trusted.",
    epilog="Example: harness audit demo --human human",
)
@click.argument("run")
@click.option("--human", metavar="NAME", help="The judge that stands for people.  [default: human, or the only one]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, unrounded.")
@common_options
def audit(*, run: str, human: str | None, as_json: bool, config: str | None, store: str | None) -> None:
    """Show the card of every judge of a finished run; RUN is its name under runs/ or its folder.

    Scores and what is missing, agreement with the other judges, self-consistency where verdicts were repeated, how
    scores go with length, how small an error of the judge would change a verdict, and, where people rated a part of the
    answers, what they would say of all of them.
    """
    runs = load_config(config).runs
    stored = load_run(run, runs, store)
    with run_folder(run, runs) as folder:
        found = build_audit(stored, imported_ratings(folder), human)
    if as_json:
        say(json.dumps(audit_document(found), ensure_ascii=False, indent=1, allow_nan=False))
        return
    say(audit_markdown(found, language=language()), nl=False)


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
    draw = _draw(stored, human)
    anchorings = [
        anchoring(
            table,
            people,
            baseline=stored.manifest.baseline,
            population=draw.get("population", {}).get(task),
            chosen=draw.get("chosen", {}).get(task),
            strata=draw.get("strata", {}).get(task, {}).get("parts", ()),
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


def _draw(stored: Run, human: str | None) -> Mapping[str, Any]:
    """Return the random draw on record behind a judge's ratings, or nothing."""
    return next((joined.draw for joined in stored.manifest.joined if joined.judge == human and joined.draw), {})


def _raters(stored: Run, ratings: Sequence[Rating], confidence: float) -> RaterAudit | None:
    if not ratings:
        return None
    matrix, raters, tasks = rater_matrix(ratings)
    scale = next((judge.scale for judge in stored.judges if judge.name == IMPORTED), LIKERT_5)
    return rater_audit(matrix, raters, tasks, scale, confidence=confidence)
