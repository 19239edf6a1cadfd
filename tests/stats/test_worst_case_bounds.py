"""Worst and best case of a mean and of a difference, and the interval around them, against scipy and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize
from scipy import stats as scipy_stats

from harness.errors import StatisticsError
from harness.stats import compare_pairs, paired_comparison, score_interval, worst_case_mean
from harness.stats.design import Design
from harness.stats.worst_case_bounds import shared_tails
from harness.types import LIKERT_5, PASS_FAIL

NAN = np.nan
SCORES = st.lists(st.none() | st.integers(1, 5), min_size=1, max_size=30)


@pytest.mark.parametrize("width", [0.0, 0.01, 0.1, 0.5, 3.0])
@pytest.mark.parametrize("units", [2, 5, 30, 1000])
@pytest.mark.parametrize("tail", [0.01, 0.05, 0.3])
def test_the_shared_tail_solves_its_equation(width: float, units: int, tail: float) -> None:
    """Imbens & Manski 2004, equation 7, with Student's t, solved by scipy's root finder."""
    se, other = 0.11, 0.07
    [found] = shared_tails(np.array([width]), np.array([se]), np.array([other]), np.array([units - 1.0]), tail)
    law = scipy_stats.t(units - 1)
    t = optimize.brentq(lambda c: law.sf(c) + law.sf(c + width / se) - tail, 0, 1e4, xtol=1e-13)
    assert found == pytest.approx(2 * law.sf(t), rel=1e-6)
    assert tail - 1e-12 <= found <= 2 * tail + 1e-12


def test_the_published_ends_of_the_critical_value() -> None:
    """With many units: 1.96 where the bounds meet, 1.645 where they are far apart (Imbens & Manski 2004, section 4)."""
    tails = shared_tails(np.array([0.0, 50.0]), np.ones(2), np.ones(2), np.full(2, 1e7), 0.05)
    assert scipy_stats.norm.isf(tails / 2) == pytest.approx([1.95996, 1.64485], abs=1e-4)


def test_a_mean_by_hand() -> None:
    """Two of ten missing: both ends filled in, logit-t limits of each at the tail that they share."""
    scores = np.array([4, 5, 3, 4, NAN, 5, 4, 3, NAN, 4])
    found = worst_case_mean(scores, LIKERT_5)
    least, most = (np.where(np.isnan(scores), end, scores) for end in (1, 5))
    assert (found.worst, found.best) == (pytest.approx(least.mean()), pytest.approx(most.mean()))
    ses = [scipy_stats.sem(least), scipy_stats.sem(most)]
    law = scipy_stats.t(9)
    t = optimize.brentq(lambda c: law.sf(c) + law.sf(c + 0.8 / max(ses)) - 0.05, 0, 50)
    limits = []
    for end, se, sign in ((least, ses[0], -1), (most, ses[1], 1)):
        share = (end.mean() - 1) / 4
        limits.append(1 + 4 / (1 + np.exp(-(np.log(share / (1 - share)) + sign * t * se / 4 / (share * (1 - share))))))
    assert [found.low, found.high] == pytest.approx(limits)
    assert found.method == "Imbens-Manski, logit-t"


@given(SCORES, st.booleans())
def test_a_whole_row_keeps_its_own_interval(scores: list[int | None], pass_fail: bool) -> None:
    """With nothing missing the bounds are the mean and its interval; with gaps they enclose every completion."""
    known = [(score or 3) for score in scores]
    scale = LIKERT_5
    if pass_fail:
        known, scale = [float(score > 3) for score in known], PASS_FAIL
    estimate = score_interval(known, scale).estimate
    whole = worst_case_mean(known, scale)
    assert (whole.low, whole.high) == (estimate.low, estimate.high)
    assert whole.worst == whole.best == pytest.approx(estimate.value)
    gap = [None if score is None else value for score, value in zip(scores, known, strict=True)]
    case = worst_case_mean(gap, scale)
    for end in (scale.low, scale.high):
        filled = np.mean([end if score is None else score for score in gap])
        assert case.worst - 1e-9 <= filled <= case.best + 1e-9
    assert scale.low - 1e-9 <= case.low <= case.worst + 1e-9
    assert case.best - 1e-9 <= case.high <= scale.high + 1e-9


def test_a_row_without_any_score_may_be_anything() -> None:
    """From end to end of the scale; no tasks, or no scale, leave nothing to say."""
    case = worst_case_mean([None, None, None], LIKERT_5)
    assert (case.worst, case.best, case.low, case.high) == (1, 5, 1, 5)
    for nothing in (worst_case_mean([], LIKERT_5), worst_case_mean([1, None, 2])):
        assert (nothing.worst, nothing.best, nothing.low, nothing.high) == (None,) * 4
    assert worst_case_mean([1, None, 2]).method == "none: a missing score has no bounds without a scale"
    whole = worst_case_mean([1, 3, 2])
    assert (whole.low, whole.high) == pytest.approx(scipy_stats.t.interval(0.95, 2, 2, scipy_stats.sem([1, 2, 3])))


def test_repeats_that_are_missing_in_part_bound_a_score_more_narrowly() -> None:
    """One of four verdicts missing moves a task's score by a quarter of the scale at most."""
    ends = ([2.25, 4.0, 3.0], [3.25, 4.0, 3.0])
    case = worst_case_mean([2.67, 4, 3], LIKERT_5, ends=ends)
    assert (case.worst, case.best) == (pytest.approx(9.25 / 3), pytest.approx(10.25 / 3))
    [result] = compare_pairs(
        [[3, 4, 3], [2.67, 4, 3]], [(1, 0)], LIKERT_5, ends=([[3, 4, 3], ends[0]], [[3, 4, 3], ends[1]])
    ).comparisons
    assert (result.missing.worst, result.missing.best) == (pytest.approx(-0.25), pytest.approx(0.25 / 3))
    assert result.missing.caution is not None
    assert "(candidate 0, baseline 0, in part 1): the difference is that of 3 tasks" in result.missing.caution


