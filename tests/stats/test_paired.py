"""Paired comparisons against scipy, statsmodels and brute force; families; every degenerate case."""

import itertools

import numpy as np
import pytest
from scipy import stats as scipy_stats
from statsmodels.stats.multitest import multipletests

from harness.errors import StatisticsError
from harness.stats import (
    compare_family,
    compare_pairs,
    minimum_detectable_effect,
    paired_comparison,
    plan_family,
    sidak_t_critical,
)
from harness.stats.design import Design
from harness.types import LIKERT_5, Scale
from tests.stats.conftest import Floats
from tests.stats.oracles import brute_force_mid_p, cr2_by_matrices, ordinal, sign_flip_law


def test_paired_t_equals_scipy() -> None:
    """Interval, p and n of the paired t test."""
    baseline, candidate = ordinal(1, 2, 40)
    expected = scipy_stats.ttest_rel(candidate, baseline)
    interval = expected.confidence_interval(0.9)
    result = paired_comparison(candidate, baseline, design=Design(confidence=0.9))
    assert [result.difference.low, result.difference.high] == pytest.approx([interval.low, interval.high], rel=1e-12)
    assert result.p_value_t == pytest.approx(expected.pvalue, rel=1e-12)
    assert (result.n_pairs, result.difference.n, result.difference.method) == (40, 40, "paired t")
    assert result.cautions == ()


def test_clusters_make_the_interval_robust_and_flip_as_wholes() -> None:
    """CR2 by its definition; the p-value by all 2^8 sign patterns of the clusters' sums."""
    baseline, candidate = ordinal(11, 2, 32)
    clusters = np.random.default_rng(11).integers(0, 8, 32)
    se, df = cr2_by_matrices(candidate - baseline, clusters)
    mean, half = (candidate - baseline).mean(), scipy_stats.t.isf(0.025, df) * se
    result = paired_comparison(candidate, baseline, design=Design(clusters=clusters.tolist()))
    assert [result.difference.low, result.difference.high] == pytest.approx([mean - half, mean + half], rel=1e-9)
    assert result.p_value_t == pytest.approx(2 * scipy_stats.t.sf(abs(mean) / se, df), rel=1e-9)
    sums = np.bincount(clusters, weights=candidate - baseline)
    assert result.p_value == pytest.approx(brute_force_mid_p(sums), rel=1e-12)
    assert result.p_method == "exact sign-flip by cluster mid-p"
    assert result.difference.method == "paired t, CR2 over 8 clusters"
    assert "only 8 clusters of tasks: intervals may be too narrow" in result.cautions


def test_clusters_off_the_grid() -> None:
    """Real-valued scores in clusters: Monte Carlo over the clusters' signs."""
    rng = np.random.default_rng(12)
    candidate, clusters = rng.normal(0.2, 1, 30), rng.integers(0, 10, 30)
    result = paired_comparison(candidate, np.zeros(30), design=Design(clusters=clusters.tolist()))
    expected = brute_force_mid_p(np.bincount(clusters, weights=candidate))
    assert result.p_value == pytest.approx(expected, abs=4 * np.sqrt(expected / 99_999))
    assert result.p_method == "sign-flip by cluster Monte Carlo, 99,999 draws, seed 0"


def test_under_five_clusters_no_interval() -> None:
    """The refusal is stated; the sign-flip p over four clusters is exact and stays."""
    baseline, candidate = ordinal(13, 2, 20)
    result = paired_comparison(candidate, baseline, LIKERT_5, Design(clusters=[i % 4 for i in range(20)]))
    assert (result.difference.low, result.difference.high) == (None, None)
    assert "only 4 clusters of tasks: no interval is given under 5" in result.cautions
    assert result.p_value is not None
    assert result.p_value >= 2.0**-4


def test_no_task_differs() -> None:
    """0 of 100 differ: the Clopper-Pearson bound on the share, and what it leaves open on the scale."""
    scores = ordinal(14, 1, 100)[0]
    bound = scipy_stats.binomtest(0, 100).proportion_ci(method="exact").high
    result = paired_comparison(scores, scores, LIKERT_5)
    assert result.difference.value == 0
    assert result.difference.method == "0 of 100 differ"
    assert result.spread.differ_at_most == pytest.approx(bound, rel=1e-12)
    assert [result.difference.low, result.difference.high] == pytest.approx([-4 * bound, 4 * bound], rel=1e-9)
    assert (result.p_value, result.wins, result.ties, result.losses) == (1.0, 0, 100, 0)
    assert result.cautions == ("0 of 100 tasks differ",)
    unbounded = paired_comparison(scores, scores)
    assert (unbounded.difference.low, unbounded.difference.high) == (None, None)


