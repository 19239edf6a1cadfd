"""Outages: a store's server that is started anew, or a line that is cut, ends no run if it is back soon."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from harness.errors import StoreUnreachableError
from harness.locale import tr
from harness.locale.telling import tell

LASTS = 30.0
"""Seconds that a server may be away: shorter than leases last, so that nobody takes over what is under way."""

_FIRST_PAUSE, _LAST_PAUSE = 0.2, 5.0  # seconds between tries

T = TypeVar("T")


class Outages:
    """Tries again what failed because the server is away, and says so once for each outage. Thread-safe.

    While ``are_waited_for`` is not set, it tries once: where nothing was reached yet, the address may be wrong.
    """

    def __init__(self, shown: str) -> None:
        self._shown = shown
        self.are_waited_for = False
        self._away_since: float | None = None
        self._told = False
        self._hurried = threading.Event()
        self._given_up: StoreUnreachableError | None = None
        self._lock = threading.Lock()

    def hurry(self) -> None:
        """Wait no more from now on: the next try that fails is the last for all threads.

        A server that takes a call and stays silent costs each try many seconds, and threads try one after the other.
        """
        self.are_waited_for = False
        self._hurried.set()

    def outlast(self, attempt: Callable[[], T]) -> T:
        """Return what ``attempt`` returns, which is called again for as long as the server is away.

        It must come to the same when it is done twice: of a transaction whose end was not confirmed nobody knows
        whether it ended.

        Raises:
            StoreUnreachableError: the server has been away for `LASTS` seconds, whoever noticed it first, or there is a
                `hurry`; it is given up then, and nothing is tried any more.
        """
        pause = _FIRST_PAUSE
        while True:
            is_waited_for = self.are_waited_for
            try:
                return self.once(attempt)
            except StoreUnreachableError as error:
                if not is_waited_for and not self._hurried.is_set():
                    raise
                if self._hurried.is_set() or self._away(pause) > LASTS:
                    self._given_up = self._given_up or error
                    raise
            self._tell()
            self._hurried.wait(pause)
            pause = min(2 * pause, _LAST_PAUSE)

    def once(self, attempt: Callable[[], T]) -> T:
        """Return what ``attempt`` returns, and know since when the server has been away.

        Raises:
            StoreUnreachableError: the server is away.
        """
        began = time.monotonic()
        try:
            done = self.unless_given_up(attempt)
        except StoreUnreachableError:
            with self._lock:
                self._away_since = began if self._away_since is None else self._away_since
            raise
        with self._lock:
            self._away_since, self._told = None, False
        return done

    def unless_given_up(self, attempt: Callable[[], T]) -> T:
        """Return what ``attempt`` returns, a part of what is tried.

        Raises:
            StoreUnreachableError: the server was given up.
        """
        if self._given_up is not None:
            raise self._given_up
        return attempt()

    def _away(self, pause: float) -> float:
        with self._lock:
            return time.monotonic() + pause - (time.monotonic() if self._away_since is None else self._away_since)

    def _tell(self) -> None:
        with self._lock:
            told, self._told = self._told, True
        if not told:
            tell(
                tr(
                    "The server of {shown} cannot be reached for now; this run goes on when it is back, and ends after "
                    "{seconds:.0f} s without it.",
                    shown=self._shown,
                    seconds=LASTS,
                )
            )
