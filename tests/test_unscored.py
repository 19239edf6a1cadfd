"""The reasons why there is no score: codes that hold nothing of an answer, words in any language."""

import json
import pickle
from typing import get_args

import pytest

from harness.locale import in_language, tr
from harness.remote.call import CallError, Trouble
from harness.types import Verdict
from harness.unscored import CODES, Unscored, as_unscored, by_code, code_of, reason_fact, reason_of


def test_a_reason_comes_back_from_json_as_it_was_and_speaks_japanese() -> None:
    """Through plain JSON: the text, the code, and the words of another language, with the place that it is about."""
    made = Unscored(
        "rating_off_scale", tr("score {cell} is {problem}", cell="9", problem=tr("not a number")), where="é\udc80.csv:7"
    )
    again = reason_of(json.loads(json.dumps(reason_fact(made))), str(made))
    assert isinstance(again, Unscored)
    assert (made, "rating_off_scale") == (again, again.code)
    assert "点数 9: 数値ではありません（é\udc80.csv:7）" == in_language(again, "ja")
    assert "点数 9: 数値ではありません" == in_language(again.general, "ja")


def test_a_reason_survives_another_process() -> None:
    """A pickle keeps words, values and code."""
    made = pickle.loads(pickle.dumps(Unscored("no_reference", tr("no reference"), where="a:1")))
    assert ("no reference (a:1)", "no_reference", "no reference") == (made, made.code, made.general)


def test_braces_of_a_strangers_text_stay() -> None:
    """A plugin's text is no template, whatever stands in it."""
    for text in ('{"score": "x"}', "{", "{0}", "100 %", "{reason} ({where})"):
        assert text == str(Unscored("other", text)) == in_language(Unscored("other", text), "ja")
        assert f"{text} (f:1)" == str(Unscored("other", text, where="f:1"))


@pytest.mark.parametrize("code", ["", "ratings.csv:7", "No", "a b", "x" * 41, "理由", "7up", "a-b", "other\n"])
def test_a_code_holds_no_path_and_no_sentence(code: str) -> None:
    """Only a short word is a code, so that nothing of an answer or a file can get into results.json."""
    with pytest.raises(ValueError, match="a code is a short word"):
        Unscored(code, "why")


@pytest.mark.parametrize(
    "fact",
    [
        None,
        [],
        {},
        {"text": "why"},
        {"text": "why", "reason": "/tmp/x:1"},
        {"text": "another", "reason": "no_reference"},
    ],
)
def test_a_fact_that_does_not_fit_leaves_the_text(fact: object) -> None:
    """An older program may have replaced the text, or somebody changed the file."""
    assert ("why", "other") == ((found := reason_of(fact, "why")), code_of(found))


def test_a_text_of_ones_own_counts_as_other() -> None:
    """A plugin's verdict with a plain text works as it did."""
    verdict = Verdict.unscored("too short")
    assert ("too short", "other") == (verdict.reason, verdict.code)
    assert None is Verdict.scored(1).code
    counted = {as_unscored("too short"): 2, as_unscored("too long"): 3, Unscored("no_reference", "-"): 4}
    assert [{"code": "other", "count": 5}, {"code": "no_reference", "count": 4}] == by_code(counted)


def test_every_trouble_of_a_call_has_a_code_and_japanese_words() -> None:
    """A judge model that gives no reply says so with the code of its trouble."""
    for trouble in get_args(Trouble):
        assert f"call_{trouble}" in CODES
        assert not in_language(CallError(trouble, "HTTP 500").said, "ja").replace("HTTP 500", "").isascii()
