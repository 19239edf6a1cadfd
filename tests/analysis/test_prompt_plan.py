"""What a test of prompts will resolve, before it is made."""

import numpy as np
import pytest
from statsmodels.stats.power import TTestPower

from harness.analysis.prompt_plan import plan_experiment
from harness.types import LIKERT_5, UNIT


def test_the_plan_speaks_of_the_scale() -> None:
    """On the 1-5 scale of gains of 0.1 to 0.3 points, on a 0-1 scale of as large a part of it."""
    assert [0.1, 0.2, 0.3] == pytest.approx([gain.points for gain in plan_experiment(LIKERT_5, 50).gains])
    unit = plan_experiment(UNIT, 50)
    assert [0.025, 0.05, 0.075] == pytest.approx([gain.points for gain in unit.gains])
    assert [gain.tasks for gain in unit.gains] == [gain.tasks for gain in plan_experiment(LIKERT_5, 50).gains]
    needed = TTestPower().solve_power(effect_size=0.2 / 1.2, alpha=0.05, power=0.8)
    assert np.ceil(needed) == unit.gains[1].tasks


def test_more_comparisons_and_clusters_resolve_less() -> None:
    """Three pairs at their Sidak level, by statsmodels; tasks in clusters are worth fewer, alone as many."""
    plain = plan_experiment(LIKERT_5, 100)
    three = plan_experiment(LIKERT_5, 100, n_comparisons=3)
    expected = TTestPower().solve_power(nobs=100, alpha=1 - 0.95 ** (1 / 3), power=0.8) * 1.2
    assert three.minimum_detectable == pytest.approx(expected, rel=1e-6)
    clustered = plan_experiment(LIKERT_5, 100, n_clusters=20)
    # five tasks a cluster, correlation 0.3: 2.2 times the variance, by 19 degrees of freedom
    expected = TTestPower().solve_power(nobs=20, alpha=0.05, power=0.8) * 1.2 * np.sqrt(2.2 / 5)
    assert clustered.minimum_detectable == pytest.approx(expected, rel=1e-6)
    assert clustered.gains[1].tasks > 2 * plain.gains[1].tasks
    assert plan_experiment(LIKERT_5, 100, n_clusters=100) == plain


def test_too_few_clusters_show_nothing() -> None:
    """As the verdict: five clusters cannot tell eight prompts apart, however unlike they are."""
    assert plan_experiment(LIKERT_5, 100, n_comparisons=28, n_clusters=5).minimum_detectable is None
    assert plan_experiment(LIKERT_5, 1).minimum_detectable is None
