"""Calls that are made again when that may help: what is retried, how long, and what ends it."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from harness.protocols import Delay
from harness.remote.call import CallError, Prompt, Reply, Trouble
from harness.remote.quota import CountsInMemory
from harness.remote.retry import Caller
from harness.remote.settings import RemoteSettings
from harness.types import Message
from tests.patience import PATIENCE

PROMPT = Prompt(messages=(Message(role="user", content="?"),))
FAST = {"wait_initial": 0.001, "wait_max": 0.004, "wait_jitter": 0.001}
OK = Reply(text="ok")


class Scripted:
    """A client that answers with what a script says, an error or a reply."""

    model = "m"
    quota = "m"
    identity: dict[str, Any] = {}  # noqa: RUF012 - a stand-in

    def __init__(self, script: Callable[[int], Reply | CallError]) -> None:
        self.script = script
        self.times: list[float] = []
        self.lock = threading.Lock()

    def send(self, prompt: Prompt) -> Reply:
        del prompt
        with self.lock:
            number = len(self.times)
            self.times.append(time.monotonic())
        outcome = self.script(number)
        if isinstance(outcome, CallError):
            raise outcome
        return outcome


def caller(*outcomes: Reply | CallError, **settings: Any) -> tuple[Caller, Scripted]:
    """A caller over a client that gives these outcomes in order, and the last for ever."""
    client = Scripted(lambda number: outcomes[min(number, len(outcomes) - 1)])
    return Caller(client, RemoteSettings(**(FAST | settings))), client


@pytest.mark.parametrize("trouble", ["rate", "server", "timeout", "network", "reply"])
def test_passing_trouble_is_tried_again(trouble: Trouble) -> None:
    """Rate limits, server errors, timeouts, lost connections and broken replies pass."""
    service, client = caller(CallError(trouble), CallError(trouble), OK)
    assert OK == service.call(PROMPT)
    assert len(client.times) == 3


@pytest.mark.parametrize("trouble", ["key", "quota", "model", "request", "safety", "empty"])
def test_lasting_trouble_is_not_tried_again(trouble: Trouble) -> None:
    """A rejected key, an exhausted quota, a refused request, a block and an empty reply stay what they are."""
    service, client = caller(CallError(trouble), OK)
    with pytest.raises(CallError) as caught:
        service.call(PROMPT)
    assert (trouble, 1) == (caught.value.trouble, len(client.times))


def test_attempts_are_limited() -> None:
    """After the last attempt the last error comes out."""
    service, client = caller(CallError("server", "again"), attempts=4)
    with pytest.raises(CallError, match="server error: again"):
        service.call(PROMPT)
    assert len(client.times) == 4


def test_back_off_doubles_with_jitter() -> None:
    """The waits are 1, 2, 4, 4 units and up to one unit more."""
    waits: list[float] = []

    class Hurried(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout or 0.0)
            return False

    service, client = caller(CallError("server"), attempts=5, wait_initial=20, wait_max=80, wait_jitter=20)
    service._stop = Hurried()
    with pytest.raises(CallError):
        service.call(PROMPT)
    assert 5 == len(client.times)
    waits = [wait for wait in waits if wait > 0]
    for wait, low in zip(waits, [20, 40, 80, 80], strict=True):
        assert low <= wait <= low + 20
    assert 4 == len(set(waits) - {20, 40, 80}), "a jitter of nothing is none"


def test_retry_after_holds_everyone() -> None:
    """After a 429 that names a time nobody sends before it, whatever the back-off."""
    service, client = caller(CallError("rate", retry_after=0.15), OK)
    started = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(service.call, PROMPT)
        time.sleep(0.03)
        rest = [pool.submit(service.call, PROMPT) for _ in range(3)]
        assert [OK] * 4 == [future.result() for future in [first, *rest]]
    assert min(client.times[1:]) - started >= 0.15
    assert len(client.times) == 5


def test_a_rate_limit_halves_the_calls_in_flight() -> None:
    """One 429 halves the limit; successes bring it back."""
    service, _ = caller(CallError("rate"), OK, in_flight=8)
    service.call(PROMPT)
    assert service.limit.current == 4
    for _ in range(60):
        service.call(PROMPT)
    assert service.limit.current == 8


def test_too_long_a_wait_is_an_exhausted_quota() -> None:
    """A server that asks to come back in an hour is not waited for, nor asked again before `resume`."""
    service, client = caller(CallError("rate", "daily", retry_after=3600), OK)
    for _ in range(2):
        with pytest.raises(CallError, match="quota used up for now: daily") as caught:
            service.call(PROMPT)
        assert 3590 < (caught.value.until - datetime.now(UTC)).total_seconds() <= 3600
    assert len(client.times) == 1
    service.resume()
    assert OK == service.call(PROMPT)


def test_a_days_calls_are_counted_and_no_more_leave() -> None:
    """Tries count like calls; at midnight of the server's day the count begins anew."""
    now = datetime(2026, 11, 26, 23, 30, tzinfo=UTC)
    outcomes = (CallError("server"), OK)
    client = Scripted(lambda number: outcomes[min(number, 1)])
    service = Caller(client, RemoteSettings(requests_per_day=3, **FAST), now=lambda: now)
    assert [OK, OK] == [service.call(PROMPT), service.call(PROMPT)]
    with pytest.raises(CallError, match=r"quota used up for now: 3 requests a day \(requests_per_day\)") as caught:
        service.call(PROMPT)
    assert (3, 3, datetime(2026, 11, 27, tzinfo=UTC)) == (len(client.times), service.used_today(), caught.value.until)
    now = datetime(2026, 11, 27, 0, 1, tzinfo=UTC)
    service.resume()
    assert OK == service.call(PROMPT)
    assert 1 == service.used_today()


