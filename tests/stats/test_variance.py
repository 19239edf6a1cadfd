"""Variance components against statsmodels' mixed model, and what to buy next."""

import warnings

import numpy as np
import pytest
import statsmodels.formula.api as smf
from pandas import DataFrame

from harness.errors import StatisticsError
from harness.stats import next_design, plan_repeats, predicted_se, required_n, variance_components
from tests.stats.conftest import Floats


def simulated(shape: tuple[int, int, int], sds: tuple[float, float, float], seed: int = 1) -> Floats:
    """Return nested normal scores with the given standard deviations of task, generation and judgement."""
    rng = np.random.default_rng(seed)
    tasks, generations, judgements = shape
    return (
        3
        + sds[0] * rng.normal(size=(tasks, 1, 1))
        + sds[1] * rng.normal(size=(tasks, generations, 1))
        + sds[2] * rng.normal(size=(tasks, generations, judgements))
    )


def test_components_equal_reml() -> None:
    """Balanced data: the method of moments is REML (statsmodels' MixedLM, to its convergence)."""
    scores = simulated((40, 3, 2), (0.8, 0.5, 0.4))
    index = np.indices(scores.shape).reshape(3, -1)
    data = DataFrame({"y": scores.ravel(), "task": index[0], "gen": index[1]})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = smf.mixedlm("y ~ 1", data, groups="task", re_formula="1", vc_formula={"gen": "0 + C(gen)"}).fit()
    result = variance_components(scores)
    assert result.task == pytest.approx(float(fit.cov_re.iloc[0, 0]), rel=1e-2)
    assert result.generation == pytest.approx(float(fit.vcomp[0]), rel=1e-2)
    assert result.judge == pytest.approx(fit.scale, rel=1e-2)


def test_components_are_unbiased() -> None:
    """Their average over 400 simulated runs is the truth within four standard errors."""
    results = [variance_components(simulated((20, 3, 2), (0.8, 0.5, 0.4), seed)) for seed in range(400)]
    for name, truth in (("task", 0.64), ("generation", 0.25), ("judge", 0.16)):
        values = np.array([getattr(result, name) for result in results])
        assert values.mean() == pytest.approx(truth, abs=4 * values.std() / 20), name


def test_standard_error_is_that_of_the_task_means() -> None:
    """Repeats are averaged first: the run's own error needs no components."""
    scores = simulated((25, 2, 3), (0.5, 0.5, 0.5))
    means = scores.mean(axis=(1, 2))
    result = variance_components(scores)
    assert result.se == pytest.approx(means.std(ddof=1) / 5, rel=1e-12)
    assert predicted_se(result, tasks=25, generations=2, judgements=3) == pytest.approx(result.se, rel=1e-9)


def test_what_cannot_be_separated_is_none() -> None:
    """One judgement, one generation, or both: the noise stays in the component above."""
    scores = simulated((30, 3, 2), (0.8, 0.5, 0.4))
    one_judgement = variance_components(scores[:, :, :1])
    one_generation = variance_components(scores[:, :1])
    neither = variance_components(scores[:, :1, :1])
    assert (one_judgement.judge, one_generation.generation) == (None, None)
    assert (neither.generation, neither.judge) == (None, None)
    assert neither.task == pytest.approx(scores[:, 0, 0].var(ddof=1))
    assert predicted_se(one_judgement, tasks=30, generations=5, judgements=1) is not None
    assert predicted_se(one_judgement, tasks=30, generations=5, judgements=2) is None
    assert [offer.what for offer in next_design(neither)] == ["tasks"]
    assert {offer.what for offer in next_design(one_judgement)} == {"tasks", "generations"}
    assert {offer.what for offer in next_design(one_generation)} == {"tasks", "judgements"}


