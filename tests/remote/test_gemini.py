"""Google's SDK against a loopback server: what goes over the wire, and what each answer means."""

import logging
import traceback
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.remote.call import CallError, Prompt, Reply
from harness.remote.gemini import GeminiClient
from harness.remote.settings import GeminiSettings
from harness.testing.servers import gemini as wire
from harness.testing.servers.loopback import Loopback, Step, in_turn, serve
from harness.types import Message
from tests.remote.conftest import CANARY

PROMPT = Prompt(
    messages=(
        Message(role="system", content="短く"),
        Message(role="user", content="首都は？"),
        Message(role="assistant", content="東京"),
        Message(role="user", content="本当？\ud800"),
    ),
    max_tokens=64,
    temperature=0.0,
    seed=3,
    stop=("###",),
    schema={
        "type": "object",
        "properties": {"reason": {"type": "string"}, "score": {"type": "integer", "minimum": 1, "maximum": 5}},
        "required": ["reason", "score"],
    },
)


def client(server: Loopback, **settings: Any) -> GeminiClient:
    """A client of the server."""
    return GeminiClient(GeminiSettings(**{"model": "gemini-test", "base_url": server.url, "timeout": 5.0} | settings))


def outcome(step: Step, **settings: Any) -> Reply | CallError:
    """What one answer of the server means."""
    with serve(in_turn(step)) as server:
        try:
            return client(server, **settings).send(PROMPT)
        except CallError as error:
            return error


def test_request_on_the_wire() -> None:
    """Roles, system text, sampling, schema, thinking and safety arrive as the API names them; the key is a header."""
    with serve(in_turn(wire.reply("{}"))) as server:
        client(server, thinking_budget=0, safety="OFF").send(PROMPT)
        call = server.calls[0]
    assert call.path.endswith("/models/gemini-test:generateContent")
    assert CANARY == call.headers["x-goog-api-key"]
    assert CANARY not in call.path
    assert ["user", "model", "user"] == [content["role"] for content in call.body["contents"]]
    assert call.body["contents"][2]["parts"][0]["text"] == "本当？?"
    assert call.body["systemInstruction"]["parts"][0]["text"] == "短く"
    config = call.body["generationConfig"]
    assert (0.0, 64, 3, ["###"], "application/json") == tuple(
        config[name] for name in ("temperature", "maxOutputTokens", "seed", "stopSequences", "responseMimeType")
    )
    assert config["thinkingConfig"] == {"thinkingBudget": 0} or config["thinkingConfig"] == {"thinking_budget": 0}
    schema = config["responseSchema"]
    assert ("OBJECT", "INTEGER", 1, 5) == (
        schema["type"],
        schema["properties"]["score"]["type"],
        schema["properties"]["score"]["minimum"],
        schema["properties"]["score"]["maximum"],
    )
    assert 4 == len(call.body["safetySettings"])
    assert {"OFF"} == {setting["threshold"] for setting in call.body["safetySettings"]}


def test_defaults_of_the_server_are_left_alone() -> None:
    """What is not set is not sent."""
    with serve(in_turn(wire.reply("ok"))) as server:
        client(server).send(Prompt(messages=PROMPT.messages[1:2], temperature=None))
        body = server.calls[0].body
    assert "safetySettings" not in body
    assert {} == {name: value for name, value in body.get("generationConfig", {}).items() if value is not None}


def test_reply() -> None:
    """Text without thoughts, the model's version, tokens with thinking counted as output, and the finish reason."""
    assert outcome(wire.reply("東京", thought="えーと")) == Reply(
        text="東京", finish_reason="stop", version="gemini-test-001", tokens_in=100, tokens_out=27
    )
    assert outcome(wire.reply("東", finish="MAX_TOKENS")) == Reply(
        text="東", finish_reason="length", version="gemini-test-001", tokens_in=100, tokens_out=20
    )
    assert outcome(wire.reply(None, finish="MAX_TOKENS")).text == ""  # type: ignore[union-attr]


