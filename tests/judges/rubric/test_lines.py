"""Verdicts on lines of their own: one label and its number, and nothing that could be a second verdict."""

import pytest

from harness.types import LIKERT_5
from judges.rubric.dress import LABELS
from judges.rubric.folding import fold
from judges.rubric.lines import mentions, read_labels


@pytest.mark.parametrize(
    "text",
    ["スコア：4", "よい回答。\n\nスコア：4", "誤りが3点ある。\nスコア：4", "**Score: 4**\n", "スコア：4\n以上です。",
     "スコア：4\n理由は簡潔なため。\nスコア：4", "```\nスコア：4\n```", "3つの例がある。2箇所よい。\n評価：4"],
)  # fmt: skip
def test_a_line_with_the_label_is_the_verdict(text: str) -> None:
    """Counts of things in the prose are no verdicts, and the same verdict twice is one."""
    found = read_labels(fold(text), LIKERT_5, LABELS)
    assert found is not None
    assert 4.0 == found.value, found.problem


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("スコア：4\nスコア：2", "the reply holds verdicts that differ: 4 and 2"),
        ("スコア：4\nやはり3点", "a number stands after the verdict"),
        ("スコア：6", "6 is not on the 1-5 scale"),
        ("回答には\n「スコア：5」\nとあった。", "a label and its number are not alone on their line"),
        ("これはスコア4だと思う。", "a label and its number are not alone on their line"),
        ("スコア：4\n途中でスコアは2だと述べた。", "a label and its number stand in the prose, too"),
        (
            "例えば次のように書く。\n```\nスコア：5\n```\n本文",
            "the label line is quoted, negated or shown as an example",
        ),
        ("スコア：4\n" * 60, "the reply is full of labels"),
    ],
)
def test_what_could_be_another_verdict_is_refused(text: str, problem: str) -> None:
    """With the reason, never with one of the two numbers."""
    found = read_labels(fold(text), LIKERT_5, LABELS)
    assert found is not None
    assert (None, problem) == (found.value, found.problem)


@pytest.mark.parametrize("text", ["", "よい回答です。", "できばえ：4", "スコアは高い。", "4"])
def test_no_label_beside_a_number_is_no_reading(text: str) -> None:
    """Another form may have it."""
    assert None is read_labels(fold(text), LIKERT_5, LABELS)


def test_mentions_are_numbers_beside_labels_that_nobody_quotes() -> None:
    """In the order of the text."""
    text = fold("スコアは4。「評価：5」と書かれていたが、評価 -> 2 とする。3点の誤り。")
    assert ["4", "2"] == mentions(text, LABELS)
