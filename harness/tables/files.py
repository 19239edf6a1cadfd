"""Reading files that strangers made: what they are and how large is looked at first, and text must be text.

Tables may hold `largest` bytes, 1,000 MB unless ``HARNESS_MAX_FILE_MB`` says otherwise, a line of text a quarter of
them, a Parquet file four times as many once unpacked; settings in JSON `MAX_SETTINGS` bytes, in TOML a million.
"""

import difflib
import os
import re
import stat
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path, PurePath
from typing import Any

from harness.errors import InputError
from harness.locale import tr
from harness.locale.parsers import parser_said
from harness.locale.system import system_said

SIZE_VARIABLE = "HARNESS_MAX_FILE_MB"
MAX_SETTINGS = 4_000_000
"""Bytes that a file of settings may hold, such as a prompt contract."""
_MAX_TOML = 1_000_000
_MAX_DOTS = 1_000  # in a line: a key of many parts takes the parser the square of their number
_DEFAULT_MB = 1_000
_MB = 1_000_000
_LINE_SHARE = 4
_KINDS = {
    stat.S_ISDIR: tr("a folder"),
    stat.S_ISFIFO: tr("a pipe"),
    stat.S_ISSOCK: tr("a socket"),
    stat.S_ISCHR: tr("a device"),
    stat.S_ISBLK: tr("a device"),
}


def largest() -> int:
    """Return how many bytes a table may hold.

    Raises:
        InputError: ``HARNESS_MAX_FILE_MB`` is no whole number above 0.
    """
    text = os.environ.get(SIZE_VARIABLE, "").strip() or str(_DEFAULT_MB)
    if not text.isascii() or not text.isdigit() or int(text[:12]) == 0:
        raise InputError(
            tr("{text!r} is not a number of megabytes", text=text), path=SIZE_VARIABLE, hint=tr("For example 4000.")
        )
    return int(text[:12]) * _MB


def more_allowed() -> str:
    """Return the hint that says how to allow larger tables."""
    return tr(
        "Split it, or allow more: {size_variable}={value}.", size_variable=SIZE_VARIABLE, value=4 * largest() // _MB
    )


def read_bytes(path: str | Path, *, most: int | None = None) -> bytes:
    """Return the content of a regular file. ``~`` stands for the home folder.

    Args:
        path: As typed: messages show it like this.
        most: Bytes that it may hold; None: those of a table.

    Raises:
        InputError: no such file, a folder, pipe or device, no permission, or too large.
    """
    limit = largest() if most is None else most
    try:
        source = Path(path).expanduser()
        _refuse_odd(source.stat().st_mode, path)
        # Not to wait for the other end, should a pipe have taken the file's place meanwhile.
        handle = os.open(source, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with open(handle, "rb") as file:  # noqa: PTH123 - an open handle
            status = os.fstat(handle)
            _refuse_odd(status.st_mode, path)
            # Files of the system say that they are empty and are not, and others grow: one byte more tells.
            data = b"" if status.st_size > limit else file.read(limit + 1)
    except FileNotFoundError:
        raise InputError(
            tr("no such file"),
            path=path,
            hint=where_to_look(path, wanted=Path.is_file),
        ) from None
    except PermissionError:
        raise InputError(tr("no permission to read this file"), path=path) from None
    except (OSError, ValueError, RuntimeError) as error:
        reason = system_said(error) if isinstance(error, OSError) else str(error)
        if isinstance(error, RuntimeError):
            reason = tr("nobody of that name has a home folder here")
        raise InputError(tr("cannot be read: {reason}", reason=reason), path=path) from None
    if status.st_size > limit or len(data) > limit:
        size = max(status.st_size, len(data))
        hint = more_allowed() if most is None else tr("This is hardly the file that was meant: check the path.")
        raise InputError(tr("larger than {limit:,} bytes ({size:,})", limit=limit, size=size), path=path, hint=hint)
    return data


def read_text(path: str | Path, *, most: int = MAX_SETTINGS) -> str:
    """Return the text of a small file in UTF-8, with or without a byte order mark.

    Raises:
        InputError: as `read_bytes`; not UTF-8; or a NUL, which no text holds.
    """
    data = read_bytes(path, most=most)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            tr("byte 0x{data:02x} is not UTF-8 text", data=data[error.start]),
            path=path,
            line=line_of(data, error.start),
            hint=tr("Save the file as UTF-8."),
        ) from None
    refuse_nul(text, str(path))
    return text


