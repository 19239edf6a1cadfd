"""Win rates and the effect of place against scipy and by counting every possible outcome."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from harness.errors import StatisticsError
from harness.stats import position_bias, win_rate
from harness.stats.design import Design


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 60), st.data(), st.sampled_from([0.9, 0.95, 0.99]))
def test_without_ties_it_is_scipys_exact_interval(n: int, data: st.DataObject, confidence: float) -> None:
    """Clopper & Pearson's, whatever the count."""
    won = data.draw(st.integers(0, n))
    found = win_rate([1] * won + [0] * (n - won), Design(confidence=confidence)).estimate
    expected = scipy_stats.binomtest(won, n).proportion_ci(confidence)
    assert [found.value, found.low, found.high] == pytest.approx([won / n, expected.low, expected.high], abs=1e-9)
    assert (found.n, found.method) == (n, "Clopper-Pearson")


@pytest.mark.parametrize(("rate", "tie"), [(0.15, 0.0), (0.15, 0.3), (0.5, 0.0), (0.5, 0.7), (0.8, 0.3)])
@pytest.mark.parametrize("n", [7, 16])
def test_with_ties_it_covers_at_least_what_it_says(rate: float, tie: float, n: int) -> None:
    """By the chance of every count of wins and ties."""
    chances = [rate - tie / 2, tie, 1 - rate - tie / 2]
    covered = 0.0
    for won, tied in itertools.product(range(n + 1), repeat=2):
        if won + tied > n:
            continue
        counts = [won, tied, n - won - tied]
        found = win_rate([1] * won + [0.5] * tied + [0] * counts[2]).estimate
        if found.low <= rate <= found.high:
            covered += scipy_stats.multinomial.pmf(counts, n, chances)
    assert covered >= 0.95 - 1e-9


def test_p_value_is_the_sign_test_without_halves() -> None:
    """A sign flip of whole wins and losses is binomial: mid-p of 15 of 20, ties left out."""
    exact = scipy_stats.binom
    expected = 2 * (exact.sf(15, 20, 0.5) + exact.pmf(15, 20, 0.5) / 2)
    assert win_rate([1] * 15 + [0] * 5).p_value == pytest.approx(expected)
    assert win_rate([1] * 15 + [0] * 5 + [0.5] * 30).p_value == pytest.approx(expected)


def test_orders_that_differ_are_between() -> None:
    """Won in one order and tied in the other counts as a win of three quarters."""
    found = win_rate([1, 0.75, 0.5, 0.25, 0, None])
    assert (found.wins, found.ties, found.losses) == (2, 1, 2)
    assert found.estimate.value == 0.5
    assert (found.estimate.n, found.estimate.n_unscored) == (5, 1)


def test_nothing_to_count() -> None:
    """No verdict, no number."""
    found = win_rate([None, None])
    assert (found.estimate.value, found.estimate.low, found.p_value) == (None, None, None)


def test_tasks_that_belong_together_widen_it() -> None:
    """Ten families of five equal tasks are ten, not fifty."""
    shares = np.repeat([1, 1, 1, 0, 1, 0, 1, 1, 0, 1], 5)
    alone = win_rate(shares).estimate
    families = win_rate(shares, Design(clusters=np.repeat(np.arange(10), 5).tolist())).estimate
    assert families.high - families.low > 1.8 * (alone.high - alone.low)


def test_a_share_lies_between_nothing_and_all() -> None:
    """Anything else is no share."""
    with pytest.raises(StatisticsError):
        win_rate([1.5])


def test_position_bias_of_ten_points() -> None:
    """Planted at 10 points over both orders of 4,000 pairs: found to two, whoever is better."""
    rng = np.random.default_rng(2)
    n = 4_000
    share = np.concatenate([rng.random(n) < 0.7 + 0.1, rng.random(n) < 0.3 + 0.1])
    found = position_bias(share.astype(float), [*range(n), *range(n)])
    assert found.value == pytest.approx(0.10, abs=0.02)
    assert found.low < 0.10 < found.high


def test_pairs_shown_in_one_order_say_nothing_of_place() -> None:
    """A strong model that is always first is no bias of the judge."""
    shares = [1, 0, 1, 1, 1, 1, 0, 1]
    tasks = ["a", "a", "b", "c", "d", "e", "f", "f"]
    orders = [1, -1, 2, 3, 4, 5, 6, -6]
    found = position_bias(shares, tasks, orders=orders)
    assert (found.value, found.n) == (0.0, 4)
    assert position_bias(shares, tasks).value == 0.25


def test_position_bias_of_nothing() -> None:
    """No verdicts, no bias."""
    assert position_bias([], []).value is None
