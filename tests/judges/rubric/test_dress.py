"""One number in its dress: the words that may stand around a verdict, and that no others may."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.types import LIKERT_5, PERCENT, UNIT, Scale
from judges.rubric.dress import LABELS, read_number, wrong_top
from judges.rubric.folding import fold


def value(text: str, scale: Scale = LIKERT_5) -> float | None:
    """The value, None if the text is anything but one number."""
    found = read_number(fold(text), scale)
    return None if found is None else found.value


@pytest.mark.parametrize(
    "text",
    ["4", "４", "④", "四", "4.0", "**4**", "「4」", "4点", "4 points", "スコア：4", "【評価】4", "最終評価は4点です。",
     "4/5", "5点満点中4点", "よって、4点とします。", "この回答は4点が妥当です", "Overall score: 4 out of 5",
     "I'd give it a 4/5",
     r"$\boxed{4}$", "<score>4</score>", "```\n4\n```"],
)  # fmt: skip
def test_a_four_in_its_usual_dress(text: str) -> None:
    """Japanese and English, with labels, units, tops and brackets."""
    assert 4.0 == value(text)


@pytest.mark.parametrize(
    "text",
    ["", "点", "5点ではない", "3点以上", "最高5点",
     "誤りが3点", "4つ", "4か5", "4 5", "4-5", "no 4", "十四", "[4", "4]",
     "「スコア：4」", "この回答は4", "スコア 4、ではなく3", "4" * 301],
)  # fmt: skip
def test_anything_else_about_a_number_is_no_reading(text: str) -> None:
    """Negated, bounded, counted, quoted, unpaired, or more than one."""
    assert read_number(fold(text), LIKERT_5) is None


@pytest.mark.parametrize(
    ("text", "scale", "problem"),
    [
        ("6", LIKERT_5, "6 is not on the 1-5 scale"),
        ("3.5", LIKERT_5, "3.5 is not on the 1-5 scale"),
        ("4/10", LIKERT_5, "4/10 is not on the 1-5 scale"),
        ("10点満点中4点", LIKERT_5, "10点満点中 is not on the 1-5 scale"),
        ("4 out of 10", LIKERT_5, "out of 10 is not on the 1-5 scale"),
        ("101", PERCENT, "101 is not on the 0-100 scale"),
    ],
)
def test_a_number_of_another_scale_says_so(text: str, scale: Scale, problem: str) -> None:
    """It is read, and refused with what was wrong."""
    found = read_number(fold(text), scale)
    assert found is not None
    assert (None, problem) == (found.value, found.problem)


@given(st.sampled_from(LABELS), st.integers(1, 5), st.sampled_from([":", "=", "は", "：", " "]))
def test_every_label_may_stand_before_the_number(label: str, score: int, joint: str) -> None:
    """With whatever joins them, and joined they count as labelled."""
    found = read_number(fold(f"{label}{joint}{score}"), LIKERT_5)
    assert found is not None
    assert (float(score), joint != " ") == (found.value, found.labelled)


def test_only_a_declared_label_is_one() -> None:
    """A rubric's own labels take the place of the usual ones."""
    assert None is read_number("できばえ:4", LIKERT_5)
    found = read_number("できばえ:4", LIKERT_5, ["できばえ"])
    assert found is not None
    assert 4 == found.value
    assert None is read_number("score:4", LIKERT_5, ["できばえ"])


@given(st.floats(0, 1).map(lambda number: round(number, 6)))
def test_fractions_are_read_where_the_scale_has_them(number: float) -> None:
    """Six digits after the point."""
    assert number == value(f"{number:.6f}", UNIT)


def test_a_top_is_the_scales_own_or_wrong() -> None:
    """The last number of the phrase is the top, one before it the lowest value."""
    assert "" == wrong_top("/5", LIKERT_5) == wrong_top("1から5の5段階評価で", LIKERT_5)
    assert "/10" == wrong_top("/10 ", LIKERT_5)
    assert "0から5の尺度で" == wrong_top("0から5の尺度で", LIKERT_5)
