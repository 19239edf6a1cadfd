"""A disk that is full: of checkpoints, of the log, of the adapter itself. The errors are the system's own."""

import contextlib
import itertools
import json
import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from harness.errors import HarnessError
from tests.trainers.training.conftest import Workbench, losses, rows
from trainers.training import session
from trainers.training.best import BestAdapter
from trainers.training.failures import disk_is_full
from trainers.training.progress import TrainingProgress
from trainers.training.trainer import AdapterTrainer


@contextlib.contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """Let no file grow beyond ``size`` bytes: the system refuses it as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 640 KiB."""
    folder = tmp_path / "small-disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=640k", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("size", [100, 2_000, 40_000])
@pytest.mark.parametrize(
    "write",
    [
        lambda path: torch.save({"a": torch.zeros(100_000)}, path),
        lambda path: torch.save({str(number): torch.zeros(1_000) for number in range(100)}, path),
        lambda path: save_file({"a": torch.zeros(100_000)}, path),
        lambda path: path.write_bytes(bytes(400_000)),
    ],
    ids=["torch", "torch-many", "safetensors", "plain"],
)
def test_what_libraries_say_of_a_full_disk_is_understood(
    size: int, write: Callable[[Path], None], tmp_path: Path
) -> None:
    """Whatever is being written, and wherever in the file there is no more room."""
    with files_up_to(size), pytest.raises(Exception) as raised:  # noqa: PT011 - which one is the point
        write(tmp_path / "file")
    assert disk_is_full(raised.value)


def test_other_failures_to_write_are_not_taken_for_a_full_disk(tmp_path: Path) -> None:
    """A folder that is not there is a defect, not a full disk."""
    for write in (lambda path: torch.save({}, path), lambda path: save_file({"a": torch.zeros(1)}, path)):
        with pytest.raises(Exception) as raised:  # noqa: PT011 - which one is the point
            write(tmp_path / "none" / "file")
        assert not disk_is_full(raised.value)


def small_checkpoints(monkeypatch: pytest.MonkeyPatch, size: int, calls: set[int]) -> None:
    """Leave only files of ``size`` bytes room while some checkpoints are written."""
    save, number = AdapterTrainer._save_checkpoint, itertools.count(1)

    def cramped(self: Any, *args: Any) -> None:
        with files_up_to(size) if next(number) in calls else contextlib.nullcontext():
            save(self, *args)

    monkeypatch.setattr(AdapterTrainer, "_save_checkpoint", cramped)


@pytest.mark.parametrize("size", [5_000, 20_000, 50_000])
def test_a_full_disk_costs_checkpoints_and_not_the_training(
    size: int, bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails in the adapter or in the optimizer's state: nothing half is left, it is said once, and the run ends."""
    settings = {"num_train_epochs": 2.0, "save_steps": 1, "save_total_limit": 8}
    bench.train(tmp_path / "whole", **settings)
    small_checkpoints(monkeypatch, size, {2, 3, 5})
    bench.train(tmp_path / "full", **settings)
    kept = sorted(path.name for path in (tmp_path / "full" / "checkpoints").iterdir())
    assert [f"checkpoint-{step}" for step in (1, 4, 6, 7, 8)] == kept
    said = [line for line in bench.said if "the disk is full" in line]
    assert ["  step 2", "  step 5"] == [line.partition(":")[0] for line in said]
    assert [2, 5] == [row["step"] for row in rows(tmp_path / "full") if "event" in row]
    assert losses(tmp_path / "whole") == losses(tmp_path / "full")
    name = "adapter_model.safetensors"
    assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "full" / name).read_bytes()


def test_other_errors_of_a_checkpoint_are_not_swallowed(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A defect while saving ends the training with its own error."""
    monkeypatch.setattr(torch, "save", lambda *_, **__: (_ for _ in ()).throw(ValueError("a defect")))
    with pytest.raises(ValueError, match="a defect"):
        bench.train(tmp_path / "a")


@pytest.mark.parametrize("size", [10, 2_000, 10_000, 25_000])
def test_an_adapter_that_cannot_be_written_is_no_adapter(
    size: int, bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the room ends, nothing looks like an adapter; with room, the last checkpoint is all that is needed."""
    bench.train(tmp_path / "whole")
    save = session._save
    with pytest.MonkeyPatch.context() as patch:

        def cramped(*args: Any) -> None:
            with files_up_to(size):
                save(*args)

        patch.setattr(session, "_save", cramped)
        with pytest.raises(HarnessError, match="cannot be written") as error:
            bench.train(tmp_path / "full")
    assert "--resume" in str(error.value.hint)
    left = {path.name for path in (tmp_path / "full").iterdir()}
    assert not {"adapter_config.json", "adapter_model.safetensors"} & left
    assert not any(name.startswith(".") for name in left)
    monkeypatch.setattr(torch.optim.AdamW, "step", lambda *_, **__: pytest.fail("a step was trained again"))
    record = bench.train(tmp_path / "full", resume=True)
    assert 4 == record.outcome.steps
    for name in ("adapter_model.safetensors", "adapter_config.json", "prompt_contract.json"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "full" / name).read_bytes()


def test_a_disk_that_is_full_from_the_start_to_the_end(bench: Workbench, tmp_path: Path, small_disk: Path) -> None:
    """No checkpoint and no adapter fit; once there is room, the same run comes to the same end."""
    bench.train(tmp_path / "whole")
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(600_000))
    with pytest.raises(HarnessError, match="cannot be written"):
        bench.train(small_disk / "full")
    assert any("the disk is full" in line for line in bench.said)
    assert not (small_disk / "full" / "adapter_config.json").exists()
    assert not list((small_disk / "full" / "checkpoints").iterdir())
    ballast.unlink()
    bench.train(small_disk / "full", resume=True, save_total_limit=2)
    name = "adapter_model.safetensors"
    assert (tmp_path / "whole" / name).read_bytes() == (small_disk / "full" / name).read_bytes()
    assert losses(tmp_path / "whole") == losses(small_disk / "full")


def _unwatched() -> BestAdapter:
    return BestAdapter(torch.nn.Linear(1, 1), keep=False, patience=0)


def test_a_row_of_the_log_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    """Half a row would take the next one with it; that rows are lost is said once."""
    said: list[str] = []
    log = tmp_path / "trainer_log.jsonl"
    progress = TrainingProgress(
        log, best=_unwatched(), writes=True, say=said.append, eval_steps=0, device=torch.device("cpu")
    )
    progress.event(1, "one")
    with files_up_to(log.stat().st_size + 10):
        progress.event(2, "two")
        progress.event(3, "three")
    progress.event(4, "four")
    assert [1, 4] == [json.loads(line)["step"] for line in log.read_text().splitlines()]
    told = "trainer_log.jsonl cannot be written: the file is too large; training goes on"
    assert 1 == sum(told in line for line in said)


def test_a_log_on_a_full_device_stops_nothing(tmp_path: Path) -> None:
    """The system's own full device: the reason is given, and nothing is raised."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    said: list[str] = []
    (tmp_path / "trainer_log.jsonl").symlink_to("/dev/full")
    log = tmp_path / "trainer_log.jsonl"
    TrainingProgress(
        log, best=_unwatched(), writes=True, say=said.append, eval_steps=0, device=torch.device("cpu")
    ).event(1, "one")
    assert "cannot be written: no space left on the device" in said[0]
