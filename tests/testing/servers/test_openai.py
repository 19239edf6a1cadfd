"""OpenAI's wire: what OpenAI's own SDK reads in these replies."""

from typing import Any

import openai as sdk
import pytest

from harness.testing import Step, in_turn, serve
from harness.testing.servers import openai


def asked(step: Step) -> tuple[Any, list[Any]]:
    """What the SDK makes of a reply, and the calls that came."""
    with serve(in_turn(step)) as server:
        client = sdk.OpenAI(api_key="key", base_url=server.url, max_retries=0)
        try:
            found: Any = client.chat.completions.create(model="test", messages=[{"role": "user", "content": "質問"}])
        except sdk.APIStatusError as error:
            found = error
        return found, [openai.asked(call) for call in server.calls]


def test_a_reply_has_its_text_version_and_tokens() -> None:
    """As the SDK names them."""
    found, texts = asked(openai.reply("答え", tokens=(7, 3), version="model-x"))
    assert ("答え", "model-x", "stop") == (
        found.choices[0].message.content,
        found.model,
        found.choices[0].finish_reason,
    )
    assert (7, 3, ["質問"]) == (found.usage.prompt_tokens, found.usage.completion_tokens, texts)


@pytest.mark.parametrize(
    ("status", "kind"), [(429, sdk.RateLimitError), (401, sdk.AuthenticationError), (500, sdk.InternalServerError)]
)
def test_errors_are_the_sdks_own(status: int, kind: type[Exception]) -> None:
    """By their status, with the message."""
    found, _ = asked(openai.error(status, "why not"))
    assert isinstance(found, kind)
    assert "why not" in str(found)
