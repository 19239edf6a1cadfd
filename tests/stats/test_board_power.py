"""Is what a board prints as its resolution found as often as it says? Under the verdict's own rule, Holm's p <= .05.

One model is better by the printed gap, the others equal the baseline. In CI some hundred boards; more with
HARNESS_REPLICATES=4000, where the bar is .78-.84.
"""

import os

import numpy as np
import pytest

from harness.stats import compare_family, plan_family
from harness.stats.design import Design
from harness.stats.power import detectable_gap
from harness.types import Scale

pytestmark = pytest.mark.slow

REPLICATES = int(os.environ.get("HARNESS_REPLICATES", "300"))
SLACK = 3 * (0.8 * 0.2 / REPLICATES) ** 0.5
SCALE = Scale(low=0, high=40, step=1)
NOISE = 3.0  # of one score; a task's own level cancels


def boards(n_models: int, n_clusters: int, size: int, shared: float, gap: float, seed: int) -> np.ndarray:
    """Return scores (replicates, models, tasks); tasks of a cluster share a part of each model's luck."""
    rng = np.random.default_rng(seed)
    luck = rng.normal(size=(REPLICATES, n_models, n_clusters)).repeat(size, axis=2)
    own = rng.normal(size=(REPLICATES, n_models, n_clusters * size))
    scores = 20 + NOISE * (np.sqrt(shared) * luck + np.sqrt(1 - shared) * own)
    scores[:, 1] += gap
    return np.clip(np.rint(scores), 0, 40)


def found(scores: np.ndarray, design: Design) -> tuple[float, float]:
    """Return how often model 1 is found better than model 0, and the gap that boards print (root mean square)."""
    families = [compare_family(board, SCALE, design) for board in scores]
    p_values = np.array([family.comparisons[0].p_adjusted for family in families])
    printed = np.array([plan_family(family).minimum_detectable for family in families])
    return float((p_values <= 0.05).mean()), float(np.sqrt((printed**2).mean()))


@pytest.mark.parametrize("n_models", [2, 8, 20, 60])
def test_power_at_the_printed_gap_for_any_number_of_models(n_models: int) -> None:
    """100 tasks; without the family it would be .60, .47 and .33 from 8 models on."""
    se = np.sqrt(2 * (NOISE**2 + 1 / 12) / 100)
    gap = detectable_gap(se, 99, 100, n_comparisons=n_models - 1)
    assert gap is not None
    power, printed = found(boards(n_models, 100, 1, 0.0, gap, seed=n_models), Design())
    assert 0.78 - SLACK <= power <= 0.84 + SLACK, f"{power:.3f}"
    assert printed == pytest.approx(gap, rel=0.05)


@pytest.mark.parametrize(("n_clusters", "n_models"), [(5, 2), (6, 4), (8, 2), (10, 8), (12, 20), (20, 8), (40, 2)])
def test_power_at_the_printed_gap_for_any_number_of_clusters(n_clusters: int, n_models: int) -> None:
    """Clusters of five tasks that share half of their luck; few clusters have few p-values to choose from."""
    se = np.sqrt(2 * (NOISE**2 * (0.5 + 0.5 / 5) + 1 / 12 / 5) / n_clusters)
    gap = detectable_gap(se, n_clusters - 1, n_clusters, n_comparisons=n_models - 1)
    assert gap is not None
    names = np.repeat(np.arange(n_clusters), 5).tolist()
    power, printed = found(boards(n_models, n_clusters, 5, 0.5, gap, seed=n_clusters), Design(clusters=names))
    assert 0.78 - SLACK <= power <= 0.84 + SLACK, f"{power:.3f}"
    assert printed == pytest.approx(gap, rel=0.1)
