"""The best checkpoint on a board: which rows are chosen from, what its value is over, and where nothing is said."""

from dataclasses import replace

import numpy as np
import pytest

from harness.analysis.best_checkpoint import with_best_checkpoints
from harness.analysis.leaderboard import Leaderboard, build_leaderboard
from harness.analysis.scores import ScoreTable
from harness.stats import Design, best_of
from harness.types import Scale
from tests.analysis.tables import table

CELLS = np.random.default_rng(0).integers(1, 6, (4, 30))  # m0 is the baseline
TRAININGS = {"mine": ("m1", "m2", "m3")}


def board_of(scores: ScoreTable, baseline: str = "m0", **trainings: tuple[str, ...]) -> Leaderboard:
    """Return the leaderboard of a table with its best checkpoints."""
    made = build_leaderboard("r", [scores], {}, baseline=baseline)
    return with_best_checkpoints(made, [scores], trainings or TRAININGS)


def test_gains_over_the_baseline() -> None:
    """Differences of the training's own rows from the baseline's, as the statistic has them."""
    [one] = board_of(table(CELLS)).boards[0].best
    expected = best_of(CELLS[1:] - CELLS[0], Scale(low=-4, high=4))
    assert expected == one.best
    assert ("mine", f"m{1 + int((CELLS[1:].mean(axis=1)).argmax())}", "m0") == (
        one.training,
        one.row.model,
        None if one.over is None else one.over.model,
    )


def test_means_where_the_baseline_is_a_checkpoint() -> None:
    """Nothing else to compare with: a mean on the judge's scale, with the clusters of the tasks."""
    clusters = [f"c{place // 2}" for place in range(30)]
    scores = table(CELLS, clusters=clusters)
    [one] = board_of(scores, mine=("m0", "m1", "m2", "m3")).boards[0].best
    assert one.over is None
    assert best_of(CELLS, Scale(low=1, high=5), Design(clusters=clusters)) == one.best


@pytest.mark.parametrize("labels", [("m1",), ("gone", "m1"), ("gone",)])
def test_nothing_to_choose(labels: tuple[str, ...]) -> None:
    """One checkpoint on the board, or none."""
    assert () == board_of(table(CELLS), mine=labels).boards[0].best


def test_none_without_trainings_or_about_these_tasks() -> None:
    """There is no luck with tasks where the claim is about these alone."""
    scores = table(CELLS)
    made = build_leaderboard("r", [scores], {}, baseline="m0")
    assert made is with_best_checkpoints(made, [scores], {})
    these = replace(made, boards=tuple(replace(board, is_about_these=True) for board in made.boards))
    assert () == with_best_checkpoints(these, [scores], TRAININGS).boards[0].best
