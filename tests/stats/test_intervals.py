"""Intervals for one mean against scipy and statsmodels, and every degenerate case."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from scipy.special import expit, logit
from statsmodels.stats.proportion import proportion_confint

from harness.errors import StatisticsError
from harness.stats import cluster_interval, mean_interval, score_interval, wilson_interval
from harness.stats.design import Design
from harness.types import LIKERT_5, PASS_FAIL, Scale
from tests.stats.oracles import cr2_by_matrices


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.999])
def test_t_interval_equals_scipy(confidence: float) -> None:
    """Without a scale the interval is scipy's one-sample t."""
    values = np.random.default_rng(1).normal(3, 2, 17)
    expected = scipy_stats.ttest_1samp(values, 0).confidence_interval(confidence)
    estimate = mean_interval(values, design=Design(confidence=confidence))
    assert [estimate.low, estimate.high] == pytest.approx([expected.low, expected.high], rel=1e-12)


def test_logit_t_is_the_t_interval_of_the_logit_by_the_delta_method() -> None:
    """Against the formula written out with scipy.stats quantiles, on a 0-100 scale."""
    values = np.random.default_rng(2).uniform(60, 100, 25)
    mean, se = values.mean() / 100, scipy_stats.sem(values) / 100
    half = scipy_stats.t.ppf(0.975, 24) * se / (mean * (1 - mean))
    estimate = mean_interval(values, Scale(low=0, high=100))
    assert estimate.low == pytest.approx(100 * expit(logit(mean) - half), rel=1e-12)
    assert estimate.high == pytest.approx(100 * expit(logit(mean) + half), rel=1e-12)


