"""OpenAI's SDK against a loopback server: what goes over the wire, and what each answer means."""

import email.utils
import logging
import time
import traceback
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.remote.call import CallError, Prompt, Reply
from harness.remote.openai import OpenAIClient
from harness.remote.settings import OpenAISettings
from harness.testing.servers import openai as wire
from harness.testing.servers.loopback import Call, Loopback, Step, in_turn, serve
from harness.types import Message
from tests.remote.conftest import CANARY

PROMPT = Prompt(
    messages=(Message(role="system", content="短く"), Message(role="user", content="首都は？\ud800")),
    max_tokens=64,
    temperature=0.0,
    seed=3,
    stop=("###",),
    repetition_penalty=1.2,
    schema={"type": "object", "properties": {"score": {"type": "integer"}}, "required": ["score"]},
)


def client(server: Loopback, **settings: Any) -> OpenAIClient:
    """A client of the server."""
    return OpenAIClient(OpenAISettings(**{"model": "test", "base_url": f"{server.url}/v1", "timeout": 5.0} | settings))


def outcome(step: Step, **settings: Any) -> Reply | CallError:
    """What one answer of the server means."""
    with serve(in_turn(step)) as server:
        try:
            return client(server, **settings).send(PROMPT)
        except CallError as error:
            return error


def test_request_on_the_wire() -> None:
    """Messages, sampling, schema, penalty and further keys arrive as the API names them; the key is a header."""
    with serve(in_turn(wire.reply("{}"))) as server:
        client(server, extra_body={"top_k": 1}, reasoning_effort="low").send(PROMPT)
        call = server.calls[0]
    assert call.path == "/v1/chat/completions"
    assert call.headers["authorization"] == f"Bearer {CANARY}"
    assert call.body["messages"] == [{"role": "system", "content": "短く"}, {"role": "user", "content": "首都は？?"}]
    assert ("test", 0.0, 64, 3, ["###"], 1.2, 1, "low") == tuple(
        call.body[name]
        for name in (
            *("model", "temperature", "max_tokens", "seed", "stop", "repetition_penalty", "top_k"),
            "reasoning_effort",
        )
    )
    form = call.body["response_format"]
    assert ("json_schema", True, False) == (
        form["type"],
        form["json_schema"]["strict"],
        form["json_schema"]["schema"]["additionalProperties"],
    )


def test_defaults_of_the_server_are_left_alone() -> None:
    """What is not set is not sent."""
    with serve(in_turn(wire.reply("ok"))) as server:
        client(server).send(Prompt(messages=PROMPT.messages[1:], temperature=None))
        assert {"model", "messages"} == set(server.calls[0].body)


def test_reply() -> None:
    """Text, the model's version, tokens and the finish reason."""
    assert outcome(wire.reply("東京")) == Reply(
        text="東京", finish_reason="stop", version="test-model-001", tokens_in=100, tokens_out=20
    )
    assert outcome(wire.reply("東", finish="length")).finish_reason == "length"  # type: ignore[union-attr]
    assert outcome(wire.reply(None)).text == ""  # type: ignore[union-attr]


OUTCOMES = {
    "key": [wire.error(401, "Incorrect API key provided", code="invalid_api_key"), wire.error(403, "no")],
    "quota": [
        wire.error(429, "You exceeded your current quota", code="insufficient_quota"),
        wire.error(429, "You exceeded your current quota", kind="insufficient_quota"),
    ],
    "model": [wire.error(404, "The model `test` does not exist", code="model_not_found")],
    "context": [wire.error(400, "max context length is 4096")],
    "request": [wire.error(422, "no"), wire.error(413, "too large")],
    "rate": [wire.error(429, "Rate limit reached"), Step(b"slow down", status=429, content_type="text/plain")],
    "server": [wire.error(500, "oops"), wire.error(503, "overloaded"), Step(b"<html>", 502, {}, "text/html")],
    "timeout": [wire.error(408, "late"), wire.error(504, "late")],
    "reply": [
        Step(b"<html>hello</html>", content_type="text/html"),
        Step(b'{"choices": [{"message": '),
        Step(b"[]"),
        Step(b'"text"'),
        Step({"choices": "none"}),
        Step({"choices": [{}]}),
        Step({}),
        Step(b""),
        wire.reply("ok").cut_after(30),
        Step(drop=True),
    ],
    "safety": [wire.reply("部分", finish="content_filter"), wire.reply(None, refusal="できません")],
    "empty": [wire.no_choices()],
}


@pytest.mark.parametrize(
    ("trouble", "step"), [(trouble, step) for trouble, steps in OUTCOMES.items() for step in steps]
)
def test_trouble(trouble: str, step: Step) -> None:
    """Each fault on the wire is sorted by what can be done about it."""
    error = outcome(step)
    assert isinstance(error, CallError)
    assert (trouble, True) == (error.trouble, bool(str(error)))


