"""What a comparison shows: each word where it is due, the margin, and what it would take."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.analysis.verdict import ComparisonVerdict, comparison_verdict, default_margin, margin_on
from harness.stats import Design, compare_family, paired_comparison
from harness.types import LIKERT_5, PASS_FAIL, PERCENT, Scale

BASE = np.random.default_rng(1).integers(2, 5, 100).astype(float)


def shown(difference: float, sd: float, *, n: int = 100, margin: float = 0.3) -> ComparisonVerdict:
    """Return the verdict on n differences with exactly this mean and standard deviation."""
    noise = stats.zscore(np.random.default_rng(2).normal(size=n), ddof=1)
    return comparison_verdict(paired_comparison(difference + sd * noise, np.zeros(n)), Design(), margin=margin)


@pytest.mark.parametrize(
    ("difference", "sd", "code"),
    [
        (0.5, 1.0, "better"),
        (-0.5, 1.0, "worse"),
        (0.0, 1.0, "equal"),
        (0.15, 1.2, "no_worse"),
        (-0.2, 1.5, "undecided"),
        (-0.29, 1.5, "undecided"),
    ],
)
def test_each_word(difference: float, sd: float, code: str) -> None:
    """100 tasks: by t, (0.3 - |d|) / (sd / 10) against 1.66, and d / (sd / 10) against 1.98."""
    assert shown(difference, sd).code == code


def test_the_p_that_counts_is_the_corrected_one() -> None:
    """Better by its own p, not so among twenty."""
    rng = np.random.default_rng(3)
    scores = np.clip(np.rint(3 + rng.normal(size=(21, 100)) * 1.2), 1, 5)
    scores[0] = BASE
    scores[1] = BASE + np.r_[np.ones(14), -np.ones(4), np.zeros(82)]
    family = compare_family(scores, LIKERT_5)
    one = family.comparisons[0]
    assert one.p_value < 0.05 < one.p_adjusted
    assert comparison_verdict(one, Design(), margin=0.3, n_comparisons=20).code != "better"
    alone = paired_comparison(scores[1], BASE, LIKERT_5)
    assert comparison_verdict(alone, Design(), margin=0.3).code == "better"


def test_what_is_undecided_says_how_many_tasks_would_do() -> None:
    """On that many tasks the difference seen passes, or is shown no worse, in 80 % of cases; others need none."""
    found = shown(-0.2, 1.5)
    # Not worse by 0.3 at 0.1 from the margin: one-sided n = (1.645 + 0.842)^2 (1.5 / 0.1)^2; different: 443.
    assert found.tasks_needed == pytest.approx((1.96 + 0.842) ** 2 * (1.5 / 0.2) ** 2, rel=0.02)
    assert shown(0.5, 1.0).tasks_needed is None
    assert shown(0.0, 3.0).tasks_needed == pytest.approx((1.645 + 0.842) ** 2 * 100, rel=0.02)


def test_an_interval_wider_than_any_level_is_no_error() -> None:
    """As of a late try on a small difference: what shows a difference still has its number of tasks."""
    rng = np.random.default_rng(1)
    found = paired_comparison(np.clip(np.rint(BASE + rng.normal(size=BASE.size) * 0.4), 1, 5), BASE, LIKERT_5)
    wide = replace(found.simultaneous, low=-4.0, high=4.0)
    verdict = comparison_verdict(replace(found, p_adjusted=1.0), Design(), margin=0.3, joint=wide)
    assert "undecided" == verdict.code


def test_many_comparisons_need_more_tasks() -> None:
    """The corrected level decides; a difference beyond the margin on the wrong side can only be shown worse."""
    result = paired_comparison(-0.4 + 3 * stats.zscore(np.random.default_rng(4).normal(size=50)), np.zeros(50))
    alone, among = (comparison_verdict(result, Design(), margin=0.3, n_comparisons=m).tasks_needed for m in (1, 59))
    assert alone is not None
    assert among is not None
    assert among > 2 * alone


def test_same_sign_is_a_chance_from_a_half_on() -> None:
    """By the difference in standard errors; nothing where no error is known."""
    assert shown(0.0, 1.0).same_sign == pytest.approx(0.5)
    assert shown(0.3, 1.5).same_sign == pytest.approx(stats.t.cdf(2 / 2**0.5, 99))
    assert comparison_verdict(paired_comparison(BASE, BASE, LIKERT_5), Design(), margin=0.3).same_sign is None


def test_no_task_differs() -> None:
    """100 of 100 equal: equal by the exact bound; 8 of 8 leave more than the margin open, and nothing says so less."""
    for n, code in ((100, "equal"), (8, "undecided")):
        result = paired_comparison(BASE[:n], BASE[:n], LIKERT_5)
        assert comparison_verdict(result, Design(), margin=0.3).code == code


def test_nothing_to_compare_and_too_few_clusters() -> None:
    """No pair, one pair, no scale, four clusters: undecided, never equal."""
    for result in (
        paired_comparison([None, 1], [1, None], LIKERT_5),
        paired_comparison([3], [3], LIKERT_5),
        paired_comparison([1, 2, 3], [1, 2, 3]),
        paired_comparison(BASE, BASE[::-1], LIKERT_5, Design(clusters=[place % 4 for place in range(100)])),
    ):
        assert comparison_verdict(result, Design(), margin=0.3).code == "undecided"


@pytest.mark.parametrize(("scale", "margin"), [(LIKERT_5, 0.3), (PASS_FAIL, 0.075), (PERCENT, 7.5)])
def test_the_default_margin_is_a_share_of_the_scale(scale: Scale, margin: float) -> None:
    """0.3 points on 1-5."""
    assert default_margin(scale) == pytest.approx(margin)


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=1, max_size=20), st.floats(0.01, 2))
def test_swapping_turns_the_word_round(pairs: list[tuple[int, int]], margin: float) -> None:
    """Better becomes worse, equal stays, and only what is not worse may be anything on the other side."""
    a, b = ([pair[side] for pair in pairs] for side in (0, 1))
    one, other = (
        comparison_verdict(paired_comparison(*arrays, LIKERT_5), Design(), margin=margin).code
        for arrays in ((a, b), (b, a))
    )
    turned = {"better": {"worse"}, "worse": {"better"}, "equal": {"equal"}, "no_worse": {"undecided"}}
    assert other in turned.get(one, {"undecided", "no_worse"})


def test_the_word_goes_by_its_interval() -> None:
    """The simultaneous one for a difference, that of the one-sided tests for equality."""
    family = compare_family(np.stack([BASE, np.minimum(5, BASE + 1), BASE]), LIKERT_5)
    better = comparison_verdict(family.comparisons[0], Design(), margin=0.3, n_comparisons=2)
    assert (better.low, better.high) == (
        family.comparisons[0].simultaneous.low,
        family.comparisons[0].simultaneous.high,
    )
    equal = shown(0.1, 1.0)
    t = stats.t(99).ppf(0.95) * 0.1
    assert equal.code == "equal"
    assert (equal.low, equal.high) == (pytest.approx(0.1 - t), pytest.approx(0.1 + t))
    assert max(abs(equal.low), abs(equal.high)) < 0.3


def test_equality_holds_for_the_whole_board() -> None:
    """Shown alone and not as one of twenty; by the two-sided error of the simultaneous interval on either side."""
    noise = stats.zscore(np.random.default_rng(2).normal(size=100), ddof=1)
    scores = np.stack([np.zeros(100), *(0.02 + 1.2 * noise[::step] for step in (1, -1) * 10)])
    alone = comparison_verdict(paired_comparison(scores[1], scores[0]), Design(), margin=0.3)
    one = compare_family(scores).comparisons[0]
    among = comparison_verdict(one, Design(), margin=0.3, n_comparisons=20)
    assert ("equal", True, "undecided", False) == (alone.code, alone.is_no_worse, among.code, among.is_no_worse)
    wide = comparison_verdict(one, Design(), margin=0.5, n_comparisons=20)
    half = stats.t.isf(1 - 0.95 ** (1 / 20), 99) * 0.12
    assert "equal" == wide.code
    assert (0.02 - half, 0.02 + half) == (pytest.approx(wide.low), pytest.approx(wide.high))
    over_tries = replace(one.simultaneous, low=0.02 - 2 * half, high=0.02 + 2 * half)
    joint = comparison_verdict(one, Design(), margin=0.5, n_comparisons=20, joint=over_tries)
    assert "undecided" == joint.code


def test_surely_worse_may_still_be_no_worse_by_the_margin() -> None:
    """A small difference with a small error: what a pipeline that allows the margin wants to know."""
    assert ("worse", True) == (shown(-0.1, 0.3).code, shown(-0.1, 0.3).is_no_worse)
    assert ("worse", False) == (shown(-0.5, 1.0).code, shown(-0.5, 1.0).is_no_worse)
    assert ("better", True) == (shown(0.5, 1.0).code, shown(0.5, 1.0).is_no_worse)
    assert not shown(-0.2, 1.5).is_no_worse


def test_a_margin_is_declared_on_one_scale_and_holds_on_others() -> None:
    """As the same share; the default is 0.075 of each."""
    assert margin_on(PERCENT, 0.4, LIKERT_5) == pytest.approx(10)
    assert margin_on(LIKERT_5, None, PERCENT) == default_margin(LIKERT_5)
    assert margin_on(LIKERT_5, 0.4, None) == 0.4