def test_equal_differences_have_no_interval_of_width_zero() -> None:
    """Ten times +1: a bound on a known scale, nothing without one."""
    share = scipy_stats.binomtest(10, 10).proportion_ci(method="exact").low
    result = paired_comparison([3] * 5 + [4] * 5, [2] * 5 + [3] * 5, LIKERT_5)
    assert [result.difference.low, result.difference.high] == pytest.approx(
        [share - 4 * (1 - share), share + 4 * (1 - share)]
    )
    assert result.difference.method == "Clopper-Pearson bound (all 10 differences equal)"
    unbounded = paired_comparison([3] * 5 + [4] * 5, [2] * 5 + [3] * 5)
    assert (unbounded.difference.low, unbounded.minimum_detectable, unbounded.p_value_t) == (None, None, None)
    assert unbounded.p_value == pytest.approx(2.0**-10)


def test_equal_differences_off_the_grid() -> None:
    """A constant shift of real-valued scores is recognised through the rounding."""
    scores = np.random.default_rng(15).normal(size=30)
    result = paired_comparison(scores + 0.3, scores)
    assert (result.difference.low, result.difference.high) == (None, None)
    assert result.difference.method == "none: the differences have no spread"
    assert result.wins == 30


def test_rounding_is_no_difference_off_the_grid() -> None:
    """The same real-valued averages, summed in another order, are ties."""
    scores = np.random.default_rng(21).normal(3, 1, 30)
    result = paired_comparison((scores + 0.1 + 0.2) - 0.3, scores)
    assert (result.wins, result.ties, result.losses, result.p_value) == (0, 30, 0, 1.0)
    assert result.difference.method == "0 of 30 differ"


def test_nothing_in_common() -> None:
    """No task with both scores: None throughout, and the reason."""
    result = paired_comparison([None, 3, None], [2, None, None], LIKERT_5)
    assert (result.difference.value, result.difference.low, result.p_value, result.p_adjusted) == (None,) * 4
    assert (result.superiority, result.spread.sd, result.minimum_detectable) == (None,) * 3
    assert (result.n_pairs, result.n_missing, result.difference.method) == (0, 3, "no task has both scores")
    assert result.cautions == ("no task has both scores", result.missing.caution)
    assert result.missing.caution is not None
    assert "(candidate 2, baseline 2, in part 0): the difference is that of 0 tasks" in result.missing.caution
    # Task 0: 1-5 against 2, task 1: 3 against 1-5, task 2: anything.
    assert result.missing.worst == pytest.approx((1 - 2 + 3 - 5 + 1 - 5) / 3)
    assert result.missing.best == pytest.approx((5 - 2 + 3 - 1 + 5 - 1) / 3)


def test_empty_and_single() -> None:
    """No task at all, one pair, two pairs."""
    assert paired_comparison([], []).n_pairs == 0
    assert paired_comparison([], [], LIKERT_5).missing.worst is None
    one = paired_comparison([4], [2])
    assert (one.difference.value, one.difference.low, one.spread.sd) == (2, None, None)
    assert one.p_value == pytest.approx(0.5)
    assert one.difference.method == "none: one pair"
    assert paired_comparison([4], [2], LIKERT_5).difference.method == "Clopper-Pearson bound (one pair)"
    two = paired_comparison([4, 3], [2, 2], LIKERT_5)
    assert two.difference.value == 1.5
    # t with one degree of freedom would reach from -4.9 to 7.9: the scale cuts it.
    assert (two.difference.low, two.difference.high) == (-4, 4)


