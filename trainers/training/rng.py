"""The state of torch's random numbers: work that must not move it, and steps that are done again from where it was."""

import contextlib
from collections.abc import Iterator

import torch


class RngState:
    """The state of the random numbers, taken at one moment."""

    def __init__(self) -> None:
        """Take it."""
        self._cpu = torch.get_rng_state()
        self._cuda = torch.cuda.get_rng_state() if torch.cuda.is_available() else None

    def restore(self) -> None:
        """Put it back."""
        torch.set_rng_state(self._cpu)
        if self._cuda is not None:
            torch.cuda.set_rng_state(self._cuda)


@contextlib.contextmanager
def preserve_rng_state() -> Iterator[None]:
    """Put the state of the random numbers back at the end as it was at the beginning."""
    state = RngState()
    yield
    state.restore()
