"""Identities of files: whole where they are small, sampled where they are gigabytes."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from harness.errors import InputError

_BLOCK = 1 << 20
_SAMPLE = 1 << 16
_SAMPLES = 64


def content_digest(parts: Iterable[Path | tuple[str, str]]) -> str:
    """Return the sha256, in hex, of files' contents (paths) and of named values, in order.

    >>> content_digest([("a", "1")]) == content_digest([("a", "1")]) != content_digest([("a", "2")])
    True

    Raises:
        InputError: a file cannot be read.
    """
    total = hashlib.sha256()
    for part in parts:
        if isinstance(part, tuple):
            total.update("\0".join((*part, "")).encode())
            continue
        try:
            with part.open("rb") as file:
                while block := file.read(_BLOCK):
                    total.update(block)
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}.", path=part) from error
    return total.hexdigest()


def sampled_digest(path: Path) -> str:
    """Return the sha256, in hex, of a file's size and of 64 evenly spaced samples of 64 KiB, the first at its start.

    A few milliseconds for any size. Fine-tuning moves every tensor, so samples tell two sets of weights of one shape
    apart, which header and size alone do not.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        size = path.stat().st_size
        total = hashlib.sha256(str(size).encode())
        with path.open("rb") as file:
            for index in range(_SAMPLES):
                file.seek(max(0, size - _SAMPLE) * index // (_SAMPLES - 1))
                total.update(file.read(_SAMPLE))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}.", path=path) from error
    return total.hexdigest()
