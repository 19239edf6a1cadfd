"""What other servers of OpenAI's wire say went wrong, through the SDK: each is sorted by what can be done about it."""

from typing import Any

import pytest

from harness.remote.call import CallError, Reply
from harness.remote.openai import OpenAIClient
from harness.remote.openai_errors import error_text, sorted_error
from harness.remote.settings import OpenAISettings
from harness.testing import Call, Step, in_turn, serve
from harness.testing.servers import compatible as wire
from harness.testing.servers import openai
from tests.remote.conftest import CANARY
from tests.remote.test_openai import PROMPT, outcome


@pytest.mark.parametrize(
    ("step", "trouble", "said"),
    [
        (
            wire.openrouter_error(502, raw="upstream overloaded"),
            "server",
            "error 502 Provider returned error: upstream",
        ),
        (wire.openrouter_error(429, raw="slow down"), "rate", "error 429 Provider returned error: slow down"),
        (wire.openrouter_error(402, "Insufficient credits"), "quota", "error 402 Insufficient credits"),
        (wire.openrouter_broken_choice('{"reason": "正しいが'), "server", "error 502 Upstream error"),
        (wire.openrouter_reply("正し", finish="error"), "server", "error 502"),
        (wire.openrouter_flagged("刃物"), "safety", "HTTP 403 Your input was flagged"),
        (openai.error(402, "Insufficient credits"), "quota", "HTTP 402"),
        (openai.error(403, "this key may not"), "key", "HTTP 403"),
        (wire.ollama_missing("gemma9"), "model", "model 'gemma9' not found"),
        (wire.lm_studio_wrong_path("/chat/completions"), "model", "Unexpected endpoint or method."),
        (Step({"error": "No models loaded."}), "request", "No models loaded."),
        (wire.azure_filtered_prompt(), "safety", "content management policy"),
        (wire.azure_reply(None, finish="content_filter"), "safety", "content_filter"),
        (wire.azure_no_deployment(), "model", "deployment for this resource does not exist"),
        (wire.llama_server_too_long(900, 512), "context", "exceeds the available context size"),
        (wire.llama_server_unfinished(), "unfinished", "does not match the expected"),
        (wire.vllm_too_long(900, 512), "context", "maximum context length is 512"),
        (openai.error(400, "too many", code="context_length_exceeded"), "context", "too many"),
        (openai.error(400, "the order is wrong"), "request", "the order is wrong"),
        (openai.error(500, "context window lost"), "server", "context window lost"),
        (Step({"detail": [{"loc": ["body", "seed"], "msg": "too low"}]}, status=422), "request", "too low"),
    ],
)
def test_each_is_sorted_by_what_can_be_done(step: Step, trouble: str, said: str) -> None:
    """About this prompt alone, to be tried again, or hopeless; the server's own words are kept."""
    error = outcome(step, structured="text")
    assert isinstance(error, CallError)
    assert (trouble, True) == (error.trouble, said in error.detail)


@pytest.mark.parametrize(
    "step",
    [
        wire.openrouter_reply("4", reasoning="5かもしれない"),
        wire.ollama_reply("4", thinking="5かもしれない"),
        wire.lm_studio_reply("4", thinking="5かもしれない"),
        wire.azure_reply("4"),
    ],
)
def test_what_else_stands_in_a_reply_is_no_part_of_its_text(step: Step) -> None:
    """Thinking, filters and statistics; the model is the one that the server names."""
    reply = outcome(step)
    assert isinstance(reply, Reply)
    assert ("4", step.body["model"]) == (reply.text, reply.version)  # type: ignore[index]


def test_a_model_that_was_cut_while_it_thought() -> None:
    """No text, and the reply says why."""
    reply = outcome(wire.ollama_reply("", thinking="えっと", finish="length"))
    assert isinstance(reply, Reply)
    assert ("", "length") == (reply.text, reply.finish_reason)


@pytest.mark.parametrize("refused", ["json_schema", "json_object"])
def test_a_refusal_in_a_bare_string_or_in_details_is_about_the_form(refused: str) -> None:
    """LM Studio's is a string, FastAPI's a list: the weaker form is asked for at once, and from then on."""
    details = Step({"detail": [{"loc": ["body", "response_format", "type"], "msg": "unexpected"}]}, status=422)

    def script(call: Call) -> Step:
        form = call.body.get("response_format", {}).get("type")
        if form == "json_schema":
            return details
        return wire.lm_studio_no_json_object() if form == refused else wire.lm_studio_reply('{"score": 3}')

    with serve(script) as server:
        client = OpenAIClient(OpenAISettings(model="m", base_url=f"{server.url}/v1", timeout=5.0))
        assert ['{"score": 3}'] * 2 == [client.send(PROMPT).text for _ in range(2)]
        assert (4 if refused == "json_object" else 3) == len(server.calls)


@pytest.mark.parametrize(
    ("path", "header"),
    [("/openai/deployments/mine?api-version=2024-10-21", "api-key"), ("/openai/v1", "authorization")],
)
def test_azures_two_addresses(path: str, header: str) -> None:
    """An address with an api-version wants the key in a header of its own, today's the usual one."""
    with serve(in_turn(wire.azure_reply("4"))) as server:
        client = OpenAIClient(OpenAISettings(model="mine", base_url=f"{server.url}{path}", timeout=5.0))
        assert "4" == client.send(PROMPT).text
        call = server.calls[0]
    sent = {name: call.headers[name] for name in ("api-key", "authorization") if name in call.headers}
    assert {header: CANARY if header == "api-key" else f"Bearer {CANARY}"} == sent
    bare, _, query = path.partition("?")
    assert f"{bare}/chat/completions" + (f"?{query}" if query else "") == call.path


def test_openrouters_moment_of_a_quota_in_a_reply_is_kept() -> None:
    """As in a refusal, its body repeats the provider's headers."""
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "4102444800000"}
    body = {"message": "Rate limit exceeded: free-models-per-day", "code": 429, "metadata": {"headers": headers}}
    error = outcome(Step({"error": body}))
    assert isinstance(error, CallError)
    assert ("day", True) == (error.trouble, error.until is not None)


@pytest.mark.parametrize(
    "error", [None, 7, [], {}, {"message": None}, {"code": {}}, {"metadata": [1]}, {"innererror": 3}]
)
def test_no_shape_of_an_error_breaks_the_reader(error: Any) -> None:
    """Whatever a server puts there."""
    assert isinstance(error_text(error), str)
    assert "server" == sorted_error(503, {}, error, day_zone="UTC").trouble
