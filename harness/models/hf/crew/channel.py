"""What a crew's processes and their parent say to one another, over pipes: records of ours, pickled."""

import pickle
import threading
from dataclasses import dataclass
from typing import Any, BinaryIO

from harness.notices import Notice
from harness.types import Generation, ModelSpec, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """To a process: answer these requests. ``fingerprint``: what the model's must be there, too."""

    label: str
    spec: ModelSpec
    fingerprint: str
    requests: tuple[Request, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """From a process: an answer."""

    generation: Generation


@dataclass(frozen=True, slots=True, kw_only=True)
class AtWork:
    """From a process: how far it is, as `harness.models.live.Live` says it; ``tokens`` since it began."""

    label: str
    tokens: int
    most_left: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """From a process: a line for the user."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """From a process: an order is done, as far as it could be. ``stopped``: why the model can do no more, None if not.

    ``notices``: what the report must say of the model.
    """

    notices: tuple[Notice, ...]
    stopped: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """Instead of a message: the process has ended. ``said``: its last words."""

    code: int
    said: str


Message = Answered | AtWork | Told | Finished | Gone


class Sender:
    """Writes messages to a pipe, whole ones, from several threads."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    def send(self, message: object) -> None:
        """Write a message.

        Raises:
            OSError: nobody reads any more.
        """
        with self._lock:
            pickle.dump(message, self._pipe)
            self._pipe.flush()


def received(pipe: BinaryIO) -> Any:  # noqa: ANN401 - whatever the other side sent
    """Return the next message, or None at the end: a message cut off by a process that was killed is none."""
    try:
        return pickle.load(pipe)  # noqa: S301 - from a process that we started ourselves
    except (EOFError, OSError, pickle.UnpicklingError):
        return None
