"""Whether the Hub can be reached: found out in seconds, and left to the library where nobody can tell."""

import socket
import time
from collections.abc import Iterator

import pytest
from huggingface_hub import constants

from harness.remote import reach
from harness.remote.reach import hub_is_reachable
from harness.testing import Step, in_turn, serve


@pytest.fixture(autouse=True)
def _asked_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    hub_is_reachable.cache_clear()
    yield
    hub_is_reachable.cache_clear()


def test_somebody_listens_or_nobody_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked once."""
    with serve(in_turn(Step({}))) as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        assert hub_is_reachable()
    assert hub_is_reachable()
    hub_is_reachable.cache_clear()
    assert not hub_is_reachable()


@pytest.mark.parametrize("setting", ["offline", "proxy"])
def test_where_only_the_library_can_tell_nobody_is_asked(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Offline on purpose, or behind a proxy."""
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    if setting == "offline":
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    else:
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert hub_is_reachable()


def test_a_resolver_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's own has no deadline."""

    def hang(*_: object) -> socket.socket:
        time.sleep(2)
        raise OSError("late")

    monkeypatch.setattr(reach, "SECONDS", 0.1)
    monkeypatch.setattr(socket, "create_connection", hang)
    monkeypatch.setattr(constants, "ENDPOINT", "https://hub.example")
    began = time.monotonic()
    assert not hub_is_reachable()
    assert time.monotonic() - began < 1.5
