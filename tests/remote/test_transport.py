"""The HTTP client under both SDKs: the server that was named, and the time that was allowed."""

import socket
import threading
import time
from typing import Any

import pytest

from harness.locale import in_language
from harness.remote.call import CallError
from harness.remote.gemini import GeminiClient
from harness.remote.openai import OpenAIClient
from harness.remote.settings import GeminiSettings, OpenAISettings
from harness.testing.servers import gemini, openai
from harness.testing.servers.loopback import Step, in_turn, serve
from tests.patience import PATIENCE
from tests.remote.test_openai import PROMPT

OPEN: dict[str, Any] = {
    "gemini": lambda **settings: GeminiClient(GeminiSettings(model="m", **settings)),
    "openai": lambda **settings: OpenAIClient(OpenAISettings(model="m", **settings)),
}
REPLY = {"gemini": gemini.reply, "openai": openai.reply}


@pytest.mark.parametrize("wire", OPEN)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_other_host_sees_the_key_or_the_prompt(wire: str, status: int) -> None:
    """A redirect is refused with the host's name alone, and the other server is not asked."""
    with serve(in_turn(REPLY[wire]("5"))) as other:
        headers = {"location": f"{other.url.replace('//', '//user:pw@')}/take?key=1"}
        with (
            serve(in_turn(Step(b"", status=status, headers=headers))) as server,
            pytest.raises(
                CallError, match=rf"request refused: HTTP {status} sends the call on to 127.0.0.1;"
            ) as caught,
        ):
            OPEN[wire](base_url=server.url).send(PROMPT)
        assert [] == other.calls
    assert not any(part in str(caught.value) for part in ("user", "pw", "key=1", "/take"))


@pytest.mark.parametrize("wire", OPEN)
@pytest.mark.parametrize("how", ["silent", "dripping"])
def test_a_slow_reply_ends_at_the_deadline(wire: str, how: str) -> None:
    """Silence and a trickle both end as a timeout: the deadline is for the whole reply."""
    step = REPLY[wire]("ok").after(1.0) if how == "silent" else REPLY[wire]("ok").dripping(0.02)
    with serve(in_turn(step)) as server, pytest.raises(CallError, match="timed out") as caught:
        OPEN[wire](base_url=server.url, timeout=0.3).send(PROMPT)
    assert "timeout" == caught.value.trouble


@pytest.mark.parametrize("wire", OPEN)
def test_nobody_there(wire: str) -> None:
    """A port that nobody listens on is no connection."""
    with serve(in_turn(REPLY[wire]("ok"))) as server:
        url = server.url
    with pytest.raises(CallError, match="no connection"):
        OPEN[wire](base_url=url, timeout=2.0).send(PROMPT)


@pytest.mark.parametrize("wire", OPEN)
def test_a_resolver_that_hangs(wire: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking up a name is within the call's time, too."""
    done = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: done.wait(600) and [])
    started = time.monotonic()
    with pytest.raises(CallError, match=r"timed out: looking up slow\.example did not end in time") as caught:
        OPEN[wire](base_url="http://slow.example", timeout=0.3).send(PROMPT)
    assert in_language(caught.value.said, "ja").endswith("slow.example の名前解決が時間内に終わりませんでした")
    assert time.monotonic() - started < PATIENCE
    done.set()


@pytest.mark.parametrize("wire", OPEN)
@pytest.mark.parametrize(
    "trouble",
    [socket.gaierror(-2, "Name or service not known"), ValueError("embedded null"), RuntimeError("cannot load nss")],
    ids=lambda trouble: type(trouble).__name__,
)
@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_resolver_that_fails_is_heard_at_once(wire: str, trouble: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it fails with: nothing is lost in its thread, and nobody waits for an answer that will not come."""

    def fails(*_: object, **__: object) -> list[tuple[object, ...]]:
        raise trouble

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    started = time.monotonic()
    with pytest.raises(CallError) as caught:
        OPEN[wire](base_url="http://broken.example", timeout=600.0).send(PROMPT)
    assert "timed out" not in str(caught.value)
    assert time.monotonic() - started < PATIENCE


@pytest.mark.parametrize("wire", OPEN)
def test_a_host_of_many_addresses_where_one_answers(wire: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Addresses are tried in turn."""
    with serve(in_turn(REPLY[wire]("ok"))) as server:
        port = int(server.url.rpartition(":")[2])
        entries = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in ("127.0.0.9", "127.0.0.1")]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: entries)
        assert "ok" == OPEN[wire](base_url=f"http://two.example:{port}", timeout=5.0).send(PROMPT).text


@pytest.mark.parametrize("wire", OPEN)
def test_connections_are_kept(wire: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls one after another share a connection, and each has its own deadline."""
    connected, create = [], socket.create_connection

    def counted(*arguments: Any, **options: Any) -> socket.socket:
        connected.append(arguments)
        return create(*arguments, **options)

    monkeypatch.setattr(socket, "create_connection", counted)
    with serve(lambda _: REPLY[wire]("ok").after(0.7)) as server:
        client = OPEN[wire](base_url=server.url, timeout=2.0)
        assert ["ok"] * 4 == [client.send(PROMPT).text for _ in range(4)]
    assert 1 == len(connected)


@pytest.mark.parametrize("wire", OPEN)
def test_a_proxy_of_the_environment_is_used(wire: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls go through HTTP_PROXY, with the same deadline."""
    with serve(in_turn(REPLY[wire]("ok"), REPLY[wire]("late").dripping(0.02))) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("http_proxy", proxy.url)
        client = OPEN[wire](base_url="http://behind.example/v1", timeout=1.5)
        assert "ok" == client.send(PROMPT).text
        assert proxy.calls[0].path.startswith("http://behind.example/v1")
        with pytest.raises(CallError, match="timed out"):
            client.send(PROMPT)
