"""An adapter's folder while it is being trained: who may use it, what is whole in it, and where a run goes on."""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from harness.errors import HarnessError, InputError, UnwritableError
from harness.locale import Text, tr
from harness.locale.system import system_said
from trainers.adapter.checkpoints import CHECKPOINTS, finished_checkpoints
from trainers.adapter.files import PART, refuse_other_than_file, sha256_of, write_whole
from trainers.adapter.training_record import (
    ADAPTER,
    EVENTS,
    LOG,
    RECORD,
    SAMPLES,
    WEIGHTS,
    TrainingRecord,
    differences,
    read_log,
    read_record,
    record_text,
)

_SHOWN = 3  # names of files that a message shows
_LOCK = ".training.lock"
_SAVING = ".saving"  # the folder in which a finished adapter is put together


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold an output folder for this process, creating it.

    Raises:
        HarnessError: it cannot be written, or another process trains into it.
    """
    lock = FileLock(folder / _LOCK, timeout=0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise UnwritableError(
            tr("Another process is training into {folder}.", folder=folder),
            hint=tr("Wait for it, or choose another --output."),
        ) from error
    except (NotADirectoryError, FileExistsError) as error:
        raise InputError(tr("not a folder."), path=folder, hint=tr("Choose another --output.")) from error
    except OSError as error:
        raise UnwritableError(
            tr("{folder} cannot be written: {strerror}.", folder=folder, strerror=system_said(error)),
            hint=tr("Choose an --output that you may write to."),
        ) from error
    try:
        yield
    finally:
        # While it is held: who opened this file before sees after locking that it has no name any more, and begins
        # again (filelock does, from the version that is asked for). Windows keeps a file that is open.
        with contextlib.suppress(OSError):
            (folder / _LOCK).unlink()
        lock.release()


def refuse_occupied(folder: Path, *, resume: bool) -> None:
    """Check that a folder can be made or is empty, or holds a run that is to be resumed or that never got anywhere.

    Raises:
        InputError: it cannot be written or holds something else; nothing of it is touched.
    """
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    if not nearest.is_dir():
        raise InputError(tr("not a folder."), path=nearest, hint=tr("Choose another --output."))
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise InputError(tr("cannot be written."), path=nearest, hint=tr("Choose an --output that you may write to."))
    if not folder.is_dir():
        return
    earlier = read_record(folder)
    if earlier is None or not (resume or _is_under_way(folder, earlier)):
        others = sorted(item.name for item in folder.iterdir() if not _is_ours(item.name, begun=earlier is not None))
        if others:
            more = ", …" if len(others) > _SHOWN else ""
            raise InputError(
                tr("holds other files ({others}).", others=", ".join(others[:_SHOWN]) + more),
                path=folder,
                hint=tr("Choose a new folder for --output."),
            )
    elif not resume:
        if earlier.outcome:
            raise InputError(tr("holds a finished run."), path=folder, hint=tr("Choose another --output."))
        raise InputError(
            tr("holds a run that was not finished."),
            path=folder,
            hint=tr("Choose another --output, or go on with it: --resume."),
        )


def _is_ours(name: str, *, begun: bool) -> bool:
    """Return whether a file is what a run leaves that was killed before its record, or ``begun``, before a checkpoint.

    >>> [_is_ours(name, begun=False) for name in (".training.lock", ".training.json.part", "trainer_log.jsonl")]
    [True, True, False]
    """
    if name in {_LOCK, _SAVING} or (name.startswith(".") and name.endswith(PART)):
        return True
    return begun and name in {RECORD, LOG, EVENTS, SAMPLES, CHECKPOINTS}


def _is_under_way(folder: Path, record: TrainingRecord) -> bool:
    """Return whether a run has come to anything: an outcome, an adapter, or a checkpoint to go on from."""
    return record.outcome is not None or (folder / ADAPTER).exists() or bool(finished_checkpoints(folder))


def check_same_run(folder: Path, record: TrainingRecord) -> TrainingRecord | None:
    """Return the record of the run that a folder holds, if any, after checking that it is this very run.

    A run that never got to a checkpoint has nothing to go on from and is no obstacle: it counts as none.

    Raises:
        InputError: recipe, data, base or prompt were others.
    """
    earlier = read_record(folder)
    if earlier is None or not _is_under_way(folder, earlier):
        return None
    if differing := differences(earlier, record):
        raise InputError(
            tr("holds another run: {differing}.", differing="; ".join(differing)),
            path=folder,
            hint=tr("Give the same recipe, data and base as then, or choose another --output."),
        )
    return earlier


def check_weights(folder: Path) -> None:
    """Check that an adapter's weights are those that its record says were written; without a record nothing is said.

    Raises:
        InputError: they are not, or they are no file.
    """
    record = read_record(folder)
    if record is None or record.outcome is None or record.outcome.weights_sha256 is None:
        return
    try:
        refuse_other_than_file(folder / WEIGHTS)
        whole = sha256_of(folder / WEIGHTS) == record.outcome.weights_sha256
    except HarnessError as error:
        raise InputError(
            Text("{message}.", {"message": error.message}), path=folder, hint=tr("Put back a copy, or train again.")
        ) from error
    if not whole:
        raise InputError(
            tr(
                "{weights} is not as training wrote it (its SHA-256 is not that of {record}).",
                weights=WEIGHTS,
                record=RECORD,
            ),
            path=folder,
            hint=tr("Put back a copy, or train again with another --output."),
        )


def rewind_log(folder: Path, step: int) -> None:
    """Drop the rows of the log that come after a step: they will be written again."""
    rows = [row for row in read_log(folder) if row["step"] <= step]
    write_whole(folder / LOG, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def save_record(folder: Path, record: TrainingRecord) -> None:
    """Write the record of a run."""
    write_whole(folder / RECORD, record_text(record))


def move_in(work: Path, folder: Path, last: str) -> None:
    """Move the files of a finished folder into another, the file ``last`` at the end: with it the adapter is there."""
    names = sorted((item.name for item in work.iterdir()), key=lambda name: name == last)
    for name in names:
        (work / name).replace(folder / name)
    work.rmdir()
