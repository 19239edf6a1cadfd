"""Rank sets against a plain loop over pairs, and their degenerate cases."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from harness.errors import StatisticsError
from harness.stats import RankSet, rank_sets, rank_sets_from_pairs
from harness.stats.design import Design
from harness.types import LIKERT_5
from tests.stats.conftest import Floats
from tests.stats.oracles import ordinal


def plain_rank_sets(scores: Floats) -> list[RankSet]:
    """Return rank sets by one scipy paired t interval per pair at the Sidak level."""
    n_models = len(scores)
    confidence = 0.95 ** (1 / (n_models * (n_models - 1) / 2))
    low, high = [1] * n_models, [n_models] * n_models
    for i in range(n_models):
        for j in range(n_models):
            if i != j:
                interval = scipy_stats.ttest_rel(scores[i], scores[j], nan_policy="omit").confidence_interval(
                    confidence
                )
                high[i] -= interval.low > 0
                low[i] += interval.high < 0
    return [RankSet(low=int(a), high=int(b)) for a, b in zip(low, high, strict=True)]


@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_rank_sets_equal_the_plain_loop(missing: float) -> None:
    """Eight models of rising strength, whole and with gaps."""
    scores = np.clip(ordinal(1, 8, 80) + np.arange(8)[:, None] // 2 - 1, 1, 5)
    scores[np.random.default_rng(1).random(scores.shape) < missing] = np.nan
    expected = plain_rank_sets(scores)
    assert list(rank_sets(scores)) == expected
    assert len(set(expected)) > 2


def test_real_valued_scores() -> None:
    """Off the grid the same."""
    scores = np.random.default_rng(2).normal(np.arange(6)[:, None] / 4, 1, (6, 60))
    assert list(rank_sets(scores)) == plain_rank_sets(scores)


def test_real_models(shaberi: dict[str, Floats]) -> None:
    """Sixty real models, four judges: every set holds the rank of the mean, and the first is told from the last."""
    for scores in shaberi.values():
        sets = rank_sets(scores, LIKERT_5)
        ranks = scipy_stats.rankdata(-np.nanmean(scores, axis=1), method="min")
        assert all(s is not None and s.low <= rank <= s.high for s, rank in zip(sets, ranks, strict=True))
        first, last = sets[int(np.argmin(ranks))], sets[int(np.argmax(ranks))]
        assert first is not None
        assert last is not None
        assert first.high < last.low


def test_real_models_by_the_plain_loop(shaberi: dict[str, Floats]) -> None:
    """Twenty of the real models, blanks included, equal one scipy interval per pair."""
    scores = shaberi["llmjudge-llama33"][::3]
    assert list(rank_sets(scores)) == plain_rank_sets(scores)


def test_models_without_scores_have_no_rank() -> None:
    """None for them, and the others rank among themselves."""
    scores = np.full((3, 20), np.nan)
    scores[0], scores[2] = ordinal(3, 2, 20)
    scores[0, :] = np.clip(scores[2] + np.tile([1, 2], 10), 1, 9)
    assert rank_sets(scores) == (RankSet(low=1, high=1), None, RankSet(low=2, high=2))
    assert rank_sets(np.full((2, 5), np.nan)) == (None, None)


def test_one_model_and_none() -> None:
    """One model is first; no model, no ranks."""
    assert rank_sets([[3, 4, 5]]) == (RankSet(low=1, high=1),)
    assert rank_sets(np.empty((0, 10))) == ()


def test_identical_models_share_all_ranks() -> None:
    """No difference, no order; the same without a common task."""
    scores = np.tile(ordinal(4, 1, 30), (3, 1))
    assert set(rank_sets(scores, LIKERT_5)) == {RankSet(low=1, high=3)}
    apart = np.full((2, 10), np.nan)
    apart[0, :5], apart[1, 5:] = 1, 5
    assert set(rank_sets(apart, LIKERT_5)) == {RankSet(low=1, high=2)}


def test_a_constant_gain_separates_only_on_a_known_scale() -> None:
    """Always +1: the Clopper-Pearson bound tells the models apart if the scale bounds the rest."""
    scores = np.vstack([np.tile([2, 3], 50), np.tile([3, 4], 50)])
    assert rank_sets(scores, LIKERT_5) == (RankSet(low=2, high=2), RankSet(low=1, high=1))
    assert set(rank_sets(scores)) == {RankSet(low=1, high=2)}


def test_clusters_widen_the_sets() -> None:
    """Gains that come in four task families prove nothing about families (under 5: no interval at all)."""
    gain = np.repeat([2, 0, 1, 1], 10)
    scores = np.vstack([np.tile([2, 3], 20), np.tile([2, 3], 20) + gain])
    assert rank_sets(scores)[1] == RankSet(low=1, high=1)
    clusters = [i // 10 for i in range(40)]
    assert set(rank_sets(scores, design=Design(clusters=clusters))) == {RankSet(low=1, high=2)}


def test_pairs_must_name_models() -> None:
    """A winner that is not there is an error."""
    with pytest.raises(StatisticsError, match="names a model that is not there"):
        rank_sets_from_pairs(2, [(0, 2)])