def test_missing_scores_are_bounded_by_their_best_and_worst_case() -> None:
    """Pairs on the intersection; the bounds enclose every completion and are reached by two of them."""
    candidate, baseline = [4, None, 3, 2, None], [3, 2, None, 2, None]
    result = paired_comparison(candidate, baseline, LIKERT_5)
    assert (result.n_pairs, result.n_missing, result.difference.value) == (2, 3, 0.5)
    completions = [np.mean([1, a - 2, 3 - b, 0, c - d]) for a, b, c, d in itertools.product(range(1, 6), repeat=4)]
    assert result.missing.worst == pytest.approx(min(completions))
    assert result.missing.best == pytest.approx(max(completions))
    assert paired_comparison(candidate, baseline).missing.worst is None
    complete = paired_comparison([4, 3], [3, 3])
    assert (complete.missing.worst, complete.missing.best) == (0.5, 0.5)


def test_cautions_for_few_discordant_tasks_and_strong_skew() -> None:
    """Nine tasks that differ, and a rare large loss (Cochran's rule: n under 25 times the squared skewness)."""
    few = paired_comparison([1] * 9 + [0] * 91, [0] * 100)
    assert few.cautions == ("only 9 of 100 tasks differ: trust the sign-flip p-value before the interval",)
    ten = np.r_[np.ones(6), -np.ones(4), np.zeros(30)]
    assert paired_comparison(ten, np.zeros(40)).cautions == ()
    skewed = np.r_[np.full(95, 1), np.full(5, -19), np.zeros(5)]
    (caution,) = paired_comparison(skewed, np.zeros(105)).cautions
    assert caution.startswith("the differences are strongly skewed (-4.")
    # k losses of 3 among 100 gains of 1: the rule's limit lies between k = 14 and 15.
    fewer, more = (np.r_[np.full(100 - k, 1), np.full(k, -3)] for k in (14, 15))
    assert 25 * scipy_stats.skew(fewer) ** 2 > 100 > 25 * scipy_stats.skew(more) ** 2
    assert len(paired_comparison(fewer, np.zeros(100)).cautions) == 1
    assert paired_comparison(more, np.zeros(100)).cautions == ()


def test_family_against_a_baseline() -> None:
    """Holm by statsmodels, Sidak-t intervals by hand, each comparison as it would be alone."""
    scores = ordinal(16, 5, 50)
    family = compare_family(scores, LIKERT_5, baseline=2)
    assert family.pairs == ((0, 2), (1, 2), (3, 2), (4, 2))
    p_values = [c.p_value for c in family.comparisons]
    assert [c.p_adjusted for c in family.comparisons] == pytest.approx(multipletests(p_values, method="holm")[1])
    for (i, j), one in zip(family.pairs, family.comparisons, strict=True):
        alone = paired_comparison(scores[i], scores[j], LIKERT_5)
        assert one.difference == alone.difference
        assert one.p_value == alone.p_value
        half = sidak_t_critical(4, 49) * one.spread.sd / np.sqrt(50)
        assert one.simultaneous.low == pytest.approx(one.difference.value - half, rel=1e-12)
        assert one.simultaneous.method == "paired t, Sidak over 4"


def test_all_pairs() -> None:
    """Six pairs of four models, later against earlier."""
    scores = ordinal(17, 4, 30)
    family = compare_family(scores, family="all-pairs")
    assert family.pairs == ((1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2))
    expected = [scores[i].mean() - scores[j].mean() for i, j in family.pairs]
    assert [c.difference.value for c in family.comparisons] == pytest.approx(expected)


def test_off_grid_p_values_do_not_depend_on_the_company() -> None:
    """A Monte Carlo p in a family is the p that the pair has alone, gaps included."""
    scores = np.random.default_rng(18).normal(size=(4, 25))
    scores[1, 3] = np.nan
    family = compare_family(scores, design=Design(draws=999), family="all-pairs")
    for (i, j), one in zip(family.pairs, family.comparisons, strict=True):
        assert one.p_value == paired_comparison(scores[i], scores[j], design=Design(draws=999)).p_value


def test_untestable_members_do_not_count_for_holm() -> None:
    """A model without scores has no p and takes nothing from the others."""
    scores = np.vstack([ordinal(19, 3, 20), np.full(20, np.nan)])
    family = compare_family(scores)
    assert (family.comparisons[2].p_value, family.comparisons[2].p_adjusted) == (None, None)
    p_values = [c.p_value for c in family.comparisons[:2]]
    assert [c.p_adjusted for c in family.comparisons[:2]] == pytest.approx(multipletests(p_values, method="holm")[1])


