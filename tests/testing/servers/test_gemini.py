"""Gemini's wire: what Google's own SDK reads in these replies."""

from typing import Any

import pytest
from google import genai
from google.genai import errors, types

from harness.testing import Step, in_turn, serve
from harness.testing.servers import gemini


def asked(step: Step, text: str = "質問") -> tuple[Any, list[str]]:
    """What the SDK makes of a reply, and the texts that the server was asked."""
    with serve(in_turn(step)) as server:
        options = types.HttpOptions(base_url=server.url, retry_options=types.HttpRetryOptions(attempts=1))
        client = genai.Client(api_key="key", http_options=options)
        try:
            found: Any = client.models.generate_content(model="test", contents=text)
        except errors.APIError as error:
            found = error
        return found, [gemini.asked(call) for call in server.calls]


def test_a_reply_has_its_text_version_and_tokens() -> None:
    """Thoughts are no text, and are counted."""
    found, texts = asked(gemini.reply("答え", thought="考え", tokens=(7, 3), version="gemini-x-001"))
    assert ("答え", "gemini-x-001", ["質問"]) == (found.text, found.model_version, texts)
    usage = found.usage_metadata
    assert (7, 3, 7) == (usage.prompt_token_count, usage.candidates_token_count, usage.thoughts_token_count)


@pytest.mark.parametrize("step", [gemini.no_candidates(), gemini.prompt_blocked(), gemini.reply(None, finish="SAFETY")])
def test_nothing_is_no_text(step: Step) -> None:
    """No candidates, a blocked prompt, a reply that safety ended."""
    assert None is asked(step)[0].text


def test_why_a_prompt_was_blocked_is_told() -> None:
    """By its name."""
    assert "SAFETY" == asked(gemini.prompt_blocked("SAFETY"))[0].prompt_feedback.block_reason.value


@pytest.mark.parametrize(
    ("step", "code", "status"),
    [
        (gemini.too_many(gemini.retry_info("7s"), gemini.quota_failure("PerDay")), 429, "RESOURCE_EXHAUSTED"),
        (gemini.bad_key("key"), 400, "INVALID_ARGUMENT"),
        (gemini.error(503, "UNAVAILABLE", "later"), 503, "UNAVAILABLE"),
    ],
)
def test_errors_are_the_sdks_own(step: Step, code: int, status: str) -> None:
    """With their status; details are the body's."""
    found, _ = asked(step)
    assert (code, status) == (found.code, found.status)
    if code == 429:
        details = found.details["error"]["details"]
        assert ["7s", "PerDay"] == [details[0]["retryDelay"], details[1]["violations"][0]["quotaId"]]
