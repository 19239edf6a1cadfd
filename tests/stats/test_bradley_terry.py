"""Strengths from pairs against published coefficients, statsmodels and a likelihood written down anew."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from harness.errors import StatisticsError
from harness.stats import BradleyTerry, bradley_terry
from tests.stats.conftest import Golden


def _citations(golden: Golden) -> tuple[list[int], list[int], list[float], list[float]]:
    first, second, share, weights = [], [], [], []
    for pair, counts in golden("bradley_terry")["cases"][0]["wins"].items():
        one, other = map(int, pair.split(","))
        for won, count in zip((1.0, 0.0), counts, strict=True):
            first.append(one), second.append(other), share.append(won), weights.append(float(count))
    return first, second, share, weights


def _ties(golden: Golden) -> tuple[list[int], list[int], list[float], list[float]]:
    rows = [
        (one, other, share, float(count))
        for one, other, *counts in golden("bradley_terry")["cases"][1]["ties"]
        for share, count in zip((1.0, 0.0, 0.5), counts, strict=True)
    ]
    first, second, shares, weights = zip(*rows, strict=True)
    return list(first), list(second), list(shares), list(weights)


def test_stiglers_citations(golden: Golden) -> None:
    """Coefficients of the BradleyTerry2 vignette with their standard errors."""
    case = golden("bradley_terry")["cases"][0]
    first, second, share, weights = _citations(golden)
    fit = bradley_terry(first, second, share, weights=weights, position=False)
    assert fit.strengths[1:] == pytest.approx(case["log_ability_vs_Biometrika"], abs=1e-6)
    assert np.sqrt(np.diag(fit.covariance))[1:] == pytest.approx(case["se"], abs=1e-6)
    assert fit.log_tie is None
    assert fit.ties == 0


def test_davidsons_ties(golden: Golden) -> None:
    """Strengths and nu of the golden table; evalica's Newman iteration has the same, with v = nu / 2."""
    case = golden("bradley_terry")["cases"][1]
    first, second, shares, weights = _ties(golden)
    fit = bradley_terry(first, second, shares, weights=weights, position=False)
    assert fit.strengths == pytest.approx(case["davidson_theta"], abs=1e-6)
    assert fit.ties == pytest.approx(case["davidson_nu"], abs=1e-6)
    assert fit.strengths == pytest.approx(case["evalica_newman_log_scores"], abs=1e-6)
    assert fit.ties / 2 == pytest.approx(case["evalica_newman_v"], abs=1e-6)


def test_ties_as_half_wins(golden: Golden) -> None:
    """A tie entered as half a win of each gives evalica's bradley_terry."""
    case = golden("bradley_terry")["cases"][1]
    first, second, share, weights = [], [], [], []
    for one, other, won, lost, tied in case["ties"]:
        first += [one, one]
        second += [other, other]
        share += [1, 0]
        weights += [won + tied / 2, lost + tied / 2]
    fit = bradley_terry(first, second, share, weights=weights, position=False)
    assert fit.strengths == pytest.approx(case["half_win_theta"], abs=1e-6)


def test_reference_only_shifts(golden: Golden) -> None:
    """Differences and their intervals do not depend on who stands at 0."""
    first, second, share, weights = _citations(golden)
    fits = [
        bradley_terry(first, second, share, weights=weights, reference=reference, position=False)
        for reference in (0, 2)
    ]
    assert fits[1].strengths[2] == 0
    for one, other in ((0, 1), (2, 3), (1, 2)):
        ours, theirs = (fit.difference(one, other) for fit in fits)
        assert [ours.value, ours.low, ours.high] == pytest.approx([theirs.value, theirs.low, theirs.high])


def _played(seed: int, n_tasks: int, place: float, strengths: list[float], log_tie: float | None) -> np.ndarray:
    """Return first, second, share, task of both orders of every pair on every task, by the model itself."""
    rng = np.random.default_rng(seed)
    rows = []
    for task in range(n_tasks):
        for one in range(len(strengths)):
            for other in range(len(strengths)):
                if one == other:
                    continue
                d = strengths[one] - strengths[other] + place
                odds = np.array([np.exp(d / 2), 0 if log_tie is None else np.exp(log_tie), np.exp(-d / 2)])
                rows.append((one, other, rng.choice([1, 0.5, 0], p=odds / odds.sum()), task))
    return np.array(rows).T


