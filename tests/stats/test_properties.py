"""What holds for any scores: swapping negates, order never matters, nothing is NaN, and a gap never moves a mean."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats import (
    anchored_mean,
    cluster_interval,
    compare_family,
    mean_interval,
    paired_comparison,
    rank_sets,
    score_interval,
    variance_components,
    weighted_kappa,
)
from harness.stats.design import Design
from harness.testing import score_pairs
from harness.types import LIKERT_5, Scale

PAIRS = score_pairs(LIKERT_5) | score_pairs(Scale(low=1, high=5))


def columns(pairs: list[tuple[float | None, float | None]]) -> tuple[list[float | None], list[float | None]]:
    """Return the two columns of a list of pairs."""
    return [a for a, _ in pairs], [b for _, b in pairs]


def numbers(result: Any) -> list[float]:
    """Return every number in a result, however deep."""
    if dataclasses.is_dataclass(result):
        return [x for field in dataclasses.fields(result) for x in numbers(getattr(result, field.name))]
    if isinstance(result, tuple):
        return [x for item in result for x in numbers(item)]
    return [result] if isinstance(result, (int, float, np.generic)) and not isinstance(result, bool) else []


def negated(value: float | None) -> object:
    """Return what the mirrored figure must be."""
    return None if value is None else pytest.approx(-value, abs=1e-9)


def same(value: float | None) -> object:
    """Return what an unchanged figure must be."""
    return None if value is None else pytest.approx(value, abs=1e-9)


@given(PAIRS)
def test_swapping_negates_the_difference(pairs: list[tuple[float | None, float | None]]) -> None:
    """diff(a, b) = -diff(b, a), wins become losses, p stays."""
    a, b = columns(pairs)
    one, other = (
        paired_comparison(a, b, LIKERT_5, Design(draws=99)),
        paired_comparison(b, a, LIKERT_5, Design(draws=99)),
    )
    assert one.difference.value == negated(other.difference.value)
    assert one.difference.low == negated(other.difference.high)
    assert one.difference.high == negated(other.difference.low)
    assert one.missing.best == negated(other.missing.worst)
    assert (one.wins, one.ties, one.losses) == (other.losses, other.ties, other.wins)
    assert one.p_value == same(other.p_value)
    assert one.difference.method == other.difference.method


@given(PAIRS, st.randoms(use_true_random=False))
def test_the_order_of_tasks_changes_nothing(pairs: list[tuple[float | None, float | None]], random: Any) -> None:
    """Means, intervals, p-values, bounds: tasks are a set."""
    shuffled = random.sample(pairs, len(pairs))
    one, other = (paired_comparison(*columns(rows), LIKERT_5, Design(draws=99)) for rows in (pairs, shuffled))
    assert numbers(one) == pytest.approx(numbers(other), abs=1e-9)
    first, second = (mean_interval(columns(rows)[0], LIKERT_5) for rows in (pairs, shuffled))
    assert numbers(first) == pytest.approx(numbers(second), abs=1e-9)


@given(PAIRS)
def test_a_task_without_scores_moves_no_figure_but_the_counts(pairs: list[tuple[float | None, float | None]]) -> None:
    """An unscored judgement never moves a mean, an interval or a p-value."""
    a, b = columns(pairs)
    one, other = (
        paired_comparison(a, b, design=Design(draws=99)),
        paired_comparison([*a, None], [*b, 3], design=Design(draws=99)),
    )
    assert other.difference.value == same(one.difference.value)
    assert other.difference.low == same(one.difference.low)
    assert (other.wins, other.ties, other.losses, other.n_pairs) == (one.wins, one.ties, one.losses, one.n_pairs)
    assert other.n_missing == one.n_missing + 1
    if "exact" in one.p_method and "exact" in other.p_method:
        assert other.p_value == same(one.p_value)


@given(PAIRS)
def test_nothing_is_ever_nan(pairs: list[tuple[float | None, float | None]]) -> None:
    """Whatever comes in, what cannot be computed is None."""
    a, b = columns(pairs)
    clusters = [i // 3 for i in range(len(a))]
    scores = np.array([a, b, b[::-1]], dtype=float)
    results = (
        score_interval(a, LIKERT_5, Design(clusters=clusters)),
        mean_interval(a),
        cluster_interval(a, design=Design(clusters=clusters)),
        compare_family(scores, LIKERT_5, Design(draws=99), family="all-pairs"),
        compare_family(scores, design=Design(clusters=clusters, draws=99)),
        rank_sets(scores, design=Design(clusters=clusters)),
        anchored_mean(a, b),
        anchored_mean(a, b, LIKERT_5, drawn_at_random=False),
        weighted_kappa(a, b),
        variance_components(np.array([a, b], dtype=float).T.reshape(-1, 2, 1)),
    )
    assert not any(math.isnan(x) or math.isinf(x) for x in numbers(results))


@given(PAIRS)
def test_intervals_hold_their_value_and_stay_on_the_scale(pairs: list[tuple[float | None, float | None]]) -> None:
    """Low <= value <= high, inside the scale for means and inside its span for differences."""
    a, b = columns(pairs)
    for estimate, low, high in (
        (mean_interval(a, LIKERT_5), 1, 5),
        (paired_comparison(a, b, LIKERT_5, Design(draws=99)).difference, -4, 4),
    ):
        assert (estimate.low is None) == (estimate.high is None)
        if estimate.low is not None and estimate.high is not None and estimate.value is not None:
            assert low - 1e-9 <= estimate.low <= estimate.value + 1e-9
            assert estimate.value - 1e-9 <= estimate.high <= high + 1e-9
            assert estimate.high > estimate.low


@given(st.lists(st.integers(1, 5), min_size=2, max_size=30), st.sampled_from([(0.8, 0.9), (0.9, 0.95), (0.95, 0.999)]))
def test_more_confidence_is_never_narrower(values: list[int], confidences: tuple[float, float]) -> None:
    """A higher confidence encloses the lower one's interval."""
    narrow, wide = (mean_interval(values, LIKERT_5, Design(confidence=c)) for c in confidences)
    assert wide.low <= narrow.low + 1e-12
    assert wide.high >= narrow.high - 1e-12


@given(PAIRS)
def test_worst_and_best_case_enclose_what_was_seen(pairs: list[tuple[float | None, float | None]]) -> None:
    """The difference over all tasks lies between the bounds whatever the missing scores are (here: the middle)."""
    a, b = columns(pairs)
    result = paired_comparison(a, b, LIKERT_5, Design(draws=99))
    if not pairs:
        assert (result.missing.worst, result.missing.best) == (None, None)
        return
    filled = [(3 if x is None else x) - (3 if y is None else y) for x, y in pairs]
    assert result.missing.worst is not None
    assert result.missing.best is not None
    assert result.missing.worst - 1e-9 <= np.mean(filled) <= result.missing.best + 1e-9
