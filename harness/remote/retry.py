"""Calls that are paced, limited, made again when that may help, and given up when it cannot."""

import logging
import random
import threading
import time
from collections.abc import Callable

import stamina

from harness.remote.call import CallError, Client, Prompt, Reply
from harness.remote.congestion import Ticket
from harness.remote.pacing import AdaptiveLimit, CircuitBreaker, Pacer
from harness.remote.settings import RemoteSettings

_LONGEST_WAIT = 600.0  # a server that asks for more patience than this has no more quota for today
_FEWEST_ATTEMPTS = 20  # failed tries in a row, over all threads, before a server counts as gone

logging.getLogger("stamina").addHandler(logging.NullHandler())  # its retries are normal here, not warnings on stderr


class Caller:
    """Sends prompts through one client, from as many threads as ``settings.in_flight``.

    A rate limit (429) halves the number of calls in flight, unless fewer calls are refused as often, and holds all of
    them back for as long as the server asks;
    rate limits, server errors, timeouts, lost connections and broken replies are tried again with an exponential,
    jittered back-off; a rejected key, an exhausted quota, an unknown model, or a long row of failures opens the circuit
    breaker, and every later call fails at once with the same reason.
    """

    def __init__(
        self, client: Client, settings: RemoteSettings, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.breaker = CircuitBreaker(
            attempts=max(_FEWEST_ATTEMPTS, 3 * settings.in_flight), calls=settings.give_up_after
        )
        self.limit = AdaptiveLimit(settings.in_flight)
        self._client = client
        self._settings = settings
        self._pacer = Pacer(settings.requests_per_minute, clock=clock)
        self._stop = threading.Event()
        self._jitter = random.Random()  # noqa: S311 - spreads retries, guards nothing

    def call(self, prompt: Prompt) -> Reply:
        """Return the reply to a prompt.

        Raises:
            CallError: there is none. Whether it may be asked again later, or not at all, its ``trouble`` says.
        """
        settings, delay = self._settings, 0.0
        try:
            for attempt in stamina.retry_context(
                on=_wait_here_instead,
                attempts=settings.attempts,
                timeout=None,
                wait_initial=settings.wait_initial,
                wait_max=settings.wait_max,
                wait_jitter=0,
            ):
                with attempt:
                    self._sleep(delay)
                    delay = attempt.next_wait + self._jitter.uniform(0, settings.wait_jitter)
                    try:
                        return self._attempt(prompt)
                    except CallError as error:
                        if error.is_noise:
                            delay = self._jitter.uniform(0, settings.wait_initial)
                        raise
        except CallError as error:
            if not error.is_about_the_item and error.trouble != "stopped" and not self.breaker.open_reason:
                self.breaker.call_failed(error)
            raise
        raise AssertionError("stamina either returns or raises")

    def close(self) -> None:
        """End every wait: calls that have not left yet fail with the reason "stopped"."""
        self._stop.set()
        self.limit.wake()

    def _sleep(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise CallError("stopped")

    def _attempt(self, prompt: Prompt) -> Reply:
        with self.limit.place(self._stop) as ticket:
            self._pacer.wait(self._stop)
            if reason := self.breaker.open_reason:
                raise CallError(reason.trouble, reason.detail, final=True)
            try:
                reply = self._client.send(prompt)
            except CallError as error:
                raise self._learn_from(error, ticket) from None
            self.breaker.worked()
            self.limit.grow(ticket)
            return reply

    def _learn_from(self, error: CallError, ticket: Ticket) -> CallError:
        """Slow down, count, or find out that it is hopeless; return the error to raise."""
        if error.is_about_the_item:
            self.breaker.worked()
        elif error.trouble == "rate":
            if error.retry_after is not None and error.retry_after > _LONGEST_WAIT:
                return CallError("quota", f"the server asks to wait {error.retry_after:.0f} seconds ({error})")
            error.is_noise = self.limit.cut(ticket, names_a_quota=error.names_a_quota)
            if error.retry_after is not None:
                self._pacer.hold(error.retry_after)
        elif error.trouble in {"network", "timeout"}:  # nobody there; an overloaded server (5xx) deserves its retries
            self.breaker.attempt_failed(error)
        return error


def _wait_here_instead(error: Exception) -> bool | float:
    """Tell stamina whether to go on, and that the wait is ours: one that `Caller.close` can cut short."""
    return 0.0 if isinstance(error, CallError) and error.may_pass else False
