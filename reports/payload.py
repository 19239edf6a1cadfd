"""The data that report.html carries: every text once, every verdict, as JSON that no markup can break out of."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from harness.analysis.prompt_test import Experiment
from harness.codec import digest
from harness.engine.plan import PlannedJudge
from harness.types import FinishReason, RowKey, Sample, Verdict
from reports.formatting import printable, row_name, score_digits
from reports.run_view import SLOT, Report, ShownAnswer
from reports.wording import Words

TEXT_LIMIT = 24_000_000
"""Characters of answers and reasons that a page carries at most; the tasks past it keep their scores alone."""

_ENDS: Mapping[FinishReason | None, int] = {"stop": 0, "length": 1, "error": 2, None: 3}


class _Texts:
    """Texts in the order of their first use, each once."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {}
        self.size = 0

    def place(self, text: str | None) -> int:
        """Return the place of a text, or -1 for none."""
        if text is None:
            return -1
        shown = printable(text)
        if shown not in self.places:
            self.places[shown] = len(self.places)
            self.size += len(shown)
        return self.places[shown]


def payload(report: Report, say: Words) -> dict[str, Any]:
    """Return the data of the page as plain values; `embedded` writes them down.

    ``answers[task][sample][row]``: one ``[text, end, tokens]`` a repeat · ``verdicts[task][judge][sample][row]``: one
    ``[score, reason, raw]`` for each repeat and judge repeat, without ``raw`` where no reply is on record ·
    ``scores[board][sample][row]``: the task's score, repeats averaged · a text is its place in ``texts``, -1 for none ·
    ``key``: under which a browser keeps a reader's notes, equal for equal tasks of one run · ``missing``: how many
    samples' answers were left out.
    """
    boards = report.leaderboard.boards
    texts = _Texts()
    rows = page_rows(report)
    tasks = list(dict.fromkeys(table.task for table in report.tables))
    samples = {table.task: table.samples for table in report.tables}
    judges = {board.judge.name: board.judge for board in boards}
    grouped: dict[tuple[str, str], dict[RowKey, list[ShownAnswer]]] = {}
    for answer in report.answers:
        grouped.setdefault((answer.task, answer.sample_id), {}).setdefault(answer.row, []).append(answer)
    missing = 0
    answers: list[list[Any]] = []
    verdicts: list[list[list[Any]]] = []
    for task in tasks:
        answers.append([])
        verdicts.append([[] for _ in judges])
        for sample in samples[task]:
            given = grouped.get((task, sample.id), {})
            if texts.size > TEXT_LIMIT:
                missing += 1
                given = {}
            answers[-1].append([[_answer(answer, texts) for answer in given.get(row, ())] for row in rows])
            for place, judge in enumerate(judges):
                verdicts[-1][place].append([_verdicts(given.get(row, ()), judge, texts, say) for row in rows])
    return {
        "language": say.language,
        "run": printable(report.leaderboard.run),
        "key": digest([report.leaderboard.run, report.provenance.get("tasks", {})])[:24],
        "words": say.section("page"),
        "rows": [printable(row_name(row)) for row in rows],
        "keys": [[printable(row.model), None if row.prompt is None else printable(row.prompt)] for row in rows],
        "judges": [_judge(judge) for judge in judges.values()],
        "boards": _boards(report, tasks, list(judges), rows),
        "tasks": [
            {"name": printable(task), "samples": [_sample(sample, texts) for sample in samples[task]]} for task in tasks
        ],
        "answers": answers,
        "verdicts": verdicts,
        "scores": [_scores(report, place, rows) for place in range(len(boards))],
        "asked": _asked(report, tasks, list(judges), texts),
        "slot": SLOT,
        "ab": ab_data(report.ab, tasks, list(judges), rows),
        "missing": missing,
        "texts": list(texts.places),
    }


def page_rows(report: Report) -> list[RowKey]:
    """Return the rows in the order in which the page's data has them."""
    return list(dict.fromkeys(answer.row for answer in report.answers))


