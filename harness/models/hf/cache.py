"""Folders in the cache folder that are built once."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import psutil

from harness.errors import UnwritableError
from harness.installation import cache_folder
from harness.locale import tr
from harness.locale.system import system_said


def build_once(name: str, build: Callable[[Path], None]) -> Path:
    """Return ``models/NAME`` in the cache folder, calling ``build`` with an empty folder if it is not there yet.

    The folder appears whole or not at all, so a killed build leaves nothing that a later run could mistake for it. Two
    processes may build at the same time: the first to finish wins.

    Raises:
        HarnessError: the cache folder cannot be written, or the disk is full.
    """
    final = cache_folder() / "models" / name
    if final.is_dir():
        return final
    work = final.with_name(f".{name}.{os.getpid()}")
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(final)
        work.mkdir()
        build(work)
        work.rename(final)
    except OSError as error:
        if final.is_dir():  # another process was faster
            return final
        raise UnwritableError(
            tr(
                "The cache folder {parent} cannot be written: {strerror}.",
                parent=final.parent,
                strerror=system_said(error),
            ),
            hint=tr("Set HARNESS_CACHE to a folder with a few GB of free space."),
        ) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return final


def _remove_abandoned(final: Path) -> None:
    """Remove what builds of ``final`` left behind whose process no longer lives."""
    for work in final.parent.glob(f".{final.name}.*"):
        if not psutil.pid_exists(int(work.suffix.removeprefix("."))):
            shutil.rmtree(work, ignore_errors=True)
