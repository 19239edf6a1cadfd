"""The design that statistics take: what holds where nothing is said."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from harness.stats import mean_interval, paired_comparison
from harness.stats.design import DRAWS, PLAIN, Design
from harness.types import LIKERT_5


def test_nothing_said_is_independent_tasks_at_95_percent() -> None:
    """What every function does without a design is what it does with the plain one."""
    scores = np.array([1.0, 2, 4, 5, 3, 3])
    assert mean_interval(scores, scale=LIKERT_5) == mean_interval(scores, scale=LIKERT_5, design=PLAIN)
    assert 0.95 == mean_interval(scores).confidence
    assert Design() == PLAIN


def test_draws_bound_the_smallest_p_value() -> None:
    """1 in draws + 1, where p-values are drawn: off the grid."""
    rng = np.random.default_rng(1)
    baseline = rng.random(40)
    candidate = baseline + 0.5 + rng.random(40) / 10
    assert 1e-5 == pytest.approx(1 / (DRAWS + 1))
    for draws in (99, 999):
        found = paired_comparison(candidate, baseline, design=Design(draws=draws))
        assert 1 / (draws + 1) == pytest.approx(found.p_value)


def test_a_design_is_a_value() -> None:
    """Equal where its entries are; nothing of it can be changed."""
    assert Design(confidence=0.9) == Design(confidence=0.9) != Design()
    with pytest.raises(FrozenInstanceError):
        PLAIN.confidence = 0.5  # type: ignore[misc]
