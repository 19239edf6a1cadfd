"""What a model on this machine tells between its answers: whoever shows progress reads it, and prints for it."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Live:
    """How far the model at work has come.

    ``label`` is empty while none is generating; ``tokens`` counts what it generated; ``most_left`` are the seconds that
    its answers take if all are as long as they may be, None while that is unknown. ``say`` prints a line.
    """

    label: str = ""
    tokens: int = 0
    most_left: float | None = None
    say: Callable[[str], None] | None = field(default=None)


LIVE = Live()
"""That of this process, in which one model is at work at a time."""


def tell(text: str) -> None:
    """Print one line on stderr, beside whatever progress is shown there."""
    if LIVE.say is not None:
        LIVE.say(text)
    else:
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - what the user of a Python program sees
