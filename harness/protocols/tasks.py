"""What a source of tasks may be able to do."""

from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

from harness.types import Sample


class TaskSource(Protocol):
    """Where samples come from."""

    def samples(self) -> Iterator[Sample]:
        """Yield samples in a stable order, with unique ids."""


@runtime_checkable
class TellsOfTasks(Protocol):
    """A task source that has something to say of what it found, such as a part where a whole set was meant."""

    @property
    def notices(self) -> Sequence[str]:
        """Sentences for the user."""
