"""The folder of a run: manifest.json, results.json and the reports, each replaced whole or not at all."""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from harness.errors import HarnessError, InputError, RunNameError, UnwritableError
from harness.locale import tr
from harness.locale.parsers import json_said
from harness.locale.system import system_said
from harness.runs.manifest import ANEW, SCHEMA, Manifest, read_manifest, unknown_schema
from harness.tables.files import read_bytes

MANIFEST = "manifest.json"
RESULTS = "results.json"
MARKDOWN = "leaderboard.md"
HTML = "report.html"
CSV = "results.csv"
AB_MARKDOWN = "ab.md"
_RESULTS_NEED = ("rows", "comparisons", "provenance")
_LOCK_TIMEOUT = 600.0  # seconds; a large board takes some ten to write


class RunFolder:
    """``runs/NAME``, or the folder itself if NAME is a path."""

    def __init__(self, runs: str, name: str) -> None:
        """``name`` is a run's name under ``runs`` or the path of a run's folder."""
        is_path = os.sep in name or "/" in name or name in {os.curdir, os.pardir}
        self.path = Path(name) if is_path else Path(runs) / name
        self.name = self.path.name if self.path.name.strip(".") else self.path.resolve().name

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes from writing this run's files, and wait for one that does.

        The lock is a file beside the folder, and the system's: it goes when its owner does. Where no such file can be
        made, every file is still replaced whole.

        Raises:
            HarnessError: another process does not come to an end.
        """
        path = self.path.absolute()
        lock = FileLock(path.parent / f".{path.name}.lock", timeout=_LOCK_TIMEOUT)
        try:
            hold = lock.acquire()
        except Timeout as error:
            raise UnwritableError(
                tr(
                    "Another process has been writing the files of {path} for {lock_timeout:g} minutes.",
                    path=self.path,
                    lock_timeout=_LOCK_TIMEOUT / 60,
                ),
                hint=tr("Wait for it or end it, then run the same command again; nothing stored is lost."),
            ) from error
        except (OSError, NotImplementedError):
            yield
            return
        with hold:
            yield

    def remove(self, name: str) -> None:
        """Remove one file that no longer belongs to the run.

        Raises:
            HarnessError: no permission.
        """
        try:
            (self.path / name).unlink(missing_ok=True)
        except OSError as error:
            raise _cannot_write(self.path / name, error) from error

    def create(self) -> None:
        """Make the folder, and find out before any work is done whether it can be written.

        Raises:
            HarnessError: it cannot be made or written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.path):
                pass
        except OSError as error:
            raise _cannot_write(self.path, error) from error

    def write(self, name: str, text: str) -> None:
        """Write one file; a file that already has this content is left alone.

        Raises:
            HarnessError: no space or no permission.
        """
        self.write_bytes(name, text.encode("utf-8", "replace"))

    def write_bytes(self, name: str, data: bytes) -> None:
        """Write one file that is no text, as `write` does."""
        target = self.path / name
        try:
            if target.exists() and target.read_bytes() == data:
                return
            handle, temporary = tempfile.mkstemp(dir=self.path, prefix=f".{name}.")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                Path(temporary).chmod(0o644)
                Path(temporary).replace(target)
            except OSError:
                Path(temporary).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise _cannot_write(target, error) from error

    def write_json(self, name: str, value: Mapping[str, Any]) -> None:
        """Write one JSON file."""
        self.write(name, json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n")

    def read(self, name: str) -> str | None:
        """Return the text of one file, or None if it is not there.

        Raises:
            InputError: it is no text, or may not be read.
        """
        path = self.path / name
        if not path.parent.is_dir() or not os.path.lexists(path):
            return None
        try:
            return read_bytes(path).decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(tr("not UTF-8 text."), path=path, hint=ANEW) from error

    def holds(self, name: str) -> bool:
        """Return whether the file is there."""
        return (self.path / name).is_file()

    def names(self, pattern: str) -> list[str]:
        """Return the names of the files that fit a pattern."""
        return sorted(path.name for path in self.path.glob(pattern) if path.is_file())

    def manifest(self) -> Manifest | None:
        """Return the manifest, or None if there is none.

        Raises:
            InputError: it is not what a version of the harness writes.
        """
        found = self.document(MANIFEST)
        return None if found is None else read_manifest(found, where=str(self.path / MANIFEST))

    def previous(self) -> Manifest | None:
        """Return the manifest; one that cannot be used counts as none, because it is written anew."""
        try:
            return self.manifest()
        except InputError:
            return None

    def results(self) -> dict[str, Any] | None:
        """Return results.json, or None if there is none.

        Raises:
            InputError: it is not what a version of the harness writes.
        """
        found = self.document(RESULTS)
        if found is None:
            return None
        if (schema := found.get("schema")) not in (1, SCHEMA):
            raise unknown_schema(schema, where=str(self.path / RESULTS))
        if missing := [key for key in _RESULTS_NEED if key not in found]:
            raise InputError(tr("{missing} missing.", missing=", ".join(missing)), path=self.path / RESULTS, hint=ANEW)
        return found

    def is_complete(self, *, has_test: bool = False) -> bool:
        """Return whether every file that belongs beside the manifest is there; ``has_test``: ab.md is one of them."""
        try:
            results = self.results()
            texts = [self.read(name) for name in (MARKDOWN, *([AB_MARKDOWN] if has_test else []))]
        except InputError:
            return False
        return all(texts) and self.holds(HTML) and results is not None and ("ab" in results) == has_test

    def document(self, name: str) -> dict[str, Any] | None:
        """Return the content of one JSON file, or None if there is none.

        Raises:
            InputError: it is no JSON object.
        """
        text = self.read(name)
        if text is None:
            return None
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(
                tr("not valid JSON: {error}.", error=json_said(error)), path=self.path / name, hint=ANEW
            ) from error
        if not isinstance(value, dict):
            raise InputError(tr("not a JSON object."), path=self.path / name, hint=ANEW)
        return value


def new_run(runs: str, name: str) -> RunFolder:
    """Return the folder of a run that is to be written. A name stays in the runs folder, whatever it looks like.

    Raises:
        HarnessError: it is a path, or no name.
    """
    if not name.strip() or not name.isprintable() or name.startswith(".") or "/" in name or "\\" in name:
        raise RunNameError(
            tr("--run {name!r} is no name for a run: it would not be a folder in {runs}/.", name=name, runs=runs),
            hint=tr(
                "Give a name without slashes, full-width spaces and invisible characters that does not begin with a "
                'dot; where runs go is set by runs = "DIR" in harness.toml.'
            ),
        )
    return RunFolder(runs, name)


def run_folders(runs: str) -> list[RunFolder]:
    """Return every finished run under ``runs``, oldest first; those whose manifest cannot be used come first."""
    root = Path(runs)
    found = [RunFolder(runs, path.parent.name) for path in root.glob(f"*/{MANIFEST}")] if root.is_dir() else []
    return sorted(found, key=_when)


def _when(folder: RunFolder) -> tuple[str, float]:
    """Return a run's date, to the second, and when its manifest was written, which tells runs of one second apart."""
    try:
        manifest = folder.manifest()
        return "" if manifest is None else manifest.date, (folder.path / MANIFEST).stat().st_mtime
    except (InputError, OSError):
        return "", 0.0


def _cannot_write(path: Path, error: OSError) -> HarnessError:
    return UnwritableError(
        tr("Cannot write {path}: {strerror}.", path=path, strerror=system_said(error)),
        hint=tr("Free some space or choose another folder: set runs in harness.toml."),
    )
