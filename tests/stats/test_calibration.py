"""Do the statistics keep their promises? 2,000 seeded replicates a scenario, and the same checks on wrong methods.

A true null must be rejected 3.5-6.5 % of the time, a family must err at most 6.5 %, an interval must cover at least
93.5 %. The last tests swap a default for an unpaired, pooled, unadjusted or unclustered one: every check must fail.
"""

from collections.abc import Callable

import numpy as np
import pytest

from harness.stats import (
    anchored_mean,
    cluster_interval,
    compare_family,
    compare_pairs,
    mean_interval,
    minimum_detectable_effect,
    paired,
    wilson_interval,
)
from harness.stats.design import Design
from harness.stats.pairs import PairMoments, pair_moments
from harness.types import LIKERT_5
from tests.stats import scenarios
from tests.stats.conftest import Floats

pytestmark = pytest.mark.slow

REPLICATES = 2000


def check_type_one(rate: float) -> None:
    """Assert that a test at 5 % rejects a true null about as often as it says."""
    assert 0.035 <= rate <= 0.065, f"type-I error {rate:.3f}"


def check_family_wise(rate: float) -> None:
    """Assert that a family errs no more often than it says."""
    assert rate <= 0.065, f"family-wise error {rate:.3f}"


def check_coverage(rate: float) -> None:
    """Assert that an interval of 95 % holds the truth about as often as it says."""
    assert rate >= 0.935, f"coverage {rate:.3f}"


def compare(scenario: scenarios.Scenario, seed: int = 1) -> list[paired.PairedComparison]:
    """Return the product's comparison of every replicate, in one call."""
    candidates, baselines = scenario.draw(REPLICATES, seed)
    rows = np.arange(REPLICATES)
    family = compare_pairs(np.vstack([candidates, baselines]), np.stack([rows, rows + REPLICATES], axis=1), LIKERT_5)
    return list(family.comparisons)


def excludes(comparison: paired.PairedComparison, value: float = 0.0) -> bool:
    """Return whether the interval of the difference leaves ``value`` out."""
    low, high = comparison.difference.low, comparison.difference.high
    assert low is not None
    assert high is not None
    return not low <= value <= high


@pytest.mark.parametrize("name", scenarios.NULL)
def test_type_one_error_of_paired_t_and_sign_flip(name: str) -> None:
    """True nulls: symmetric, near the ceiling, unlike marginals, skewed, strongly correlated, few tasks."""
    scenario = scenarios.NULL[name]()
    assert scenario.difference == pytest.approx(0, abs=1e-9)
    results = compare(scenario)
    check_type_one(np.mean([r.p_value_t is not None and r.p_value_t <= 0.05 for r in results]))
    check_type_one(np.mean([r.p_value is not None and r.p_value <= 0.05 for r in results]))
    check_coverage(1 - np.mean([excludes(r) for r in results]))


def test_power_and_coverage_at_a_true_difference() -> None:
    """S6, 0.30 points: the published power of both tests (.856 and .858), and the interval holds 0.30."""
    scenario = scenarios.shifted()
    assert scenario.difference == pytest.approx(0.30)
    results = compare(scenario)
    assert np.mean([excludes(r) for r in results]) == pytest.approx(0.856, abs=0.025)
    assert np.mean([r.p_value <= 0.05 for r in results]) == pytest.approx(0.858, abs=0.025)
    check_coverage(1 - np.mean([excludes(r, 0.30) for r in results]))
    # The planned effect of one comparison at this spread is what 80 % power means.
    detectable = np.mean([minimum_detectable_effect(r.spread.sd, r.n_pairs) for r in results])
    assert 0.24 < detectable < 0.30


def test_type_one_error_off_the_grid() -> None:
    """Real-valued scores with Monte Carlo sign flips."""
    rng = np.random.default_rng(2)
    scores = rng.normal(size=(2 * REPLICATES, 40)) ** 3
    rows = np.arange(REPLICATES)
    pairs = np.stack([rows, rows + REPLICATES], axis=1)
    family = compare_pairs(scores, pairs, design=Design(draws=1999))
    check_type_one(np.mean([c.p_value <= 0.05 for c in family.comparisons]))