def read_toml(path: str | Path) -> dict[str, Any]:
    """Return the tables and values of a TOML file.

    Raises:
        InputError: as `read_text`, or it is not TOML.
    """
    text = read_text(path, most=_MAX_TOML)
    for number, line in enumerate(text.splitlines(), start=1):
        if line.count(".") > _MAX_DOTS:
            raise InputError(tr("a key or text with more dots than any needs"), path=path, line=number)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(tr("not valid TOML: {error}.", error=parser_said(str(error))), path=path) from error
    except RecursionError:
        raise InputError(tr("not valid TOML: nested too deeply."), path=path) from None
    except ValueError as error:  # a number of more digits than Python converts, a date that does not exist
        raise InputError(tr("not valid TOML: {error}.", error=error), path=path) from error


def refuse_nul(text: str, path: str) -> None:
    """Raise InputError if a file that should be text holds a NUL."""
    place = text.find("\0")
    if place >= 0:
        raise InputError(
            tr("a NUL, which no text holds: UTF-16 without its mark, or no text file"),
            path=path,
            line=text.count("\n", 0, place) + 1,
            hint=tr("Save the file as UTF-8."),
        )


def refuse_long_lines(data: bytes, path: str) -> None:
    """Raise InputError if a line is longer than any row could be."""
    limit = largest() // _LINE_SHARE
    start = 0
    # Looking for the last line end within the limit is quicker than looking at every line.
    while len(data) - start > limit:
        end = data.rfind(b"\n", start, start + limit + 1)
        if end < 0:
            raise InputError(
                tr("a line of more than {limit:,} bytes", limit=limit),
                path=path,
                line=line_of(data, start),
                hint=more_allowed(),
            )
        start = end + 1


def line_of(data: bytes, place: int) -> int:
    """Return the line on which a byte stands, from 1."""
    return data.count(b"\n", 0, place) + 1


def _refuse_odd(mode: int, path: str | Path) -> None:
    for is_kind, name in _KINDS.items():
        if is_kind(mode):
            raise InputError(tr("this is {name}, not a file", name=name), path=path)


_OF_WINDOWS = re.compile(r"[A-Za-z]:[\\/]")
_ALIKE = 0.7  # as difflib counts: two letters of seven may differ


def nearby(path: str | Path, prefix: str = "", *, wanted: Callable[[Path], bool] = Path.exists) -> str | None:
    """Return the hint that names the file or folder that was probably meant by a path that leads nowhere.

    ``prefix`` is what stands before the path in a spec, as ``adapter:``; ``wanted`` tells what would do in its place.
    """
    slashed = str(path).replace("\\", "/")  # as Windows writes paths
    meant = Path(slashed).expanduser()
    if not meant.exists():
        gone = next(part for part in (meant, *meant.parents) if part.parent.exists())
        try:
            fits = wanted if gone == meant else Path.is_dir
            near = _alike(gone.name, [entry.name for entry in gone.parent.iterdir() if fits(entry)])
        except OSError:
            near = None
        meant = gone.with_name(near) / meant.relative_to(gone) if near and gone.name else meant
        slashed = str(meant)
    is_there = Path(str(path)).expanduser().exists()  # as something else than what was wanted
    if wanted(meant) and not is_there:
        return tr("Did you mean {path}?", path=f"{prefix}{slashed}")
    if _OF_WINDOWS.match(str(path)) and os.name != "nt":
        return tr("That is a path of Windows; here paths look like /home/me/file, and under WSL C:\\ is /mnt/c/.")
    return None


def _alike(name: str, names: Iterable[str]) -> str | None:
    """Return the one of ``names`` that differs from ``name`` as a misspelling does, or None.

    Endings count last: they make names of few letters alike, and a wrong one is a misspelling of its own.
    """
    wanted, found = PurePath(name.lower()), []
    for other in names:
        path = PurePath(other.lower())
        ratio = difflib.SequenceMatcher(None, wanted.stem, path.stem).ratio()
        if ratio >= _ALIKE:
            found.append((ratio, path.suffix == wanted.suffix, other))
    return max(found)[-1] if found else None


def where_to_look(path: str | Path, prefix: str = "", *, wanted: Callable[[Path], bool] = Path.exists) -> str:
    """Return the hint for a path that leads nowhere: what was probably meant, else from where it was looked for."""
    if near := nearby(path, prefix, wanted=wanted):
        return near
    meant = Path(str(path)).expanduser()
    if meant.is_absolute():
        there = next(folder for folder in meant.parents if folder.exists())
        return tr("There is {folder}, but nothing of that name in it.", folder=there)
    return tr("Relative paths start at {folder}.", folder=Path.cwd())
