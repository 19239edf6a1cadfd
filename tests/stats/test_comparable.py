"""Comparable means against least squares on all dummies, and groups against scipy's connected components."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from harness.errors import StatisticsError
from harness.stats import comparable_means, paired_comparison
from tests.stats.conftest import Floats

NAN = np.nan
TABLES = st.tuples(st.integers(1, 5), st.integers(1, 8)).flatmap(
    lambda shape: st.lists(
        st.lists(st.none() | st.integers(1, 5), min_size=shape[1], max_size=shape[1]),
        min_size=shape[0],
        max_size=shape[0],
    )
)


def fitted_means(scores: Floats) -> Floats:
    """Return each row's mean of row + task effect over all tasks, by least squares on a dummy for each."""
    rows, tasks = np.nonzero(~np.isnan(scores))
    m, n = scores.shape
    design = np.zeros((rows.size, m + n))
    design[np.arange(rows.size), rows] = design[np.arange(rows.size), m + tasks] = 1.0
    effects = np.linalg.lstsq(design, scores[rows, tasks], rcond=None)[0]
    return np.asarray(effects[:m] + effects[m:].mean())


@given(TABLES)
def test_values_and_groups_against_slower_ways(table: list[list[int | None]]) -> None:
    """Whatever is missing: every group is fitted on its own tasks, and rows are linked as the graph says."""
    scores = np.array(table, dtype=float)
    m, n = scores.shape
    found = comparable_means(scores)
    edges = np.zeros((m + n, m + n))
    edges[:m, m:] = ~np.isnan(scores)
    _, labels = connected_components(csr_matrix(edges), directed=False)
    for i in range(m):
        if np.isnan(scores[i]).all():
            assert found.groups[i] == -1
            assert np.isnan(found.values[i])
            continue
        linked = [j for j in range(m) if labels[j] == labels[i]]
        assert [j for j in range(m) if found.groups[j] == found.groups[i]] == linked
        part = scores[linked][:, ~np.isnan(scores[linked]).all(axis=0)]
        assert found.values[i] == pytest.approx(fitted_means(part)[linked.index(i)], abs=1e-9)


def test_a_complete_table_has_its_plain_means_bit_for_bit() -> None:
    """Nothing missing, or the same tasks missing in every row: nothing moves."""
    scores = np.random.default_rng(0).uniform(1, 5, (7, 31))
    assert comparable_means(scores).values.tolist() == [float(row.mean()) for row in scores]
    gap = scores.copy()
    gap[:, 3:9] = NAN
    assert comparable_means(gap).values.tolist() == pytest.approx(np.nanmean(gap, axis=1).tolist(), abs=1e-12)


def test_of_two_rows_the_values_differ_by_the_paired_difference() -> None:
    """Whatever each of them lacks."""
    rng = np.random.default_rng(1)
    scores = rng.integers(1, 6, (2, 40)).astype(float)
    scores[rng.random(scores.shape) < 0.3] = NAN
    a, b = comparable_means(scores).values
    assert b - a == pytest.approx(paired_comparison(scores[1], scores[0]).difference.value, abs=1e-9)


def test_hard_tasks_left_out_lift_nobody() -> None:
    """A model that is worse on every task stays behind, whichever tasks it or the others lack."""
    rng = np.random.default_rng(2)
    hard = np.sort(rng.uniform(1, 4, 100))
    better = hard + 1
    third = hard + 0.5
    for lacks in (slice(0, 20), slice(0, 99), slice(80, 100), slice(1, 100)):
        worse = hard.copy()
        worse[lacks] = NAN
        other = third.copy()
        other[:30] = NAN
        values = comparable_means([better, worse, other]).values
        assert values[0] > values[2] > values[1]
        assert values == pytest.approx([better.mean(), hard.mean(), third.mean()])


def test_rows_without_a_common_task_are_in_groups_of_their_own() -> None:
    """The larger group is the first; a chain of common tasks is enough; an unscored row is in none."""
    found = comparable_means([[1, NAN, NAN, NAN], [NAN, 2, 3, NAN], [NAN, NAN, 4, 5], [NAN] * 4])
    assert found.groups.tolist() == [1, 0, 0, -1]
    assert found.values[0] == 1.0
    assert found.values[2] - found.values[1] == pytest.approx(1.0)  # by the one task that both have
    assert comparable_means(np.empty((0, 3))).values.shape == (0,)
    assert comparable_means(np.empty((2, 0))).groups.tolist() == [-1, -1]


def test_sixty_rows_with_a_tenth_missing_are_near_their_full_means(shaberi: dict[str, Floats]) -> None:
    """Real scores, taken away from the low end: the fit is off by less than half as much as the plain mean."""
    whole = shaberi["gpt-4-turbo-preview"]
    whole = whole[:, ~np.isnan(whole).any(axis=0)]
    hardest = np.argsort(whole.mean(axis=0))[:20]
    gap = whole.copy()
    gap[np.ix_(range(0, 60, 3), hardest)] = NAN
    lacking = np.arange(0, 60, 3)
    plain = np.nanmean(gap, axis=1)[lacking] - whole.mean(axis=1)[lacking]
    fitted = comparable_means(gap).values[lacking] - whole.mean(axis=1)[lacking]
    assert np.abs(fitted).mean() < np.abs(plain).mean() / 2


def test_infinite_scores_are_refused() -> None:
    """As everywhere."""
    with pytest.raises(StatisticsError, match="infinite"):
        comparable_means([[1, np.inf]])
