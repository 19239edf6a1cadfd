"""`--looks 4` on ordinal scores: how often it errs, what it finds, what it saves, and whether its intervals hold."""

import numpy as np
import pytest
from scipy.special import ndtri

from harness.stats import compare_pairs
from harness.stats.arrays import t_critical
from harness.stats.pairs import pair_moments
from harness.stats.sequential import boundary, look_tail, sequential_p
from tests.stats.conftest import Floats
from tests.stats.scenarios import NULL, shifted

SHARES = (0.25, 0.5, 0.75, 1.0)


def looked(candidate: Floats, baseline: Floats) -> tuple[Floats, Floats, Floats]:
    """Return whether the design decides (level .05), the share of tasks done, and p-values of one look at all tasks."""
    n = candidate.shape[1]
    scores = np.concatenate([candidate, baseline])
    pairs = [(place, place + len(candidate)) for place in range(len(candidate))]
    at = np.array(
        [[one.p_value for one in compare_pairs(scores[:, : round(share * n)], pairs).comparisons] for share in SHARES]
    )
    crossed = -ndtri(np.maximum(at, 1e-300) / 2) * np.sqrt(SHARES)[:, None] >= boundary(SHARES, 0.95)
    first = np.where(crossed.any(axis=0), crossed.argmax(axis=0), len(SHARES) - 1)
    for place in range(0, len(candidate), 200):  # the p-value that reports print says the same
        assert crossed[:, place].any() == (sequential_p(at[: first[place] + 1, place], SHARES) <= 0.05)
    return crossed.any(axis=0), np.array(SHARES)[first], at[-1]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["S1 mid", "S2 ceiling", "S3 unlike marginals, equal means"])
def test_four_looks_at_equal_models_err_in_one_of_twenty(name: str) -> None:
    """At most 5.5 % of them are ever called better or worse."""
    decided, _, _ = looked(*NULL[name]().draw(6000, seed=11))
    assert decided.mean() <= 0.055


@pytest.mark.slow
def test_power_is_that_of_one_look() -> None:
    """A true difference of .30 is found as often as with one look at all tasks, within .02, and in fewer tasks."""
    decided, done, single = looked(*shifted().draw(6000, seed=12))
    assert (single <= 0.05).mean() - decided.mean() <= 0.02
    assert done.mean() < 0.85


@pytest.mark.slow
def test_repeated_intervals_hold_whenever_one_stops() -> None:
    """Stopped where 0 is left: the true difference is inside in 95 %, where the plain interval gives less."""
    case = shifted()
    candidate, baseline = case.draw(2000, seed=13)
    scores, held, plain = np.concatenate([candidate, baseline]), np.ones(2000, bool), np.ones(2000, bool)
    open_ones = np.ones(2000, bool)
    pairs = np.array([(place, place + 2000) for place in range(2000)])
    for look, share in enumerate(SHARES, start=1):
        found = pair_moments(scores[:, : round(share * 100)], pairs, None)
        half = t_critical(found.df, look_tail(look, SHARES, confidence=0.95)) * found.se
        inside = np.abs(found.mean - case.difference) <= half
        alone = np.abs(found.mean - case.difference) <= t_critical(found.df, 0.05) * found.se
        stops = open_ones & ((np.abs(found.mean) > half) | (look == len(SHARES)))
        held[stops], plain[stops] = inside[stops], alone[stops]
        open_ones &= ~stops
    assert 0.94 <= held.mean()
    assert plain.mean() < held.mean()
