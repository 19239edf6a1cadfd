"""When a call may leave: requests and tokens per minute, how many at once, when to stop trying. Knows no server."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from harness.remote.call import CallError
from harness.remote.congestion import Congestion, Ticket


class Waiting(Protocol):
    """What a wait can be cut short with: `threading.Event`, or a clock in a test."""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait up to ``timeout`` seconds; return True if it was cut short."""

    def is_set(self) -> bool:
        """Return whether every wait is to be cut short."""


class Pacer:
    """Spaces calls evenly, and holds all of them back while a server asks for patience. Thread-safe.

    ``requests_per_minute`` and ``tokens_per_minute`` None space nothing. Times are in seconds of a monotonic ``clock``.

    >>> pacer = Pacer(15, clock=lambda: 0.0)
    >>> [pacer.reserve() for _ in range(3)]
    [0.0, 4.0, 8.0]
    >>> pacer.limit(15, 1000)
    >>> [pacer.reserve(500) for _ in range(3)]
    [12.0, 42.0, 72.0]
    """

    def __init__(
        self,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._next = float("-inf")
        self._held_until = float("-inf")
        self._lock = threading.Lock()
        self.limit(requests_per_minute, tokens_per_minute)

    def limit(self, requests_per_minute: float | None, tokens_per_minute: float | None) -> None:
        """Space the calls that get in line from now on to these limits."""
        self._interval = 60 / requests_per_minute if requests_per_minute else 0.0
        self._token_seconds = 60 / tokens_per_minute if tokens_per_minute else 0.0

    def reserve(self, tokens: int = 0) -> float:
        """Take the next place in line, for a call of so many tokens; return the time at which it comes up."""
        with self._lock:
            start = max(self._clock(), self._next)
            self._next = start + max(self._interval, tokens * self._token_seconds)
            return start

    def correct(self, expected: int, counted: int | None) -> None:
        """Move the line by the tokens that a call took beyond the expected ones, should the server have counted."""
        if counted is not None and self._token_seconds:
            with self._lock:
                self._next += (counted - expected) * self._token_seconds

    def hold(self, seconds: float) -> None:
        """Let no call leave for the next ``seconds``, those already in line included."""
        with self._lock:
            self._held_until = max(self._held_until, self._clock() + seconds)

    def wait(self, stop: Waiting, tokens: int = 0) -> None:
        """Wait for a place in line.

        Raises:
            CallError: ("stopped") ``stop`` was set meanwhile.
        """
        start = self.reserve(tokens)
        while (left := max(start, self._held_until) - self._clock()) > 0:
            if stop.wait(left):
                raise CallError("stopped")


class AdaptiveLimit:
    """How many calls are in flight: up to ``maximum``, fewer while a server says that it is too much. Thread-safe.

    What a refusal means `Congestion` decides.

    >>> limit = AdaptiveLimit(32)
    >>> with limit.place(threading.Event()) as ticket:
    ...     limit.cut(ticket), limit.current
    (False, 16)
    """

    def __init__(self, maximum: int) -> None:
        self._law = Congestion(maximum)
        self._busy = 0
        self._free = threading.Condition()

    @property
    def current(self) -> int:
        """How many calls may be in flight now."""
        return self._law.current

    @contextmanager
    def place(self, stop: Waiting) -> Iterator[Ticket]:
        """Hold one of the places, waiting until one is free; the value is a ticket for `cut`.

        Raises:
            CallError: ("stopped") ``stop`` was set meanwhile.
        """
        with self._free:
            while self._busy >= self.current and not stop.is_set():
                self._free.wait()
            if stop.is_set():
                raise CallError("stopped")
            self._busy += 1
            ticket = self._law.left()
        try:
            yield ticket
        finally:
            with self._free:
                self._busy -= 1
                self._free.notify()

    def cut(self, ticket: Ticket, *, names_a_quota: bool = False) -> bool:
        """Count a refusal of the call with this ticket, and return whether it is noise, for which nothing is cut."""
        with self._free:
            is_noise = self._law.refused(ticket, names_a_quota=names_a_quota)
            self._free.notify_all()  # a cut may have been taken back
            return is_noise

    def grow(self, ticket: Ticket | None = None) -> None:
        """Count a success."""
        with self._free:
            self._law.worked(ticket or self._law.left())
            self._free.notify()

    def wake(self) -> None:
        """Let every waiting thread look again whether it is to stop."""
        with self._free:
            self._free.notify_all()


class CircuitBreaker:
    """Stops a hopeless run: opens after too many failures in a row, and stays open. Thread-safe.

    Two counts, both back to 0 at every success: ``attempts`` counts single tries that found no working server,
    ``calls`` counts calls that failed for good, after their retries.

    >>> breaker = CircuitBreaker(attempts=2, calls=9)
    >>> breaker.attempt_failed(CallError("network", "refused")); breaker.open_reason
    >>> breaker.attempt_failed(CallError("network", "refused")); str(breaker.open_reason)
    'no connection: refused'
    """

    def __init__(self, *, attempts: int, calls: int) -> None:
        self._most = {"attempts": attempts, "calls": calls}
        self._counts = {"attempts": 0, "calls": 0}
        self._reason: CallError | None = None
        self._lock = threading.Lock()

    @property
    def open_reason(self) -> CallError | None:
        """The failure that opened the breaker, or None while it is closed."""
        return self._reason

    def worked(self) -> None:
        """Count a call that the server answered, whatever it said."""
        with self._lock:
            self._counts = dict.fromkeys(self._counts, 0)

    def attempt_failed(self, error: CallError) -> None:
        """Count a try that found no working server."""
        self._count("attempts", error)

    def call_failed(self, error: CallError) -> None:
        """Count a call that failed for good."""
        self._count("calls", error)

    def _count(self, what: str, error: CallError) -> None:
        with self._lock:
            self._counts[what] += 1
            if self._reason is None and (error.final or self._counts[what] >= self._most[what]):
                self._reason = error