def test_calls_that_are_made_again_are_told() -> None:
    """Each with its number, its reason and the wait; the last try fails in the open, not in passing."""
    told: list[Delay] = []
    service, _ = caller(CallError("network", "refused"), attempts=3)
    service.attach(CountsInMemory(), told.append, name="mine")
    with pytest.raises(CallError):
        service.call(PROMPT)
    assert [("mine", 1, 3), ("mine", 2, 3)] == [(one.name, one.attempt, one.attempts) for one in told]
    assert {"no connection: refused"} == {one.reason for one in told}


def test_breaker_ends_a_hopeless_run_early() -> None:
    """After ten calls that failed for good no further request leaves, and each says why."""
    service, client = caller(CallError("request", "bad parameter"), in_flight=4)
    errors = []
    for _ in range(100):
        with pytest.raises(CallError) as caught:
            service.call(PROMPT)
        errors.append(caught.value)
    assert len(client.times) == 10
    assert [False] * 10 + [True] * 90 == [error.final for error in errors]
    assert {"request refused: bad parameter"} == {str(error) for error in errors}


def test_breaker_counts_tries_over_all_threads() -> None:
    """A server that is gone is found out after 20 tries, not after 8 tries of each of 400 calls."""
    service, client = caller(CallError("network", "refused"), in_flight=4)
    with ThreadPoolExecutor(4) as pool:
        outcomes = [pool.submit(service.call, PROMPT) for _ in range(40)]
        assert all(isinstance(future.exception(), CallError) for future in outcomes)
    assert len(client.times) <= 20 + 4


def test_a_rejected_key_is_tried_once() -> None:
    """After one rejected key nothing else is sent."""
    service, client = caller(CallError("key", "no"))
    for _ in range(3):
        with pytest.raises(CallError, match="key rejected: no"):
            service.call(PROMPT)
    assert len(client.times) == 1


def test_blocks_do_not_open_the_breaker() -> None:
    """However many answers are blocked in a row, the server works."""
    service, client = caller(CallError("safety"))
    for _ in range(50):
        with pytest.raises(CallError):
            service.call(PROMPT)
    assert len(client.times) == 50


@pytest.mark.parametrize("settings", [{"requests_per_minute": 0.1}, {"wait_initial": 600.0, "wait_max": 600.0}])
def test_close_ends_every_wait(settings: dict[str, float]) -> None:
    """A caller that waits for its pace or its back-off stops at once when it is closed."""
    service, _ = caller(CallError("server"), **settings)
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(service.call, PROMPT) for _ in range(2)]
        time.sleep(0.05)
        started = time.monotonic()
        service.close()
        assert all(str(future.exception(timeout=PATIENCE)) == "stopped" for future in waiting)
    assert time.monotonic() - started < PATIENCE


def test_retries_are_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    """Retries print nothing: stamina would warn on stderr about each."""
    service, _ = caller(CallError("server"), OK)
    service.call(PROMPT)
    assert ("", "") == tuple(capfd.readouterr())
