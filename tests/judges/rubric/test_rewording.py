"""Rubrics in other words and in another order: the same is asked for."""

import pytest

from harness.templates import load_template, template_names
from judges.rubric.rewording import reordered, reworded

OWN = [name for name in template_names("judges") if not name.startswith("pair")]


@pytest.mark.parametrize("name", OWN)
def test_every_rubric_of_ours_has_other_words_and_another_order(name: str) -> None:
    """Variables, tags, the form of the reply and the numbers of the scale stay; most of its sentences do not."""
    text = load_template(name, kind="judges").text
    other, turned = reworded(text), reordered(text)
    assert other is not None
    assert turned is not None
    assert sorted(text.split("\n")) == sorted(turned.split("\n"))
    for kept in ("{{ answer }}", "{{ fence }}", "{% if", "1から5まで"):
        assert text.count(kept) == other.count(kept) == turned.count(kept)
    assert sum(line not in text for line in other.split("\n")) >= 5


@pytest.mark.parametrize(
    ("text", "turned"),
    [
        ("- 一\n- 二\n- 三", "- 三\n- 二\n- 一"),
        ("1. a\n2. b\n\n- x", "2. b\n1. a\n\n- x"),
        ("文だけ", None),
        ("- 一つだけ", None),
        ("・甲\n・乙\n以上\n・丙\n・丁", "・乙\n・甲\n以上\n・丁\n・丙"),
    ],
)
def test_lists_are_turned_each_for_itself(text: str, turned: str | None) -> None:
    """Prose stays where it is."""
    assert turned == reordered(text)


def test_what_a_template_computes_is_not_exchanged() -> None:
    """Even if it reads like a phrase."""
    assert "{{ '採点してください' }}点数を付けてください" == reworded("{{ '採点してください' }}採点してください")
    assert reworded("Rate the answer from 1 to 5.") is None
