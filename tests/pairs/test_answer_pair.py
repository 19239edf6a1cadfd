"""Two answers as one text: nothing of either gets lost, and the order counts."""

from hypothesis import given
from hypothesis import strategies as st

from harness.codec import digest
from harness.pairs.answer_pair import PAIR_SCALE, AnswerPair, letter_of

TEXT = st.text()


@given(TEXT, TEXT)
def test_a_pair_comes_back_whole(first: str, second: str) -> None:
    """Whatever the answers hold: quotation marks, separators, lone surrogates."""
    pair = AnswerPair(first=first, second=second)
    assert AnswerPair.of(pair.text) == pair
    assert pair.swapped.swapped == pair


@given(TEXT, TEXT, TEXT, TEXT)
def test_two_pairs_have_one_text_only_if_they_are_one(a: str, b: str, c: str, d: str) -> None:
    """The text decides the key of a verdict: no boundary between answers may move."""
    one, other = AnswerPair(first=a, second=b), AnswerPair(first=c, second=d)
    assert (one == other) == (digest(one.text) == digest(other.text))


def test_letters() -> None:
    """What the first gets, as a rubric asks for it."""
    assert [letter_of(share) for share in (1, 0.5, 0)] == ["A", "tie", "B"]
    assert [PAIR_SCALE.allows(share) for share in (1, 0.5, 0, 0.7)] == [True, True, True, False]
