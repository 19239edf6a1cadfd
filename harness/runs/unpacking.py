"""Reading a bundle: a stranger's file, whose names, sizes and hashes are looked at before anything of it is used."""

import hashlib
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Annotated, Literal

from annotated_types import Ge

from harness.codec import decode
from harness.errors import InputError, UsageError
from harness.locale import Text, tr
from harness.runs.folder import MANIFEST, RunFolder
from harness.tables.files import MAX_SETTINGS, SIZE_VARIABLE, largest

CONTENTS = "bundle.json"
STORE = "store.sqlite"
_ENDING = ".zip"
_MOST_MEMBERS = 1_000
_UNPACKED = 4  # times as much as a table may hold, as for a Parquet file
_PORTION = 1 << 20
_PACKED = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_STRICT = {"extra": "forbid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One file of a bundle."""

    __pydantic_config__ = _STRICT
    size: Annotated[int, Ge(0)]
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What ``bundle.json`` says: the name of the run, and every other file by its path in the run's folder."""

    __pydantic_config__ = _STRICT
    schema: Literal[1]
    run: str
    members: dict[str, Member]


def is_bundle(name: str) -> bool:
    """Return whether what was named as a run is a bundle's file."""
    return name.lower().endswith(_ENDING) and Path(name).expanduser().is_file()


def refuse_bundle(name: str, hint: str | None = None) -> None:
    """Refuse a bundle where a run is to be changed or files are to be written into its folder.

    Raises:
        UsageError: it is one.
    """
    if is_bundle(name):
        raise UsageError(
            tr("{name} is a bundle, which is only read.", name=name),
            hint=hint or tr("Unpack it (unzip {name}), and name the folder that comes out of it.", name=name),
        )


@contextmanager
def unpacked(path: str) -> Iterator[Path]:
    """Unpack a bundle for as long as the block lasts, and yield the run's folder.

    Raises:
        InputError: it is no bundle, it is damaged, it names what it should not, or it is too large.
    """
    source = Path(path).expanduser()
    try:
        with (
            zipfile.ZipFile(source) as archive,
            tempfile.TemporaryDirectory(prefix="harness-bundle-", ignore_cleanup_errors=True) as folder,
        ):
            yield _unpack(archive, Path(folder), path)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise _damaged(path, tr("it is no whole zip file ({error})", error=error)) from error


@contextmanager
def run_folder(name: str, runs: str) -> Iterator[RunFolder]:
    """Yield the folder of a run, by its name, its path or a bundle that is unpacked for as long as the block lasts.

    Raises:
        InputError: the bundle is damaged.
    """
    if is_bundle(name):
        with unpacked(name) as path:
            yield RunFolder(runs, str(path))
    else:
        yield RunFolder(runs, name)


def _unpack(archive: zipfile.ZipFile, folder: Path, path: str) -> Path:
    entries = _entries(archive, path)
    if CONTENTS not in entries:
        raise InputError(
            tr("this zip file is no bundle of a run: {contents} is missing.", contents=CONTENTS),
            path=path,
            hint=tr("Bundles are made by: harness export RUN --bundle FILE.zip"),
        )
    if entries[CONTENTS].file_size > MAX_SETTINGS:
        raise _damaged(path, tr("its {contents} is too large", contents=CONTENTS))
    try:
        contents = decode(Contents, archive.read(entries.pop(CONTENTS)).decode("utf-8"), where=f"{path}: {CONTENTS}")
    except UnicodeDecodeError:
        raise _damaged(path, tr("its {contents} is not UTF-8 text", contents=CONTENTS)) from None
    for name in sorted({MANIFEST, *contents.members, *entries}):
        if name not in entries:
            raise _damaged(path, tr("{name!r} is missing", name=name))
        if name not in contents.members:
            raise _damaged(path, tr("{name!r} is not listed", name=name))
    root = folder / _safe_folder(contents.run)
    for name, entry in entries.items():
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(entry) as member, target.open("wb") as file:
            if _copy(member, file, contents.members[name].size) != contents.members[name].sha256:
                raise _damaged(path, tr("{name!r} is not what was written", name=name))
    return root


def _safe_folder(run: str) -> str:
    """Return a run's name as that of a folder: what is no such name on this machine is made one."""
    return run if run == PurePosixPath(run).name and run.isprintable() and run.strip(".") else "run"


def _copy(member: IO[bytes], file: IO[bytes], size: int) -> str:
    """Write at most ``size`` bytes and one more, and return their sha256."""
    hashed, left = hashlib.sha256(), size + 1
    while left and (portion := member.read(min(_PORTION, left))):
        hashed.update(portion)
        file.write(portion)
        left -= len(portion)
    return hashed.hexdigest()


def _entries(archive: zipfile.ZipFile, path: str) -> dict[str, zipfile.ZipInfo]:
    """Return the files of an archive by their path in its one folder, once names, kinds and sizes are harmless."""
    infos = [info for info in archive.infolist() if not info.is_dir()]
    if len(archive.infolist()) > _MOST_MEMBERS:
        raise _damaged(path, tr("it has more than {most_members:,} members", most_members=_MOST_MEMBERS))
    found: dict[str, zipfile.ZipInfo] = {}
    folders: set[str] = set()
    known: set[str] = set()
    for info in infos:
        parts = info.filename.split("/")
        odd = any(part in {"", ".", ".."} or not part.isprintable() or "\\" in part or ":" in part for part in parts)
        if odd or len(parts) not in {2, 3}:
            raise _damaged(path, tr("{filename!r} is no name of a run's file", filename=info.filename))
        is_plain = stat.S_IFMT(info.external_attr >> 16) in {0, stat.S_IFREG}
        if not is_plain or info.flag_bits & 1 or info.compress_type not in _PACKED:
            raise _damaged(path, tr("{filename!r} is no plain file", filename=info.filename))
        folders.add(parts[0])
        name = "/".join(parts[1:])
        if name.casefold() in known:
            raise _damaged(path, tr("{filename!r} is there twice", filename=info.filename))
        known.add(name.casefold())
        found[name] = info
    if len(folders) > 1:
        raise _damaged(path, tr("it holds more than one folder"))
    _refuse_large(infos, path)
    return found


def _refuse_large(infos: list[zipfile.ZipInfo], path: str) -> None:
    limit, size = _UNPACKED * largest(), sum(info.file_size for info in infos)
    if size > limit:
        raise InputError(
            tr("larger than {limit:,} bytes once unpacked ({size:,})", limit=limit, size=size),
            path=path,
            hint=tr("If the bundle is meant to be as large, allow more: {variable}=4000.", variable=SIZE_VARIABLE),
        )


def _damaged(path: str, what: Text) -> InputError:
    return InputError(
        tr("the bundle is damaged: {what}.", what=what),
        path=path,
        hint=tr("Copy it once more, or write it anew: harness export RUN --bundle FILE.zip"),
    )
