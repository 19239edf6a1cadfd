"""Judge cards and levels: counted by hand."""

from dataclasses import replace

import numpy as np
import pytest

from harness.types import PASS_FAIL, PERCENT, Scale
from reports.judge_cards import judge_cards
from reports.levels import level_shares
from tests.reports.conftest import SCORES, small_report


def test_a_card_counts_scores_and_missing_ones() -> None:
    """23 of 24 scores, their mean and shares, as the list of scores says."""
    card = judge_cards(small_report().tables)[0]
    known = [score for scores in SCORES.values() for score in scores if score is not None]
    assert (23, 1) == (card.n, card.n_missing)
    assert pytest.approx(np.mean(known)) == card.mean
    assert pytest.approx([known.count(level) / 23 for level in (1, 2, 3, 4, 5)]) == card.levels.shares[0].tolist()
    assert () == card.pairs, "the other judge counts checks: shares of checks do not agree or disagree with scores"


def test_judges_of_one_scale_are_compared() -> None:
    """A judge that gives one point more wherever it can: exact on fives, always within one, biased by the mean gain."""
    first = small_report().tables[0]
    generous = replace(first, judge=replace(first.judge, name="generous"), cells=np.minimum(first.cells + 1, 5))
    [pair] = judge_cards([first, generous])[0].pairs
    fives = sum(score == 5 for scores in SCORES.values() for score in scores) / 23
    assert "generous" == pair.other
    assert pytest.approx(fives) == pair.agreement.exact.value
    assert 1 == pair.agreement.within_one.value
    assert pytest.approx(fives - 1) == pair.agreement.bias.value


@pytest.mark.parametrize(
    ("scale", "names"),
    [
        (PASS_FAIL, ("0", "1")),
        (Scale(low=1, high=5, step=0.5), ("1", "1.5", "2", "2.5", "3", "3.5", "4", "4.5", "5")),
        (PERCENT, ("0–20", "20–40", "40–60", "60–80", "80–100")),
        (Scale(low=0, high=100, step=1), ("0–20", "20–40", "40–60", "60–80", "80–100")),
    ],
)
def test_levels_are_steps_or_five_parts(scale: Scale, names: tuple[str, ...]) -> None:
    """The top of a scale belongs to the last level; a row without scores has no shares."""
    found = level_shares(np.array([[scale.high, scale.low], [np.nan, np.nan]]), scale)
    assert names == found.names
    assert 0.5 == found.shares[0, -1] == found.shares[0, 0]
    assert 0 == found.shares[1].sum()
