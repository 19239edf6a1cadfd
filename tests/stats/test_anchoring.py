"""Human anchoring against OLS predictions, on real scores, and where it must refuse or warn."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats as scipy_stats

from harness.errors import StatisticsError
from harness.stats import anchored_difference, anchored_mean, check_draw, effective_labels, mean_interval
from harness.types import LIKERT_5, Scale
from tests.stats.conftest import Floats
from tests.stats.scenarios import rated


def test_point_and_error_are_the_ols_prediction() -> None:
    """The estimate is the regression's prediction at the judge's mean, its variance less the sampled fraction."""
    human, judge = rated(1, 30)
    seen = ~np.isnan(human)
    fit = sm.OLS(human[seen], sm.add_constant(judge[seen])).fit()
    prediction = fit.get_prediction([1.0, judge.mean()])
    result = anchored_mean(human, judge)
    assert result.slope == pytest.approx(fit.params[1], rel=1e-9)
    assert result.correlation == pytest.approx(np.sqrt(fit.rsquared), rel=1e-9)
    assert result.these_tasks.value == pytest.approx(prediction.predicted_mean[0], rel=1e-12)
    half = scipy_stats.t.ppf(0.975, 28) * prediction.se_mean[0] * np.sqrt(1 - 30 / 100)
    assert result.these_tasks.high - result.these_tasks.value == pytest.approx(half, rel=1e-9)
    assert result.method == "survey regression on the judge's scores"
    assert (result.n_labels, result.n_tasks, result.these_tasks.n) == (30, 100, 30)


def test_labels_only_is_the_t_interval_with_and_without_the_finite_correction() -> None:
    """New tasks: scipy's t interval; these tasks: narrower by sqrt(1 - n/T)."""
    human, judge = rated(2, 40)
    interval = scipy_stats.ttest_1samp(human[~np.isnan(human)], 0).confidence_interval()
    result = anchored_mean(human, judge)
    assert [result.labels_only.low, result.labels_only.high] == pytest.approx([interval.low, interval.high])
    ratio = (result.labels_only_these_tasks.high - result.labels_only_these_tasks.low) / (interval.high - interval.low)
    assert ratio == pytest.approx(np.sqrt(0.6))


def test_effective_labels_are_what_the_width_says() -> None:
    """The ratio of the variances behind the two printed intervals, their quantiles of t taken out; no flattery."""
    human, judge = rated(3, 50)
    result = anchored_mean(human, judge)
    t = scipy_stats.t.isf(0.025, 48) / scipy_stats.t.isf(0.025, 49)
    for worth, with_judge, alone in (
        (result.effective_labels, result.population, result.labels_only),
        (result.effective_labels_these_tasks, result.these_tasks, result.labels_only_these_tasks),
    ):
        ratio = (alone.high - alone.low) / (with_judge.high - with_judge.low) * t
        assert worth == pytest.approx(50 * ratio**2)
    assert result.effective_labels < effective_labels(result.correlation, 50, 100)
    assert effective_labels(None, 30, 100) is None
    assert effective_labels(1.0, 30, None) is None


@pytest.mark.parametrize("n_labels", [0, 1, 2, 3, 19])
def test_under_twenty_labels_it_refuses(n_labels: int) -> None:
    """No anchored figure; the reason is the method, and the judge's mean is not passed off as a human one."""
    human, judge = rated(4, n_labels)
    result = anchored_mean(human, judge, LIKERT_5)
    for estimate in (result.these_tasks, result.population):
        assert (estimate.value, estimate.low, estimate.high) == (None, None, None)
        assert estimate.method == f"refused: {n_labels} label{'s' * (n_labels != 1)}, at least 20 are needed"
    assert result.effective_labels is None
    assert result.judge_mean == judge.mean()


def test_twenty_labels_are_enough() -> None:
    """The limit itself."""
    assert anchored_mean(*rated(5, 20)).these_tasks.value is not None


def test_a_constant_judge_falls_back_to_the_labels() -> None:
    """It tells nothing: labels only, and says so; also where its constant is a rounded average."""
    human, _ = rated(6, 30)
    for constant in (4.0, 0.1 + 0.2, 11 / 3):
        result = anchored_mean(human, np.full(100, constant))
        assert result.method == "labels only: the judge gives all labelled tasks the same score"
        assert result.these_tasks == result.labels_only_these_tasks
        assert result.population == result.labels_only
        assert (result.slope, result.correlation, result.effective_labels) == (None, None, None)
        assert "the judge gives all labelled tasks the same score and adds nothing" in result.cautions


def test_all_tasks_labelled_is_a_census() -> None:
    """The mean over these tasks is then known; the one over new tasks is not."""
    human, judge = rated(7, 100)
    result = anchored_mean(human, judge)
    assert (result.these_tasks.low, result.these_tasks.high) == (human.mean(), human.mean())
    assert result.these_tasks.method == "census: every task is labelled"
    assert result.population.low < human.mean() < result.population.high
    assert result.cautions == ()


def test_labels_that_follow_the_judge_exactly_get_a_bound() -> None:
    """No residual: on a known scale at most the unseen share of tasks departs from the line, else no interval."""
    _, judge = rated(8, 0)
    human = np.where(np.arange(100) % 3 == 0, judge, np.nan)
    share = scipy_stats.binomtest(34, 34).proportion_ci(method="exact").low
    result = anchored_mean(human, judge, LIKERT_5)
    assert result.these_tasks.value == pytest.approx(judge.mean())
    assert result.these_tasks.high - result.these_tasks.value == pytest.approx(0.66 * (1 - share) * 4)
    assert result.correlation == pytest.approx(1)
    unbounded = anchored_mean(human, judge)
    assert (unbounded.these_tasks.low, unbounded.these_tasks.high) == (None, None)