def test_place_without_ties_is_a_logistic_regression() -> None:
    """Coefficients, their errors and those clustered by task equal statsmodels' GLM."""
    first, second, share, task = _played(1, 40, 0.4, [0, 0.5, -0.7, 1.2], None)
    columns = np.zeros((len(share), 4))
    for player in (1, 2, 3):
        columns[:, player - 1] = (first == player) * 1.0 - (second == player)
    columns[:, 3] = 1
    family = sm.families.Binomial()
    plain = sm.GLM(share, columns, family=family).fit(tol=1e-12)
    groups = {"groups": task.astype(int), "use_correction": False}
    robust = sm.GLM(share, columns, family=family).fit(tol=1e-12, cov_type="cluster", cov_kwds=groups)
    ours, clustered = bradley_terry(first, second, share), bradley_terry(first, second, share, tasks=list(task))
    assert [*ours.strengths[1:], ours.position] == pytest.approx(plain.params, abs=1e-8)
    assert [*np.sqrt(np.diag(ours.covariance))[1:], ours.position_se] == pytest.approx(plain.bse, abs=1e-7)
    wider = np.sqrt(40 / 39)
    assert np.sqrt(np.diag(clustered.covariance))[1:] == pytest.approx(robust.bse[:3] * wider, rel=1e-6)
    assert clustered.position_se == pytest.approx(robust.bse[3] * wider, rel=1e-6)
    assert (clustered.df, clustered.n_clusters) == (39, 40)


def test_place_and_ties_are_davidson_and_beaver() -> None:
    """The maximum of the likelihood as Davidson & Beaver write it: pi_i, gamma pi_j, nu sqrt(pi_i pi_j)."""
    first, second, share, _ = _played(2, 60, 0.5, [0, 0.8, -0.4], 0.1)

    def loss(parameters: np.ndarray) -> float:
        one, other = (np.exp(np.array([0, *parameters[:2]])[side.astype(int)]) for side in (first, second))
        gamma, nu = np.exp(parameters[2:])
        tie = nu * np.sqrt(one * other)
        total = one + gamma * other + tie
        return -float(np.log(np.select([share == 1, share == 0], [one, gamma * other], tie) / total).sum())

    found = minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-9}).x
    fit = bradley_terry(first, second, share)
    assert [*fit.strengths[1:], -fit.position] == pytest.approx(found[:3], abs=1e-5)
    # what the second place takes is shared by wins and ties there: nu / sqrt(gamma) is ours
    assert fit.log_tie == pytest.approx(found[3] - found[2] / 2, abs=1e-5)


