"""What a reply may claim: token counts and times to come back."""

from typing import Any

import pytest

from harness.remote.call import Prompt, counted, seconds_to_wait
from harness.types import Message

PROMPT = Prompt(messages=(Message(role="user", content="日本の首都はどこですか？" * 20),), max_tokens=100)


@pytest.mark.parametrize("claim", [-1, 0, 1, 10**12, True, False, "20", "x", 20.0, float("nan"), [20], {"a": 1}, None])
def test_counts_that_cannot_be(claim: Any) -> None:
    """Negative, none, far too few, far too many, or no whole number: unknown, not believed."""
    assert (None, None) == counted(PROMPT, "東京です。" * 20, claim, claim)


@pytest.mark.parametrize(("tokens_in", "tokens_out"), [(60, 40), (120, 100), (720, 130), (2_000, 190)])
def test_counts_that_can_be(tokens_in: int, tokens_out: int) -> None:
    """Coarse and fine tokenizers, a chat template's tokens, and thinking are all believed."""
    assert (tokens_in, tokens_out) == counted(PROMPT, "東京です。" * 20, tokens_in, tokens_out)


def test_an_empty_reply_may_have_no_tokens() -> None:
    """Nothing was said."""
    assert (60, 0) == counted(PROMPT, "", 60, 0)


@pytest.mark.parametrize(
    "value",
    ["", "soon", "-5", "nan", "inf", "1e30", "9" * 5000, "Thu, 99 Foo", "Fri, 31 Dec 9999 23:59:59 +9999", "０x"],
)
def test_times_that_make_no_sense(value: str) -> None:
    """They are as good as none."""
    assert seconds_to_wait({"retry-after": value}) is None


@pytest.mark.parametrize(
    ("value", "seconds"), [("0", 0), ("1.5", 1.5), ("86400", 86400), ("Thu, 01 Jan 1970 00:00:10 GMT", 0)]
)
def test_times_that_make_sense(value: str, seconds: float) -> None:
    """A number, or a date, also one that has just passed."""
    assert seconds == seconds_to_wait({"retry-after": value}, now=20)