def test_equal_labels_get_a_bound() -> None:
    """Thirty fives: Clopper-Pearson, not a width of zero."""
    human, judge = rated(9, 30)
    human[~np.isnan(human)] = 5
    result = anchored_mean(human, judge, LIKERT_5)
    assert result.labels_only.method == "Clopper-Pearson bound (the labels have no spread)"
    for estimate in (result.these_tasks, result.population, result.labels_only, result.labels_only_these_tasks):
        assert estimate.low is None or estimate.low < estimate.high


def test_estimates_stay_on_the_scale() -> None:
    """A steep line near the ceiling is cut at the ceiling."""
    judge = np.r_[np.full(70, 5.0), np.tile([2.0, 3.0, 5.0], 10)]
    human = np.r_[np.full(70, np.nan), np.tile([2.0, 4.0, 5.0], 10)]
    result = anchored_mean(human, judge, LIKERT_5)
    assert result.population.high <= 5
    assert result.these_tasks.value <= 5


def test_tasks_without_a_judge_score_are_left_out_and_counted() -> None:
    """Ten blanks of the judge: 90 tasks, and their labels do not count."""
    human, judge = rated(10, 40)
    judge[:10] = np.nan
    result = anchored_mean(human, judge)
    assert (result.n_tasks, result.these_tasks.n_unscored) == (90, 10)
    assert result.n_labels == (~np.isnan(human[10:])).sum()
    assert (
        result.these_tasks
        == anchored_mean(np.r_[human[10:], [np.nan] * 10], np.r_[judge[10:], [np.nan] * 10]).these_tasks
    )


def test_difference_is_the_mean_of_differences() -> None:
    """Tasks where people rated both models count, the scale becomes -4 to 4, swapping negates."""
    first, second = rated(11, 60), rated(12, 70)
    one = anchored_difference(first[0], second[0], first[1], second[1], scale=LIKERT_5)
    other = anchored_difference(second[0], first[0], second[1], first[1], scale=LIKERT_5)
    same = anchored_mean(first[0] - second[0], first[1] - second[1], Scale(low=-4, high=4))
    assert one == same
    assert one.n_labels == (~np.isnan(first[0] + second[0])).sum()
    assert one.these_tasks.value == pytest.approx(-other.these_tasks.value)
    assert one.these_tasks.low == pytest.approx(-other.these_tasks.high)


def test_the_record_of_the_draw_decides_the_caution() -> None:
    """Random: none; not on record: said; on record as not random: the interval does not hold."""
    human, judge = rated(13, 30)
    cautions = {known: anchored_mean(human, judge, drawn_at_random=known).cautions for known in (True, None, False)}
    assert cautions[True] == ()
    assert cautions[None] == (
        "it is not on record that the labelled tasks were drawn at random; the interval assumes it",
    )
    assert cautions[False] == ("the labelled tasks are on record as not drawn at random: the interval does not hold",)


def test_the_first_thirty_tasks_are_no_random_draw() -> None:
    """Caught by the runs, whatever the scores; the caution is in the estimate."""
    _, judge = rated(14, 0)
    human = np.where(np.arange(100) < 30, judge, np.nan)
    result = anchored_mean(human, judge, drawn_at_random=True)
    assert not result.draw.looks_random
    assert result.cautions == ("the labelled tasks stand close together in task order",)


def test_unlike_lengths_and_off_scale_scores_are_refused() -> None:
    """One human and one judge score per task."""
    with pytest.raises(StatisticsError, match="There are 2 human scores and 3 judge scores"):
        anchored_mean([1, 2], [1, 2, 3])
    with pytest.raises(StatisticsError, match="Score 7 at position 0 of the human scores"):
        anchored_mean([7, 2], [1, 2], LIKERT_5)
    with pytest.raises(StatisticsError, match="The four arrays have 1, 1, 2, 1 tasks"):
        anchored_difference([1], [1], [1, 2], [1])
    with pytest.raises(StatisticsError, match="There are 1 label marks and 2 judge scores"):
        check_draw([True], [1, 2])


@pytest.mark.slow
def test_real_scores_are_covered(shaberi: dict[str, Floats]) -> None:
    """One judge's scores of 30 random tasks stand in for people's, another judge scores all 100; 500 draws, 60 models.

    The these-tasks interval covers the full-data mean 92-97 % of the time and is narrower than labels alone. The
    interval of the judge's own mean, though it is about new tasks, covers it for fewer than nine models in ten.
    """
    people, judge = shaberi["gpt-4-turbo-preview"], shaberi["llmjudge-athenev2"]
    rng = np.random.default_rng(16)
    covered, widths, judge_covered = [], [], []
    for _ in range(500):
        drawn = np.isin(np.arange(100), rng.permutation(100)[:30])
        for truth, scores in zip(people, judge, strict=True):
            known = ~np.isnan(truth + scores)
            human, judged = np.where(drawn, truth, np.nan)[known], scores[known]
            result = anchored_mean(human, judged, LIKERT_5, drawn_at_random=True)
            here, alone = result.these_tasks, result.labels_only_these_tasks
            covered.append(here.low <= truth[known].mean() <= here.high)
            widths.append((here.high - here.low, alone.high - alone.low))
    for truth, scores in zip(people, judge, strict=True):
        estimate = mean_interval(scores, LIKERT_5)
        judge_covered.append(estimate.low <= np.nanmean(truth) <= estimate.high)
    assert 0.92 <= np.mean(covered) <= 0.97
    anchored, labels = np.mean(widths, axis=0)
    assert anchored < 0.8 * labels
    assert np.mean(judge_covered) < 0.9
