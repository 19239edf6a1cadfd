"""Verdicts given one after the other: what each try may spend of the error, and that it is never overspent."""

import itertools

import numpy as np
import pytest
from scipy import stats

from harness.errors import StatisticsError
from harness.stats.design import Design
from harness.stats.paired import compare_pairs
from harness.stats.spending import part_of_try, spend_over_tries
from tests.stats import scenarios


def test_what_all_tries_may_spend_is_bounded() -> None:
    """The first one share, all others at most one share together; less for every later one, and never nothing."""
    parts = [part_of_try(k) for k in range(2, 1000)]
    assert 1 == part_of_try(1)
    assert parts == sorted(parts, reverse=True)
    assert 0.98 < sum(parts) < 1
    assert parts[-1] > 0
    with pytest.raises(StatisticsError, match="counted from 1"):
        part_of_try(0)


def test_the_first_try_is_the_sign_flip_test_and_the_t_interval() -> None:
    """Alone it has the p-value and the interval of a paired comparison, also in clusters of unlike sizes."""
    rng = np.random.default_rng(5)
    differences = rng.choice([-1.0, 0, 1, 2], 40)
    for clusters in (None, [*("a" * 15), *"bbbbbccddeeff", *(str(i) for i in range(12))]):
        found = spend_over_tries([differences], Design(clusters=clusters))
        [own] = compare_pairs([np.zeros(40), differences], [(1, 0)], design=Design(clusters=clusters)).comparisons
        assert own.p_value == pytest.approx(found.p_values[0])
        if clusters is None:
            assert (own.difference.low, own.difference.high) == pytest.approx((found.low[0], found.high[0]))


def test_off_a_grid_p_is_that_of_all_sign_patterns() -> None:
    """Fourteen tasks, 16,384 patterns: the saddlepoint within 5 % where p is small, 0.01 where it is not."""
    rng = np.random.default_rng(6)
    patterns = np.array(list(itertools.product([-1, 1], repeat=14)))
    for gain in (0.0, 0.3, 0.6, 0.9):
        differences = rng.normal(gain, 1, 14)
        exact = (np.abs(patterns @ differences) >= abs(differences.sum()) - 1e-9).mean()
        assert exact == pytest.approx(spend_over_tries([differences]).p_values[0], rel=0.05, abs=0.01)


def test_later_tries_change_no_figure_and_pay_by_their_place() -> None:
    """The third of three is the third of ten; each p is its own times at least what its place asks."""
    rng = np.random.default_rng(7)
    table = rng.choice([-1.0, 0, 1], (10, 60)) + 0.2
    ten, three = spend_over_tries(table, Design(draws=999)), spend_over_tries(table[:3], Design(draws=999))
    assert three.p_values.tolist() == ten.p_values[:3].tolist()
    assert three.low.tolist() == ten.low[:3].tolist()
    alone = [spend_over_tries([row]).p_values[0] for row in table]
    assert alone[0] == ten.p_values[0]
    assert (ten.p_values[1:] > alone[1:]).all()
    assert ten.critical[9] > ten.critical[1] > ten.critical[0] + 1


def test_tries_that_are_alike_leave_more_to_those_after_them() -> None:
    """Twenty copies of one try cost what one costs; twenty that have nothing in common cost twenty."""
    rng = np.random.default_rng(8)
    apart = rng.normal(size=(21, 100))
    alike = np.vstack([np.repeat(apart[:1], 20, axis=0), apart[20:]])
    assert spend_over_tries(alike).critical[20] < spend_over_tries(apart).critical[20] - 0.2


def test_a_board_shares_its_part_equally() -> None:
    """Three tries of one board have one critical value, and the first board's is Bonferroni's."""
    table = np.random.default_rng(9).normal(size=(5, 50))
    found = spend_over_tries(table, boards=["a", "a", "a", "b", "b"])
    assert [stats.t.isf(0.025 / 3, 49)] * 3 == pytest.approx(found.critical[:3].tolist())
    assert found.critical[3] == found.critical[4]
    with pytest.raises(StatisticsError, match="2 boards for 5 tries"):
        spend_over_tries(table, boards=["a", "b"])


def test_missing_and_empty() -> None:
    """A try without scores has no p-value, one without differences has 1, no tries make no trouble."""
    found = spend_over_tries([[np.nan] * 4, [0.0] * 4, [1.0, 1, np.nan, 1]])
    assert np.isnan(found.p_values[0])
    assert 1 == found.p_values[1]
    assert [1.0] == found.differences[2:].tolist()
    assert 0 == spend_over_tries(np.empty((0, 5))).p_values.size


@pytest.mark.slow
def test_some_verdict_of_thirty_given_one_after_the_other_is_wrong_in_5_percent() -> None:
    """Thirty equal adapters of which each is judged at its own finish, and none is taken back; 500 stores a design.

    Three answers of four are the baseline's; and nothing in common at all, where Bonferroni's sum is reached.
    """
    rng = np.random.default_rng(2026)  # 41 gave .076 in the first design, three others .028 to .042
    drawn = rng.choice(scenarios.LEVELS, (500, 31, 100), p=scenarios.MID)
    shared = np.where(rng.random(drawn.shape) < 0.75, drawn[:, :1], drawn)
    for boards in (shared[:, 1:] - shared[:, :1], rng.normal(size=(500, 30, 100))):
        found = [spend_over_tries(board, Design(draws=499)) for board in boards]
        wrong = [((one.p_values <= 0.05) & (one.differences > 0)).any() for one in found]
        assert np.mean(wrong) <= 0.05 + 0.02  # two standard errors of 500 stores
        alone = np.array([stats.ttest_1samp(board, 0, axis=1).pvalue for board in boards[:200]])
        assert (alone <= 0.05).any(axis=1).mean() > 0.3
