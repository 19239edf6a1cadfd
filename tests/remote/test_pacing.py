"""When a call may leave: pacing, the adaptive limit and the circuit breaker, on a clock of the test's own."""

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.remote.call import CallError
from harness.remote.pacing import AdaptiveLimit, CircuitBreaker, Pacer
from harness.testing import Clock


@given(st.floats(1, 6000), st.lists(st.floats(0, 100), min_size=2, max_size=60))
def test_pace_is_never_exceeded(per_minute: float, pauses: list[float]) -> None:
    """Whatever the pauses between calls, two starts are never closer than the pace allows."""
    clock = Clock()
    pacer = Pacer(per_minute, clock=clock)
    starts = []
    for pause in pauses:
        clock.now += pause
        pacer.wait(clock)
        starts.append(clock.now)
    gaps = [after - before for before, after in pairwise(starts)]
    assert min(gaps) >= 60 / per_minute * (1 - 1e-9)


def test_a_free_key_of_15_a_minute() -> None:
    """A hundred calls at 15 a minute start 4 seconds apart: 396 seconds."""
    clock = Clock()
    pacer = Pacer(15, clock=clock)
    for _ in range(100):
        pacer.wait(clock)
    assert 396 == pytest.approx(clock.now)


def test_tokens_of_a_minute() -> None:
    """Calls of 500 tokens at 1,000 a minute start 30 seconds apart, and later where the server counted more."""
    clock = Clock()
    pacer = Pacer(600, 1000, clock=clock)
    for _ in range(4):
        pacer.wait(clock, 500)
    assert 90 == pytest.approx(clock.now)
    pacer.correct(500, 800)
    pacer.correct(500, None)
    pacer.wait(clock, 500)
    assert 90 + 30 + 18 == pytest.approx(clock.now)
    pacer.limit(600, None)
    pacer.wait(clock, 500)
    pacer.wait(clock, 500)
    assert 90 + 30 + 18 + 30 + 0.1 == pytest.approx(clock.now)


def test_no_pace_no_wait() -> None:
    """Without a pace nothing waits."""
    clock = Clock()
    pacer = Pacer(clock=clock)
    for _ in range(100):
        pacer.wait(clock)
    assert clock.now == 0


def test_hold_keeps_everyone_back() -> None:
    """A hold applies to calls that are already in line, and a shorter one does not shorten it."""
    clock = Clock()
    pacer = Pacer(60, clock=clock)
    pacer.reserve()
    pacer.hold(30)
    pacer.hold(5)
    pacer.wait(clock)
    assert clock.now == 30


def test_a_wait_can_be_cut_short() -> None:
    """A stop ends a wait with an error instead of a call."""
    stop = threading.Event()
    pacer = Pacer(1)
    pacer.wait(stop)
    stop.set()
    with pytest.raises(CallError, match="stopped"):
        pacer.wait(stop)


def test_limit_is_never_exceeded() -> None:
    """Of many threads only as many as the limit are inside at once."""
    limit, inside, most, lock, stop = AdaptiveLimit(5), 0, 0, threading.Lock(), threading.Event()

    def work(_: int) -> None:
        nonlocal inside, most
        with limit.place(stop):
            with lock:
                inside += 1
                most = max(most, inside)
            stop.wait(0.002)
            with lock:
                inside -= 1

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(work, range(100)))
    assert most == 5


def test_a_burst_of_refusals_cuts_once() -> None:
    """Calls that left before a cut cannot cut again; later ones can, down to one call."""
    limit, stop = AdaptiveLimit(32), threading.Event()
    with limit.place(stop) as first, limit.place(stop) as second:
        limit.cut(first)
        limit.cut(second)
    assert limit.current == 16
    for _ in range(10):
        with limit.place(stop) as ticket:
            limit.cut(ticket)
    assert limit.current == 1


@given(st.lists(st.booleans(), max_size=300), st.integers(1, 64))
def test_limit_stays_in_range(outcomes: list[bool], maximum: int) -> None:
    """Whatever happens, the limit is at least one call and at most the maximum."""
    limit, stop = AdaptiveLimit(maximum), threading.Event()
    for success in outcomes:
        with limit.place(stop) as ticket:
            if success:
                limit.grow()
            else:
                limit.cut(ticket)
        assert 1 <= limit.current <= maximum


def test_limit_grows_back() -> None:
    """After a cut to 16 of 32, about 16 rounds of successes bring all of it back, one call more each round."""
    limit, stop = AdaptiveLimit(32), threading.Event()
    with limit.place(stop) as ticket:
        limit.cut(ticket)
    rounds = 0
    while limit.current < 32:
        for _ in range(limit.current):
            limit.grow()
        rounds += 1
    assert 15 <= rounds <= 18


def test_waiting_threads_stop() -> None:
    """A thread that waits for a place leaves when it is woken to stop."""
    limit, stop = AdaptiveLimit(1), threading.Event()

    def work() -> str:
        try:
            with limit.place(stop):
                return "went on"
        except CallError as error:
            return str(error)

    with ThreadPoolExecutor(1) as pool, limit.place(stop):
        waiting = pool.submit(work)
        stop.wait(0.02)
        stop.set()
        limit.wake()
        assert waiting.result(timeout=60) == "stopped"


def test_breaker_counts_failures_in_a_row() -> None:
    """A success in between closes the count; too many in a row open the breaker for good, with the last reason."""
    breaker = CircuitBreaker(attempts=3, calls=2)
    for name in "ab":
        breaker.attempt_failed(CallError("server", name))
    breaker.worked()
    for name in "cd":
        breaker.attempt_failed(CallError("server", name))
    assert breaker.open_reason is None
    breaker.attempt_failed(CallError("server", "e"))
    breaker.worked()
    assert str(breaker.open_reason) == "server error: e"


def test_breaker_opens_at_once_for_a_hopeless_call() -> None:
    """A rejected key needs no second try."""
    breaker = CircuitBreaker(attempts=99, calls=99)
    breaker.call_failed(CallError("key", "no"))
    assert str(breaker.open_reason) == "key rejected: no"
