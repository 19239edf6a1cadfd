"""Krippendorff's alpha: published examples, the paper's own steps as an oracle, and what cannot be computed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import StatisticsError
from harness.stats import AlphaLevel, krippendorff_alpha
from tests.stats.conftest import Golden
from tests.stats.oracles import alpha_by_pairs

LEVELS: tuple[AlphaLevel, ...] = ("nominal", "ordinal", "interval")
RATINGS = st.integers(min_value=1, max_value=12).flatmap(
    lambda items: st.lists(
        st.lists(st.none() | st.integers(1, 5) | st.floats(-9, 9), min_size=items, max_size=items),
        min_size=2,
        max_size=5,
    )
)


def test_the_published_values(golden: Golden) -> None:
    """Four observers, twelve units, seven scores missing (Krippendorff 2011, example C)."""
    for case in golden("krippendorff")["cases"]:
        for level in LEVELS:
            assert krippendorff_alpha(case["ratings_by_observer"], level=level) == pytest.approx(case[level], rel=1e-12)


def test_two_observers_without_missing_scores() -> None:
    """Krippendorff 2011: example A, binary (.095), and example B, nominal (.692)."""
    meg, owen = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    assert krippendorff_alpha([meg, owen], level="nominal") == pytest.approx(0.095, abs=5e-4)
    ben, gerry = ([ord(letter) for letter in text] for text in ("aabbdcccedda", "babbbccceddd"))
    assert krippendorff_alpha([ben, gerry], level="nominal") == pytest.approx(0.692, abs=5e-4)


@given(RATINGS)
def test_every_level_equals_the_steps_of_the_paper(ratings: list[list[float | None]]) -> None:
    """Whatever is missing, on whole numbers and between them."""
    scores = np.array(ratings, dtype=float).round(3)
    paired = scores[:, (~np.isnan(scores)).sum(axis=0) > 1]
    for level in LEVELS:
        found = krippendorff_alpha(scores, level=level)
        if np.unique(paired[~np.isnan(paired)]).size < 2:
            assert found is None
        else:
            assert found == pytest.approx(alpha_by_pairs(scores, level), abs=1e-9)


@pytest.mark.parametrize("level", LEVELS)
def test_neither_the_order_of_raters_nor_lone_scores_count(level: AlphaLevel) -> None:
    """Raters change places, an item that one rater scored is added: alpha stays."""
    scores = np.random.default_rng(1).integers(1, 6, (3, 20)).astype(float)
    alpha = krippendorff_alpha(scores, level=level)
    assert alpha == pytest.approx(krippendorff_alpha(scores[::-1], level=level))
    lone = np.column_stack([scores, [9, np.nan, np.nan]])
    assert alpha == pytest.approx(krippendorff_alpha(lone, level=level))


def test_perfect_agreement_and_its_opposite() -> None:
    """1 where all agree; 1 - 19 / 10 where two raters of ten items always take opposite ones of two values."""
    assert krippendorff_alpha([[1, 2, 5], [1, 2, 5]]) == 1
    for level in LEVELS:
        assert krippendorff_alpha([[1, 2] * 5, [2, 1] * 5], level=level) == pytest.approx(1 - 19 / 10)


def test_what_cannot_be_computed_is_none() -> None:
    """No item with two scores, one value alone, no raters."""
    assert krippendorff_alpha([[1, None], [None, 2]]) is None
    assert krippendorff_alpha([[3, 3], [3, None]]) is None
    assert krippendorff_alpha(np.empty((0, 4))) is None
    assert krippendorff_alpha(np.empty((2, 0))) is None


def test_an_unknown_level_and_infinite_scores_are_refused() -> None:
    """The message says what there is."""
    with pytest.raises(StatisticsError, match="no level 'ratio'"):
        krippendorff_alpha([[1, 2], [1, 3]], level="ratio")  # type: ignore[arg-type]
    with pytest.raises(StatisticsError, match="infinite"):
        krippendorff_alpha([[1, np.inf], [1, 3]])
