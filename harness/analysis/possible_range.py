"""No interval of a difference says what the scale rules out: its ends lie no further apart than best and worst score.

With few tasks a t interval can reach beyond. What is cut off cannot be true, so the interval covers as often as before.
"""

from dataclasses import replace

from harness.analysis.board import Board, Comparison
from harness.analysis.leaderboard import Leaderboard
from harness.locale import tr
from harness.stats import PairedComparison
from harness.types import Estimate


def within_scale(leaderboard: Leaderboard) -> Leaderboard:
    """Return a leaderboard whose intervals of differences end where each board's scale does."""
    return replace(leaderboard, boards=tuple(map(_board, leaderboard.boards)))


def cut_to(found: Estimate, widest: float) -> Estimate:
    """Return a difference whose interval lies between -widest and +widest.

    >>> odd = Estimate(value=0.3, low=-1.2, high=1.8, confidence=0.95, n=3, n_unscored=0, method="paired t")
    >>> made = cut_to(odd, 1.0)
    >>> made.low, made.high, made.method
    (-1.0, 1.0, "paired t, cut at the scale's ends")
    """
    if found.low is None or found.high is None:
        return found
    low, high = max(found.low, -widest), min(found.high, widest)
    if (low, high) == (found.low, found.high):
        return found
    return replace(found, low=low, high=high, method=tr("{method}, cut at the scale's ends", method=found.method))


def _cut(end: float | None, widest: float) -> float | None:
    return None if end is None else min(max(end, -widest), widest)


def _board(board: Board) -> Board:
    widest = board.judge.scale.high - board.judge.scale.low
    return replace(board, comparisons=tuple(_comparison(one, widest) for one in board.comparisons))


def _comparison(comparison: Comparison, widest: float) -> Comparison:
    corrected, verdict, tried = comparison.corrected, comparison.verdict, comparison.tried
    return replace(
        comparison,
        verdict=replace(verdict, low=_cut(verdict.low, widest), high=_cut(verdict.high, widest)),
        tried=None if tried is None else replace(tried, low=_cut(tried.low, widest), high=_cut(tried.high, widest)),
        result=_result(comparison.result, widest),
        corrected=None if corrected is None else _result(corrected, widest),
    )


def _result(result: PairedComparison, widest: float) -> PairedComparison:
    return replace(
        result, difference=cut_to(result.difference, widest), simultaneous=cut_to(result.simultaneous, widest)
    )
