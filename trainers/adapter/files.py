"""Files of an adapter's folder: written whole or not at all, and read only where they are files."""

import contextlib
import errno
import hashlib
import os
import stat
from pathlib import Path

from harness.errors import DamagedFileError, UnwritableError
from harness.locale import tr
from harness.locale.system import system_said

PART = ".part"  # ends the name of a file that is being written
_CHUNK = 1 << 20


def write_whole(path: Path, content: str | bytes, *, then: str = tr("run the same command with --resume")) -> None:
    """Write a file that is there whole or not at all; ``then`` is what to do once a trouble is mended.

    Raises:
        HarnessError: it cannot be written; what was there before stays.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    work = path.with_name(f".{path.name}{PART}")
    try:
        with work.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        work.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            work.unlink()
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        raise UnwritableError(
            tr("{path} cannot be written: {strerror}.", path=path, strerror=system_said(error)),
            hint=tr("{value}, then {then}.", value="Make room" if full else "Mend that", then=then),
        ) from error


def read_plain(path: Path, *, most: int) -> bytes:
    """Return the content of a file of at most ``most`` bytes.

    Raises:
        HarnessError: there is none, it is a link, a folder, a pipe or a device, it is larger, or it cannot be read.
    """
    refuse_other_than_file(path)
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise DamagedFileError(
            tr("{name} cannot be read: {strerror}", name=path.name, strerror=system_said(error))
        ) from error
    if len(content) > most:
        raise DamagedFileError(tr("{name} has more than {most:,} bytes", name=path.name, most=most))
    return content


def refuse_other_than_file(path: Path) -> None:
    """Check that a path is a file, not a link to one: opening a pipe would wait, and a device has no end.

    Raises:
        HarnessError: it is something else, or not there.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        raise DamagedFileError(tr("{name} is missing", name=path.name)) from None
    except OSError as error:
        raise DamagedFileError(
            tr("{name} cannot be read: {strerror}", name=path.name, strerror=system_said(error))
        ) from error
    if not stat.S_ISREG(mode):
        kind = "a link" if stat.S_ISLNK(mode) else "a folder" if stat.S_ISDIR(mode) else "a pipe or a device"
        raise DamagedFileError(tr("{name} is {kind}, not a file", name=path.name, kind=kind))


def sha256_of(path: Path) -> str:
    """Return the digest of a file's content, in hex."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()