def test_clusters_widen_the_interval_and_few_have_none() -> None:
    """CR1 at both ends, as everywhere; the bounds themselves stay."""
    rng = np.random.default_rng(3)
    scores = np.clip(np.rint(3 + np.repeat(rng.normal(size=12), 5) + rng.normal(size=60) / 3), 1, 5)
    scores[::7] = NAN
    alone = worst_case_mean(scores, LIKERT_5)
    clustered = worst_case_mean(scores, LIKERT_5, Design(clusters=np.repeat(np.arange(12), 5).tolist()))
    assert (alone.worst, alone.best) == (clustered.worst, clustered.best)
    assert clustered.low < alone.low < alone.high < clustered.high
    few = worst_case_mean(scores, LIKERT_5, Design(clusters=np.repeat(np.arange(3), 20).tolist()))
    assert (few.worst, few.low, few.high) == (alone.worst, None, None)


def test_a_difference_by_hand() -> None:
    """The t limits of the differences filled in for the worst and for the best, cut to what the scale allows."""
    candidate = np.array([4, NAN, 3, 5, 2, 4, 4, NAN, 5, 3])
    baseline = np.array([3, 4, 3, 4, NAN, 4, 2, 3, 4, 3.0])
    result = paired_comparison(candidate, baseline, LIKERT_5)
    worst = np.where(np.isnan(candidate), 1, candidate) - np.where(np.isnan(baseline), 5, baseline)
    best = np.where(np.isnan(candidate), 5, candidate) - np.where(np.isnan(baseline), 1, baseline)
    law, ses = scipy_stats.t(9), (scipy_stats.sem(worst), scipy_stats.sem(best))
    shift = (best.mean() - worst.mean()) / max(ses)
    t = optimize.brentq(lambda c: law.sf(c) + law.sf(c + shift) - 0.05, 0, 50)
    assert result.missing.low == pytest.approx(worst.mean() - t * ses[0])
    assert result.missing.high == pytest.approx(best.mean() + t * ses[1])
    assert (result.missing.candidate, result.missing.baseline, result.n_pairs) == (2, 1, 7)


def test_a_whole_comparison_keeps_its_own_interval() -> None:
    """The bounds of a pair that lacks nothing are its difference and its interval, in a family with gaps too."""
    scores = [[3, 2, 4, 3, 2, 4], [4, 3, 4, 5, 3, 5], [3, NAN, 4, 2, NAN, 4]]
    whole, gap = compare_pairs(scores, [(1, 0), (2, 0)], LIKERT_5).comparisons
    assert (whole.missing.worst, whole.missing.low, whole.missing.high) == (
        whole.difference.value,
        whole.difference.low,
        whole.difference.high,
    )
    assert whole.missing.caution is None
    assert gap.missing.caution in gap.cautions
    assert gap.missing.low < gap.missing.worst < gap.missing.best < gap.missing.high


def test_ends_that_are_none_are_refused() -> None:
    """Another shape, off the scale, or the wrong way round."""
    for ends, said in (
        (([1.0], [5.0]), "have the shapes"),
        (([0.0, 2], [5.0, 2]), "outside the 1-5 scale"),
        (([3.0, 2], [2.0, 2]), "above its greatest"),
    ):
        with pytest.raises(StatisticsError, match=said):
            worst_case_mean([None, 2], LIKERT_5, ends=ends)
