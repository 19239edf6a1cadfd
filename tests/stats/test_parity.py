"""How far two engines are apart: against numpy, and against series whose place between two others is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from harness.errors import StatisticsError
from harness.stats import Design
from harness.stats.parity import Gap, Way, gap, share_of_way

PROMPTS = Design(clusters=[prompt for prompt in range(8) for _ in range(40)])
NUMBERS = arrays(np.float64, 30, elements=st.floats(-50, 0))


def test_a_gap_is_the_mean_and_the_percentile_of_absolute_differences() -> None:
    """Of 200 differences 1, 2 ... 200 the 99th percentile is 199, as numpy's "higher" has it."""
    found = gap(np.zeros(200), np.arange(1, 201) * np.where(np.arange(200) % 2, 1, -1))
    assert Gap(n=200, n_missing=0, mean=100.5, p99=199.0, largest=200.0) == found


def test_what_is_no_number_is_counted_and_in_no_figure() -> None:
    """Minus infinity is the logarithm of nothing: no difference from it is a number."""
    assert Gap(n=1, n_missing=2, mean=1.0, p99=1.0, largest=1.0) == gap([0, np.nan, -np.inf], [1, 0, 0])
    assert Gap(n=0, n_missing=0, mean=0.0, p99=0.0, largest=0.0) == gap([], [])


@given(NUMBERS, NUMBERS)
def test_a_gap_has_no_direction(first: np.ndarray, second: np.ndarray) -> None:
    """And the mean is no larger than the largest, which no percentile exceeds."""
    found = gap(first, second)
    assert found == gap(second, first)
    assert 0 <= found.mean <= found.largest + 1e-12
    assert found.p99 <= found.largest


def test_series_of_unlike_lengths_are_refused() -> None:
    """They are not of the same tokens."""
    with pytest.raises(StatisticsError, match="pairs"):
        gap([1, 2], [1])
    with pytest.raises(StatisticsError, match="pairs"):
        share_of_way([1.0], ([1.0, 2.0], [1.0, 2.0]), ([1.0, 2.0], [1.0, 2.0]))


@given(st.floats(-2, 3), NUMBERS, NUMBERS)
def test_without_noise_the_share_is_exact(share: float, own: np.ndarray, other: np.ndarray) -> None:
    """Whatever the two ends are, if they are apart."""
    if np.abs(own - other).max() < 0.1:
        return
    found = share_of_way(own + share * (other - own), (own, own), (other, other))
    assert found.value == pytest.approx(share, abs=1e-9)


def series(share: float, seed: int, noise: float) -> Way:
    generator = np.random.default_rng(seed)
    own = generator.normal(-2, 1, 320)
    other = own + generator.normal(0, 0.1, 320)
    seen = [value + generator.normal(0, noise, 320) for value in (own, own, other, other)]
    found = own + share * (other - own) + generator.normal(0, noise, 320)
    return share_of_way(found, (seen[0], seen[1]), (seen[2], seen[3]), PROMPTS)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_noise_as_large_as_half_the_way_does_not_draw_the_share(share: float) -> None:
    """300 draws: the mean is right within 0.02, where least squares are off by a third, and intervals hold it."""
    found = [series(share, seed, 0.05) for seed in range(300)]
    assert np.mean([one.value for one in found]) == pytest.approx(share, abs=0.02)
    held = [one.low is not None and one.high is not None and one.low <= share <= one.high for one in found]
    assert np.mean(held) > 0.9


def test_least_squares_would_be_drawn_to_nothing() -> None:
    """The fault that the second measurement is for: one measurement for both."""
    generator = np.random.default_rng(0)
    own = generator.normal(-2, 1, 320)
    seen = [own + generator.normal(0, 0.1, 320) for _ in range(2)]
    other = own + generator.normal(0, 0.1, 320)
    once = share_of_way(own, (seen[0], seen[0]), (other, other), PROMPTS)
    twice = share_of_way(own, (seen[0], seen[1]), (other, other), PROMPTS)
    assert once.value is not None
    assert twice.value is not None
    assert once.value > 0.3
    assert abs(twice.value) < 0.15


def test_no_way_and_few_clusters_have_no_interval() -> None:
    """The same two ends; and four prompts."""
    own = [1.0, 2.0, 3.0, 4.0]
    assert Way(value=None, low=None, high=None) == share_of_way(own, (own, own), (own, own))
    other = [2.0, 4.0, 3.0, 5.0]
    assert Way(value=1.0, low=None, high=None) == share_of_way(other, (own, own), (other, other))
    assert Way(value=None, low=None, high=None) == share_of_way([], ([], []), ([], []))


def test_a_token_without_a_number_is_left_out() -> None:
    """In whichever series."""
    own, other = np.zeros(12), np.ones(12)
    found = np.where(np.arange(12) == 3, np.nan, 0.25)
    assert share_of_way(found, (own, own), (other, other)).value == pytest.approx(0.25)
