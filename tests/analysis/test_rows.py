"""A leaderboard as flat records: the figures of its boards, one by one, in their order."""

import dataclasses

import pytest
from hypothesis import given, settings

from harness.analysis.leaderboard import build_leaderboard
from harness.analysis.scores import ScoreTable
from harness.testing import score_tables
from tests.reports.test_gaps import made


@settings(max_examples=20)
@given(score_tables(models=3))
def test_rows_and_differences_are_those_of_the_boards(table: ScoreTable) -> None:
    """Whatever the scores; records cannot be changed."""
    leaderboard = build_leaderboard("r", [table, dataclasses.replace(table, task="again")], {}, baseline="base")
    assert ["drawn"] * 3 + ["again"] * 3 == [row.task for row in leaderboard.rows]
    shown = [row for board in leaderboard.boards for row in board.rows]
    for row, known in zip(leaderboard.rows, shown, strict=True):
        assert (known.key.model, known.key.prompt) == (row.model, row.prompt)
        assert (known.estimate.value, known.estimate.low, known.estimate.high) == (row.mean, row.low, row.high)
        assert (None if known.rank is None else known.rank.low) == row.rank_low
    compared = [one for board in leaderboard.boards for one in board.comparisons]
    assert 4 == len(compared)
    for difference, one in zip(leaderboard.differences, compared, strict=True):
        assert ("base", one.candidate) == (difference.baseline.model, difference.candidate)
        assert (one.result.difference.value, one.result.p_adjusted) == (difference.difference, difference.p_adjusted)
    with pytest.raises(dataclasses.FrozenInstanceError):
        leaderboard.rows[0].mean = 1.0  # type: ignore[misc]


def test_a_leaderboard_in_a_notebook_says_what_it_shows() -> None:
    """Its run and baseline, then what each comparison of the primary board shows; not hundreds of fields."""
    scores = {"base": [1.0, 2, 1, 2, 1, 2, 1, 3], "tuned": [4.0, 4, 3, 5, 4, 4, 5, 4]}
    said = repr(made(scores)[0])
    assert said == "<Leaderboard 'run' against 'base'>\n  tuned: better (+2.50, judge)"
