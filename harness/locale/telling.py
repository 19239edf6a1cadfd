"""One line beside whatever progress is shown: whoever shows some prints it there, else it goes to stderr."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass


@dataclass(slots=True)
class Teller:
    """``say`` prints a line, ``during`` shows what is under way until it is done; None while nobody shows progress."""

    say: Callable[[str], None] | None = None
    during: Callable[[str], AbstractContextManager[object]] | None = None


TELLER = Teller()
"""That of this process."""


@contextlib.contextmanager
def during(text: str) -> Iterator[None]:
    """Show what takes seconds and says nothing meanwhile: as whoever shows progress does it, else as one line."""
    if TELLER.during is None:
        tell(text)
        yield
        return
    with TELLER.during(text):
        yield


def tell(text: str) -> None:
    """Print one line on stderr, beside whatever progress is shown there."""
    if TELLER.say is not None:
        TELLER.say(text)
    else:
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - what the user of a Python program sees