@given(st.integers(0, 300), st.integers(0, 300), st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_equals_statsmodels(passed: int, failed: int, confidence: float) -> None:
    """Any count and confidence, the ends included."""
    if passed + failed == 0:
        return
    low, high = proportion_confint(passed, passed + failed, alpha=1 - confidence, method="wilson")
    estimate = wilson_interval(passed, passed + failed, confidence=confidence)
    assert estimate.low == pytest.approx(low, rel=1e-9, abs=1e-12)
    assert estimate.high == pytest.approx(high, rel=1e-9, abs=1e-12)


def test_cluster_robust_equals_statsmodels() -> None:
    """Clusters of one size: CR2 is CR1, which is OLS on a constant with clustered covariance and t."""
    rng = np.random.default_rng(3)
    codes = rng.permutation(np.repeat(np.arange(20), 5))
    values = rng.normal(size=100) + rng.normal(size=20)[codes]
    fit = sm.OLS(values, np.ones(100)).fit(cov_type="cluster", cov_kwds={"groups": codes}, use_t=True)
    result = cluster_interval(values, design=Design(clusters=[f"cluster {code}" for code in codes]))
    assert [result.estimate.low, result.estimate.high] == pytest.approx(fit.conf_int()[0].tolist(), rel=1e-9)
    assert result.cautions == ()


def test_clusters_of_unlike_sizes_follow_the_definition_of_cr2() -> None:
    """Standard error and degrees of freedom by the matrices; what they are worth is said."""
    codes = np.repeat(np.arange(13), [40] + [5] * 12)
    values = np.random.default_rng(4).normal(size=100)
    se, df = cr2_by_matrices(values, codes)
    half = scipy_stats.t.isf(0.025, df) * se
    result = cluster_interval(values, design=Design(clusters=codes.tolist()))
    assert [result.estimate.low, result.estimate.high] == pytest.approx([values.mean() - half, values.mean() + half])
    assert result.cautions[0].startswith(f"13 clusters of tasks of unlike sizes, worth {df + 1:.1f} of one size")


def test_clusters_of_one_task_are_no_clusters() -> None:
    """CR2 with every task its own cluster is the plain interval; None names no cluster."""
    values = [1, 2, 4, 4, 5, 3, 3]
    alone = cluster_interval(values, LIKERT_5, Design(clusters=[None] * 7)).estimate
    plain = mean_interval(values, LIKERT_5)
    assert [alone.low, alone.high] == pytest.approx([plain.low, plain.high], rel=1e-12)
    assert score_interval(values, LIKERT_5, Design(clusters=[None] * 7)).estimate == plain


def test_all_at_the_ceiling_gives_the_clopper_pearson_bound() -> None:
    """30 of 30 at the ceiling: the mean of a 1-5 scale is at least 1 + 4 * the exact lower bound of a share."""
    share = scipy_stats.binomtest(30, 30).proportion_ci(method="exact").low
    estimate = mean_interval([5] * 30, LIKERT_5)
    assert (estimate.value, estimate.high) == (5, 5)
    assert estimate.low == pytest.approx(1 + 4 * share, rel=1e-12)
    assert estimate.method == "Clopper-Pearson bound (all 30 scores equal)"


def test_equal_scores_inside_the_scale_leave_the_rest_open() -> None:
    """Twelve threes: what the rest of the tasks may score, from floor to ceiling, makes the interval."""
    share = scipy_stats.binomtest(12, 12).proportion_ci(method="exact").low
    estimate = mean_interval([3] * 12, LIKERT_5)
    assert [estimate.low, estimate.high] == pytest.approx([3 * share + 1 - share, 3 * share + 5 * (1 - share)])


@pytest.mark.parametrize(
    ("values", "value", "low", "high", "method"),
    [
        ([], None, None, None, "no scores"),
        ([None, float("nan")], None, None, None, "no scores"),
        ([4], 4, None, None, "none: one score"),
        ([4, 4, 4], 4, None, None, "none: all 3 scores equal"),
    ],
)
def test_nothing_to_go_by(
    values: list[float | None], value: float | None, low: float | None, high: float | None, method: str
) -> None:
    """Without scores, spread or scale there is no interval, and the method says why."""
    estimate = mean_interval(values)
    assert (estimate.value, estimate.low, estimate.high, estimate.method) == (value, low, high, method)


def test_one_score_on_a_scale_says_almost_nothing() -> None:
    """With n = 1 the bound covers nearly the whole scale."""
    estimate = mean_interval([4], LIKERT_5)
    assert estimate.low == pytest.approx(0.025 * 4 + 0.975 * 1)
    assert estimate.high == pytest.approx(0.025 * 4 + 0.975 * 5)


def test_missing_scores_are_counted_and_never_move_the_mean() -> None:
    """NaN and None are unscored tasks."""
    plain, gaps = mean_interval([2, 3, 5], LIKERT_5), mean_interval([None, 2, 3, float("nan"), 5], LIKERT_5)
    assert (gaps.value, gaps.low, gaps.high, gaps.n) == (plain.value, plain.low, plain.high, 3)
    assert gaps.n_unscored == 2


def test_few_clusters() -> None:
    """Under 12 clusters a caution, under 5 no interval."""
    values = list(np.random.default_rng(4).integers(1, 6, 24))
    enough = cluster_interval(values, LIKERT_5, Design(clusters=[i % 12 for i in range(24)]))
    few = cluster_interval(values, LIKERT_5, Design(clusters=[i % 11 for i in range(24)]))
    five = cluster_interval(values, LIKERT_5, Design(clusters=[i % 5 for i in range(24)]))
    four = cluster_interval(values, LIKERT_5, Design(clusters=[i % 4 for i in range(24)]))
    assert enough.cautions == ()
    assert few.cautions == ("only 11 clusters of tasks: intervals may be too narrow",)
    assert five.estimate.low is not None
    assert (four.estimate.low, four.estimate.high) == (None, None)
    assert four.estimate.value == pytest.approx(np.mean(values))
    assert four.cautions == ("only 4 clusters of tasks: no interval is given under 5",)


def test_clusters_that_cancel_exactly_have_no_interval() -> None:
    """Each cluster averages 3 whatever its spread: CR1 would give width zero."""
    result = cluster_interval([2, 4] * 6, LIKERT_5, Design(clusters=[i // 2 for i in range(12)]))
    assert (result.estimate.low, result.estimate.high) == (None, None)
    assert result.estimate.method == "none: the clusters cancel each other exactly"


def test_equal_scores_in_clusters_count_clusters() -> None:
    """The bound for equal scores rests on six clusters, not on twelve tasks."""
    result = cluster_interval([5] * 12, LIKERT_5, Design(clusters=[i // 2 for i in range(12)]))
    assert result.estimate.low == mean_interval([5] * 6, LIKERT_5).low


def test_score_interval_chooses() -> None:
    """Wilson for pass/fail, logit-t for repeats of it, CR2 for clusters, t without a scale."""
    assert score_interval([0, 1, 1], PASS_FAIL).estimate == wilson_interval(2, 3)
    assert score_interval([0, 1, 0.5], PASS_FAIL).estimate.method == "logit-t"
    assert score_interval([0, 1] * 6, PASS_FAIL, Design(clusters="aabbccddeeff")).estimate.method.startswith("none")
    assert score_interval([0, 1, 1] * 4, PASS_FAIL, Design(clusters="aabbccddeeff")).estimate.method == "CR2 logit-t"
    assert score_interval([1, 2, 3]).estimate.method == "t"


def test_pass_fail_on_another_scale_is_rescaled() -> None:
    """Passing as 100 and failing as 0 gives Wilson's interval in percent."""
    estimate = score_interval([0, 100, 100, None], Scale(low=0, high=100, step=100)).estimate
    share = wilson_interval(2, 3)
    assert [estimate.value, estimate.low, estimate.high] == pytest.approx(
        [100 * share.value, 100 * share.low, 100 * share.high]
    )
    assert estimate.n_unscored == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mean_interval([1, 6], LIKERT_5), "Score 6 at position 1 of the scores is outside the 1-5 scale."),
        (lambda: mean_interval([1, float("inf")]), "One of the scores is infinite."),
        (lambda: mean_interval([1, float("-inf")]), "One of the scores is infinite."),
        (lambda: mean_interval([[1, 2]]), "The scores have 2 dimensions, not 1: their shape is (1, 2)."),
        (
            lambda: mean_interval([1, 2], design=Design(confidence=95)),
            "The confidence is 95: it must lie between 0 and 1.",
        ),
        (lambda: mean_interval([1, 2], Scale(low=5, high=1)), "A scale runs from low to high: low is 5, high is 1."),
        (lambda: wilson_interval(3, 2), "3 of 2 passed: a count lies between 0 and the number of tasks."),
        (lambda: cluster_interval([1, 2], design=Design(clusters=["a"])), "There are 1 cluster names for 2 tasks."),
    ],
)
def test_bad_numbers_are_refused_in_one_sentence(call: object, message: str) -> None:
    """What is wrong, which value, where."""
    assert callable(call)
    with pytest.raises(StatisticsError) as error:
        call()
    assert error.value.message == message


def test_words_are_refused() -> None:
    """Text where numbers belong is an error of ours, not numpy's."""
    with pytest.raises(StatisticsError, match="not a regular array of numbers"):
        mean_interval(["good", "bad"])
