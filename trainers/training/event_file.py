"""The log as TensorBoard's event files, beside the adapter: figures that were logged anyway, and no word to anybody."""

import time
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from harness.installation import MissingExtraError
from harness.locale import tr
from harness.locale.system import system_said
from trainers.recipe import Recipe

_EXTRA = "tensorboard"
_PARTS_OF_LIBRARY = ("event_file_writer", "proto.event_pb2", "summary")  # loaded where it is asked for: an extra
_NAMES = {"judged": "judged/mean"}
_PARTS = ("heldout_", "judged_")


def check_reporting(recipe: Recipe) -> None:
    """Check that what a recipe reports to is installed.

    Raises:
        MissingExtraError: it is not.
    """
    if recipe.report_to == "tensorboard" and find_spec("tensorboardX") is None:
        raise MissingExtraError(tr("log for TensorBoard"), _EXTRA)


class EventFile:
    """One file of events of one session, written as rows come: a full disk costs figures of it, not the training.

    Written at once and in this process: the writer that tensorboardX has for that waits for ever once its own thread
    has ended at a full disk.
    """

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._say = say
        self._after = 0
        self._writer: Any = None
        self._failing = False

    def go_on(self, step: int) -> None:
        """Go on after a step: what the files of earlier sessions say of later ones is void."""
        self._after = step

    def write(self, row: Mapping[str, Any]) -> None:
        """Write the figures of a row of the log; a row without any leaves nothing."""
        figures = scalars(row)
        if not figures:
            return
        try:
            self._append(figures, int(row["step"]))
            self._failing = False
        except OSError as error:
            if not self._failing:
                self._say(
                    tr(
                        "  {name} cannot be written: {reason}; training goes on",
                        name=self._folder.name,
                        reason=system_said(error),
                    )
                )
            self._failing = True

    def _append(self, figures: Mapping[str, float], step: int) -> None:
        writing, messages, summary = (import_module(f"tensorboardX.{name}") for name in _PARTS_OF_LIBRARY)
        event = messages.Event
        if self._writer is None:
            self._folder.mkdir(exist_ok=True)
            self._writer = writing.EventsWriter(str(self._folder / "events"), f".{self._after}")
            if self._after:
                begun = messages.SessionLog(status=messages.SessionLog.START)
                self._writer.write_event(event(wall_time=time.time(), step=self._after + 1, session_log=begun))
        for name, value in figures.items():
            self._writer.write_event(event(wall_time=time.time(), step=step, summary=summary.scalar(name, value)))
        self._writer.flush()


def scalars(row: Mapping[str, Any]) -> dict[str, float]:
    """Return the figures of a row of the log by the names that they have in TensorBoard.

    >>> scalars({"step": 5, "loss": 2.5, "grad_norm": None, "learning_rate": 1e-4})
    {'train/loss': 2.5, 'train/learning_rate': 0.0001}
    >>> scalars({"step": 5, "heldout_loss": 2.25}), scalars({"step": 5, "judged": 3.5, "judged_low": 3.0})
    ({'heldout/loss': 2.25}, {'judged/mean': 3.5, 'judged/low': 3.0})
    """
    found = {}
    for key, value in row.items():
        if key == "step" or isinstance(value, bool) or not isinstance(value, int | float):
            continue
        part = next((part for part in _PARTS if key.startswith(part)), None)
        name = f"{part[:-1]}/{key.removeprefix(part)}" if part else f"train/{key}"
        found[_NAMES.get(key, name)] = float(value)
    return found
