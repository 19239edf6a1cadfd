"""How wrong a judge may be before its verdicts change: a constant error towards one of two models. Pure.

A judge that gives one model b points too many on every task moves its difference by b, and nothing else. So the verdict
"better" holds as long as b stays below the end of the interval that is nearer to 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.board import Board
from harness.stats.equivalence import DecisionCode
from harness.types import RowKey


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeError:
    """One comparison: what it shows, and the smallest constant error at which it would show something else.

    ``flips_at``: in points of the judge's scale, None where the comparison has no interval · ``favours``: the row that
    the judge would have to favour by so much for the verdict to be wrong, where it is better or worse; for a verdict
    that is neither, the row that it would have to treat too badly by so much.
    """

    candidate: RowKey
    baseline: RowKey
    verdict: DecisionCode
    difference: float | None
    flips_at: float | None
    favours: RowKey | None


def judge_errors(board: Board) -> tuple[JudgeError, ...]:
    """Return the error that would change the verdict of every comparison of one board, by its simultaneous intervals.

    Verdicts are Holm's, which is a little less strict than these intervals after its first step: the true point lies
    between the nearer end of the simultaneous interval, which is given, and that of the comparison's own. A verdict
    that rests on the p-value alone, with 0 inside its interval, is given 0.
    """
    return tuple(
        JudgeError(
            candidate=one.candidate,
            baseline=one.baseline,
            verdict=one.verdict.code,
            difference=one.result.difference.value,
            flips_at=found[0] if found else None,
            favours=(one.candidate if found[1] else one.baseline) if found else None,
        )
        for one in board.comparisons
        for found in [_flip(one.verdict.code, one.result.simultaneous.low, one.result.simultaneous.high)]
    )


def closest(errors: Sequence[JudgeError]) -> JudgeError | None:
    """Return the decided comparison that the smallest error would change; None where nothing is decided."""
    decided = [one for one in errors if one.verdict in ("better", "worse") and one.flips_at is not None]
    return min(decided, key=lambda one: one.flips_at or 0.0, default=None)


def _flip(code: DecisionCode, low: float | None, high: float | None) -> tuple[float, bool] | None:
    """Return the size of the error, and whether it favours the candidate (or wrongs it, where nothing is decided)."""
    if low is None or high is None:
        return None
    if code == "better":
        return max(low, 0.0), True
    if code == "worse":
        return max(-high, 0.0), False
    # The difference would have to be so much higher to be better, or so much lower to be worse.
    return min((max(-low, 0.0), True), (max(high, 0.0), False))
