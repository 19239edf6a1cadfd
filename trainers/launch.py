"""Whether training can be started here, and how as several processes: their launcher says so in the environment."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from harness.errors import HarnessError, UsageError
from harness.locale import tr

_NEEDED = ("torch", "transformers", "peft", "accelerate", "bitsandbytes", "trl", "datasets")
_PATIENCE = 30  # seconds that the first process has to say what is wrong before another does
_INTERRUPTED = 130


def is_installed() -> bool:
    """Return whether every package that training takes is installed; nothing is imported."""
    return all(find_spec(name) is not None for name in _NEEDED)


def world() -> tuple[int, int]:
    """Return this process's rank and how many there are.

    >>> world()
    (0, 1)

    Raises:
        UsageError: the launcher's variables are no numbers.
    """
    try:
        return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    except ValueError as error:
        raise UsageError(tr("RANK or WORLD_SIZE is no number: {error}.", error=error)) from error


def is_first() -> bool:
    """Return whether this is the first process: the one that speaks and writes.

    >>> is_first()
    True
    """
    return world()[0] == 0


@contextmanager
def first_speaks(sleep: Callable[[float], object] = time.sleep) -> Iterator[None]:
    """Hold back what the other processes would say of an error.

    What is wrong with the data or the base is wrong in all of them, and Ctrl-C reaches all. The launcher ends the
    others as soon as the first has failed; one that is still there after a while has an error of its own, which is
    raised then.

    Raises:
        SystemExit: another process than the first was interrupted.
    """
    try:
        yield
    except HarnessError:
        if not is_first():
            sleep(_PATIENCE)
        raise
    except KeyboardInterrupt:
        if not is_first():
            raise SystemExit(_INTERRUPTED) from None
        raise
