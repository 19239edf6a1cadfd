"""What to do after a verdict: which tasks to read first, where a candidate is weak, what would decide. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from harness.analysis.board import Board, BoardRow
from harness.analysis.scores import ScoreTable
from harness.locale import Text
from harness.types import RowKey, Scale
from reports.formatting import number, row_name, score_digits, signed
from reports.run_view import ShownAnswer
from reports.verdict import deciding
from reports.wording import Words

_READ = 5  # tasks named
_TAGS = 3
_RULES = 3
_ENOUGH = 3  # tasks with a tag from which on its mean is worth a word
_RULE = "{kind}: {found}"  # the message in which the rules judge names a check that failed, see `judges.rules`


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing to do. ``tasks``: ids with what is said of each, ``tags`` likewise: a page links them."""

    text: str
    tasks: tuple[tuple[str, str], ...] = ()
    tags: tuple[tuple[str, str], ...] = ()

    @property
    def sentence(self) -> str:
        """The whole as one line of text."""
        listed = ", ".join(f"{name} ({said})" if said else name for name, said in (*self.tasks, *self.tags))
        return f"{self.text} {listed}" if listed else self.text


def leading_row(board: Board) -> BoardRow | None:
    """Return the candidate that a reader asks about first: the best row that is compared, else the best of all."""
    candidates = {one.candidate for one in board.comparisons}
    rows = [row for row in board.rows if row.key in candidates] or list(board.rows)
    return rows[0] if rows else None


def next_steps(board: Board, table: ScoreTable, answers: Iterable[ShownAnswer], say: Words) -> tuple[Step, ...]:
    """Return what to do next about a board: read, mend, decide. ``answers`` are those of the run."""
    row = leading_row(board)
    if row is None:
        return ()
    steps = [_reading(board, table, row.key, say), _weakest(board, row, say), _rules(answers, board.task, row.key, say)]
    if decide := deciding(board, say):
        steps.append(Step(text=decide))
    return tuple(step for step in steps if step is not None)


def task_score(value: float, scale: Scale, *, with_sign: bool = False) -> str:
    """Return the score of one task: whole points as such where the scale counts in points.

    >>> from harness.types import LIKERT_5, UNIT
    >>> task_score(4.0, LIKERT_5), task_score(2.5, LIKERT_5), task_score(-2.0, LIKERT_5, with_sign=True)
    ('4', '2.50', '-2')
    >>> task_score(1.0, UNIT)
    '1.000'
    """
    whole = value == int(value) and scale.high - scale.low > 1
    digits = 0 if whole else score_digits(scale.low, scale.high)
    return signed(value, digits) if with_sign else number(value, digits)


def _reading(board: Board, table: ScoreTable, row: RowKey, say: Words) -> Step | None:
    """Return the regressions to read first, the largest first; of a row that is not compared, its lowest scores."""
    found = next((one for one in board.comparisons if one.candidate == row), None)
    own, scale = table.values(row), board.judge.scale
    figures = own if found is None else own - table.values(found.baseline)
    order = [int(place) for place in np.argsort(figures, kind="stable") if not np.isnan(figures[place])]
    if found is not None:
        order = [place for place in order if figures[place] < 0]
    tasks = tuple(
        (table.samples[place].id, task_score(float(figures[place]), scale, with_sign=found is not None))
        for place in order[:_READ]
    )
    if found is None:
        return Step(text=say("next.lowest", row=row_name(row)), tasks=tasks) if len(order) > 1 else None
    names = {"candidate": row_name(row), "baseline": row_name(found.baseline)}
    if not order:
        return Step(text=say("next.no_regressions", **names))
    return Step(text=say("next.regressions", **names, count=len(order)), tasks=tasks)


def _weakest(board: Board, row: BoardRow, say: Words) -> Step | None:
    """Return the tags on which a row is below its own mean, the weakest first."""
    mean, digits = row.estimate.value, score_digits(board.judge.scale.low, board.judge.scale.high)
    known = [(tag.estimate.value, tag) for tag in row.tags if tag.estimate.n >= _ENOUGH]
    below = sorted(
        ((value, tag) for value, tag in known if value is not None and mean is not None and value < mean),
        key=lambda one: one[0],
    )
    if not below:
        return None
    return Step(
        text=say("next.tags", row=row_name(row.key), mean=number(mean, digits)),
        tags=tuple((tag.tag, f"{number(value, digits)}, n = {tag.estimate.n}") for value, tag in below[:_TAGS]),
    )


def _rules(answers: Iterable[ShownAnswer], task: str, row: RowKey, say: Words) -> Step | None:
    """Return the rules that a row's answers fail most often."""
    failed: Counter[str] = Counter()
    for answer in answers:
        if answer.task == task and answer.row == row:
            texts = [verdict.rationale for given in answer.verdicts.values() for verdict in given]
            failed.update({kind for text in texts for kind in failed_rules(text)})
    if not failed:
        return None
    listed = ", ".join(say("next.rule", rule=kind, count=count) for kind, count in failed.most_common(_RULES))
    return Step(text=say("next.rules", row=row_name(row), rules=listed))


def failed_rules(text: object) -> Iterator[str]:
    """Yield the rules that a verdict's rationale names as failed.

    >>> from harness.locale import clauses, tr
    >>> list(failed_rules(clauses([tr("{kind}: {found}", kind="non_empty", found="no text"), "x: y"])))
    ['non_empty']
    """
    if isinstance(text, Text):
        if text.msgid == _RULE:
            yield str(text.values["kind"])
        else:
            for value in text.values.values():
                yield from failed_rules(value)
