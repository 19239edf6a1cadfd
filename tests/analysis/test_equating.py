"""Boards with equated scores: their error is in every figure that rests on them, and in no other."""

from dataclasses import replace

import numpy as np
import pytest

from harness.analysis.comparing import compare_rows, ranks_of
from harness.analysis.equating import equated_family, equated_intervals, equated_ranks, is_equated
from harness.analysis.judge_versions import Swap, VersionSplit
from harness.analysis.leaderboard import build_leaderboard
from harness.analysis.scores import ScoreTable
from harness.analysis.strata import row_intervals
from harness.stats import Design, compare_family
from harness.stats.equating import Equating, equate, with_equating
from harness.types import Scale
from tests.analysis.tables import table

RNG = np.random.default_rng(11)
TASKS = 40


def an_equating(noise: int = 1) -> Equating:
    """From 40 answers to as many tasks; the new version is half a point harder, more or less."""
    old = np.tile([2.0, 3.0, 4.0, 5.0], 10)
    new = np.clip(old - RNG.integers(0, 1 + noise, 40), 1, 5)
    return equate(new, old)


def with_equated(equating: Equating, given: np.ndarray, which: np.ndarray) -> ScoreTable:
    """A table whose cells of ``which`` are equated."""
    given, which = (np.asarray(one)[..., np.newaxis, np.newaxis] for one in (given, which))
    cells = np.where(which, equating.apply(given), given)
    made = table(cells, scale=Scale(low=0, high=6))
    split = VersionSplit(
        shown="m-1", counts={"m-1": 80, "m-2": 40}, held={}, scale=Scale(low=1, high=5, step=1), equated=which,
        given=given, swap=Swap(old="m-1", new="m-2", equating=equating),
    )  # fmt: skip
    return replace(made, split=split)


@pytest.fixture
def board() -> ScoreTable:
    """Two rows by the old version, a third by the new one, a fourth half and half."""
    given = RNG.integers(1, 6, (4, TASKS)).astype(float)
    which = np.zeros((4, TASKS), dtype=bool)
    which[2] = True
    which[3, : TASKS // 2] = True
    return with_equated(an_equating(), given, which)


def test_a_rows_error_is_that_of_its_tasks_and_of_equating(board: ScoreTable) -> None:
    """By leaving out one anchor task after the other; rows by the old version stay as they were."""
    design = Design()
    plain = row_intervals(board, design)
    found = equated_intervals(board, plain, design)
    assert plain[:2] == found[:2]
    equating = board.split.swap.equating
    for row in (2, 3):
        own, wider = plain[row].estimate, found[row].estimate
        assert own.value == wider.value
        assert wider.low < own.low < own.high < wider.high
        assert wider.method.endswith(", equated")
    given = board.split.given[2, :, 0, 0]
    means = np.array([equating.apply_left_out([given])[g].mean() for g in range(equating.n_clusters)])
    by_hand = (equating.n_clusters - 1) * means.var()
    se = board.scores[2].std(ddof=1) / np.sqrt(TASKS)
    total, _ = with_equating(se, TASKS - 1, by_hand, equating.df)
    logits = [np.log((end - 0) / (6 - end)) for end in (found[2].estimate.low, found[2].estimate.high)]
    own = [np.log((end - 0) / (6 - end)) for end in (plain[2].estimate.low, plain[2].estimate.high)]
    assert pytest.approx(float(total / se), rel=0.02) == (logits[1] - logits[0]) / (own[1] - own[0])


def test_comparisons_hold_the_error_and_say_how_p_was_made(board: ScoreTable) -> None:
    """Against the old version's row they are wider; among old rows the sign-flip p stays; Holm is over all."""
    plain = compare_family(board.scores, board.judge.scale)
    found = equated_family(board, plain)
    assert plain.comparisons[0].p_value == found.comparisons[0].p_value
    assert plain.comparisons[0].difference == found.comparisons[0].difference
    for one, before in zip(found.comparisons[1:], plain.comparisons[1:], strict=True):
        assert one.spread.se > before.spread.se
        assert one.difference.high - one.difference.low > before.difference.high - before.difference.low
        assert "t with the error of equating" == one.p_method
        assert one.p_adjusted >= one.p_value
    assert found == compare_rows(board, Design(), family="baseline", baseline=0).family


def test_what_two_equated_rows_share_cancels() -> None:
    """A shift of the whole scale moves both alike: their difference holds less of it than either mean."""
    given = RNG.integers(1, 6, (3, TASKS)).astype(float)
    which = np.zeros((3, TASKS), dtype=bool)
    which[1:] = True
    mixed = with_equated(an_equating(), given, which)
    family = compare_family(mixed.scores, mixed.judge.scale, family="all-pairs")
    found = equated_family(mixed, family)
    added = [
        one.spread.se**2 - before.spread.se**2
        for one, before in zip(found.comparisons, family.comparisons, strict=True)
    ]
    by_pair = dict(zip(found.pairs, added, strict=True))
    assert by_pair[2, 1] < by_pair[1, 0] / 3


def test_ranks_are_no_narrower_than_without_the_error(board: ScoreTable) -> None:
    """And exactly as wide where equating has none."""
    plain = replace(board, split=None)
    for wide, narrow in zip(equated_ranks(board, Design()), ranks_of(plain, Design()), strict=True):
        assert wide.low <= narrow.low <= narrow.high <= wide.high
    sure = with_equated(equate(np.tile([1.0, 3, 5], 10), np.tile([1.0, 3, 5], 10)), board.scores, board.scores > 0)
    assert ranks_of(replace(sure, split=None), Design()) == equated_ranks(sure, Design())


def test_a_board_says_that_scores_are_equated(board: ScoreTable) -> None:
    """In the method of each figure; a table without any is as it was."""
    [made] = build_leaderboard("r", [board], {}, baseline="m0").boards
    by_model = {row.key.model: row for row in made.rows}
    assert made.split is board.split
    assert {"m0": False, "m1": False, "m2": True, "m3": True} == {
        model: row.estimate.method.endswith("equated") for model, row in by_model.items()
    }
    plain = table(board.scores, scale=board.judge.scale)
    assert (True, False) == (is_equated(board), is_equated(plain))
    compared = compare_family(plain.scores)
    assert compared is equated_family(plain, compared)
