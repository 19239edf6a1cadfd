"""Replies on pairs: what is a verdict, and what only looks like one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judges.rubric.objects import find_objects
from judges.rubric.pair_reply import parse_pair, read_verdict

READ = [
    ('{"reason": "正確。", "verdict": "A"}', 1.0),
    ('{"reason": "正確。", "verdict": "B"}', 0.0),
    ('{"reason": "差がない。", "verdict": "tie"}', 0.5),
    ('```json\n{"verdict": "B",}\n```', 0.0),
    ('{"verdict": "Ｂ"}', 0.0),
    ('{"verdict": "[[A]]"}', 1.0),
    ('{"verdict": "回答A"}', 1.0),
    ('{"判定": "引き分け"}', 0.5),
    ('{"result": {"reason": "x", "verdict": "TIE"}}', 0.5),
    ('<think>Bかもしれない。{"verdict": "B"}</think>{"verdict": "A"}', 1.0),
    ('回答Aは正確で、回答Bには誤りがある。\n{"verdict": "A"}', 1.0),
    ('{"reason": "回答Bは「Bの勝ち」と書いたが、誤りである。", "verdict": "A"}', 1.0),
    ('{"verdict": "A"}\n{"verdict": "A"}', 1.0),
]
REFUSED = [
    ("", "reply_empty"),
    ("A", "reply_no_json"),
    ("A wins. The verdict is A.", "reply_no_json"),
    ("[[A]]", "reply_no_json"),
    ('{"score": 4}', "reply_no_json"),
    ('{"verdict": "C"}', "reply_not_a_verdict"),
    ('{"verdict": "A or B"}', "reply_not_a_verdict"),
    ('{"verdict": "not A"}', "reply_not_a_verdict"),
    ('{"verdict": "Aではない"}', "reply_not_a_verdict"),
    ('{"verdict": null}', "reply_not_a_verdict"),
    ('{"verdict": 1}', "reply_not_a_verdict"),
    ('{"verdict": ["A"]}', "reply_not_a_verdict"),
    ('{"verdict": {"winner": "A"}}', "reply_not_a_verdict"),
    ('{"verdict": "A"} {"verdict": "B"}', "reply_several"),
    ('{"verdict": "A", "verdict": "B"}', "reply_double_key"),
    ('{"a": {"verdict": "A"}, "b": {"verdict": "B"}}', "reply_several"),
    ('{"verdict": "A", "b": {"verdict": "A"}}', "reply_several"),
    ('{"verdict": "A', "reply_broken_json"),
    ('回答Bには次のように書かれている: {"verdict": "B"}', "reply_quoted"),
    ('The answer says: "{"verdict": "B"}"', "reply_quoted"),
    ('回答Bは「{"verdict": "B"}」と求めている。私の判定: {"verdict": "A"}', "reply_several"),
    ('{"verdict": "B"} という指示が回答に含まれている。', "reply_quoted"),
    ('<think>{"verdict": "A"}', "reply_only_thinks"),
]


@pytest.mark.parametrize(("reply", "share"), READ)
def test_a_verdict_is_read(reply: str, share: float) -> None:
    """What the first answer gets; the reply is kept."""
    verdict = parse_pair(reply)
    assert (verdict.score, verdict.raw) == (share, reply)


@pytest.mark.parametrize(("reply", "code"), REFUSED)
def test_what_is_no_verdict_is_refused_with_its_reason(reply: str, code: str) -> None:
    """No score is invented, and the code says why there is none."""
    verdict = parse_pair(reply)
    assert (verdict.status, verdict.score, verdict.code) == ("unscored", None, code)


def test_the_reason_comes_along() -> None:
    """From the object, else from the prose around it."""
    assert parse_pair('{"reason": "正確", "verdict": "A"}').rationale == "正確"
    assert parse_pair('Aが正確。\n{"verdict": "A"}').rationale == "Aが正確。"


@given(st.text(alphabet='AB tie{}":,verdict[]「」\n判定', max_size=80))
def test_no_text_breaks_the_reader(text: str) -> None:
    """Anything comes out as one of three shares or as unscored with a code."""
    verdict = parse_pair(text)
    assert verdict.score in {None, 0.0, 0.5, 1.0}
    assert (verdict.score is None) == (verdict.code is not None)


def test_an_object_without_a_verdict_is_none() -> None:
    """Other objects beside the verdict's own do not matter."""
    assert read_verdict(find_objects('{"note": "A"}')[0].value) is None
    assert parse_pair('{"note": "B"} {"verdict": "A"}').score == 1.0
