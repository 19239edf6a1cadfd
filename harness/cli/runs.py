"""The folder of a run: manifest.json, results.json and the reports, each replaced whole or not at all."""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, InputError

MANIFEST = "manifest.json"
RESULTS = "results.json"
MARKDOWN = "leaderboard.md"
HTML = "report.html"
CSV = "results.csv"


class RunFolder:
    """``runs/NAME``, or the folder itself if NAME is a path."""

    def __init__(self, runs: str, name: str) -> None:
        """``name`` is a run's name under ``runs`` or the path of a run's folder."""
        self.name = Path(name).name
        self.path = Path(name) if os.sep in name or "/" in name else Path(runs) / name

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
        target = self.path / name
        data = text.encode("utf-8", "replace")
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
        """Return the text of one file, or None if it is not there."""
        try:
            return (self.path / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def holds(self, name: str) -> bool:
        """Return whether the file is there."""
        return (self.path / name).is_file()

    def manifest(self) -> dict[str, Any] | None:
        """Return the manifest, or None if there is none.

        Raises:
            InputError: it is not the JSON that was written.
        """
        return self.document(MANIFEST)

    def results(self) -> dict[str, Any] | None:
        """Return results.json, or None if there is none.

        Raises:
            InputError: it is not the JSON that was written.
        """
        return self.document(RESULTS)

    def document(self, name: str) -> dict[str, Any] | None:
        """Return the content of one JSON file, or None if there is none.

        Raises:
            InputError: it is not the JSON that was written.
        """
        text = self.read(name)
        if text is None:
            return None
        try:
            value: dict[str, Any] = json.loads(text)
        except ValueError as error:
            raise InputError(
                f"not valid JSON: {error}.", path=self.path / name, hint="Run the evaluation again to write it anew."
            ) from error
        return value


def run_folders(runs: str) -> list[RunFolder]:
    """Return every finished run under ``runs``, oldest first."""
    root = Path(runs)
    found = [RunFolder(runs, path.parent.name) for path in root.glob(f"*/{MANIFEST}")] if root.is_dir() else []
    return sorted(found, key=lambda folder: str((folder.manifest() or {}).get("date", "")))


def _cannot_write(path: Path, error: OSError) -> HarnessError:
    return HarnessError(
        f"Cannot write {path}: {error.strerror}.",
        hint="Free some space or choose another folder: set runs in harness.toml, or pass --run PATH/NAME.",
    )
