"""A training's checkpoints: sealed with the digest of every file, and checked against it before any file is read.

A checkpoint that is not what was written is set aside, and the one before it taken; no number comes out of a damaged
one. Its manifest is written last, so that a checkpoint without one was not written to its end.
"""

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from harness.codec import decode, digest
from harness.errors import DamagedFileError, HarnessError, InputError, UnwritableError
from harness.locale import clauses, tr
from harness.locale.system import system_said
from trainers.adapter.files import read_plain, refuse_other_than_file, sha256_of, write_whole
from trainers.adapter.training_record import Cut, TrainingRecord, differences
from trainers.memory_plan import MemoryPlan

CHECKPOINTS = "checkpoints"
MANIFEST = "manifest.json"
_NO_DIGESTS = "complete"  # what said so in versions that kept no digests
_ASIDE = ".refused"  # ends the name of a checkpoint that was set aside
_NAME = re.compile(r"checkpoint-[1-9][0-9]{0,15}")
_LARGEST_MANIFEST = 1 << 22
_NEEDED = {  # without one of them training would go on from something else, and say nothing
    *("adapter_config.json", "adapter_model.safetensors"),
    *("optimizer.pt", "scheduler.pt", "trainer_state.json", "tally.json"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDigest:
    """A file as it was written."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointFiles:
    """What a checkpoint is of, and the files that it consists of, by name."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - pydantic reads it from the class

    schema: Literal[1] = 1
    step: int
    cut: Cut
    run: TrainingRecord
    files: Mapping[str, FileDigest]


def cut_of(plan: MemoryPlan) -> Cut:
    """Return how a plan cuts steps up.

    It is kept with every checkpoint: another cut comes to the same sums but for their last digits.
    """
    return Cut(
        tokens=plan.tokens,
        recomputed=plan.recomputed,
        dequantized=plan.dequantized,
        shards=plan.shards,
        fused=plan.fused,
    )


def step_of(checkpoint: Path) -> int:
    """Return the optimizer step of a checkpoint.

    >>> step_of(Path("checkpoints/checkpoint-100"))
    100
    """
    return int(checkpoint.name.rpartition("-")[2])


def checkpoints_in(folder: Path) -> list[Path]:
    """Return all checkpoints, oldest first, without copies that somebody made under other names."""
    found = [path for path in (folder / CHECKPOINTS).glob("checkpoint-*") if _NAME.fullmatch(path.name)]
    return sorted(found, key=step_of)


def finished_checkpoints(folder: Path) -> list[Path]:
    """Return those checkpoints that were written to their end, oldest first, whatever became of them since."""
    return [checkpoint for checkpoint in checkpoints_in(folder) if not _is_unfinished(checkpoint)]


def seal(checkpoint: Path, run: TrainingRecord, cut: Cut) -> None:
    """Write a checkpoint's manifest, once all its files are on the disk.

    Raises:
        OSError: a file cannot be read or written to its end.
        HarnessError: the manifest cannot be written.
    """
    files = {path.name: _written(path) for path in sorted(checkpoint.iterdir())}
    shown = replace(run, outcome=None, versions={}, command="", sessions=())
    content = asdict(CheckpointFiles(step=step_of(checkpoint), cut=cut, run=shown, files=files))
    sealed = {**content, "sha256": digest(content)}
    write_whole(checkpoint / MANIFEST, json.dumps(sealed, ensure_ascii=False, indent=1, allow_nan=False) + "\n")


def last_checkpoint(folder: Path, run: TrainingRecord, say: Callable[[str], None]) -> Path | None:
    """Return the newest checkpoint that is what was written, None if no step had been saved.

    Newer ones that are not are set aside under another name, those that were not written to their end are removed, and
    both are said.

    Raises:
        InputError: there are checkpoints, and none of them can be used; nothing is touched.
    """
    place = folder / CHECKPOINTS
    if place.exists() and not place.is_dir():
        raise InputError(tr("not a folder."), path=place, hint=tr("Choose another --output."))
    faults: dict[Path, str] = {}
    chosen = None
    for checkpoint in reversed(finished_checkpoints(folder)):
        fault = fault_of(checkpoint, run)
        if fault is None:
            chosen = checkpoint
            break
        faults[checkpoint] = fault
    if faults and chosen is None:
        raise InputError(
            tr(
                "no checkpoint can be used: {items}.",
                items="; ".join(f"{path.name}: {fault}" for path, fault in faults.items()),
            ),
            path=place,
            hint=tr("Put back a copy of one, or train anew with another --output."),
        )
    for checkpoint, fault in faults.items():
        say(
            tr(
                "{name} cannot be used: {fault}. It is now called {aside}.",
                name=checkpoint.name,
                fault=fault,
                aside=_set_aside(checkpoint).name,
            )
        )
    for checkpoint in filter(_is_unfinished, checkpoints_in(folder)):
        say(tr("{name} was not written to its end, and is removed.", name=checkpoint.name))
        shutil.rmtree(checkpoint, ignore_errors=True)
    return chosen


def fault_of(checkpoint: Path, run: TrainingRecord) -> str | None:
    """Return in words why a checkpoint cannot be gone on from, None if it can: nothing but its manifest is parsed."""
    try:
        if checkpoint.is_symlink() or not checkpoint.is_dir():
            return tr("it is no folder of its own")
        manifest = read_manifest(checkpoint)
        if manifest.step != step_of(checkpoint):
            return tr("its manifest is of step {step}", step=manifest.step)
        if others := differences(manifest.run, run):
            return tr("it is of another run ({names})", names=clauses(others))
        return _fault_of_files(checkpoint, manifest.files)
    except HarnessError as error:
        return error.message
    except OSError as error:
        return tr("it cannot be read: {value}", value=system_said(error))


def read_manifest(checkpoint: Path) -> CheckpointFiles:
    """Return the manifest of a checkpoint.

    Raises:
        HarnessError: there is none, or it is not as it was written.
    """
    path = checkpoint / MANIFEST
    if not os.path.lexists(path) and os.path.lexists(checkpoint / _NO_DIGESTS):
        raise DamagedFileError(
            tr(
                "it has no {manifest}: an earlier version wrote it, which kept no digests, and damage could not be "
                "told",
                manifest=MANIFEST,
            )
        )
    try:
        content: Any = json.loads(read_plain(path, most=_LARGEST_MANIFEST))
        stated = content.pop("sha256")
        whole = stated == digest(content)
    except (ValueError, RecursionError, AttributeError, TypeError, KeyError):
        whole = False
    if not whole:
        raise DamagedFileError(tr("{manifest} is not as it was written", manifest=MANIFEST))
    return decode(CheckpointFiles, json.dumps(content), where=MANIFEST)


def _fault_of_files(checkpoint: Path, files: Mapping[str, FileDigest]) -> str | None:
    """Return what is wrong with files: kinds and sizes are looked at before a byte of any is read."""
    if missing := sorted(_NEEDED.difference(files)):
        return f"{MANIFEST} lists no {missing[0]}"
    for path in sorted(checkpoint.iterdir()):
        harmless = path.name.startswith(".") and path.is_file() and not path.is_symlink()  # a file manager's
        if path.name not in {*files, MANIFEST} and not harmless:
            return tr("it holds {name}, which training did not write", name=path.name)
    for name, expected in files.items():
        refuse_other_than_file(checkpoint / name)
        size = (checkpoint / name).lstat().st_size
        if size != expected.size:
            return f"{name} has {size:,} bytes, not {expected.size:,}"
    for name, expected in files.items():
        if sha256_of(checkpoint / name) != expected.sha256:
            return tr("{name} is not as it was written (its SHA-256 differs)", name=name)
    return None


def _is_unfinished(checkpoint: Path) -> bool:
    """Return whether a checkpoint is a folder that training was cut off from writing."""
    marked = any(os.path.lexists(checkpoint / name) for name in (MANIFEST, _NO_DIGESTS))
    return not marked and checkpoint.is_dir() and not checkpoint.is_symlink()


def _set_aside(checkpoint: Path) -> Path:
    """Give a checkpoint a name that no training uses, and return it."""
    number, aside = 1, checkpoint.with_name(checkpoint.name + _ASIDE)
    while os.path.lexists(aside):
        number += 1
        aside = checkpoint.with_name(f"{checkpoint.name}{_ASIDE}-{number}")
    try:
        checkpoint.rename(aside)
    except OSError as error:
        raise UnwritableError(
            tr("{checkpoint} cannot be set aside: {strerror}.", checkpoint=checkpoint, strerror=system_said(error)),
            hint=tr("Move it elsewhere, then try again."),
        ) from error
    return aside


def _written(path: Path) -> FileDigest:
    """Return a file's size and digest after waiting for it to be on the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
    return FileDigest(size=path.stat().st_size, sha256=sha256_of(path))
