"""`harness.testing`'s strategies: what they draw is what the harness allows, and whole boards stand on it."""

import math

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from harness.analysis.leaderboard import build_leaderboard
from harness.analysis.scores import ScoreTable
from harness.testing import generations, samples, scales, score_pairs, score_tables, scores, verdicts
from harness.types import LIKERT_5, PASS_FAIL, UNIT, Generation, Sample, Scale, Verdict


@given(st.data(), scales())
def test_scores_are_on_their_scale(data: st.DataObject, scale: Scale) -> None:
    """Whatever the step."""
    assert scale.allows(data.draw(scores(scale)))


@given(verdicts(UNIT), samples(), generations())
def test_records_are_what_the_harness_takes(verdict: Verdict, sample: Sample, generation: Generation) -> None:
    """The records check themselves; a score stands where the status says so."""
    assert (verdict.score is None) == (verdict.status != "scored")
    assert isinstance(sample.input, str)
    assert (generation.text is None) == (generation.error is not None)


def test_the_interesting_cases_are_drawn() -> None:
    """Gaps, both ends of the scale, empty answers, tables without any gap: none is out of reach."""
    quick = settings(max_examples=2000, database=None)
    find(score_pairs(), lambda pairs: any(a is None and b is not None for a, b in pairs), settings=quick)
    find(scores(LIKERT_5), lambda score: score == 5, settings=quick)
    find(generations(), lambda generation: generation.text == "", settings=quick)
    find(score_tables(), lambda table: bool(np.isnan(table.cells).any()), settings=quick)
    find(score_tables(), lambda table: not np.isnan(table.cells).any(), settings=quick)


@given(score_tables(scale=PASS_FAIL, models=3, tasks=5, repeats=2, gaps=False))
def test_a_table_has_the_shape_that_was_asked_for(table: ScoreTable) -> None:
    """Rows, tasks, repeats; no gap where none may be."""
    assert (3, 5, 2, 1) == table.cells.shape
    assert not np.isnan(table.cells).any()
    assert set(np.unique(table.cells)) <= {0.0, 1.0}


@settings(max_examples=25)
@given(score_tables())
def test_a_board_of_any_scores_holds_plain_means_and_no_nan(table: ScoreTable) -> None:
    """The mean of each row is that of its scores as Python's own sum has it, None where there are none."""
    (board,) = build_leaderboard("r", [table], {}, baseline="base").boards
    for row in board.rows:
        present = [score for score in table.values(row.key).tolist() if not math.isnan(score)]
        expected = None if not present else pytest.approx(math.fsum(present) / len(present))
        assert row.estimate.value == expected
        assert row.estimate.n == len(present)
