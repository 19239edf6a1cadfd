"""Outages: a store's server that is started anew, or a line that is cut, ends no run if it is back soon."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from harness.errors import StoreUnreachableError
from harness.locale import tr
from harness.locale.telling import tell

LASTS = 120.0
"""Seconds that a server may be away: as long as a standby takes to replace it."""

_FIRST_PAUSE, _LAST_PAUSE = 0.2, 5.0  # seconds between tries

T = TypeVar("T")


class Outages:
    """Tries again what failed because the server is away, and says so once for each outage. Thread-safe.

    While ``are_waited_for`` is not set, it tries once: where nothing was reached yet, the address may be wrong.
    """

    def __init__(self, shown: str) -> None:
        self._shown = shown
        self.are_waited_for = False
        self._told = False
        self._hurried = threading.Event()
        self._given_up: StoreUnreachableError | None = None
        self._lock = threading.Lock()

    def hurry(self) -> None:
        """Wait no more from now on: one thread tries once more, and after it the server is given up for all.

        A server that takes a call and stays silent costs each try many seconds, and threads try one after the other.
        """
        self.are_waited_for = False
        self._hurried.set()

    def outlast(self, attempt: Callable[[], T]) -> T:
        """Return what ``attempt`` returns, which is called again for as long as the server is away.

        It must come to the same when it is done twice: of a transaction whose end was not confirmed nobody knows
        whether it ended.

        Raises:
            StoreUnreachableError: the server has been away for `LASTS` seconds, or there is a `hurry`.
        """
        began, pause = time.monotonic(), _FIRST_PAUSE
        while True:
            is_last, is_hurried = not self.are_waited_for, self._hurried.is_set()
            try:
                done = self.once(attempt)
            except StoreUnreachableError as error:
                if is_hurried:
                    self._given_up = error
                if is_last or time.monotonic() - began + pause > LASTS:
                    raise
            else:
                self._over()
                return done
            self._tell()
            self._hurried.wait(pause)
            pause = min(2 * pause, _LAST_PAUSE)

    def once(self, attempt: Callable[[], T]) -> T:
        """Return what ``attempt`` returns, unless the server was given up."""
        if self._given_up is not None:
            raise self._given_up
        return attempt()

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

    def _over(self) -> None:
        with self._lock:
            self._told = False
