"""A leaderboard that knows what was tried before it: verdicts by p-values over every try."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from harness.analysis.leaderboard import Leaderboard, build_leaderboard
from harness.analysis.over_tries import over_tries
from harness.analysis.these import SetSize, about_sets
from harness.analysis.tried import BoardLedger, TriedRow
from harness.stats.design import Design
from harness.stats.power import detectable_gap
from harness.stats.spending import part_of_try, spend_over_tries
from harness.stats.tries import comparisons_worth
from harness.types import Declaration
from tests.analysis.tables import table

BASE = np.tile([2.0, 3.0, 3.0, 4.0], 10)
GAIN = np.where(np.arange(40) % 2, 1.0, 0.0)


def made() -> Leaderboard:
    """A candidate that is clearly better than the baseline on its own board."""
    return build_leaderboard("r", [table(np.array([BASE, BASE + GAIN]))], {}, baseline="m0")


def entry(p_value: float | None, *, tries: int = 40, earlier: int = 39, task: str = "t") -> BoardLedger:
    row = TriedRow(model="m1", prompt=None, place=tries, p_value=p_value, low=-0.1, high=1.1, shrunken=0.2)
    return BoardLedger(task=task, judge="j", date="2026-11-01", taskset="s", baseline="b", tries=tries, earlier=earlier,
                       rows=(row,))  # fmt: skip


def test_a_verdict_is_taken_back_where_many_were_tried() -> None:
    """The difference stays as it was; p-value, interval and method are those of all tries."""
    [before] = made().boards[0].comparisons
    [board] = over_tries(made(), [entry(0.3)]).boards
    [after] = board.comparisons
    assert ("better", 0.3, True) == (before.verdict.code, after.p_ledger, after.is_over_tries)
    assert "better" != after.verdict.code
    assert (before.result, -0.1, 1.1) == (after.result, after.shown.simultaneous.low, after.shown.simultaneous.high)
    assert "sign-flip p at what 40 tries leave of the error" == str(board.family_method)
    assert entry(0.3) == board.ledger


def test_a_clear_gain_stays_one() -> None:
    """However many were tried before."""
    [board] = over_tries(made(), [entry(0.001)]).boards
    assert ["better"] == [one.verdict.code for one in board.comparisons]


def test_the_first_board_of_all_is_its_own_correction() -> None:
    """Its figures are as they were, and its place is known."""
    plain = made().boards[0]
    [board] = over_tries(made(), [entry(None, tries=1, earlier=0)]).boards
    [after] = board.comparisons
    assert (plain.comparisons[0].verdict, plain.family_method) == (after.verdict, board.family_method)
    assert (False, plain.comparisons[0].result.p_adjusted, 1) == (
        after.is_over_tries,
        after.p_ledger,
        after.tried.place,
    )


def test_boards_that_the_ledger_does_not_know_stay_as_they_are() -> None:
    """Another task's entry is not theirs."""
    assert made() == over_tries(made(), []) == over_tries(made(), [entry(0.3, task="u")])


def test_too_few_tasks_for_an_interval_have_none() -> None:
    """The board's own is not shown in its place; where no task differs there is nothing that could be wider."""
    without = replace(entry(0.3), rows=tuple(replace(row, low=None, high=None) for row in entry(0.3).rows))
    [after] = over_tries(made(), [without]).boards[0].comparisons
    assert (None, None) == (after.shown.simultaneous.low, after.shown.simultaneous.high)
    same = build_leaderboard("r", [table(np.array([BASE, BASE]))], {}, baseline="m0")
    [after] = over_tries(same, [without]).boards[0].comparisons
    assert after.result.simultaneous.low == after.shown.simultaneous.low is not None


def test_what_is_resolved_goes_by_every_try() -> None:
    """The gap that is printed is that of the rule in force, wider than the board's own."""
    alone = made().boards[0]
    [after] = over_tries(made(), [entry(0.3)]).boards
    [one] = after.comparisons
    assert alone.plan.minimum_detectable is not None
    assert after.plan.minimum_detectable == one.shown.minimum_detectable
    assert after.plan.minimum_detectable > 1.2 * alone.plan.minimum_detectable
    assert [gain.points for gain in alone.plan.gains] == [gain.points for gain in after.plan.gains]
    assert all(a.tasks > b.tasks for a, b in zip(after.plan.gains, alone.plan.gains, strict=True))


def test_about_exactly_these_tasks_every_try_has_an_equal_part() -> None:
    """Signs say nothing there: p of the repeats times the tries, at what the third may spend; no luck of new tasks."""
    rng = np.random.default_rng(21)
    cells = np.array([BASE, BASE])[..., None] + rng.choice([-1, 0, 0, 0, 1], (2, BASE.size, 3))
    cells[1] += (np.arange(BASE.size) % 4 == 0)[:, None]
    cells = np.clip(cells, 1, 5)
    board = table(cells)
    alone = about_sets(
        build_leaderboard("r", [board], {}, baseline="m0", declared=Declaration(estimand="these")),
        [board],
        {"t": SetSize(size=BASE.size, is_fixed=True)},
    )
    [before] = alone.boards[0].comparisons
    [shown] = over_tries(alone, [entry(0.9, tries=3, earlier=2)]).boards
    [after] = shown.comparisons
    times = 1 / part_of_try(3)
    assert min(1.0, times * before.result.p_value) == pytest.approx(after.p_ledger)
    reach = stats.t.isf(0.025 / times, before.result.spread.df) * before.result.spread.se
    assert before.result.difference.value - reach == pytest.approx(after.tried.low)
    assert (None, None) == (after.tried.shrunken, shown.ledger.luck)
    assert "Bonferroni at the share of the error of the last of 3 tries" == str(shown.family_method)
    first = over_tries(alone, [entry(None, tries=1, earlier=0)]).boards[0].comparisons[0]
    assert (before.verdict, before.result.p_adjusted) == (first.verdict, first.p_ledger)


@pytest.mark.slow
def test_the_printed_gap_is_found_in_80_percent_over_tries() -> None:
    """Twelve tries of which the last has exactly that gap, as its own run judges it: .78-.84, within chance."""
    rng = np.random.default_rng(15)
    noise = rng.normal(size=(500, 13, 100))
    differences = noise[:, 1:] - noise[:, :1]
    gaps = []
    for board in differences[:60]:
        one = spend_over_tries(board, Design(draws=999))
        se = board[-1].std(ddof=1) / 10
        worth = comparisons_worth((one.high[-1] - one.low[-1]) / 2 / se, 99, 0.95)
        gap = detectable_gap(se, 99, 100, n_comparisons=worth)
        assert gap is not None
        gaps.append(gap)
    differences[:, -1] += np.mean(gaps)
    found = [spend_over_tries(board, Design(draws=999)).p_values[-1] <= 0.05 for board in differences]
    assert 0.78 - 0.036 <= np.mean(found) <= 0.84 + 0.036  # two standard errors of 500 boards
