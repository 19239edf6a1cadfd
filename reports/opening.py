"""How a report opens: the verdict in words, two numbers, one picture, what it cannot tell, and what to do next. Pure.

The page, the picture, the PDF and the text to paste all show what stands here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.board import Board, BoardRow, Comparison
from harness.analysis.leaderboard import Leaderboard
from harness.analysis.scores import ScoreTable
from harness.engine.plan import PlannedJudge
from harness.types import RowKey
from reports.board_text import estimand_note, primary_note, resolution
from reports.board_view import tone, wins
from reports.formatting import interval, kind_key, number, percent, row_name, score_digits, signed
from reports.gaps import MARK
from reports.ledger import tries_lines
from reports.next_steps import Step, leading_row, next_steps
from reports.run_view import Report
from reports.svg import Bar
from reports.verdict import board_verdict, chance, comparison_says, deciding, margin_lines
from reports.wording import Words

MOST_BARS = 8
"""Rows that the picture shows at most; the leaderboard has all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A figure, large, and what it is."""

    value: str
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Intervals under each other.

    ``texts``: what stands beside each bar · ``zero``, ``margin``: where a difference is nought, and within how many
    points it counts as equal; None for means · ``more``: how many rows are not shown, if any.
    """

    title: str
    axis: str
    bars: tuple[Bar, ...]
    texts: tuple[str, ...]
    zero: float | None
    margin: float | None
    more: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What one primary board says. All plain text; ``unknown`` is what it cannot tell, ``steps`` what to do next.

    ``read``: the two rows whose answers the steps are about, the baseline first; one where nothing is compared.
    """

    task: str
    judge: str
    verdict: str
    details: tuple[str, ...]
    numbers: tuple[Number, ...]
    picture: Picture | None
    unknown: tuple[str, ...]
    steps: tuple[Step, ...]
    read: tuple[RowKey, ...]


def openings(report: Report, say: Words) -> list[Opening]:
    """Return how a report opens, one for each board that verdicts come from."""
    leaderboard = report.leaderboard
    return [
        _opening(board, table, report, say)
        for board, table in zip(leaderboard.boards, report.tables, strict=True)
        if board.is_primary and board.rows
    ]


def _opening(board: Board, table: ScoreTable, report: Report, say: Words) -> Opening:
    leaderboard = report.leaderboard
    verdict, details = _verdict(board, leaderboard.confidence, say)
    return Opening(
        task=board.task,
        judge=board.judge.name,
        verdict=verdict,
        details=(*details, *tries_lines(board, say)),
        numbers=_numbers(board, say),
        picture=_picture(board, leaderboard.confidence, say),
        unknown=_unknown(board, leaderboard, say),
        steps=next_steps(board, table, report.answers, say),
        read=_read(board),
    )


def _read(board: Board) -> tuple[RowKey, ...]:
    row = leading_row(board)
    if row is None:
        return ()
    found = next((one for one in board.comparisons if one.candidate == row.key), None)
    return (row.key,) if found is None else (found.baseline, row.key)


def _verdict(board: Board, confidence: float, say: Words) -> tuple[str, Sequence[str]]:
    if not board.comparisons:
        return _alone(board, say), ()
    if len(board.comparisons) == 1:
        return comparison_says(board, board.comparisons[0], say), ()
    first, *others = board_verdict(board, confidence, say)
    decide = deciding(board, say)  # it stands among the next steps, and need not stand twice
    return first, [line for line in others if line != decide]


def _alone(board: Board, say: Words) -> str:
    row = board.rows[0]
    key = "opening.alone" if len(board.rows) == 1 else "opening.not_compared"
    return say(key, row=row_name(row.key), count=len(board.rows))


def _numbers(board: Board, say: Words) -> tuple[Number, ...]:
    """Return the two figures that answer most: of one comparison, of several, of a row alone."""
    if len(board.comparisons) == 1:
        return _of_one(board, board.comparisons[0], say)
    if board.comparisons:
        return _of_several(board, say)
    return _of_row(board, board.rows[0], say)


def _of_one(board: Board, one: Comparison, say: Words) -> tuple[Number, ...]:
    digits, result = _digits(board), one.shown
    difference = Number(
        value=signed(result.difference.value, digits),
        about=say(
            "opening.difference",
            unit=_unit(board, say),
            baseline=row_name(one.baseline),
            bounds=interval(result.simultaneous, digits, with_sign=True),
            confidence=percent(result.simultaneous.confidence),
        ),
    )
    if one.verdict.same_sign is None:
        return difference, Number(value=wins(result), about=say("opening.wins", count=result.n_pairs))
    return difference, Number(value=chance(one), about=say("opening.same_sign"))


def _of_several(board: Board, say: Words) -> tuple[Number, ...]:
    digits, count = _digits(board), len(board.comparisons)
    better = sum(one.verdict.code == "better" for one in board.comparisons)
    baselines = {one.baseline for one in board.comparisons}
    key = "opening.better" if len(baselines) == 1 else "opening.better_pairs"
    first = Number(
        value=say("opening.of", count=better, all=count),
        about=say(key, baseline=row_name(board.comparisons[0].baseline)),
    )
    row = leading_row(board)
    found = None if row is None else board.comparison_of(row.key)
    if row is None or found is None:
        return (first,)
    about = say(
        "opening.leading",
        row=row_name(row.key),
        unit=_unit(board, say),
        baseline=row_name(found.baseline),
        bounds=interval(found.shown.simultaneous, digits, with_sign=True),
    )
    return first, Number(value=signed(found.shown.difference.value, digits), about=about)


def _of_row(board: Board, row: BoardRow, say: Words) -> tuple[Number, ...]:
    digits = _digits(board)
    about = say(
        "opening.mean",
        row=row_name(row.key),
        scale=board.judge.scale,
        bounds=interval(row.estimate, digits),
        confidence=percent(row.estimate.confidence),
    )
    return (
        Number(value=number(row.estimate.value, digits), about=about),
        Number(value=say("opening.of", count=row.estimate.n, all=board.n_samples), about=say("opening.scored")),
    )


def _picture(board: Board, confidence: float, say: Words) -> Picture | None:
    """Return the differences to the baseline where each row has one, else the means."""
    digits = _digits(board)
    compared = [(row, one) for row in board.rows if (one := board.comparison_of(row.key)) is not None]
    if compared and len({one.baseline for _, one in compared}) == 1:
        baseline = row_name(compared[0][1].baseline)
        bars = [_difference_bar(row, one, 1 - confidence) for row, one in compared]
        texts = [signed(one.shown.difference.value, digits) for _, one in compared]
        title = say("opening.picture_differences", baseline=baseline, confidence=percent(confidence))
        return Picture(
            title=title,
            axis=say("opening.axis", baseline=baseline, margin=number(board.margin, digits).rstrip("0").rstrip(".")),
            bars=tuple(bars[:MOST_BARS]),
            texts=tuple(texts[:MOST_BARS]),
            zero=0.0,
            margin=board.margin,
            more=_more(len(bars), say),
        )
    rows = [row for row in board.rows if row.estimate.value is not None]
    if not rows:
        return None
    return Picture(
        title=say("opening.picture_means", confidence=percent(confidence)),
        axis=say("figure.score"),
        bars=tuple(_mean_bar(row) for row in rows[:MOST_BARS]),
        texts=tuple(number(row.estimate.value, digits) for row in rows[:MOST_BARS]),
        zero=None,
        margin=None,
        more=_more(len(rows), say),
    )


def _difference_bar(row: BoardRow, one: Comparison, alpha: float) -> Bar:
    result = one.shown
    return Bar(
        name=f"{row_name(row.key)} {MARK}" if result.missing.caution else row_name(row.key),
        value=result.difference.value,
        low=result.simultaneous.low,
        high=result.simultaneous.high,
        tone=tone(result.difference.value, result.p_adjusted, alpha) or "muted",
    )


def _mean_bar(row: BoardRow) -> Bar:
    estimate = row.estimate
    return Bar(name=row_name(row.key), value=estimate.value, low=estimate.low, high=estimate.high)


def _more(count: int, say: Words) -> str:
    return say("opening.more", count=count - MOST_BARS) if count > MOST_BARS else ""


def _unknown(board: Board, leaderboard: Leaderboard, say: Words) -> tuple[str, ...]:
    """Return what the verdict rests on and does not reach: resolution, what is meant by a task, whose scores."""
    said = [resolution(board, say), estimand_note(leaderboard, say), judged_by(board.judge, say)]
    said += margin_lines(leaderboard, say)
    return tuple(filter(None, [*said, primary_note(leaderboard, say)]))


def judged_by(judge: PlannedJudge, say: Words) -> str:
    """Return what a judge that is no person measures, and that people may say otherwise; "" of people."""
    measured = say.section("kind")[kind_key(judge.kind, judge.scored_by)]
    return "" if judge.kind == "human" else say("opening.not_people", measured=measured)


def _unit(board: Board, say: Words) -> str:
    scale = board.judge.scale
    return say("board.points" if scale.high - scale.low > 1 else "board.share")


def _digits(board: Board) -> int:
    return score_digits(board.judge.scale.low, board.judge.scale.high)
