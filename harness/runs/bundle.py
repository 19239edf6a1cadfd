"""A run in one file that another machine reports from: its pages, its rows, its tasks, its templates and a small store.

A bundle is a zip whose one folder is an ordinary run folder, so that a plain unzip gives a run, too. ``bundle.json`` in
it holds the size and the sha256 of every other member; `harness.runs.unpacking` reads it.
"""

import hashlib
import json
import re
import stat
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from harness.codec import canonical
from harness.errors import HarnessError, UnwritableError
from harness.human.sheets import KEYS, RATINGS
from harness.locale import tr
from harness.locale.system import system_said
from harness.runs.export import write_table
from harness.runs.folder import RunFolder
from harness.runs.own_store import with_own_store
from harness.runs.run import Run
from harness.runs.unpacking import CONTENTS
from harness.templates import load_template

SCORES = "scores.parquet"
_PORTION = 1 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)  # equal runs make equal files; zip knows no earlier date


def write_bundle(run: Run, path: Path, folder: RunFolder | None = None) -> tuple[str, ...]:
    """Write a run to one file, and return what could not be put in, in sentences.

    ``folder`` is where the run was read from: what people rated on its sheets goes along.

    Raises:
        UnwritableError: the file cannot be written.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="harness-bundle-") as temporary:
            root = Path(temporary) / "run"
            root.mkdir()
            notices = _fill(run, root)
            if folder is not None:
                _copy_ratings(folder, RunFolder("", str(root)))
            whole = Path(temporary) / "whole.zip"
            _pack(root, run.name, whole)
            _put(whole, path)
    except OSError as error:
        raise UnwritableError(
            tr("Cannot write {path}: {strerror}.", path=path, strerror=system_said(error)),
            hint=tr("Name another file: --bundle FILE.zip."),
        ) from error
    return notices


def _put(whole: Path, path: Path) -> None:
    """Write beside the target first, so that no half of a bundle is ever left under its name."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        temporary = Path(file.name)
        try:
            with whole.open("rb") as source:
                while portion := source.read(_PORTION):
                    file.write(portion)
            file.close()
            temporary.chmod(0o644)
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise


def _fill(run: Run, root: Path) -> tuple[str, ...]:
    with_own_store(run, RunFolder("", str(root))).save(root)
    write_table(run.scores(), root / SCORES, "parquet")
    for number, task in enumerate(run.tasks):
        rows = (canonical(sample) + "\n" for sample in task.samples)
        target = root / "tasks" / f"{number}.jsonl"
        target.parent.mkdir(exist_ok=True)
        target.write_text(canonical({"task": task.name}) + "\n" + "".join(rows), encoding="utf-8")
    return _write_templates(run, root)


def _copy_ratings(source: RunFolder, target: RunFolder) -> None:
    """Copy the ratings of a run's own sheets, with the keys that say whose answers they are about."""
    for name in [*source.names(RATINGS), *source.names(KEYS)] if source.holds(RATINGS) else []:
        target.write_bytes(name, (source.path / name).read_bytes())


def _write_templates(run: Run, root: Path) -> tuple[str, ...]:
    notices: list[str] = []
    for number, (name, known) in enumerate(run.manifest.provenance.get("templates", {}).items()):
        try:
            template = load_template(name)
        except HarnessError:
            template = None
        if template is None or template.sha256 != known.get("sha256"):
            notices.append(
                tr(
                    "The text of template {name!r} is not in the bundle: it is gone or was changed since. The prompts "
                    "that it made are.",
                    name=name,
                )
            )
            continue
        target = root / "templates" / f"{number}-{PurePosixPath(name).name.removesuffix('.j2')}.j2"
        target.parent.mkdir(exist_ok=True)
        target.write_text(template.text, encoding="utf-8", newline="\n")
    return tuple(notices)


def _pack(root: Path, name: str, target: Path) -> None:
    files = sorted(path for path in root.rglob("*") if path.is_file())
    members = {
        path.relative_to(root).as_posix(): {"size": path.stat().st_size, "sha256": _sha256(path)} for path in files
    }
    contents = json.dumps({"schema": 1, "run": name, "members": members}, ensure_ascii=False, indent=1) + "\n"
    folder = re.sub(r"[^\w.+=@, -]", "-", name).strip(". ") or "run"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_entry(f"{folder}/{CONTENTS}"), contents)
        for path in files:
            with (
                path.open("rb") as source,
                archive.open(_entry(f"{folder}/{path.relative_to(root).as_posix()}"), "w", force_zip64=True) as sink,
            ):
                while portion := source.read(_PORTION):
                    sink.write(portion)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    return entry


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
