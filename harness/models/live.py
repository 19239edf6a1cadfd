"""What a model on this machine tells between its answers: whoever shows progress reads it."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(slots=True)
class Live:
    """How far the model at work has come.

    ``label`` is empty while none is generating; ``tokens`` counts what it generated; ``most_left`` are the seconds that
    its answers take if all are as long as they may be, None while that is unknown.
    """

    label: str = ""
    tokens: int = 0
    most_left: float | None = None


LIVE = Live()
"""That of this process, in which one model is at work at a time."""


@contextlib.contextmanager
def at_work(text: str) -> Iterator[None]:
    """Have a message stand as what is at work, for as long as that takes."""
    outer, LIVE.label = LIVE.label, text
    try:
        yield
    finally:
        LIVE.label = outer
