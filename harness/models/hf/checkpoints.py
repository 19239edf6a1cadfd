"""`checkpoints:DIR`: every checkpoint of a training as an adapter of its own, all on one loaded base."""

from dataclasses import replace
from pathlib import Path

from harness.models.hf.backend import LocalModel
from harness.models.hf.checkpoint_folders import checkpoint_folders
from harness.models.hf.open_model import open_local
from harness.types import ModelSpec


def open_checkpoints(spec: ModelSpec) -> dict[str, LocalModel]:
    """Return the backends of a ``checkpoints:`` spec by label, ``NAME/step-N``; NAME is the spec's label or the folder.

    Raises:
        HarnessError: as `checkpoint_folders` and `open_local`.
    """
    target = spec.target or ""
    name = Path(target).expanduser().resolve().name if spec.label == spec.text else spec.label
    return {
        (label := f"{name}/{step}"): open_local(
            replace(spec, backend="adapter", target=str(folder), label=label, text=f"adapter:{folder}")
        )
        for step, folder in checkpoint_folders(target).items()
    }
