"""A line that tells that something is under way which takes seconds: on a terminal its time counts on.

Loading the libraries of language models says nothing for as long as it takes: no line is to stand still meanwhile.
"""

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from typing import Self

from harness.cli.say import language, said, say
from harness.cli.table import columns, first_columns, window_width
from harness.locale import tr
from harness.locale.telling import TELLER

LOADING = tr("loading the libraries of language models ...")
_RENEWED_EVERY = 0.5  # seconds


def _sentence(text: str) -> str:
    return said(text) if language() != "en" else text[:1].upper() + text[1:]


class Waiting:
    """Shows a message from `__enter__` to `end`, with the time that has passed; other lines stand above it.

    What is under way inside (`harness.locale.telling.during`) is shown in the same line. ``after``: seconds before
    anything is shown; what ends sooner, and what is no terminal, sees nothing of it.
    """

    def __init__(self, text: str, *, after: float = 0.0) -> None:
        self._text = _sentence(text)
        self._after = after
        self._began = time.monotonic()
        self._is_terminal = sys.stderr.isatty()
        self._outer = TELLER.say, TELLER.during
        self._lock = threading.Lock()
        self._shown = ""
        self._ended = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> Self:
        if not self._is_terminal:
            if not self._after:
                say(self._text, err=True)
            return self
        self._outer = TELLER.say, TELLER.during
        TELLER.say, TELLER.during = self._say, self._during
        self._show()
        self._ticker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Leave the message as it stands, and print below it from now on."""
        if self._ended.is_set():
            return
        self._ended.set()
        if self._is_terminal:
            self._ticker.join()
            TELLER.say, TELLER.during = self._outer
            if self._shown:
                say(err=True)

    @contextlib.contextmanager
    def _during(self, text: str) -> Iterator[None]:
        outer, self._text = self._text, _sentence(text)
        try:
            yield
        finally:
            self._text = outer

    def _say(self, text: str) -> None:
        with self._lock:
            self._clear()
            say(text, err=True)
            self._show()

    def _tick(self) -> None:
        while not self._ended.wait(_RENEWED_EVERY):
            with self._lock:
                self._show()

    def _show(self) -> None:
        passed = time.monotonic() - self._began
        if passed < self._after:
            return
        self._clear()
        minutes, seconds = divmod(int(passed), 60)
        self._shown = first_columns(f"{minutes}:{seconds:02} {self._text}", window_width() - 1)
        sys.stderr.write(self._shown)
        sys.stderr.flush()

    def _clear(self) -> None:
        if self._shown:
            sys.stderr.write("\r" + " " * columns(self._shown) + "\r")
            self._shown = ""
