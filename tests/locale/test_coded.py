"""A message with a code: the words may change, and the code does not."""

import copy
import pickle

import pytest

from harness.locale import in_language, tr, trn
from harness.locale.coded import Coded, is_code
from harness.notices import Notice
from harness.unscored import Unscored


@pytest.mark.parametrize("kind", [Coded, Notice, Unscored])
def test_kind_code_words_and_plural_survive_copies(kind: type[Coded]) -> None:
    """Through another process and a deep copy it stays what it was, of its own class."""
    made = kind("some_code", trn("{n} answer", "{n} answers", 2))
    for again in (pickle.loads(pickle.dumps(made)), copy.deepcopy(made)):
        assert kind is type(again)
        assert (made, "some_code", 2) == (again, again.code, again.n)
        assert in_language(made, "ja") == in_language(again, "ja") != made


def test_a_strangers_text_is_never_looked_up() -> None:
    """Not even where it equals a message of ours, or holds braces."""
    assert "blank score" == in_language(Coded("x", "blank score"), "ja")
    assert "blank score" != in_language(Coded("x", tr("blank score")), "ja")
    assert "{a} {" == in_language(Coded("x", "{a} {"), "ja")


@pytest.mark.parametrize(
    "text", ["", "Judge {name!r} was slow.", "No", "a b", "x" * 41, "注意", "a-b", "a\n", "1a", "_a"]
)
def test_a_sentence_is_no_code(text: str) -> None:
    """A code is a short word, which nothing of an answer or a path fits into."""
    assert not is_code(text)
    with pytest.raises(ValueError, match="a code is a short word"):
        Coded(text, "why")
