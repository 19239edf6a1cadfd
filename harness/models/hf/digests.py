"""Identities of files: the sha256 of the whole content, of weights taken once and remembered."""

import contextlib
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness.errors import InputError
from harness.installation import cache_folder
from harness.locale import tr
from harness.locale.system import system_said
from harness.models.hf.progress import say
from harness.models.hf.reading import check_file

_BLOCK = 1 << 20
_SETTLED = 2_000_000_000  # ns: a file that changed later than this may change again without a new time stamp
_AT_ONCE = 4
_WORTH_SAYING = 4 << 30  # bytes that take several seconds


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
        check_file(part)
        try:
            with part.open("rb") as file:
                while block := file.read(_BLOCK):
                    total.update(block)
        except OSError as error:
            raise InputError(tr("cannot be read: {strerror}.", strerror=system_said(error)), path=part) from error
    return total.hexdigest()


def weights_digest(*paths: Path) -> str:
    """Return the sha256, in hex, of a file of any size, or of several, one after the other, as if they were one.

    They are read once: the digest is remembered in the cache folder for as long as each file keeps its place, size,
    times and inode. The time of the last change of the inode is among them, because no program can set it back. What
    changed in the last two seconds is not remembered, since the next change could leave the same times. A memory that
    is damaged or cannot be written costs time, nothing else.

    Raises:
        InputError: a file cannot be read, is no regular file, or changes while it is read.
    """
    for path in paths:
        check_file(path)
    path = paths[0]
    try:
        places = [one.resolve(strict=True) for one in paths]
        before = _identity(places)
        if (known := _recall(places, before)) is not None:
            return known
        total = hashlib.sha256()
        for path in paths:
            _announce(path)
            with path.open("rb") as file:
                hashlib.file_digest(file, lambda: total)
        after = _identity(places)
    except OSError as error:
        raise InputError(tr("cannot be read: {strerror}.", strerror=system_said(error)), path=path) from error
    if before != after:
        raise InputError(tr("it changed while it was read."), path=path, hint=tr("Is it still being written?"))
    newest = max(value for name, value in before.items() if name.startswith(("mtime_ns", "ctime_ns")))
    if time.time_ns() - newest > _SETTLED:
        _remember(places, before, total.hexdigest())
    return total.hexdigest()


def _announce(path: Path) -> None:
    size = path.stat().st_size
    if size >= _WORTH_SAYING:
        say(tr("Taking the sha256 of {name} ({size:.1f} GB), once.", name=path.name, size=size / 1e9))


def is_known(path: Path) -> bool:
    """Return whether a file's digest is remembered, so that `weights_digest` need not read it."""
    try:
        places = [path.resolve(strict=True)]
        return _recall(places, _identity(places)) is not None
    except OSError:
        return False


def weights_digests(paths: Sequence[Path]) -> list[str]:
    """Return what `weights_digest` does for each path, several at once: one processor takes 1.5 GB a second.

    Raises:
        InputError: as there.
    """
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        return list(threads.map(weights_digest, paths))


def _identity(places: Sequence[Path]) -> dict[str, int]:
    """Return what changes with any of the files; with a number behind the names from the second file on."""
    told: dict[str, int] = {}
    for index, place in enumerate(places):
        found, end = place.stat(), f" {index}" if index else ""
        told |= {
            f"size{end}": found.st_size,
            f"mtime_ns{end}": found.st_mtime_ns,
            f"ctime_ns{end}": found.st_ctime_ns,
            f"inode{end}": found.st_ino,
            f"device{end}": found.st_dev,
        }
    return told


def _name(places: Sequence[Path]) -> str:
    return "\0".join(map(str, places))


def _entry(places: Sequence[Path]) -> Path:
    """Return the file that remembers one digest: one each, so that processes never write into each other's."""
    return cache_folder() / "digests" / f"{hashlib.sha256(os.fsencode(_name(places))).hexdigest()[:32]}.json"


def _recall(places: Sequence[Path], identity: dict[str, int]) -> str | None:
    try:
        entry = json.loads(_entry(places).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(entry, dict) or entry.get("path") != _name(places) or entry.get("identity") != identity:
        return None
    digest = entry.get("sha256")
    is_digest = isinstance(digest, str) and len(digest) == hashlib.sha256().digest_size * 2
    return str(digest) if is_digest and set(str(digest)) <= set("0123456789abcdef") else None


def _remember(places: Sequence[Path], identity: dict[str, int], digest: str) -> None:
    entry = _entry(places)
    text = json.dumps({"path": _name(places), "identity": identity, "sha256": digest})
    with contextlib.suppress(OSError, UnicodeError):  # the digest is then taken again next time
        entry.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=entry.parent, suffix=".new")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(name).replace(entry)  # whole or not at all
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
