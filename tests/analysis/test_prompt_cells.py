"""A/B tests about exactly the tasks of a set: effects as weighted sums of cells, whose repeats vary apart."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from harness.analysis.prompt_test import Experiment, run_experiment
from harness.analysis.scores import ScoreTable
from harness.stats.finite import finite_mean, within_tasks
from harness.types import RowKey
from tests.analysis.tables import table

MODELS, PROMPTS, TASKS, ANSWERS = ("a", "b", "c"), ("p", "q"), 30, 4


def cells(lift: float, seed: int = 3) -> np.ndarray:
    """Return scores (models x prompts, tasks, answers); prompt q is better by ``lift``, give or take luck."""
    rng = np.random.default_rng(seed)
    level = rng.uniform(1.5, 4.5, (1, 1, TASKS, 1))
    luck = rng.normal(0, 0.6, (len(MODELS), len(PROMPTS), TASKS, ANSWERS))
    lifts = np.array([0.0, lift])[None, :, None, None]
    return np.clip(np.rint(level + luck + lifts), 1, 5).reshape(-1, TASKS, ANSWERS)


def of(values: np.ndarray, models: tuple[str, ...] = MODELS) -> ScoreTable:
    made = table(values)
    rows = tuple(RowKey(model=model, prompt=prompt) for model in models for prompt in PROMPTS)
    return replace(made, rows=rows, reasons=dict(zip(rows, made.reasons.values(), strict=True)))


def experiment(values: np.ndarray, models: tuple[str, ...] = MODELS, **asked: int | None) -> Experiment:
    return run_experiment(of(values, models), **asked)  # type: ignore[arg-type]


def test_an_effect_averaged_over_models_varies_by_the_repeats_of_all_cells() -> None:
    """By hand: the sum over cells of the squared weight times the sum of the tasks' variances of a mean of four."""
    values = cells(0.2)
    [effect] = experiment(values, set_size=TASKS).effects
    variances = values.var(axis=2, ddof=1) / ANSWERS
    se = np.sqrt((variances / 9).sum()) / TASKS
    assert se == pytest.approx(effect.result.spread.se)
    means = values.mean(axis=2).reshape(3, 2, TASKS)
    assert (means[:, 1] - means[:, 0]).mean() == pytest.approx(effect.result.difference.value)
    assert "t over repeats, these tasks" == effect.result.difference.method
    new = experiment(values).effects[0].result
    assert new.difference.value == pytest.approx(effect.result.difference.value)
    assert new.p_value != effect.result.p_value


def test_one_model_is_a_comparison_of_two_rows() -> None:
    """As a board about these tasks has it."""
    values = cells(0.2)[:2]
    [effect] = experiment(values, ("a",), set_size=TASKS).effects
    within = [within_tasks(values[place][..., None]) for place in (1, 0)]
    difference = values[1].mean(axis=1) - values[0].mean(axis=1)
    error = finite_mean(difference, within, share=1.0)
    assert (error.se, error.df) == (pytest.approx(effect.result.spread.se), pytest.approx(effect.result.spread.df))


def test_effects_on_models_and_their_differences_have_their_own_weights() -> None:
    """Bonferroni over what the page declares beside the headline: three models, one pair of prompts."""
    values = cells(0.6)
    found = experiment(values, set_size=TASKS)
    variances = (values.var(axis=2, ddof=1) / ANSWERS).reshape(3, 2, TASKS).sum(axis=2)
    for model, effect in enumerate(found.by_model):
        assert np.sqrt(variances[model].sum()) / TASKS == pytest.approx(effect.result.spread.se)
        p = 2 * stats.t.sf(abs(effect.result.difference.value) / effect.result.spread.se, effect.result.spread.df)  # type: ignore[operator, arg-type]
        assert min(1.0, 3 * p) == pytest.approx(effect.result.p_adjusted)
    weights = np.full((3, 3), 0.25) + np.eye(3) * 0.75
    for model, interaction in enumerate(found.interactions):
        assert np.sqrt((weights[model] * variances.sum(axis=1)).sum()) / TASKS == pytest.approx(
            interaction.result.spread.se
        )


def test_without_repeats_nothing_is_claimed() -> None:
    """No interval, no p, no winner, and the page says why; of a part of a set there is the draw's error."""
    values = cells(1.5)[..., :1]
    whole, part = experiment(values, set_size=TASKS), experiment(values, set_size=2 * TASKS)
    assert (None, None) == (whole.effects[0].result.p_value, whole.winner)
    assert all(mean.estimate.low is None for mean in (*whole.cells, *whole.means))
    assert any("no repeats measured" in one for one in whole.cautions)
    assert part.winner == "q"
    assert any(f"{TASKS} of {2 * TASKS} tasks are taken for a random draw" in one for one in part.cautions)
    assert () == experiment(values).cautions


def test_intervals_about_these_tasks_hold() -> None:
    """Tasks stay, answers are drawn anew: 95 % hold the average effect on just these tasks."""
    rng = np.random.default_rng(9)
    level, up = rng.integers(2, 4, TASKS), rng.choice([0.0, 0.5], TASKS)  # how often the second prompt gains a point
    held = []
    for _ in range(150):
        gains = rng.random((4, TASKS, 2)) < np.array([0, 1, 0, 1])[:, None, None] * up[:, None]
        values = level[:, None] + gains + rng.choice([-1, 0, 0, 1], (4, TASKS, 2))
        [effect] = experiment(values.astype(float), ("a", "b"), set_size=TASKS).effects
        low, high = effect.result.difference.low, effect.result.difference.high
        held.append(low is not None and high is not None and low <= up.mean() <= high)
    assert 0.95 == pytest.approx(np.mean(held), abs=0.04)
