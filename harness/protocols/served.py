"""What stands behind a server: how many calls it allows, and batches that are answered hours later."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimits:
    """How many calls, or tokens, a server allows; None where it says nothing.

    >>> CallLimits(requests_per_minute=15).over(CallLimits(requests_per_minute=60, requests_per_day=500))
    CallLimits(requests_per_minute=15, requests_per_day=500, tokens_per_minute=None)
    """

    requests_per_minute: float | None = None
    requests_per_day: int | None = None
    tokens_per_minute: int | None = None

    def over(self, other: "CallLimits") -> "CallLimits":
        """Return these limits, and those of ``other`` where there are none."""
        return CallLimits(
            requests_per_minute=self.requests_per_minute or other.requests_per_minute,
            requests_per_day=self.requests_per_day or other.requests_per_day,
            tokens_per_minute=self.tokens_per_minute or other.tokens_per_minute,
        )


class CallCounts(Protocol):
    """How many calls of a day's quota were made, by every process that shares it."""

    def take(self, quota: str, day: str, most: int) -> bool:
        """Count one call, and return True, unless ``most`` were made on this day already. Thread-safe."""

    def used(self, quota: str, day: str) -> int:
        """Return how many calls were counted on a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchNote:
    """A batch that was, or is about to be, handed to a server.

    ``name`` is ours and unique, ``quota`` whose it is (as for `CallCounts`), ``handle`` the server's name for it, None
    until it has answered, ``keys`` the digests of its prompts.
    """

    name: str
    quota: str
    handle: str | None
    keys: tuple[str, ...]


class BatchNotes(Protocol):
    """Where batches are remembered, so that none is bought twice."""

    def known(self, quota: str) -> Sequence[BatchNote]:
        """Return the batches of a quota, newest last."""

    def keep(self, note: BatchNote) -> None:
        """Remember a batch, or what is known of it now."""

    def drop(self, name: str) -> None:
        """Forget a batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """A call that failed and is made again: which try that was of how many, the wait before the next, and why."""

    name: str
    attempt: int
    attempts: int
    seconds: float
    reason: str


@runtime_checkable
class Served(Protocol):
    """A judge or model behind a server, which allows only so many calls."""

    @property
    def limits(self) -> CallLimits:
        """The limits that it keeps."""

    def limit(self, limits: CallLimits) -> None:
        """Keep these limits from now on, and its own where they say nothing."""

    def attach(self, counts: CallCounts, tell: Callable[[Delay], None]) -> None:
        """Count the calls of a day there, and tell of those that are made again."""

    def look_up(self, seconds: float) -> str | None:
        """Return None if the server has the model or does not say, else why it could not be asked in so many seconds.

        Raise HarnessError if it has no such model, or rejects the key.
        """

    def used_today(self) -> int:
        """Return how many calls of today's quota were counted."""

    def resume(self) -> None:
        """Make calls again after it could not go on."""
