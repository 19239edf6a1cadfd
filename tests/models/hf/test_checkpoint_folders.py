"""Where the checkpoints of a training are: their order, what is passed over, and what is said of none."""

import shutil
from pathlib import Path

import pytest

from harness.errors import InputError
from harness.models.hf.checkpoint_folders import checkpoint_folders


def written(folder: Path, *steps: int, final: bytes | None = None) -> Path:
    """Write a training's folder whose checkpoints' weights are their steps."""
    for step in steps:
        place = folder / "checkpoints" / f"checkpoint-{step}"
        place.mkdir(parents=True)
        (place / "adapter_config.json").write_text("{}")
        (place / "adapter_model.safetensors").write_bytes(str(step).encode())
    if final is not None:
        (folder / "adapter_config.json").write_text("{}")
        (folder / "adapter_model.safetensors").write_bytes(final)
    return folder


def test_in_the_order_of_steps(tmp_path: Path) -> None:
    """100 comes after 20; the folder of the checkpoints itself does as well."""
    folder = written(tmp_path, 100, 20, 3)
    assert ["step-3", "step-20", "step-100"] == list(checkpoint_folders(str(folder)))
    assert checkpoint_folders(str(folder)) == checkpoint_folders(str(folder / "checkpoints"))


def test_the_finished_adapter_unless_it_is_the_last_checkpoint(tmp_path: Path) -> None:
    """By its weights, not by its name."""
    assert ["step-2", "final"] == list(checkpoint_folders(str(written(tmp_path / "a", 2, final=b"other"))))
    assert ["step-2"] == list(checkpoint_folders(str(written(tmp_path / "b", 2, final=b"2"))))


def test_what_is_no_whole_checkpoint_is_passed_over(tmp_path: Path) -> None:
    """One cut off, one set aside, and a file."""
    folder = written(tmp_path, 2, 4)
    (folder / "checkpoints" / "checkpoint-4" / "adapter_model.safetensors").unlink()
    shutil.copytree(folder / "checkpoints" / "checkpoint-2", folder / "checkpoints" / "checkpoint-6.refused")
    (folder / "checkpoints" / "checkpoint-8").write_text("")
    assert ["step-2"] == list(checkpoint_folders(str(folder)))


@pytest.mark.parametrize(("made", "said"), [(False, "no such folder"), (True, "no checkpoint of an adapter")])
def test_none(tmp_path: Path, made: bool, said: str) -> None:
    """No folder, and one with nothing in it; what keeps them is said."""
    folder = tmp_path / "x"
    if made:
        folder.mkdir()
    with pytest.raises(InputError, match=said) as error:
        checkpoint_folders(str(folder))
    assert ("save_total_limit" in str(error.value.hint)) == made