@pytest.mark.parametrize("balanced", [True, False])
def test_planted_position_bias_is_taken_out(balanced: bool) -> None:
    """Ten points more for the first answer, with both orders or mostly one: the win rate is right to two points."""
    rng = np.random.default_rng(5)
    n = 12_000
    true, bias = 0.6, 0.10
    candidate_first = np.tile([True, False], n // 2) if balanced else rng.random(n) < 0.8
    wins = rng.random(n) < np.where(candidate_first, true + bias, true - bias)
    first = np.where(candidate_first, 1, 0)
    share = np.where(candidate_first == wins, 1.0, 0.0)
    fit = bradley_terry(first, 1 - first, share)
    assert fit.share(1, 0) == pytest.approx(true, abs=0.02)
    naive = wins.mean()
    assert balanced or abs(naive - true) > 0.04  # what would have come out without the term
    at_equal_strength = 1 / (1 + np.exp(-fit.position))
    assert at_equal_strength - 0.5 == pytest.approx(bias, abs=0.02)


def test_winners_of_everything_have_no_finite_strength() -> None:
    """Their strength is not invented, and the others keep theirs."""
    first = [0, 1, 0, 1, 2, 2, 2, 2]
    second = [1, 0, 1, 0, 0, 1, 0, 1]
    share = [1, 1, 0.5, 0, 1, 1, 1, 1]
    fit = bradley_terry(first, second, share)
    assert np.isfinite(fit.strengths[:2]).all()
    assert np.isnan(fit.strengths[2])
    nothing = fit.difference(2, 0)
    assert (nothing.value, nothing.low, nothing.high, fit.share(2, 0)) == (None, None, None, None)


def test_only_the_first_wins() -> None:
    """A judge that always names the first answer says nothing of strength: refused with the reason."""
    fit = bradley_terry([0, 1] * 20, [1, 0] * 20, [1] * 40)
    assert np.isnan(fit.strengths).all()
    assert fit.problem == "the verdicts follow the place of the answers alone"


def test_a_place_without_a_bound_is_left_out() -> None:
    """Ten of ten when shown first, nine of ten when second: the strength is that of 19 to 1, without a place."""
    first, second = [0] * 10 + [1] * 10, [1] * 10 + [0] * 10
    fit = bradley_terry(first, second, [1] * 10 + [1] + [0] * 9)
    assert fit.position is None
    assert fit.strengths[0] - fit.strengths[1] == pytest.approx(np.log(19))


def test_no_verdict_at_all() -> None:
    """Nothing is known of anybody, and no division fails."""
    fit = bradley_terry([], [], [], n_players=3)
    assert np.isnan(fit.strengths).all()
    assert fit.problem is not None


def test_place_cannot_be_told_from_strength_in_one_order() -> None:
    """Where one player is always first, its strength is taken as it is, without a term for the place."""
    fit = bradley_terry([0] * 10, [1] * 10, [1] * 7 + [0] * 3)
    assert fit.position is None
    assert fit.strengths[0] - fit.strengths[1] == pytest.approx(np.log(7 / 3))


def test_under_five_tasks_there_is_no_interval() -> None:
    """A sandwich of four scores is no error."""
    first, second, share, task = _played(3, 4, 0.2, [0, 0.3], 0.0)
    found = bradley_terry(first, second, share, tasks=list(task)).difference(0, 1)
    assert found.value is not None
    assert (found.low, found.high) == (None, None)


@pytest.mark.parametrize(
    ("first", "second", "share"),
    [([0], [1], [0.7]), ([0, 1], [1], [1, 0]), ([0], [0], [1]), ([0], [1], [float("inf")])],
)
def test_what_is_no_verdict_is_refused(first: list[int], second: list[int], share: list[float]) -> None:
    """Shares between the three, unlike lengths, a player against itself."""
    with pytest.raises(StatisticsError):
        bradley_terry(first, second, share)


VERDICTS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(1, 3), st.sampled_from([0.0, 0.5, 1.0]), st.integers(0, 7)),
    min_size=1,
    max_size=40,
)


@settings(deadline=None, max_examples=60)
@given(VERDICTS)
def test_swapping_every_pair_changes_no_strength(rows: list[tuple[int, int, float, int]]) -> None:
    """The mirror image has the same strengths and the opposite effect of place."""
    first = np.array([row[0] for row in rows])
    second = (first + [row[1] for row in rows]) % 4
    share = np.array([row[2] for row in rows])
    ours: BradleyTerry = bradley_terry(first, second, share, n_players=4)
    mirror = bradley_terry(second, first, 1 - share, n_players=4)
    assert ours.strengths == pytest.approx(mirror.strengths, abs=1e-5, nan_ok=True)
    assert (ours.position is None) == (mirror.position is None)
    if ours.position is not None:
        assert ours.position == pytest.approx(-mirror.position, abs=1e-5)


@pytest.mark.slow
def test_intervals_cover_with_few_tasks_that_vary() -> None:
    """Tasks have an effect of their own on each pair: intervals that ignore it would cover far less."""
    rng = np.random.default_rng(11)
    covered = ignored = 0
    n_runs, n_tasks = 400, 30
    codes = np.repeat(np.arange(n_tasks), 2)
    first, second = np.tile([0, 1], n_tasks), np.tile([1, 0], n_tasks)
    for _ in range(n_runs):
        gap = rng.normal(0, 1.5, n_tasks)[codes]
        d = np.where(first == 0, gap, -gap) + 0.3
        odds = np.stack([np.exp(d / 2), np.full(d.size, 0.6), np.exp(-d / 2)])
        chosen = (rng.random(d.size) > np.cumsum(odds / odds.sum(axis=0), axis=0)).sum(axis=0)
        share = np.array([1, 0.5, 0])[np.minimum(chosen, 2)]
        for tasks in (list(codes), None):
            found = bradley_terry(first, second, share, tasks=tasks).difference(0, 1)
            hit = found.low is not None and found.high is not None and found.low <= 0 <= found.high
            covered, ignored = covered + (hit and tasks is not None), ignored + (hit and tasks is None)
    assert 0.92 <= covered / n_runs <= 0.98
    assert ignored / n_runs < 0.92
