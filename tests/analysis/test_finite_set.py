"""Comparisons about exactly the tasks of a known set, by an error that was measured on them."""

import numpy as np
import pytest
from scipy import stats

from harness.analysis.finite_set import FiniteSet
from harness.stats import compare_family
from harness.stats.finite import FiniteMean
from harness.types import LIKERT_5

RNG = np.random.default_rng(4)
SCORES = np.stack([BASE := RNG.integers(1, 5, 50), np.minimum(5, BASE + RNG.integers(0, 2, 50)), BASE]).astype(float)
WHOLE = FiniteSet(size=50, n=50, scale=LIKERT_5, confidence=0.95)
ERRORS = [FiniteMean(mean=0.5, se=0.2, df=30.0, n=50, has_repeats=True), FiniteMean(mean=0.0, se=None, df=None, n=50,
          has_repeats=False)]  # fmt: skip


def test_p_and_interval_are_students() -> None:
    """Of the error given; nothing of an error that was not measured; looks share the level."""
    assert 2 * stats.t.sf(2.5, 30) == pytest.approx(WHOLE.p_value(ERRORS[0]))
    half = stats.t.isf(0.025, 30) * 0.2
    assert (0.5 - half, 0.5 + half) == pytest.approx(WHOLE.interval(ERRORS[0]))
    assert (None, (None, None)) == (WHOLE.p_value(ERRORS[1]), WHOLE.interval(ERRORS[1]))
    twice = FiniteSet(size=50, n=50, scale=LIKERT_5, confidence=0.95, looks=2)
    assert 4 * stats.t.sf(2.5, 30) == pytest.approx(twice.p_value(ERRORS[0]))
    assert 0.5 + stats.t.isf(0.0125, 30) * 0.2 == pytest.approx(twice.interval(ERRORS[0])[1])


def test_comparisons_are_corrected_together_or_over_a_larger_family() -> None:
    """By Holm over those that have a p-value; by Bonferroni where a size is given."""
    results = compare_family(SCORES, LIKERT_5).comparisons
    [(first, joint), (second, _)] = WHOLE.compared(results, ERRORS)
    assert first.p_value == first.p_adjusted
    assert joint.high == pytest.approx(0.5 + stats.t.isf((1 - 0.95**0.5) / 2, 30) * 0.2)
    assert (None, None, None) == (second.p_value, second.p_adjusted, second.simultaneous.low)
    [(first, _), _] = WHOLE.compared(results, ERRORS, n_family=10)
    assert 10 * (first.p_value or 0) == pytest.approx(first.p_adjusted)


def test_what_the_intervals_do_not_hold_is_said() -> None:
    """No repeats of all tasks or of a part of them; one answer that was judged twice."""
    part = FiniteSet(size=80, n=50, scale=LIKERT_5, confidence=0.95)
    assert ["no interval"] == [
        said.partition("there is ")[2][:11] for said in WHOLE.cautions(ERRORS, answers=1, verdicts=1)
    ]
    assert 2 == len(part.cautions(ERRORS, answers=1, verdicts=1))
    [once] = WHOLE.cautions(ERRORS[:1], answers=1, verdicts=2)
    assert "answered once" in once
    assert [] == WHOLE.cautions(ERRORS[:1], answers=2, verdicts=1)
    assert "t over 50 of 80 tasks, finite set" == part.method(
        FiniteMean(mean=0.5, se=0.2, df=30.0, n=50, has_repeats=False)
    )
