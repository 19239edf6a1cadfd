"""Whether the Hub can be reached, in seconds."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from harness.remote import reach
from tests.patience import PATIENCE


@pytest.fixture(autouse=True)
def _afresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(reach.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(reach, "PAUSE", 0.01)
    reach.hub_is_reachable.cache_clear()
    yield
    reach.hub_is_reachable.cache_clear()


def test_somebody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection is enough; nobody at the port is none."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        monkeypatch.setattr(reach.constants, "ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        assert reach.hub_is_reachable()
    reach.hub_is_reachable.cache_clear()
    assert not reach.hub_is_reachable()


def test_a_resolver_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given up in time."""
    done = threading.Event()

    def hangs(*_: object) -> None:
        done.wait(600)
        raise TimeoutError

    monkeypatch.setattr(reach, "SECONDS", 0.2)
    monkeypatch.setattr(reach.socket, "create_connection", hangs)
    began = time.monotonic()
    assert not reach.hub_is_reachable()
    assert time.monotonic() - began < PATIENCE
    done.set()


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "\udc80.example"])
@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_name_that_is_none_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """HF_ENDPOINT may hold anything; what its look-up fails with is not lost in a thread."""
    monkeypatch.setattr(reach.constants, "ENDPOINT", f"https://{host}")
    began = time.monotonic()
    assert not reach.hub_is_reachable()
    assert time.monotonic() - began < PATIENCE


def test_every_try_is_told_with_its_number(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Once a process, however often it is asked; a network that comes back in between is found."""
    monkeypatch.setattr(reach, "_listens", lambda _: False)
    monkeypatch.setattr(reach.constants, "ENDPOINT", "https://hub.test")
    assert [False, False] == [reach.hub_is_reachable(), reach.hub_is_reachable()]
    first, second = capsys.readouterr().err.splitlines()
    assert first == "hub.test cannot be reached: try 1 of 2, the next in 0 s."
    assert second.startswith("hub.test cannot be reached: try 2 of 2.")
    reach.hub_is_reachable.cache_clear()
    answers = iter([False, True])
    monkeypatch.setattr(reach, "_listens", lambda _: next(answers))
    assert reach.hub_is_reachable()


@pytest.mark.parametrize("how", ["proxy", "offline"])
def test_what_only_the_library_can_tell(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """Behind a proxy, or told to be offline, nothing is tried."""
    monkeypatch.setattr(reach.socket, "create_connection", lambda *_: pytest.fail("tried"))
    if how == "proxy":
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    else:
        monkeypatch.setattr(reach.constants, "HF_HUB_OFFLINE", True)
    assert reach.hub_is_reachable()
