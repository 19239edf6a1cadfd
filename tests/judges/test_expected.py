"""Expected scores: means by probability, where a reply's score stands, and rubrics that have no such place."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.templates import load_template
from judges.expected import WORDS, check_form, expected_score, place_of, weighed, word_of


@given(st.lists(st.floats(0, 1), min_size=5, max_size=5).filter(lambda shares: sum(shares) > 1e-6))
def test_a_mean_lies_on_the_scale_and_knows_no_factor(shares: list[float]) -> None:
    """By definition, whatever lies outside."""
    whole = dict(zip(WORDS, shares, strict=True))
    score = expected_score(whole)
    assert 1 <= score <= 5
    assert score == pytest.approx(sum(i * p for i, p in enumerate(shares, 1)) / sum(shares))
    assert score == pytest.approx(expected_score({word: share / 7 for word, share in whole.items()}))


def test_what_is_kept_beside_the_score() -> None:
    """The model's reason, then the probabilities; what lies outside leaves no score, and none is made of nothing."""
    shares = dict(zip(WORDS, (0.0, 0.1, 0.2, 0.3, 0.3), strict=True))
    assert "よい P(1)=0.000 P(2)=0.100 P(3)=0.200 P(4)=0.300 P(5)=0.300 P(other)=0.100" == (
        weighed(shares, most_outside=0.11, reason="よい").rationale
    )
    assert "mass_outside" == weighed(shares, most_outside=0.09).code
    assert "mass_outside" == weighed(dict.fromkeys(WORDS, 0.0), most_outside=1).code


@pytest.mark.parametrize(
    ("tokens", "is_json", "place"),
    [
        (["4"], False, 0),
        (["**", "４", "**"], False, 1),
        (["4", "点", "です"], False, 0),
        (["5", "点", "中", "4"], False, None),
        (["四"], False, None),
        ([], False, None),
        (['{"reason', '": "', "5", "点中", '", "score', '":', " ", "4", "}"], True, 7),
        (['{"score', '":', " 4", ', "reason', '": "', "3", '"}'], True, 2),
        (['{"score":', '"', "2", '"}'], True, 2),
        (['{"score": ', "4.", "5", "}"], True, None),
        (['{"score": 4}'], True, None),
        (['{"reason": "', "4", '"}'], True, None),
        (['{"score":'], True, None),
    ],
)
def test_where_the_score_stands(tokens: list[str], is_json: bool, place: int | None) -> None:
    """Digits of the reason are none; where it is not plain, it is nowhere."""
    assert place == place_of(tokens, is_json=is_json)


def test_tokens_that_are_a_digit_of_the_scale() -> None:
    """With blanks or in full width; not part of something longer, nor off the scale."""
    given = ("1", " 1", "▁1", "１", "1.", "0", "6", "11", "", "①")
    assert ["1", "1", None, "1", None, None, None, None, None, None] == [word_of(token) for token in given]


@pytest.mark.parametrize(
    ("front", "message"),
    [('reply: label\nlabels: ["スコア"]', "a line with a label"), ("halves: true", "half points")],
)
def test_rubrics_without_a_place(tmp_path: Path, front: str, message: str) -> None:
    """A labelled line, and half points, are refused by name."""
    path = tmp_path / "mine.v1.j2"
    path.write_text(f"---\nname: mine\nversion: 1\n{front}\n---\n{{{{ input }}}} {{{{ answer }}}}", encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        check_form(load_template(str(path), kind="judges"))
    for name in ("digits.v1", "elyza.v1", "tv.v1"):
        check_form(load_template(name, kind="judges"))
