"""Do labelled tasks look drawn at random? Runs counted exactly, and how often a random draw is doubted."""

import itertools

import numpy as np
import pytest

from harness.stats import check_draw
from tests.stats.scenarios import rated


def test_labels_on_the_best_answers_are_no_random_draw() -> None:
    """Caught by the judge's mean."""
    judge = np.tile([1.0, 2.0, 3.0, 4.0, 5.0], 20)
    check = check_draw(judge >= 4, judge)
    assert check.reasons[0] == "the judge's mean over the labelled tasks is far from its mean over all"


def test_runs_are_counted_exactly() -> None:
    """Against all arrangements of 4 labelled among 9 tasks."""
    judge = np.ones(9)
    marks = [np.isin(np.arange(9), chosen) for chosen in itertools.combinations(range(9), 4)]
    runs = np.array([1 + (mark[1:] != mark[:-1]).sum() for mark in marks])
    for mark, count in zip(marks, runs, strict=True):
        check = check_draw(mark, judge)
        assert check.order_p == pytest.approx(np.mean(runs <= count))
        assert check.judge_p is None


def test_a_random_draw_rarely_looks_otherwise() -> None:
    """Two checks at half a percent each: 2,000 random draws raise about 1 % of false alarms."""
    rng = np.random.default_rng(15)
    _, judge = rated(15, 0)
    marks = (np.isin(np.arange(100), rng.permutation(100)[:30]) for _ in range(2000))
    assert np.mean([not check_draw(mark, judge).looks_random for mark in marks]) < 0.02


@pytest.mark.parametrize("n_labels", [0, 100])
def test_nothing_to_check(n_labels: int) -> None:
    """No label, or all: no draw."""
    check = check_draw(np.arange(100) < n_labels, np.ones(100))
    assert (check.looks_random, check.judge_p, check.order_p) == (True, None, None)
