"""The constant error of a judge at which a verdict would change."""

from dataclasses import replace

import numpy as np

from harness.analysis.board import Board
from harness.analysis.judge_error import closest, judge_errors
from harness.analysis.leaderboard import build_leaderboard
from harness.analysis.scores import ScoreTable
from tests.analysis.test_leaderboard import table

RNG = np.random.default_rng(5)
BASE = RNG.integers(2, 4, 60)
ROWS = {
    "base": BASE.tolist(),
    "better": (BASE + RNG.integers(0, 2, 60)).tolist(),
    "worse": (BASE - RNG.integers(0, 2, 60)).tolist(),
    "same": (BASE + RNG.integers(-1, 2, 60)).tolist(),
}


def board_of(scores: ScoreTable) -> Board:
    return build_leaderboard("r", [scores], {}, baseline="base").boards[0]


def shifted(found: ScoreTable, model: str, by: float) -> ScoreTable:
    """Return the scores without an error of the judge towards one model; the scale gives room for it."""
    cells = found.cells.copy()
    cells[[row.model for row in found.rows].index(model)] -= by
    scale = replace(found.judge.scale, low=-5, high=11, step=None)
    return replace(found, cells=cells, judge=replace(found.judge, scale=scale))


def test_the_verdict_changes_at_that_error_and_not_before() -> None:
    """Taken off the scores of the row it favours, a little less leaves the verdict, a little more changes it."""
    found = table(ROWS)
    before = board_of(shifted(found, "base", 0.0))
    for error in judge_errors(before):
        if error.verdict not in {"better", "worse"}:
            continue
        assert error.favours is not None
        assert error.flips_at is not None
        favoured = {"better": "better", "worse": "base"}[error.candidate.model]
        assert favoured == error.favours.model
        [own] = [one.result.difference for one in before.comparisons if one.candidate == error.candidate]
        alone = min(abs(own.low or 0), abs(own.high or 0))
        assert error.flips_at < alone < error.flips_at + 0.1
        codes = []
        for by in (error.flips_at - 0.03, alone + 0.03):
            again = board_of(shifted(found, favoured, by))
            codes += [one.verdict.code for one in again.comparisons if one.candidate == error.candidate]
        assert error.verdict == codes[0] != codes[1]


def test_what_is_open_names_the_nearer_side() -> None:
    """The error that would hide a true difference; the weakest decided verdict is found."""
    errors = {one.candidate.model: one for one in judge_errors(board_of(table(ROWS)))}
    assert errors["same"].verdict not in {"better", "worse"}
    assert errors["same"].flips_at is not None
    decided = [errors["better"], errors["worse"]]
    assert closest(list(errors.values())) == min(decided, key=lambda one: one.flips_at or 0)
    assert closest([errors["same"]]) is None


def test_without_an_interval_there_is_no_such_error() -> None:
    """A row without scores."""
    found = judge_errors(board_of(table({"base": [1, 2, 3], "none": [None, None, None]})))
    assert [None] == [one.flips_at for one in found]