def embedded(data: Mapping[str, Any]) -> str:
    r"""Return data as JSON to stand in a ``<script type="application/json">``: it cannot end the element.

    >>> embedded({"a": "</script><!-- 日本\u2028"})
    '{"a":"\\u003c/script>\\u003c!-- 日本\\u2028"}'
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _boards(
    report: Report, tasks: Sequence[str], judges: Sequence[str], rows: Sequence[RowKey]
) -> list[dict[str, Any]]:
    return [
        {
            "task": tasks.index(board.task),
            "judge": judges.index(board.judge.name),
            "order": [rows.index(row.key) for row in board.rows],
            "baseline": _baseline(report, rows),
            "primary": board.is_primary,
        }
        for board in report.leaderboard.boards
    ]


def _asked(
    report: Report, tasks: Sequence[str], judges: Sequence[str], texts: _Texts
) -> dict[int, dict[int, list[int]]]:
    """Return the places of what judges were sent, by the places of judge and task set."""
    return {
        judges.index(judge): {
            tasks.index(task): [texts.place(prompt) for prompt in prompts]
            for task, prompts in by_task.items()
            if task in tasks
        }
        for judge, by_task in report.asked.items()
        if judge in judges
    }


def ab_data(
    experiments: Sequence[Experiment], tasks: Sequence[str], judges: Sequence[str], rows: Sequence[RowKey]
) -> list[dict[str, Any]]:
    """Return what the matrix needs: which row of the page's data is which model under which prompt.

    ``tasks``, ``judges`` and ``rows`` are those of the page's data; an experiment that it does not have is left out.
    """
    return [
        {
            "task": tasks.index(one.task),
            "judge": judges.index(one.judge.name),
            "models": list(one.models),
            "prompts": list(one.prompts),
            "control": 0 if one.control is None else one.prompts.index(one.control),
            "cells": [[_place(rows, model, prompt) for prompt in one.prompts] for model in one.models],
        }
        for one in experiments
        if one.task in tasks and one.judge.name in judges
    ]


def _place(rows: Sequence[RowKey], model: str, prompt: str) -> int:
    key = RowKey(model=model, prompt=prompt)
    return rows.index(key) if key in rows else -1


def _judge(judge: PlannedJudge) -> dict[str, str | float]:
    return {
        "name": printable(judge.name),
        "kind": judge.kind,
        "low": judge.scale.low,
        "high": judge.scale.high,
        "digits": score_digits(judge.scale.low, judge.scale.high),
    }


def _sample(sample: Sample, texts: _Texts) -> list[Any]:
    return [
        printable(sample.id),
        texts.place(sample.input),
        texts.place(sample.reference),
        texts.place(sample.criteria),
        [printable(tag) for tag in sample.tags],
    ]


def _answer(answer: ShownAnswer, texts: _Texts) -> list[int | None]:
    generation = answer.generation
    if generation is None:
        return [-1, _ENDS["error"], None]
    text = generation.text if generation.text is not None else None
    return [texts.place(text), _ENDS[generation.finish_reason], generation.tokens_out]


def _verdicts(answers: Sequence[ShownAnswer], judge: str, texts: _Texts, say: Words) -> list[list[float | int | None]]:
    return [_verdict(verdict, texts, say) for answer in answers for verdict in answer.verdicts.get(judge, ())]


def _verdict(verdict: Verdict, texts: _Texts, say: Words) -> list[float | int | None]:
    said = say.sentence(verdict.reason or verdict.rationale or "")
    shown: list[float | int | None] = [_short(verdict.score), texts.place(said or None)]
    return [*shown, texts.place(verdict.raw)] if verdict.raw and verdict.raw != said else shown


def _scores(report: Report, place: int, rows: Sequence[RowKey]) -> list[list[float | None]]:
    table = report.tables[place]
    own = {row: index for index, row in enumerate(table.rows)}
    scores = table.scores.T
    return [
        [None if row not in own or np.isnan(sample[own[row]]) else _short(float(sample[own[row]])) for row in rows]
        for sample in scores
    ]


def _short(score: float | None) -> float | int | None:
    """Return a score with no more digits than any view shows: whole numbers as such."""
    if score is None:
        return None
    return int(score) if score == int(score) else round(score, 4)


def _baseline(report: Report, rows: Sequence[RowKey]) -> int:
    models = [row.model for row in rows]
    return models.index(report.leaderboard.baseline) if report.leaderboard.baseline in models else 0
