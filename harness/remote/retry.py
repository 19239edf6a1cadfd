"""Calls that are paced, limited, made again when that may help, and given up when it cannot."""

import logging
import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import stamina

from harness.protocols import CallCounts, CallLimits, Delay
from harness.remote.call import CallError, Client, Prompt, Reply
from harness.remote.congestion import Ticket
from harness.remote.looking_up import look_up
from harness.remote.pacing import AdaptiveLimit, CircuitBreaker, Pacer
from harness.remote.pricing import rough_tokens
from harness.remote.quota import LONGEST_WAIT, CountsInMemory, day_of, next_day
from harness.remote.settings import RemoteSettings

_FEWEST_ATTEMPTS = 20  # failed tries in a row, over all threads, before a server counts as gone

logging.getLogger("stamina").addHandler(logging.NullHandler())  # its retries are normal here, not warnings on stderr


class Caller:
    """Sends prompts through one client, from as many threads as ``settings.in_flight``.

    A rate limit (429) halves the number of calls in flight, unless fewer calls are refused as often, and holds all of
    them back for as long as the server asks;
    rate limits, server errors, timeouts, lost connections and broken replies are tried again with an exponential,
    jittered back-off; a rejected key, an exhausted quota, an unknown model, or a long row of failures opens the circuit
    breaker, and every later call fails at once with the same reason, until `resume`. ``now`` tells the time of day, in
    any zone.
    """

    def __init__(
        self,
        client: Client,
        settings: RemoteSettings,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._settings = settings
        self._now = now
        self._pacer = Pacer(clock=clock)
        self._jitter = random.Random()  # noqa: S311 - spreads retries, guards nothing
        self._counts: CallCounts = CountsInMemory()
        self._tell: Callable[[Delay], None] = lambda _: None
        self._name = client.model
        self.limit_calls(settings.limits)
        self.resume()

    def resume(self) -> None:
        """Make calls again, whatever ended them, as if none had failed."""
        self.breaker = CircuitBreaker(
            attempts=max(_FEWEST_ATTEMPTS, 3 * self._settings.in_flight), calls=self._settings.give_up_after
        )
        self.limit = AdaptiveLimit(self._settings.in_flight)
        self._stop = threading.Event()

    def limit_calls(self, limits: CallLimits) -> None:
        """Keep these limits from now on."""
        self.limits = limits
        self._pacer.limit(limits.requests_per_minute, limits.tokens_per_minute)

    def attach(self, counts: CallCounts, tell: Callable[[Delay], None], *, name: str) -> None:
        """Count the calls of a day in ``counts``, and tell of those that are made again, under a name."""
        self._counts, self._tell, self._name = counts, tell, name

    def look_up(self, seconds: float) -> str | None:
        """Return None if the server has the model or does not say, else why it could not be asked; see `look_up`."""
        return look_up(self._client, seconds)

    def used_today(self) -> int:
        """Return how many calls of today's quota were counted."""
        return self._counts.used(self._client.quota, day_of(self._now(), self._settings.day_zone))

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
                        elif error.may_pass and attempt.num < settings.attempts:
                            self._say_again(error, attempt.num, delay)
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

    def _say_again(self, error: CallError, attempt: int, delay: float) -> None:
        self._tell(
            Delay(
                name=self._name,
                attempt=attempt,
                attempts=self._settings.attempts,
                seconds=max(delay, error.retry_after or 0.0),
                reason=error.said,
            )
        )

    def _attempt(self, prompt: Prompt) -> Reply:
        tokens = sum(rough_tokens(message.content) for message in prompt.messages) if self._counts_tokens else 0
        with self.limit.place(self._stop) as ticket:
            self._pacer.wait(self._stop, tokens)
            if reason := self.breaker.open_reason:
                raise CallError(reason.trouble, reason.detail, until=reason.until, final=True)
            self._take_from_the_day()
            try:
                reply = self._client.send(prompt)
            except CallError as error:
                raise self._learn_from(error, ticket) from None
            self._pacer.correct(tokens, self._settings.counted(reply.tokens_in, reply.tokens_out))
            self.breaker.worked()
            self.limit.grow(ticket)
            return reply

    @property
    def _counts_tokens(self) -> bool:
        return self.limits.tokens_per_minute is not None

    def _take_from_the_day(self) -> None:
        """Count one call of the day.

        Raises:
            CallError: ("day") as many were made as it may have.
        """
        most = self.limits.requests_per_day
        if most is None:
            return
        now, zone = self._now(), self._settings.day_zone
        if not self._counts.take(self._client.quota, day_of(now, zone), most):
            detail = f"{most} requests a day (requests_per_day)"
            raise CallError("day", detail, until=next_day(now, zone))

    def _learn_from(self, error: CallError, ticket: Ticket) -> CallError:
        """Slow down, count, or find out that it is hopeless; return the error to raise."""
        if error.is_about_the_item:
            self.breaker.worked()
        elif error.trouble == "rate":
            if error.retry_after is not None and error.retry_after > LONGEST_WAIT:
                return CallError("day", error.detail, until=self._now() + timedelta(seconds=error.retry_after))
            error.is_noise = self.limit.cut(ticket, names_a_quota=error.names_a_quota)
            if error.retry_after is not None:
                self._pacer.hold(error.retry_after)
        elif error.trouble in {"network", "timeout"}:  # nobody there; an overloaded server (5xx) deserves its retries
            self.breaker.attempt_failed(error)
        return error


def _wait_here_instead(error: Exception) -> bool | float:
    """Tell stamina whether to go on, and that the wait is ours: one that `Caller.close` can cut short."""
    return 0.0 if isinstance(error, CallError) and error.may_pass else False
