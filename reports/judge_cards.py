"""The judge cards of a report: what each judge gave, and how two judges of one task set compare."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from harness.analysis.judge_audit import JudgeCard, PairCard, judge_card, pair_card
from harness.analysis.scores import ScoreTable
from harness.stats.arrays import Floats
from reports.run_view import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCards:
    """The cards of all judges of one task set. ``pairs``: every two of them that scored the same rows."""

    task: str
    cards: tuple[JudgeCard, ...]
    pairs: tuple[PairCard, ...]


def judge_cards(report: Report) -> list[TaskCards]:
    """Return the cards of every task set of a report."""
    confidence = report.leaderboard.confidence
    found = []
    for task in dict.fromkeys(table.task for table in report.tables):
        tables = [table for table in report.tables if table.task == task]
        lengths = {table.judge.name: _lengths(table, report) for table in tables}
        cards = tuple(judge_card(table, lengths[table.judge.name], confidence=confidence) for table in tables)
        pairs = tuple(
            pair_card(first, second, lengths[first.judge.name], confidence=confidence)
            for first, second in combinations(tables, 2)
            if first.rows == second.rows
        )
        found.append(TaskCards(task=task, cards=cards, pairs=pairs))
    return found


def _lengths(table: ScoreTable, report: Report) -> Floats:
    """Return the length of each answer in characters, shape (rows, samples, repeats), NaN where there is none."""
    rows = {row: place for place, row in enumerate(table.rows)}
    samples = {sample.id: place for place, sample in enumerate(table.samples)}
    lengths = np.full(table.cells.shape[:3], np.nan)
    for answer in report.answers:
        text = answer.generation.text if answer.generation is not None else None
        if answer.task == table.task and answer.row in rows and text is not None:
            lengths[rows[answer.row], samples[answer.sample_id], answer.repeat] = len(text)
    return lengths
