"""When a model or judge is asked no more in a run: one policy for both."""

import threading
from collections import Counter
from datetime import datetime

from harness.errors import HarnessError, QuotaEndedError
from harness.locale import tr
from harness.unscored import Unscored


class GivenUp:
    """What is asked no more, and why. Thread-safe.

    Whoever says itself that it cannot go on is given up at once; else it takes a number of failures in a row.

    >>> given_up = GivenUp()
    >>> [given_up.after(failure, "judge", most=2) for failure in ("late", None, "late", "late", "late")]
    [False, False, False, True, False]
    >>> given_up.reason("judge"), given_up.reason("another")
    ('given up after 2 failures in a row, the last: late. When the cause is mended, the same command continues.', None)
    """

    def __init__(self) -> None:
        self.reasons: dict[str, Unscored] = {}
        self.until: dict[str, datetime] = {}
        self._in_a_row: Counter[str] = Counter()
        self._lock = threading.Lock()

    def reason(self, name: str) -> Unscored | None:
        """Return why something is asked no more, None if it may be asked."""
        return self.reasons.get(name)

    def at_once(self, name: str, error: HarnessError | str) -> bool:
        """Give something up, and return whether it was not given up before.

        What has used up its quota is no failure: ``until`` says when it goes on.
        """
        reason = error if isinstance(error, str) else words_of(error)
        with self._lock:
            is_news = name not in self.reasons
            if isinstance(error, QuotaEndedError):
                self.until.setdefault(name, error.until)
            self.reasons.setdefault(name, Unscored("judge_unavailable", reason))
            return is_news

    def after(self, failure: str | None, name: str, *, most: int) -> bool:
        """Count one call, with what was wrong with it; return whether it was the one too many."""
        with self._lock:
            self._in_a_row[name] = in_a_row = self._in_a_row[name] + 1 if failure is not None else 0
            if in_a_row < most or name in self.reasons:
                return False
            said = tr(
                "given up after {count} failures in a row, the last: {failure}. "
                "When the cause is mended, the same command continues.",
                count=in_a_row,
                failure=failure,
            )
            self.reasons[name] = Unscored("judge_given_up", said)
            return True


def words_of(error: HarnessError) -> str:
    """Return what an error says, with what to do next, as the reason of whatever ended by it."""
    return error.message if error.hint is None else tr("{message} {hint}", message=error.message, hint=error.hint)
