"""A server whose quota of a day ends: so many replies, then refusals, until the next day."""

import threading

from harness.testing.servers.loopback import Call, Script, Step


class DailyQuota:
    """A script that answers ``most`` calls as another one does, and refuses the rest; `renew` begins the next day.

    ``refused`` counts the refusals, ``answered`` the replies of all days.
    """

    def __init__(self, script: Script, refusal: Step, most: int) -> None:
        self.answered = 0
        self.refused = 0
        self._script = script
        self._refusal = refusal
        self._most = most
        self._left = most
        self._lock = threading.Lock()

    def __call__(self, call: Call) -> Step:
        """Return how one request is answered."""
        with self._lock:
            if self._left == 0:
                self.refused += 1
                return self._refusal
            self._left -= 1
            self.answered += 1
        return self._script(call)

    def renew(self) -> None:
        """Begin the next day."""
        with self._lock:
            self._left = self._most
