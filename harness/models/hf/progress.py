"""What is said on stderr while a model works, beside whatever bar is drawn there."""

import sys
import time

from tqdm import tqdm

_EVERY = 10.0  # seconds between two lines


def say(text: str) -> None:
    """Write one line to stderr without tearing a progress bar."""
    tqdm.write(text, file=sys.stderr)


class TokenMeter:
    """Counts generated tokens and says now and then how fast they come and how long the rest can take at most.

    ``tokens`` is the most that can still be generated: every row may end earlier.
    """

    def __init__(self, label: str, rows: int, tokens: int) -> None:
        self._label = label
        self._rows = rows
        self._left = tokens
        self._done = 0
        self._began = self._said = time.monotonic()

    def passed(self, rows: int) -> None:
        """Count one token for each of ``rows`` rows."""
        self._done += rows
        self._left -= rows
        now = time.monotonic()
        if now - self._said >= _EVERY:
            self._said = now
            rate = self._done / (now - self._began)
            say(
                f"  {self._label}: {self._done:,} tokens, {rate:,.0f} tokens/s, {self._rows} answers to go, "
                f"at most {_duration(self._left / rate)} left"
            )

    def ended(self, unused: int) -> None:
        """Count one answer that ended ``unused`` tokens before its limit."""
        self._rows -= 1
        self._left -= unused


def _duration(seconds: float) -> str:
    """Return a duration as people say it.

    >>> _duration(42.4), _duration(150)
    ('42 s', '2 min 30 s')
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
