"""Judge cards against independent libraries, on four real judges' scores of sixty models, and on made-up ones."""

import json
import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.inter_rater import cohens_kappa

from harness.analysis.judge_audit import (
    comparable,
    confusion,
    group_alphas,
    histogram,
    judge_audit,
    pair_audit,
    rater_audit,
)
from harness.analysis.scores import ScoreTable
from harness.stats.correlation import ordinal_alpha
from harness.types import LIKERT_5, PERCENT
from tests.analysis.tables import table
from tests.conftest import SHARED
from tests.stats.oracles import alpha_by_pairs


def no_lengths(one: ScoreTable) -> np.ndarray:
    return np.full(one.cells.shape[:3], np.nan)


def test_every_real_pair_against_statsmodels_and_scipy(real: dict[str, ScoreTable]) -> None:
    """Kappa with its value, alpha, rank correlation, exact and within-one share, bias: six pairs of real judges."""
    names = list(real)
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            a, b = real[first].cells.ravel(), real[second].cells.ravel()
            both = ~np.isnan(a) & ~np.isnan(b)
            counts = np.zeros((5, 5))
            np.add.at(counts, (a[both].astype(int) - 1, b[both].astype(int) - 1), 1)
            card = pair_audit(real[first], real[second], no_lengths(real[first]))
            assert card.agreement is not None
            kappa = cohens_kappa(counts, weights=np.arange(5.0), wt="quadratic").kappa
            assert kappa == pytest.approx(card.agreement.kappa.value, rel=1e-9)
            alpha = alpha_by_pairs(np.stack([a, b]), "ordinal")
            assert alpha == pytest.approx(card.alpha, rel=1e-9)
            assert stats.spearmanr(a[both], b[both]).statistic == pytest.approx(card.rank_answers, rel=1e-9)
            assert np.mean(a[both] == b[both]) == pytest.approx(card.agreement.exact.value)
            assert np.mean(abs(a[both] - b[both]) <= 1) == pytest.approx(card.agreement.within_one.value)
            assert np.mean(a[both] - b[both]) == pytest.approx(card.agreement.bias.value)
            assert both.sum() == card.n == card.agreement.n


def test_the_alpha_of_all_four_real_judges(real: dict[str, ScoreTable]) -> None:
    """One group of four, its alpha that of the whole matrix."""
    [group] = group_alphas(list(real.values()))
    matrix = [one.cells.ravel() for one in real.values()]
    expected = alpha_by_pairs(np.stack(matrix), "ordinal")
    assert expected == pytest.approx(group.alpha, rel=1e-9)
    assert tuple(real) == group.judges


def test_alpha_of_the_golden_cases() -> None:
    """Published values of Krippendorff's ordinal alpha (the golden file names the sources)."""
    path = SHARED / "golden" / "krippendorff.json"
    if not path.exists():
        pytest.skip("the golden files are not beside this checkout")
    for case in json.loads(path.read_text(encoding="utf-8"))["cases"]:
        matrix = [[math.nan if cell is None else cell for cell in row] for row in case["ratings_by_observer"]]
        assert case["ordinal"] == pytest.approx(ordinal_alpha(matrix), rel=1e-9)


def test_self_consistency() -> None:
    """Two verdicts on four answers: equal on two, one apart on one, three apart on one."""
    cells = np.array([[[[4, 4]], [[2, 2]], [[3, 4]], [[5, 2]]]], dtype=float)
    card = judge_audit(table(cells), no_lengths(table(cells)))
    assert card.consistency is not None
    assert (2, 0.5, 0.75) == (card.consistency.repeats, card.consistency.exact.value, card.consistency.within.value)
    assert math.sqrt((0 + 0 + 0.5 + 4.5) / 4) == pytest.approx(card.consistency.sd)
    assert ordinal_alpha([[4, 2, 3, 5], [4, 2, 4, 2]]) == card.consistency.alpha
    assert None is judge_audit(table(cells[..., :1]), no_lengths(table(cells))).consistency


def test_judges_of_other_scales_or_kinds_are_only_ranked() -> None:
    """No kappa, no alpha, no bias between 1-5 and 0-100, nor between a judge and a check on the same ends."""
    rng = np.random.default_rng(2)
    points = rng.integers(1, 6, (4, 30)).astype(float)
    first = table(points)
    for second in (table(points * 20, name="p", scale=PERCENT), table(points, name="c", kind="checks")):
        card = pair_audit(first, second, no_lengths(first))
        assert (None, None, None, ()) == (card.agreement, card.alpha, card.length_slope, card.row_bias)
        assert 1.0 == pytest.approx(card.rank_answers)
        assert not comparable(first.judge, second.judge)
    assert () == group_alphas([first, table(points, scale=PERCENT), table(points, kind="checks")])


def test_histogram_counts_every_score_once() -> None:
    """Steps have a bin each, given or not; means of raters get their own; a wide scale has ten parts."""
    assert [(1, 0), (2, 2), (3, 0), (4, 1), (5, 0)] == [
        (one.low, one.count) for one in histogram(np.array([2.0, 4.0, 2.0]), LIKERT_5)
    ]
    halves = histogram(np.array([2.5, 3.0]), LIKERT_5)
    assert {1: 0, 2: 0, 2.5: 1, 3: 1, 4: 0, 5: 0} == {one.low: one.count for one in halves}
    wide = histogram(np.array([0.0, 5, 99, 100]), PERCENT)
    assert ([2, 2], 10) == ([wide[0].count, wide[-1].count], len(wide))


def test_confusion_holds_every_answer_that_both_scored() -> None:
    """People's scores are rows, the judge's columns; a missing score on either side is left out."""
    human = table(np.array([[1, 2, 2, np.nan, 5]]), name="h", kind="human")
    judge = table(np.array([[1, 2, 3, 4, np.nan]]), name="j")
    found = confusion(judge, human)
    assert found is not None
    assert ("h", "j") == (found.human, found.judge)
    assert ((1, 0, 0, 0, 0), (0, 1, 1, 0, 0), (0,) * 5, (0,) * 5, (0,) * 5) == found.counts
    assert None is confusion(judge, table(np.full((1, 5), np.nan), kind="human"))


def test_raters_who_agree_and_one_who_does_not() -> None:
    """Each pair has its own agreement; three raters have one alpha."""
    matrix = np.array([[1, 2, 3, 4, 5, 1], [1, 2, 3, 4, 5, 1], [5, 4, 3, 2, 1, 5]], dtype=float)
    card = rater_audit(matrix, ["1", "2", "3"], list("abcdef"), LIKERT_5)
    values = {(first, second): found.kappa.value for first, second, found in card.pairs}
    assert 1.0 == pytest.approx(values["1", "2"])
    assert (values["1", "3"] or 0) < 0
    assert ordinal_alpha(matrix) == card.alpha
    assert () == rater_audit(matrix[:1], ["1"], list("abcdef"), LIKERT_5).pairs