def test_incomplete_tasks_are_left_out_and_counted() -> None:
    """A missing judgement takes its task with it."""
    scores = simulated((10, 2, 2), (1, 1, 1))
    scores[3, 1, 0] = np.nan
    result = variance_components(scores)
    assert (result.n_tasks, result.n_incomplete) == (9, 1)
    assert result.task == variance_components(np.delete(scores, 3, axis=0)).task


def test_negative_components_are_zero_and_say_so() -> None:
    """Generations that differ less than their judgements: 0 with a caution."""
    scores = np.tile([[[1.0, 5.0], [5.0, 1.0]]], (4, 1, 1)) + np.arange(4)[:, None, None]
    result = variance_components(scores)
    assert result.generation == 0
    assert result.cautions == ("the generation variance comes out below zero and is taken as 0",)


def test_too_little_to_compute() -> None:
    """No task, one task, all incomplete: None throughout."""
    for scores in (np.empty((0, 2, 2)), np.ones((1, 2, 2)), np.full((3, 2, 2), np.nan)):
        result = variance_components(scores)
        assert (result.task, result.generation, result.judge, result.se) == (None,) * 4
        assert next_design(result) == ()


def test_equal_scores_have_no_variance() -> None:
    """All fours: every component is 0, and so is the error (a bound is what `mean_interval` is for)."""
    result = variance_components(np.full((5, 2, 2), 4.0))
    assert (result.task, result.generation, result.judge, result.se) == (0, 0, 0, 0)


def test_buy_where_the_noise_is() -> None:
    """A noisy and cheap judge is worth more judgements; noisy decoding is not."""
    judge = variance_components(simulated((200, 2, 2), (0.05, 0.05, 2.0)))
    decoding = variance_components(simulated((200, 2, 2), (0.05, 2.0, 0.05)))
    cheap = next_design(judge, generation_cost=10, judgement_cost=1)
    assert (cheap[0].what, cheap[0].tasks, cheap[0].generations, cheap[0].judgements) == ("judgements", 200, 2, 14)
    assert next_design(decoding, generation_cost=10, judgement_cost=1)[-1].what == "judgements"


def test_offers_cost_the_same() -> None:
    """Each design costs twice the run: I K (generation + J judgement)."""
    result = variance_components(simulated((10, 3, 2), (1, 1, 1)))
    for offer in next_design(result, generation_cost=4, judgement_cost=2):
        assert offer.tasks * offer.generations * (4 + 2 * offer.judgements) == 2 * 10 * 3 * (4 + 2 * 2)


def test_bad_designs_are_refused() -> None:
    """No task, no judgement, prices that make no sense, scores of another shape."""
    result = variance_components(np.ones((3, 2, 2)))
    with pytest.raises(StatisticsError, match="at least one task"):
        predicted_se(result, tasks=0)
    with pytest.raises(StatisticsError, match="must cost something"):
        next_design(result, judgement_cost=0)
    with pytest.raises(StatisticsError, match="hold no generation"):
        variance_components(np.empty((3, 0, 2)))
    with pytest.raises(StatisticsError, match="have 2 dimensions, not 3"):
        variance_components(np.ones((3, 2)))


def test_repeats_lower_the_tasks_needed_down_to_a_floor() -> None:
    """More generations need fewer tasks, never fewer than the component between tasks alone."""
    components = variance_components(simulated((100, 3, 1), (0.8, 1.2, 0.0)))
    plans = plan_repeats(components, gains=[0.2], generations=[1, 2, 8, 10**6])
    tasks = [plan.tasks for plan in plans]
    assert tasks == sorted(tasks, reverse=True)
    alone = required_n(0.2, np.sqrt(components.task + components.generation))
    floor = required_n(0.2, np.sqrt(components.task))
    assert tasks[0] == np.ceil(alone)
    assert tasks[-1] == np.ceil(floor)
    assert plan_repeats(variance_components(simulated((10, 1, 2), (1, 1, 1)))) == ()
    assert plan_repeats(variance_components(np.full((5, 2, 2), 4.0))) == ()
