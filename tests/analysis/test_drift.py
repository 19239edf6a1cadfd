"""How scores moved between two versions of a judge."""

import numpy as np

from harness.analysis.drift import drift
from harness.types import LIKERT_5


def test_the_difference_is_over_answers_and_its_interval_over_tasks() -> None:
    """Answers to one task move together: clustered, the interval is wider than that of as many lone answers."""
    rng = np.random.default_rng(4)
    old = np.repeat(rng.integers(2, 5, 20), 5).astype(float)
    new = np.clip(old + np.repeat(rng.integers(-1, 2, 20), 5), 1, 5)
    tasks = np.repeat(np.arange(20), 5).tolist()
    before, after, found = drift(old.tolist(), new.tolist(), tasks, LIKERT_5)
    assert (old.mean(), new.mean(), 100) == (before, after, found.n)
    assert found.value == np.mean(new - old)
    alone = drift(old.tolist(), new.tolist(), list(range(100)), LIKERT_5)[2]
    assert found.high - found.low > 1.6 * (alone.high - alone.low)


def test_nothing_scored_is_no_drift() -> None:
    """No number is made up."""
    before, after, found = drift([], [], [], LIKERT_5)
    assert (None, None, None, 0) == (before, after, found.value, found.n)