def test_json_under_another_content_type_is_read() -> None:
    """Some servers send JSON as text/plain."""
    assert outcome(wire.reply("東京").typed("text/plain")).text == "東京"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("headers", "seconds"), [({"retry_after": "7"}, 7.0), ({"retry_after_ms": "250"}, 0.25), ({}, None)]
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    """The time to come back is read from the headers, in seconds or milliseconds."""
    error = outcome(wire.error(429, "Rate limit reached", **headers))  # type: ignore[arg-type]
    assert isinstance(error, CallError)
    assert seconds == error.retry_after


def test_retry_after_a_date() -> None:
    """The time to come back may be a date."""
    date = email.utils.formatdate(time.time() + 60, usegmt=True)
    error = outcome(wire.error(429, "Rate limit reached", retry_after=date))
    assert isinstance(error, CallError)
    assert 55 < (error.retry_after or 0) <= 60


def refusing(*words: str) -> Any:
    """The script of a server that does not know some keys of a request."""

    def script(call: Call) -> Step:
        sent = str(call.body)
        refused = next((word for word in words if word in sent), None)
        return wire.error(400, f"Unsupported: response_format {refused}") if refused else wire.reply('{"score": 3}')

    return script


@pytest.mark.parametrize(
    ("refused", "requests"), [(["json_schema"], 2), (["json_schema", "json_object"], 3), (["response_format"], 3)]
)
def test_structure_is_given_up_where_the_server_refuses_it(refused: list[str], requests: int) -> None:
    """From schema to JSON object to plain text, once; later calls start where the first ended."""
    with serve(refusing(*refused)) as server:
        service = client(server)
        assert [service.send(PROMPT).text for _ in range(3)] == ['{"score": 3}'] * 3
        assert requests + 2 == len(server.calls)


def test_a_chosen_structure_is_not_given_up() -> None:
    """A structure that was asked for by name is kept."""
    with serve(refusing("json_schema")) as server, pytest.raises(CallError, match="request refused"):
        client(server, structured="schema").send(PROMPT)


@pytest.mark.parametrize(("structured", "sent"), [("text", None), ("json", {"type": "json_object"})])
def test_structure_by_choice(structured: str, sent: dict[str, str] | None) -> None:
    """Plain text and JSON mode can be chosen."""
    with serve(in_turn(wire.reply("4"))) as server:
        client(server, structured=structured).send(PROMPT)
        assert sent == server.calls[0].body.get("response_format")


def test_the_limits_other_name() -> None:
    """A server that wants max_completion_tokens gets it, from then on."""

    def script(call: Call) -> Step:
        if "max_tokens" in call.body:
            return wire.error(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
        return wire.reply(str(call.body["max_completion_tokens"]))

    with serve(script) as server:
        service = client(server)
        assert ["64", "64"] == [service.send(PROMPT).text for _ in range(2)]
        assert 3 == len(server.calls)


def test_repetition_penalty_by_choice() -> None:
    """The penalty is left out where the settings say so, and where the server is OpenAI's own."""
    with serve(in_turn(wire.reply("ok"))) as server:
        client(server, repetition_penalty=False).send(PROMPT)
        assert "repetition_penalty" not in server.calls[0].body
    assert not OpenAIClient(OpenAISettings(model="gpt")).sends_repetition_penalty
    assert OpenAIClient(OpenAISettings(model="gpt", repetition_penalty=True)).sends_repetition_penalty


def test_addresses_and_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """OPENAI_BASE_URL is used, harness.toml wins over it, and a server of one's own needs no key."""
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(HarnessError, match="OPENAI_API_KEY is not set"):
        OpenAIClient(OpenAISettings(model="m"))
    with serve(in_turn(wire.reply("ok"))) as server, serve(in_turn(wire.reply("other"))) as other:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1/")
        assert OpenAIClient(OpenAISettings(model="m")).send(PROMPT).text == "ok"
        assert client(other).send(PROMPT).text == "other"
        assert server.url in str(OpenAIClient(OpenAISettings(model="m")).identity["server"])


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://x", "http://", "https://me:secret@"])
def test_bad_addresses(url: str) -> None:
    """An address that is none is refused, without showing a password in it."""
    with pytest.raises(HarnessError, match="is not an address") as caught:
        OpenAIClient(OpenAISettings(model="m", base_url=url))
    assert "secret" not in str(caught.value)


def test_the_key_appears_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    """Neither logs at debug level, nor errors, nor tracebacks, nor reprs show the key or a password in the address."""
    caplog.set_level(logging.DEBUG)
    seen = []
    steps = (wire.reply("ok"), wire.error(401, f"Incorrect API key provided: {CANARY}"), wire.error(500, CANARY))
    for step in (*steps, Step(CANARY.encode())):
        with serve(in_turn(step)) as server:
            for url in (server.url, server.url.replace("//", "//user:passw0rd@")):
                service = OpenAIClient(OpenAISettings(model="m", base_url=url, timeout=5.0, structured="json"))
                seen += [repr(service), str(service.identity)]
                try:
                    service.send(PROMPT)
                except CallError as error:
                    seen += [repr(error), "".join(traceback.format_exception(error))]
            assert ["Bearer", "Basic"] == [call.headers["authorization"].split()[0] for call in server.calls]
    seen += [record.getMessage() for record in caplog.records]
    assert len(seen) > 20
    assert [] == [text for text in seen if CANARY in text or "passw0rd" in text]