def test_one_model_has_nothing_to_compare_with() -> None:
    """One row makes an empty family, and no row has no baseline."""
    assert compare_family([[1, 2, 3]]).comparisons == ()
    assert compare_family([[1, 2, 3]], family="all-pairs").comparisons == ()
    with pytest.raises(StatisticsError, match="There is no row 0 to be the baseline: there are 0 rows"):
        compare_family(np.empty((0, 3)))


def test_bad_input_is_refused() -> None:
    """Unlike lengths, off-scale scores, a row that is not there."""
    with pytest.raises(StatisticsError, match="The candidate has 2 tasks and the baseline 3"):
        paired_comparison([1, 2], [1, 2, 3])
    with pytest.raises(StatisticsError, match="Score 7 at position 0 of the candidate's scores is outside the 1-5"):
        paired_comparison([7, 2], [1, 2], LIKERT_5)
    with pytest.raises(StatisticsError, match="The step between scores is 0"):
        paired_comparison([1, 2], [2, 2], Scale(low=1, high=5, step=0))
    with pytest.raises(StatisticsError, match="0 sign patterns give no p-value"):
        paired_comparison([1, 2], [2, 2], design=Design(draws=0))
    with pytest.raises(StatisticsError, match="names a row that is not there: there are 2 rows"):
        compare_pairs([[1, 2], [2, 3]], [(2, 0)])


def test_real_models_against_scipy_and_the_plain_law(shaberi: dict[str, Floats]) -> None:
    """Sixty pairs of the 1,770, blanks included: differences, intervals, wins, t and sign-flip p."""
    for scores in shaberi.values():
        family = compare_family(scores, LIKERT_5, family="all-pairs")
        assert len(family.comparisons) == 1770
        for k in range(0, 1770, 118):
            (i, j), one = family.pairs[k], family.comparisons[k]
            d = scores[i] - scores[j]
            d = d[~np.isnan(d)].astype(np.int64)
            expected = scipy_stats.ttest_1samp(d, 0)
            interval = expected.confidence_interval()
            assert [one.difference.low, one.difference.high] == pytest.approx([interval.low, interval.high], rel=1e-9)
            assert one.p_value_t == pytest.approx(expected.pvalue, rel=1e-9)
            assert (one.wins, one.losses, one.n_pairs) == ((d > 0).sum(), (d < 0).sum(), len(d))
            law, seen = sign_flip_law(d), abs(int(d.sum()))
            mid = sum(mass * (1 if abs(total) > seen else 0.5) for total, mass in law.items() if abs(total) >= seen)
            assert one.p_value == pytest.approx(mid, rel=1e-9)


def test_the_real_board_cannot_resolve_four_tenths(shaberi: dict[str, Floats]) -> None:
    """One judge, 100 tasks: gaps of two models under about 0.4 points are out of reach; on a board of 60, 0.6."""
    for scores in shaberi.values():
        pair = plan_family(compare_family(scores[:2], LIKERT_5))
        assert 0.25 < pair.minimum_detectable < 0.55
        plan = plan_family(compare_family(scores, LIKERT_5, family="all-pairs"))
        assert 0.5 < plan.minimum_detectable < 1.0
        assert plan.n_comparisons == 1770
        assert plan.gains[0].tasks > 2000
        assert plan.n == 100


def test_a_family_without_spread_has_no_plan() -> None:
    """Nothing compared, or nothing that differs."""
    assert plan_family(compare_family([[1, 2, 3]])).minimum_detectable is None
    assert plan_family(compare_family([[1, 2, 3], [1, 2, 3]])).gains == ()


def test_clusters_lower_what_can_be_detected() -> None:
    """The detectable effect follows the cluster-robust error and its degrees of freedom."""
    gains = np.repeat(np.random.default_rng(20).integers(-2, 3, 8), 6)
    result = paired_comparison(gains, np.zeros(48), design=Design(clusters=[i // 6 for i in range(48)]))
    means = gains.reshape(8, 6).mean(axis=1)
    by_t = minimum_detectable_effect(means.std(ddof=1), 8)
    # Eight clusters have few sign patterns: the sign-flip test needs a little more than t.
    assert by_t < result.minimum_detectable < 1.1 * by_t
    few = paired_comparison(gains, np.zeros(48), design=Design(clusters=[i // 12 for i in range(48)]))
    assert few.minimum_detectable is None
