"""What is said on stderr while a model works, and how far it has come."""

import time
from collections import deque
from collections.abc import Callable

from harness.locale.telling import tell
from harness.models.live import LIVE

_WINDOW = 30.0  # seconds of the past that tell the speed of now


def say(text: str) -> None:
    """Write one line to stderr without tearing what is shown there."""
    tell(text)


class TokenMeter:
    """Counts generated tokens, and tells `LIVE` how long the rest can take at most.

    ``tokens`` is the most that can still be generated: every row may end earlier. ``clock`` counts seconds.
    """

    def __init__(self, label: str, rows: int, tokens: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rows = rows
        self._left = tokens
        self._steps: deque[tuple[float, int]] = deque([(clock(), 0)])
        self._done = 0
        LIVE.label, LIVE.most_left = label, None

    def passed(self, rows: int) -> None:
        """Count one token for each of ``rows`` rows."""
        self._done += rows
        self._left -= rows
        LIVE.tokens += rows
        now = self._clock()
        self._steps.append((now, self._done))
        while now - self._steps[0][0] > _WINDOW and len(self._steps) > 2:  # noqa: PLR2004 - a speed needs two
            self._steps.popleft()
        began, before = self._steps[0]
        if now > began and self._done > before:
            LIVE.most_left = self._left * (now - began) / (self._done - before)

    def ended(self, unused: int) -> None:
        """Count one answer that ended ``unused`` tokens before its limit."""
        self._rows -= 1
        self._left -= unused
        if not self._rows:
            LIVE.label, LIVE.most_left = "", None
