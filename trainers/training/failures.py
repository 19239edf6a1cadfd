"""What can be told of an error that libraries raise: memory, the disk, a checkpoint that they cannot load."""

import contextlib
import errno
from collections.abc import Iterator

import torch

from harness.errors import DamagedFileError, HarnessError
from harness.locale import tr

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FULL_WORDS = (  # safetensors gives the system's words, torch.save one of its own
    *("No space left", "Disk quota exceeded", "File too large"),
    *("unexpected pos", "file write failed", "PytorchStreamWriter failed"),
)
_NO_MEMORY = ("DefaultCPUAllocator", "CUBLAS_STATUS_ALLOC_FAILED", "CUDA error: out of memory")


@contextlib.contextmanager
def loading(checkpoint: str | None) -> Iterator[None]:
    """Say of a checkpoint that is as it was written, but which the libraries of today cannot load, which one it is."""
    try:
        yield
    except Exception as error:
        if isinstance(error, HarnessError) or (isinstance(error, RuntimeError) and out_of_memory(error)):
            raise
        raise DamagedFileError(
            tr(
                "{checkpoint} cannot be loaded: {name}: {error}",
                checkpoint=checkpoint,
                name=type(error).__name__,
                error=first_line(error),
            ),
            hint=tr("Use the versions of training.json; or remove it, and --resume takes the one before."),
        ) from error


def first_line(error: Exception) -> str:
    """Return the first line of what an error says."""
    return str(error).strip().partition("\n")[0]


def out_of_memory(error: RuntimeError) -> bool:
    """Return whether an error says that memory ran out; only a GPU's allocator has a class of its own for it."""
    return isinstance(error, torch.OutOfMemoryError) or any(words in str(error) for words in _NO_MEMORY)


def disk_is_full(error: BaseException) -> bool:
    """Return whether a failure to write came from a full disk; safetensors and torch say so in words only."""
    return getattr(error, "errno", None) in _FULL or any(words in str(error) for words in _FULL_WORDS)
