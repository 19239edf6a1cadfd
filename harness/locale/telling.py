"""One line beside whatever progress is shown: whoever shows some prints it there, else it goes to stderr."""

import sys
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class Teller:
    """``say`` prints a line; None while nobody shows progress."""

    say: Callable[[str], None] | None = None


TELLER = Teller()
"""That of this process."""


def tell(text: str) -> None:
    """Print one line on stderr, beside whatever progress is shown there."""
    if TELLER.say is not None:
        TELLER.say(text)
    else:
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - what the user of a Python program sees
