"""Whether a server has a model: by its list, by the shortest call, in seconds."""

import socket
import time
from typing import Any

import pytest

from harness.errors import UnknownNameError
from harness.remote.call import CallError, Client
from harness.remote.gemini import GeminiClient
from harness.remote.looking_up import look_up
from harness.remote.openai import OpenAIClient
from harness.remote.settings import GeminiSettings, OpenAISettings
from harness.testing.servers import gemini, openai
from harness.testing.servers.loopback import Call, Loopback, Step, serve
from tests.patience import PATIENCE

WIRE: dict[str, Any] = {"gemini": gemini, "openai": openai}
NAMES = ["gemini", "openai"]


def client(name: str, url: str, model: str) -> Client:
    """A client of a vendor's SDK."""
    if name == "gemini":
        return GeminiClient(GeminiSettings(model=model, base_url=url))
    return OpenAIClient(OpenAISettings(model=model, base_url=url))


def unknown(name: str) -> Step:
    """The vendor's 404."""
    return gemini.error(404, "NOT_FOUND", "not found") if name == "gemini" else openai.error(404, "does not exist")


def asking(name: str, server: Loopback, model: str) -> str | None:
    return look_up(client(name, server.url, model), 3.0)


@pytest.mark.parametrize("name", NAMES)
def test_a_model_that_is_listed_costs_no_call(name: str) -> None:
    """The list is enough; a tag of Ollama's counts."""
    with serve(lambda _: WIRE[name].reply("!")) as server:
        server.models = ["gemini-3.8-flash", "gemma3:latest"]
        assert [None, None, None] == [
            asking(name, server, model) for model in ("gemini-3.8-flash", "models/gemini-3.8-flash", "gemma3")
        ][:3]
        assert [] == server.calls


@pytest.mark.parametrize("name", NAMES)
def test_a_misspelt_model_is_told_with_the_nearest(name: str) -> None:
    """The server has been asked: one call that it refuses, and costs nothing."""
    with serve(lambda _: unknown(name)) as server:
        server.models = ["gemini-3.8-flash", "gemini-3.5-flash"]
        with pytest.raises(UnknownNameError) as caught:
            asking(name, server, "gemini-3.8-flahs")
        assert 1 == len(server.calls)
    assert ("No model of this server named 'gemini-3.8-flahs'.", "Did you mean 'gemini-3.8-flash'?") == (
        caught.value.message,
        caught.value.hint,
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_server_that_answers_to_any_name_is_believed(name: str) -> None:
    """llama.cpp lists a file's name and takes every other."""
    with serve(lambda _: WIRE[name].reply("!")) as server:
        server.models = ["model.gguf"]
        assert asking(name, server, "whatever") is None


def test_a_router_that_refuses_a_name_with_400() -> None:
    """As OpenRouter says it."""
    with serve(lambda _: openai.error(400, "gemma-9 is not a valid model ID")) as server:
        server.models = ["gemma-3"]
        with pytest.raises(UnknownNameError):
            asking("openai", server, "gemma-9")


@pytest.mark.parametrize("name", NAMES)
def test_a_server_that_lists_nothing_says_nothing(name: str) -> None:
    """Many have no list; the first call will tell."""
    with serve(lambda _: unknown(name)) as server:
        assert asking(name, server, "any") is None
        server.models = []
        assert asking(name, server, "any") is None


@pytest.mark.parametrize("name", NAMES)
def test_nobody_there_and_nobody_answering(name: str) -> None:
    """Both are said soon, and are no error: it may come back."""
    with socket.socket() as closed, socket.socket() as silent:
        closed.bind(("127.0.0.1", 0))
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        began = time.monotonic()
        gone = look_up(client(name, f"http://127.0.0.1:{closed.getsockname()[1]}", "m"), 1.0)
        late = look_up(client(name, f"http://127.0.0.1:{silent.getsockname()[1]}", "m"), 1.0)
        assert time.monotonic() - began < PATIENCE
    assert "no connection" in str(gone)
    assert "timed out" in str(late)


def test_a_rejected_key_is_an_error() -> None:
    """Nothing will come of it."""

    class Rejecting:
        model = "m"

        def hurried(self, _seconds: float) -> "Rejecting":
            return self

        def models(self) -> list[str]:
            raise CallError("key", "HTTP 401")

    with pytest.raises(CallError, match="key rejected"):
        look_up(Rejecting(), 1.0)  # type: ignore[arg-type]


def test_the_shortest_call_is_short() -> None:
    """One token, and no setting that a model may refuse."""
    seen: list[Call] = []

    def script(call: Call) -> Step:
        seen.append(call)
        return openai.reply("!")

    with serve(script) as server:
        server.models = ["another"]
        asking("openai", server, "m")
    assert (1, None) == (seen[0].body["max_tokens"], seen[0].body.get("temperature"))
