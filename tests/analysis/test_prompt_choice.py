"""The best prompt without a seed: what of its lead is luck, by leaving out each task in turn."""

import numpy as np
import pytest

from harness.analysis.prompt_choice import ComparedPrompts, choose
from harness.stats import compare_pairs
from harness.types import LIKERT_5

NAMES = ("A", "B", "C")


def compared(scores: np.ndarray) -> list[ComparedPrompts]:
    """Return each later prompt against the first."""
    pairs = [(place, 0) for place in range(1, len(scores))]
    family = compare_pairs(scores, pairs, LIKERT_5)
    return [
        ComparedPrompts(candidate=i, baseline=k, result=result)
        for (i, k), result in zip(pairs, family.comparisons, strict=True)
    ]


def test_against_leaving_out_by_hand() -> None:
    """Each task is measured under the prompt that does best on the others; the order of the tasks is no matter."""
    scores = np.random.default_rng(1).integers(1, 6, (3, 25)).astype(float)
    found = choose(NAMES, scores, compared(scores), control="A")
    gains, picks = [], []
    for task in range(25):
        rest = np.delete(scores, task, axis=1).mean(axis=1)
        picks.append(int(np.argmax(np.round(rest, 9))))
        gains.append(scores[picks[-1], task] - scores[0, task])
    assert found is not None
    assert found.cross_fitted == pytest.approx(np.mean(gains))
    assert found.agreement == pytest.approx(np.mean(np.array(picks) == NAMES.index(found.prompt)))
    shuffled = scores[:, np.random.default_rng(2).permutation(25)]
    assert found == choose(NAMES, shuffled, compared(shuffled), control="A")


def test_clusters_are_left_out_whole() -> None:
    """By hand, with clusters of unlike sizes."""
    scores = np.random.default_rng(3).integers(1, 6, (2, 12)).astype(float)
    clusters = ["a"] * 5 + ["b"] * 3 + [None] * 4
    units = [range(5), range(5, 8), [8], [9], [10], [11]]
    gained = 0.0
    for unit in units:
        rest = np.delete(scores, list(unit), axis=1).mean(axis=1)
        gained += (scores[int(np.argmax(rest))] - scores[0])[list(unit)].sum()
    found = choose(NAMES[:2], scores, compared(scores), control="A", clusters=clusters)
    assert found is not None
    assert found.cross_fitted == pytest.approx(gained / 12)


def test_it_never_contradicts_the_comparisons() -> None:
    """The winner that they name is the best; its interval and what another may gain are theirs."""
    scores = np.array([[1.0, 2, 1, 2] * 6, [4, 3, 4, 4] * 6, [2, 2, 1, 3] * 6])
    pairs = compared(scores)
    found = choose(NAMES, scores, pairs, control="A", winner="B")
    assert found is not None
    assert ("B", 2.25) == (found.prompt, found.gain)
    assert (found.low, found.high) == (pairs[0].result.simultaneous.low, pairs[0].result.simultaneous.high)
    assert found.possible is None  # C was compared with A alone
    two = choose(NAMES[:2], scores[:2], pairs[:1], control="A")
    assert two is not None
    assert two.possible == max(0.0, -pairs[0].result.simultaneous.low)
    control = choose(NAMES, 6 - scores, compared(6 - scores), control="A", winner="A")
    assert control is not None
    assert ("A", None) == (control.prompt, control.gain)
    assert control.possible == 0.0


def test_without_scores_in_common_nothing_is_chosen() -> None:
    """No task has all scores; one task alone leaves nothing to choose on."""
    scores = np.array([[1.0, np.nan], [np.nan, 2.0]])
    assert choose(NAMES[:2], scores, compared(scores), control="A") is None
    one = choose(NAMES[:2], np.array([[1.0], [2.0]]), compared(np.array([[1.0], [2.0]])), control="A")
    assert one is not None
    assert ("B", None, None) == (one.prompt, one.cross_fitted, one.agreement)


@pytest.mark.slow
def test_leaving_out_takes_the_winners_curse_out() -> None:
    """Ten equal prompts: the best looks 0.13 points better than the first, cross-fitted 0.00."""
    rng = np.random.default_rng(3)
    naive, honest = [], []
    for _ in range(1500):
        level = rng.normal(size=100)
        scores = np.clip(np.rint(3 + 0.9 * level + rng.normal(size=(10, 100)) * 0.8), 1, 5)
        found = choose([str(i) for i in range(10)], scores, [], control="0")
        assert found is not None
        naive.append(found.gain or 0.0)
        honest.append(found.cross_fitted)
    error = np.std(honest) / np.sqrt(len(honest))
    assert error < 0.01
    assert abs(np.mean(honest)) < 3 * error
    assert np.mean(naive) > 0.1
