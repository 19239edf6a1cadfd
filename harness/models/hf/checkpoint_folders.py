"""Where the checkpoints of a training are."""

import re
from pathlib import Path

from harness.errors import InputError
from harness.locale import tr
from harness.models.hf.adapters import CONFIG, WEIGHTS

INSIDE = "checkpoints"
"""The folder of a training's checkpoints in the training's own."""

_NAME = re.compile(r"checkpoint-([0-9]{1,16})")


def checkpoint_folders(target: str) -> dict[str, Path]:
    """Return the adapters of a training by name, in the order of their steps: ``step-N``, and ``final`` at the end.

    ``target`` is the training's folder, or the one that holds its ``checkpoint-N``. What was not written whole (no
    configuration or no weights) is passed over; the finished adapter is left out where its weights are those of the
    last checkpoint.

    Raises:
        InputError: there is no such folder, or no checkpoint in it.
    """
    folder = Path(target).expanduser()
    if not folder.is_dir():
        raise InputError(tr("no such folder."), path=target, hint=tr("Name the --output folder of a training."))
    inside = folder / INSIDE if (folder / INSIDE).is_dir() else folder
    steps = sorted((int(name[1]), path) for path in inside.iterdir() if (name := _NAME.fullmatch(path.name)))
    found = {f"step-{step}": path for step, path in steps if _is_adapter(path)}
    if not found:
        raise InputError(
            tr("no checkpoint of an adapter in this folder."),
            path=target,
            hint=tr(
                "A training keeps the last save_total_limit of them, one every save_steps: "
                "--set save_steps=50 --set save_total_limit=20"
            ),
        )
    last = list(found.values())[-1]
    if _is_adapter(folder) and (folder / WEIGHTS).read_bytes() != (last / WEIGHTS).read_bytes():
        found["final"] = folder
    return found


def _is_adapter(folder: Path) -> bool:
    return (folder / CONFIG).is_file() and (folder / WEIGHTS).is_file()