OUTCOMES = {
    "key": [wire.bad_key(), wire.error(401, "UNAUTHENTICATED", "no"), wire.error(403, "PERMISSION_DENIED", "no")],
    "day": [
        wire.too_many(wire.quota_failure("GenerateRequestsPerDayPerProjectPerModel-FreeTier")),
        wire.too_many(
            wire.quota_failure("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "20"), wire.retry_info("34.1s")
        ),
    ],
    "quota": [
        wire.too_many(wire.quota_failure("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "0")),
        wire.too_many(wire.quota_failure("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "0")),
    ],
    "model": [wire.error(404, "NOT_FOUND", "models/gemini-test is not found")],
    "request": [wire.error(400, "INVALID_ARGUMENT", "Thinking can't be disabled for this model.")],
    "rate": [
        wire.too_many(),
        wire.too_many(retry_after=2),
        wire.too_many(wire.quota_failure("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "15")),
        Step(b"slow down", status=429, content_type="text/plain"),
    ],
    "server": [wire.error(500, "INTERNAL"), wire.error(503, "UNAVAILABLE"), Step(b"<html>", 502, {}, "text/html")],
    "timeout": [wire.error(504, "DEADLINE_EXCEEDED")],
    "reply": [
        Step(b"<html>hello</html>", content_type="text/html"),
        Step(b'{"candidates": [{"content": '),
        Step(b"[]"),
        Step(b'"text"'),
        Step({"candidates": "none"}),
        Step({}),
        Step(b""),
        wire.reply("ok").cut_after(30),
        Step(drop=True),
    ],
    "safety": [
        wire.prompt_blocked(),
        wire.prompt_blocked("SAFETY"),
        wire.reply(None, finish="SAFETY"),
        wire.reply("部分", finish="PROHIBITED_CONTENT"),
        wire.reply(None, finish="RECITATION"),
    ],
    "empty": [wire.no_candidates(), wire.reply(None, finish="OTHER")],
}


@pytest.mark.parametrize(
    ("trouble", "step"), [(trouble, step) for trouble, steps in OUTCOMES.items() for step in steps]
)
def test_trouble(trouble: str, step: Step) -> None:
    """Each fault on the wire is sorted by what can be done about it."""
    error = outcome(step)
    assert isinstance(error, CallError)
    assert (trouble, True) == (error.trouble, bool(str(error)))


@pytest.mark.parametrize(
    ("step", "seconds"),
    [
        (wire.too_many(retry_after=7), 7.0),
        (wire.too_many(wire.retry_info("34.5s")), 34.5),
        (wire.too_many(wire.retry_info("34s"), retry_after=7), 7.0),
        (wire.too_many(), None),
        (wire.error(503, "UNAVAILABLE", retry_after=3), 3.0),
    ],
)
def test_retry_after(step: Step, seconds: float | None) -> None:
    """The time to come back is read from the header, else from the error's RetryInfo."""
    error = outcome(step)
    assert isinstance(error, CallError)
    assert seconds == error.retry_after


def test_base_url_from_the_sdks_own_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """GOOGLE_GEMINI_BASE_URL works as in the SDK, and harness.toml wins over it."""
    with serve(in_turn(wire.reply("ok"))) as server, serve(in_turn(wire.reply("other"))) as other:
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", server.url)
        assert GeminiClient(GeminiSettings(model="m")).send(PROMPT).text == "ok"
        assert client(other).send(PROMPT).text == "other"


def test_vertex_variables_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment set up for Vertex AI does not redirect the key's calls."""
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p")
    assert outcome(wire.reply("ok")).text == "ok"  # type: ignore[union-attr]


def test_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key the message names the variables, and a variable of one's own is used instead of them."""
    monkeypatch.delenv("GEMINI_API_KEY")
    with pytest.raises(HarnessError, match="GEMINI_API_KEY or GOOGLE_API_KEY is not set"):
        GeminiClient(GeminiSettings(model="m"))
    with pytest.raises(HarnessError, match="MY_KEY is not set"):
        GeminiClient(GeminiSettings(model="m", api_key_env="MY_KEY"))
    monkeypatch.setenv("MY_KEY", "k1")
    with serve(in_turn(wire.reply("ok"))) as server:
        client(server, api_key_env="MY_KEY").send(PROMPT)
        assert "k1" == server.calls[0].headers["x-goog-api-key"]


def test_both_keys(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """With both variables set the more specific one is used, and no warning says otherwise."""
    monkeypatch.setenv("GOOGLE_API_KEY", "of-maps")
    with serve(in_turn(wire.reply("ok"))) as server:
        client(server).send(PROMPT)
        assert CANARY == server.calls[0].headers["x-goog-api-key"]
    assert [] == [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_unknown_thresholds_and_levels() -> None:
    """A safety threshold, a harm category or a thinking level that the API does not have is refused by name."""
    for settings in ({"safety": "NEVER"}, {"safety": {"RUDENESS": "OFF"}}, {"thinking_level": "hardest"}):
        with pytest.raises(HarnessError, match="of the Gemini API"):
            GeminiClient(GeminiSettings(model="m", **settings))  # type: ignore[arg-type]


def test_the_key_appears_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    """Neither logs at debug level, nor errors, nor tracebacks, nor reprs show the key or a password in the address."""
    caplog.set_level(logging.DEBUG)
    seen = []
    for step in (wire.reply("ok"), wire.bad_key(CANARY), wire.error(500, "INTERNAL", CANARY), Step(CANARY.encode())):
        with serve(in_turn(step)) as server:
            url = server.url.replace("//", "//user:passw0rd@")
            service = GeminiClient(GeminiSettings(model="m", base_url=url, timeout=5.0))
            seen += [repr(service), str(service.identity)]
            try:
                service.send(PROMPT)
            except CallError as error:
                seen += [repr(error), "".join(traceback.format_exception(error))]
            assert server.calls[0].headers["authorization"].startswith("Basic ")
    seen += [record.getMessage() for record in caplog.records]
    assert len(seen) > 20
    assert [] == [text for text in seen if CANARY in text or "passw0rd" in text]


def test_a_model_that_takes_no_temperature_is_sent_none() -> None:
    """From gemini-3.6-flash on it is deprecated; older models are sent the judge's 0."""
    for model, sent in (("gemini-3.8-flash", False), ("gemini-3.5-flash", True)):
        with serve(in_turn(wire.reply("ok"))) as server:
            client(server, model=model).send(PROMPT)
            assert sent == ("temperature" in server.calls[0].body["generationConfig"])