def clustered(scenario: scenarios.Scenario, seed: int, n_clusters: int) -> Floats:
    """Return differences (replicates, n) whose tasks come in families that share half of their luck."""
    candidates, baselines = scenario.draw(REPLICATES, seed)
    differences = candidates - baselines
    luck = np.random.default_rng(seed + 1).normal(size=(REPLICATES, n_clusters))
    return differences + np.rint(luck).repeat(scenario.n // n_clusters, axis=1)


@pytest.mark.parametrize("n_clusters", [10, 20])
def test_type_one_error_of_cluster_robust_intervals(n_clusters: int) -> None:
    """Tasks in 10 and 20 families: CR2, and flips of whole families."""
    differences = clustered(scenarios.NULL["S1 mid"](), 3, n_clusters)
    families = np.repeat(np.arange(n_clusters), 100 // n_clusters).tolist()
    rows = np.arange(REPLICATES)
    scores = np.vstack([differences, np.zeros((1, 100))])
    pairs = np.stack([rows, np.full(REPLICATES, REPLICATES)], axis=1)
    results = compare_pairs(scores, pairs, design=Design(clusters=families)).comparisons
    check_type_one(np.mean([r.p_value_t <= 0.05 for r in results]))
    check_type_one(np.mean([r.p_value <= 0.05 for r in results]))
    means = [cluster_interval(row, design=Design(clusters=families)).estimate for row in differences]
    check_type_one(1 - np.mean([e.low <= 0 <= e.high for e in means]))
    # Naive t on the same data: the families' shared luck becomes false positives.
    naive = compare_pairs(scores, pairs).comparisons
    with pytest.raises(AssertionError, match="type-I error"):
        check_type_one(np.mean([r.p_value_t <= 0.05 for r in naive]))


@pytest.mark.parametrize("sizes", [[40] + [5] * 12, [30, 30] + [4] * 10], ids=str)
def test_coverage_with_clusters_of_unlike_sizes(sizes: list[int]) -> None:
    """Differences and means whose clusters share a tenth or two fifths of their luck: CR1 held .85-.89."""
    names = np.repeat(np.arange(len(sizes)), sizes)
    rng, design = np.random.default_rng(12), Design(clusters=names.tolist())
    for shared in (0.1, 0.4):
        luck = rng.normal(size=(REPLICATES, len(sizes)))[:, names]
        values = np.sqrt(shared) * luck + np.sqrt(1 - shared) * rng.normal(size=(REPLICATES, names.size))
        pairs = np.stack([np.arange(REPLICATES), np.full(REPLICATES, REPLICATES)], axis=1)
        scores = np.vstack([values, np.zeros((1, names.size))])
        few = Design(clusters=names.tolist(), draws=99)  # the drawn p-values are not looked at
        held = 1 - np.mean([excludes(r) for r in compare_pairs(scores, pairs, design=few).comparisons])
        assert held >= 0.935 - 2 * (0.05 * 0.95 / REPLICATES) ** 0.5, f"coverage {held:.3f}"
        means = [cluster_interval(row, design=design).estimate for row in values[:500]]
        assert np.mean([e.low <= 0 <= e.high for e in means]) >= 0.935 - 3 * (0.05 * 0.95 / 500) ** 0.5


def family_errors(adjusted: Callable[[paired.PairedComparison], float | None]) -> dict[str, tuple[float, float]]:
    """Return the family-wise error of Holm and Sidak-t for five equal models near the ceiling, both families."""
    scores = scenarios.equal_models(scenarios.CEILING, 0.6, (REPLICATES, 5, 100), seed=4)
    errors = {}
    for family in ("baseline", "all-pairs"):
        holm = sidak = 0
        for board in scores:
            comparisons = compare_family(board, LIKERT_5, family=family).comparisons
            holm += any((adjusted(c) or 0) <= 0.05 for c in comparisons)
            sidak += any(c.simultaneous.low > 0 or c.simultaneous.high < 0 for c in comparisons)
        errors[family] = (holm / REPLICATES, sidak / REPLICATES)
    return errors


def test_family_wise_error() -> None:
    """Holm over p-values and Sidak-t intervals, each candidate against one baseline and all pairs."""
    for holm, sidak in family_errors(lambda c: c.p_adjusted).values():
        check_family_wise(holm)
        check_family_wise(sidak)
        assert min(holm, sidak) > 0.015


@pytest.mark.parametrize(("marginal", "n"), [(scenarios.MID, 100), (scenarios.CEILING, 30), (scenarios.CEILING, 100)])
def test_coverage_of_score_intervals(marginal: tuple[float, ...], n: int) -> None:
    """Logit-t of a mean score, in the middle and near the ceiling."""
    truth = float(np.dot(marginal, scenarios.LEVELS))
    samples = np.random.default_rng(5).choice(scenarios.LEVELS, (REPLICATES, n), p=marginal)
    check_coverage(np.mean([e.low <= truth <= e.high for e in (mean_interval(row, LIKERT_5) for row in samples)]))


def test_coverage_at_the_very_ceiling() -> None:
    """A mean of 4.82 with 30 tasks: logit-t holds where plain t does not (published: .945 against .816)."""
    marginal = (0.01, 0.01, 0.02, 0.07, 0.89)
    truth = float(np.dot(marginal, scenarios.LEVELS))
    assert truth == pytest.approx(4.82)
    samples = np.random.default_rng(6).choice(scenarios.LEVELS, (REPLICATES, 30), p=marginal)
    logit_t = [mean_interval(row, LIKERT_5) for row in samples]
    check_coverage(np.mean([e.low <= truth <= e.high for e in logit_t]))
    plain = [mean_interval(row) for row in samples]
    with pytest.raises(AssertionError, match="coverage"):
        check_coverage(np.mean([e.low is not None and e.low <= truth <= e.high for e in plain]))


def test_coverage_of_pass_rates() -> None:
    """Wilson's interval on average over rates from 2 % to 98 %."""
    rates = np.random.default_rng(7).uniform(0.02, 0.98, REPLICATES)
    passed = np.random.default_rng(8).binomial(100, rates)
    estimates = [wilson_interval(int(k), 100) for k in passed]
    check_coverage(np.mean([e.low <= rate <= e.high for e, rate in zip(estimates, rates, strict=True)]))


@pytest.mark.parametrize("people", [scenarios.MID, scenarios.CEILING])
@pytest.mark.parametrize("n_labels", [20, 30, 50])
def test_coverage_of_human_anchoring(n_labels: int, people: tuple[float, ...]) -> None:
    """Both estimands at 20-50 labels of 100 tasks, judged with a shift; the judge's mean alone misses."""
    judge_marginal = scenarios.CEILING if people == scenarios.MID else scenarios.MID
    humans, judges = scenarios.scenario(people, judge_marginal, 0.6).draw(REPLICATES, seed=9)
    truth = float(np.dot(people, scenarios.LEVELS))
    rng = np.random.default_rng(10)
    here, beyond, judge_only = [], [], []
    for human, judge in zip(humans, judges, strict=True):
        labels = human.copy()
        labels[rng.permutation(100)[n_labels:]] = np.nan
        result = anchored_mean(labels, judge, LIKERT_5, drawn_at_random=True)
        here.append(result.these_tasks.low <= human.mean() <= result.these_tasks.high)
        beyond.append(result.population.low <= truth <= result.population.high)
        alone = mean_interval(judge, LIKERT_5)
        judge_only.append(alone.low <= truth <= alone.high)
    check_coverage(np.mean(here))
    check_coverage(np.mean(beyond))
    assert np.mean(judge_only) < 0.05


def test_swapping_in_an_unpaired_test_fails_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """Welch's standard error in the place of the paired one: nulls are hardly ever rejected, and power is lost."""

    def unpaired(scores: Floats, pairs: np.ndarray, *rest: object) -> PairMoments:
        moments = pair_moments(scores, pairs, *rest)
        spread = scores.var(axis=1, ddof=1) / scores.shape[1]
        moments.se[:] = np.sqrt(spread[pairs[:, 0]] + spread[pairs[:, 1]])
        return moments

    monkeypatch.setattr(paired, "pair_moments", unpaired)
    for name in ("S1 mid", "S2 ceiling", "S4 strongly correlated"):
        with pytest.raises(AssertionError, match="type-I error"):
            check_type_one(np.mean([excludes(r) for r in compare(scenarios.NULL[name]())]))
    assert np.mean([excludes(r) for r in compare(scenarios.shifted())]) < 0.6


def test_swapping_in_pooled_repeats_fails_the_check() -> None:
    """Three repeats as three rows in the place of one contrast per task make false positives; averages do not."""
    rng = np.random.default_rng(11)
    tasks = scenarios.NULL["S1 mid"]().draw(REPLICATES, seed=11)
    # Each repeat departs from the task's own difference by decoding noise.
    repeats = (tasks[0] - tasks[1])[:, :, None] + rng.choice([-1, 0, 1], (REPLICATES, 100, 3), p=[0.2, 0.6, 0.2])

    def rejections(differences: Floats) -> float:
        pairs = np.stack([np.arange(REPLICATES), np.full(REPLICATES, REPLICATES)], axis=1)
        scores = np.vstack([differences, np.zeros((1, differences.shape[1]))])
        return float(np.mean([c.p_value <= 0.05 for c in compare_pairs(scores, pairs).comparisons]))

    check_type_one(rejections(repeats.mean(axis=2)))
    with pytest.raises(AssertionError, match="type-I error"):
        check_type_one(rejections(repeats.reshape(REPLICATES, -1)))


def test_swapping_in_unadjusted_p_values_fails_the_check() -> None:
    """Without Holm a family of ten errs far more often than it says."""
    holm, _ = family_errors(lambda c: c.p_value)["all-pairs"]
    with pytest.raises(AssertionError, match="family-wise error"):
        check_family_wise(holm)
