"""Messages in files: written with code and values, and said later in any language."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.locale import in_language, tr, trn
from harness.locale.facts import fact_of, text_of

LOCKED = tr("Note: {notice}", notice=trn("{n} answer", "{n} answers", 2))


def test_a_message_comes_back_with_its_code_and_values() -> None:
    """Through JSON, with messages in it; in Japanese it is what the message itself is there."""
    fact = json.loads(json.dumps(fact_of(LOCKED)))
    assert "Note: {notice}" == fact["code"]
    found = text_of(fact)
    assert LOCKED == found
    assert in_language(LOCKED, "ja") == in_language(found, "ja") != str(LOCKED)


@given(st.text())
def test_text_of_a_plugin_is_its_own_code(text: str) -> None:
    """It says the same in every language."""
    assert {"code": text, "values": {}, "text": text} == fact_of(text)
    assert text == text_of(fact_of(text)) == text_of(text)


@pytest.mark.parametrize(
    "change",
    [{"values": None}, {"values": {}}, {"values": [1]}, {"code": "Note: {other}"}, {"code": "{"},
     {"plural": 3, "n": "x"},
     {"text": "somebody wrote this"}],
)  # fmt: skip
def test_a_fact_that_somebody_changed_is_the_text_that_stands_there(change: dict) -> None:
    """Never an error, and never a message that its text does not say."""
    fact = fact_of(LOCKED) | change
    assert fact["text"] == str(text_of(fact))
