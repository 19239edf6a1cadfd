"""Damaged checkpoints: a training goes on from the one before, to the same adapter, or says what is wrong and ends."""

import hashlib
import json
import os
import pickle
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError
from tests.trainers.training.conftest import Workbench, write_pairs
from trainers.adapter.checkpoints import last_checkpoint, read_manifest, seal
from trainers.adapter.training_record import read_record
from trainers.training.trainer import AdapterTrainer

SETTINGS: dict[str, Any] = {"lora_dropout": 0.1, "num_train_epochs": 2.0, "save_total_limit": 8}  # eight steps
ADAPTER, OPTIMIZER = "adapter_model.safetensors", "optimizer.pt"
Damage = Callable[[Path], object]  # is given the checkpoint of step 6, of 2, 4 and 6


class Killed(BaseException):
    """What no code of the trainer's catches: as good as a kill."""


@pytest.fixture(scope="module")
def runs(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Workbench, Path, Path]:
    """A workbench, the folder of a whole run, and that of the same run killed in its seventh step."""
    work = tmp_path_factory.mktemp("runs")
    bench = Workbench(tiny, write_pairs(work / "pairs.json", 14))
    bench.train(work / "whole", **SETTINGS)
    kill_in_step(bench, work / "cut", 7)
    names = sorted(path.name for path in (work / "cut" / "checkpoints").iterdir())
    assert ["checkpoint-2", "checkpoint-4", "checkpoint-6"] == names
    return bench, work / "whole", work / "cut"


def kill_in_step(bench: Workbench, folder: Path, step: int, **changes: Any) -> None:
    original, calls = AdapterTrainer.training_step, iter(range(1, 99))

    def dying(self: Any, *args: Any) -> Any:
        if next(calls) == step:
            raise Killed
        return original(self, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AdapterTrainer, "training_step", dying)
        with pytest.raises(Killed):
            bench.train(folder, **SETTINGS | changes)


@pytest.fixture
def cut(runs: tuple[Workbench, Path, Path], tmp_path: Path) -> Path:
    """A copy of the killed run; what is said in resuming it is read from the workbench."""
    runs[0].said.clear()
    return Path(shutil.copytree(runs[2], tmp_path / "cut", symlinks=True))


def newest(cut: Path) -> Path:
    return cut / "checkpoints" / "checkpoint-6"


def truncate(name: str, share: float = 0.5) -> Damage:
    return lambda checkpoint: os.truncate(checkpoint / name, int((checkpoint / name).stat().st_size * share))


def remove(name: str) -> Damage:
    return lambda checkpoint: (checkpoint / name).unlink()


def flip(name: str, place: float = 0.6) -> Damage:
    def damage(checkpoint: Path) -> None:
        content = bytearray((checkpoint / name).read_bytes())
        content[int(len(content) * place)] ^= 4
        (checkpoint / name).write_bytes(content)

    return damage


def write(name: str, text: str) -> Damage:
    return lambda checkpoint: (checkpoint / name).write_text(text)


def replaced(name: str, make: Callable[[Path], object]) -> Damage:
    def damage(checkpoint: Path) -> None:
        (checkpoint / name).unlink(missing_ok=True)
        make(checkpoint / name)

    return damage


def linked(path: Path) -> None:
    """Make a link to the same bytes elsewhere."""
    elsewhere = path.parent.parent.parent / "elsewhere"
    shutil.copy(path.parent.parent / "checkpoint-4" / path.name, elsewhere)
    path.symlink_to(elsewhere)


def link_folder(checkpoint: Path) -> None:
    elsewhere = checkpoint.parent.parent / "elsewhere"
    checkpoint.rename(elsewhere)
    checkpoint.symlink_to(elsewhere, target_is_directory=True)


def add_folder(checkpoint: Path) -> None:
    shutil.copytree(checkpoint.parent / "checkpoint-4", checkpoint / "another")


def copied(name: str) -> Damage:
    return lambda checkpoint: shutil.copy(checkpoint.parent / "checkpoint-4" / name, checkpoint / name)


def copy_whole(checkpoint: Path) -> None:
    shutil.rmtree(checkpoint)
    shutil.copytree(checkpoint.parent / "checkpoint-4", checkpoint)


def file_for_folder(checkpoint: Path) -> None:
    shutil.rmtree(checkpoint)
    checkpoint.write_text("a file")


def older(checkpoint: Path) -> None:
    """Make it what a version wrote that kept no digests."""
    (checkpoint / "manifest.json").unlink()
    (checkpoint / "complete").touch()


DAMAGES: dict[str, tuple[Damage, str]] = {
    "adapter cut off": (truncate(ADAPTER), r"adapter_model.safetensors has [\d,]+ bytes, not [\d,]+"),
    "optimizer cut off by a byte": (truncate(OPTIMIZER, 0.99999), r"optimizer.pt has [\d,]+ bytes, not"),
    "adapter emptied": (truncate(ADAPTER, 0), "adapter_model.safetensors has 0 bytes"),
    "optimizer emptied": (truncate(OPTIMIZER, 0), "optimizer.pt has 0 bytes"),
    "trainer_state emptied": (truncate("trainer_state.json", 0), "trainer_state.json has 0 bytes"),
    "manifest emptied": (truncate("manifest.json", 0), "manifest.json is not as it was written"),
    "manifest cut off": (truncate("manifest.json"), "manifest.json is not as it was written"),
    "adapter missing": (remove(ADAPTER), "adapter_model.safetensors is missing"),
    "adapter_config missing": (remove("adapter_config.json"), "adapter_config.json is missing"),
    "optimizer missing": (remove(OPTIMIZER), "optimizer.pt is missing"),
    "scheduler missing": (remove("scheduler.pt"), "scheduler.pt is missing"),
    "rng missing": (remove("rng_state.pth"), "rng_state.pth is missing"),
    "trainer_state missing": (remove("trainer_state.json"), "trainer_state.json is missing"),
    "tally missing": (remove("tally.json"), "tally.json is missing"),
    "bit of the adapter": (flip(ADAPTER), "adapter_model.safetensors is not as it was written"),
    "bit of the adapter's header": (flip(ADAPTER, 0.01), "adapter_model.safetensors is not as it was written"),
    "bit of adapter_config": (flip("adapter_config.json"), "adapter_config.json is not as it was written"),
    "bit of the optimizer": (flip(OPTIMIZER), "optimizer.pt is not as it was written"),
    "bit of the scheduler": (flip("scheduler.pt"), "scheduler.pt is not as it was written"),
    "bit of the rng": (flip("rng_state.pth"), "rng_state.pth is not as it was written"),
    "bit of trainer_state": (flip("trainer_state.json"), "trainer_state.json is not as it was written"),
    "bit of the tally": (flip("tally.json"), "tally.json is not as it was written"),
    "bit of the manifest": (flip("manifest.json"), "manifest.json is not as it was written"),
    "adapter of another step": (copied(ADAPTER), "adapter_model.safetensors is not as it was written"),
    "optimizer of another step": (copied(OPTIMIZER), "optimizer.pt is not as it was written"),
    "manifest of another step": (copied("manifest.json"), "its manifest is of step 4"),
    "folder of another step": (copy_whole, "its manifest is of step 4"),
    "optimizer linked elsewhere": (replaced(OPTIMIZER, linked), "optimizer.pt is a link, not a file"),
    "manifest linked elsewhere": (replaced("manifest.json", linked), "manifest.json is a link, not a file"),
    "folder linked elsewhere": (link_folder, "it is no folder of its own"),
    "file for a folder": (file_for_folder, "it is no folder of its own"),
    "adapter without end": (replaced(ADAPTER, lambda path: path.symlink_to("/dev/zero")), "is a link, not a file"),
    "manifest without end": (replaced("manifest.json", lambda path: path.symlink_to("/dev/zero")), "is a link"),
    "optimizer a pipe": (replaced(OPTIMIZER, os.mkfifo), "optimizer.pt is a pipe or a device, not a file"),
    "manifest a pipe": (replaced("manifest.json", os.mkfifo), "manifest.json is a pipe or a device, not a file"),
    "adapter a folder": (replaced(ADAPTER, Path.mkdir), "adapter_model.safetensors is a folder, not a file"),
    "manifest a folder": (replaced("manifest.json", Path.mkdir), "manifest.json is a folder, not a file"),
    "trainer_state of other JSON": (
        write("trainer_state.json", '{"global_step": 6}'),
        "trainer_state.json has 18 bytes",
    ),
    "manifest of other JSON": (write("manifest.json", "[1]"), "manifest.json is not as it was written"),
    "manifest nested": (write("manifest.json", "[" * 100_000), "manifest.json is not as it was written"),
    "manifest too large": (write("manifest.json", " " * (5 << 20)), "manifest.json has more than 4,194,304 bytes"),
    "another model beside": (
        write("pytorch_model.bin", "x"),
        "it holds pytorch_model.bin, which training did not write",
    ),
    "another adapter within": (add_folder, "it holds another, which training did not write"),
    "hidden folder within": (lambda checkpoint: (checkpoint / ".x").mkdir(), r"it holds \.x, which"),
    "of an older version": (older, "it has no manifest.json: an earlier version wrote it"),
}


IN_FULL = (  # of these the whole training in every test run, of all of them with HARNESS_CAMPAIGN=1
    *("adapter cut off", "optimizer missing", "rng missing", "bit of the optimizer", "bit of the manifest"),
    *("folder linked elsewhere", "adapter without end", "optimizer a pipe", "another adapter within"),
)


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_checkpoint_is_told(name: str, runs: tuple[Workbench, Path, Path], cut: Path) -> None:
    """What is wrong is said, nothing of it is lost, and the one before is taken."""
    damage, sentence = DAMAGES[name]
    damage(newest(cut))
    record = read_record(cut)
    assert record is not None
    assert cut / "checkpoints" / "checkpoint-4" == last_checkpoint(cut, record, runs[0].said.append)
    (said,) = runs[0].said
    assert re.fullmatch(rf"checkpoint-6 cannot be used: .*{sentence}.* It is now called checkpoint-6\.refused\.", said)
    assert os.path.lexists(cut / "checkpoints" / "checkpoint-6.refused")


@pytest.mark.parametrize("name", DAMAGES if os.environ.get("HARNESS_CAMPAIGN") else IN_FULL)
def test_the_checkpoint_before_a_damaged_one_is_gone_on_from(
    name: str, runs: tuple[Workbench, Path, Path], cut: Path
) -> None:
    """The adapter is that of an undisturbed run, byte for byte."""
    DAMAGES[name][0](newest(cut))
    assert_resumes(runs, cut, step=4)
    assert any(line.startswith("checkpoint-6 cannot be used: ") for line in runs[0].said)


def assert_resumes(runs: tuple[Workbench, Path, Path], cut: Path, *, step: int, **how: Any) -> None:
    bench, whole, _ = runs
    bench.train(cut, resume=True, **SETTINGS | how)
    assert [f"Going on from step {step}."] == [line for line in bench.said if line.startswith("Going on")]
    assert (whole / ADAPTER).read_bytes() == (cut / ADAPTER).read_bytes()
    losses = [[json.loads(line)["loss"] for line in (folder / "trainer_log.jsonl").open()] for folder in (whole, cut)]
    assert losses[0] == losses[1]


def test_an_undamaged_one_is_gone_on_from(runs: tuple[Workbench, Path, Path], cut: Path) -> None:
    """The newest; and what a file manager leaves is no damage."""
    (newest(cut) / ".DS_Store").write_bytes(b"x")
    assert_resumes(runs, cut, step=6)
    assert not any("cannot be used" in line or "Note" in line for line in runs[0].said)


def test_one_that_was_not_written_to_its_end_is_removed(runs: tuple[Workbench, Path, Path], cut: Path) -> None:
    """Its manifest comes last, so that one without was cut off; that it goes is said."""
    (newest(cut) / "manifest.json").unlink()
    assert_resumes(runs, cut, step=4)
    assert "checkpoint-6 was not written to its end, and is removed." in runs[0].said


def test_several_may_be_damaged(runs: tuple[Workbench, Path, Path], cut: Path) -> None:
    """Each is named."""
    flip(ADAPTER)(newest(cut))
    remove(OPTIMIZER)(cut / "checkpoints" / "checkpoint-4")
    assert_resumes(runs, cut, step=2)
    assert ["checkpoint-6", "checkpoint-4"] == [line.split()[0] for line in runs[0].said if "cannot be used" in line]


def test_two_that_were_swapped_are_both_refused(runs: tuple[Workbench, Path, Path], cut: Path) -> None:
    """A checkpoint's step is not what its folder is called."""
    place = cut / "checkpoints"
    for before, after in (("4", "x"), ("6", "4"), ("x", "6")):
        (place / f"checkpoint-{before}").rename(place / f"checkpoint-{after}")
    assert_resumes(runs, cut, step=2)


def test_a_renamed_one_is_refused(runs: tuple[Workbench, Path, Path], cut: Path) -> None:
    """Step 6 under the name of step 7, and of a step that no training has."""
    newest(cut).rename(cut / "checkpoints" / "checkpoint-7")
    shutil.copytree(cut / "checkpoints" / "checkpoint-4", cut / "checkpoints" / "checkpoint-400")
    shutil.copytree(cut / "checkpoints" / "checkpoint-4", cut / "checkpoints" / "checkpoint-007")
    assert_resumes(runs, cut, step=4)
    assert 2 == sum("cannot be used: its manifest is of step" in line for line in runs[0].said)


@pytest.mark.parametrize(("changes", "named"), [({"seed": 8}, "seed was 8, now 7")])
def test_that_of_another_run_is_refused(
    changes: dict[str, Any], named: str, runs: tuple[Workbench, Path, Path], cut: Path, tmp_path: Path
) -> None:
    """Whole as it is, it belongs to another recipe; it is named."""
    kill_in_step(runs[0], tmp_path / "other", 7, **changes)
    shutil.rmtree(newest(cut))
    shutil.copytree(newest(tmp_path / "other"), newest(cut))
    assert_resumes(runs, cut, step=4)
    assert any(f"it is of another run ({named}" in line for line in runs[0].said)


def test_another_plan_is_said(runs: tuple[Workbench, Path, Path], cut: Path) -> None:
    """Other micro-batches come to the same sums but for their last digits; that they are others is no secret."""
    runs[0].train(cut, resume=True, tokens=50, **SETTINGS)
    assert "Going on from step 6." in runs[0].said
    note = next(line for line in runs[0].said if "Note:" in line)
    assert "it was trained with 123 tokens at once; now it is 50 tokens at once." in note


@pytest.mark.parametrize("damage", [flip(ADAPTER), truncate("manifest.json", 0), older], ids=["bit", "manifest", "old"])
def test_without_any_good_one_nothing_is_trained(damage: Damage, runs: tuple[Workbench, Path, Path], cut: Path) -> None:
    """Whoever asks for --resume does not ask for hours from the start: all are named, and nothing is touched."""
    for checkpoint in (cut / "checkpoints").iterdir():
        damage(checkpoint)
    before = sorted(path for path in cut.rglob("*") if path.name != ".training.lock")
    with pytest.raises(HarnessError, match=r"no checkpoint can be used: checkpoint-6: .*checkpoint-2: ") as error:
        runs[0].train(cut, resume=True, **SETTINGS)
    assert "--output" in str(error.value.hint)
    assert before == sorted(path for path in cut.rglob("*") if path.name != ".training.lock")


def test_a_file_for_the_folder_of_checkpoints_is_refused(runs: tuple[Workbench, Path, Path], cut: Path) -> None:
    """Nothing could be saved."""
    shutil.rmtree(cut / "checkpoints")
    (cut / "checkpoints").write_text("a file")
    with pytest.raises(HarnessError, match="checkpoints: not a folder"):
        runs[0].train(cut, resume=True, **SETTINGS)


class Stranger:
    """What runs a command when it is unpickled."""

    def __reduce__(self) -> Any:
        return os.system, ("touch stranger-was-here",)


@pytest.mark.parametrize("name", [OPTIMIZER, "scheduler.pt", "rng_state.pth", ADAPTER])
def test_a_stranger_s_pickle_does_not_run(
    name: str, runs: tuple[Workbench, Path, Path], cut: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Sealed anew, so that only loading can tell: it ends in a sentence, with nothing run."""
    monkeypatch.chdir(tmp_path)
    manifest = read_manifest(newest(cut))
    (newest(cut) / "manifest.json").unlink()
    (newest(cut) / name).write_bytes(pickle.dumps(Stranger()))
    seal(newest(cut), manifest.run, manifest.cut)
    with pytest.raises(HarnessError, match=r"checkpoint-6 cannot be loaded: ") as error:
        runs[0].train(cut, resume=True, **SETTINGS)
    assert "remove it, and --resume takes the one before" in str(error.value.hint)
    assert not (tmp_path / "stranger-was-here").exists()


@pytest.mark.parametrize(
    "damage", [truncate("training.json", 0), truncate("training.json"), flip("training.json", 0.2)]
)
def test_a_damaged_record_is_named(damage: Damage, runs: tuple[Workbench, Path, Path], cut: Path) -> None:
    """Whose run the folder holds cannot be told."""
    damage(cut)
    with pytest.raises(HarnessError, match=r"training\.json|holds another run"):
        runs[0].train(cut, resume=True, **SETTINGS)


def test_a_record_that_is_a_pipe_is_not_waited_for(runs: tuple[Workbench, Path, Path], cut: Path) -> None:
    """Nor would one without end be read."""
    replaced("training.json", os.mkfifo)(cut)
    with pytest.raises(HarnessError, match=r"training\.json: not a file"):
        runs[0].train(cut, resume=True, **SETTINGS)


@pytest.mark.parametrize(
    "damage",
    [
        truncate("trainer_log.jsonl", 0),
        truncate("trainer_log.jsonl"),
        write("trainer_log.jsonl", '[1]\n"x"\n{"step": "1"}\n'),
        replaced("trainer_log.jsonl", os.mkfifo),
        replaced("trainer_log.jsonl", lambda path: path.symlink_to("/dev/zero")),
    ],
    ids=["emptied", "cut off", "other JSON", "pipe", "without end"],
)
def test_a_damaged_log_costs_its_rows_alone(damage: Damage, runs: tuple[Workbench, Path, Path], cut: Path) -> None:
    """No weight depends on it."""
    damage(cut)
    runs[0].train(cut, resume=True, **SETTINGS)
    assert "Going on from step 6." in runs[0].said
    assert (runs[1] / ADAPTER).read_bytes() == (cut / ADAPTER).read_bytes()


@pytest.mark.parametrize("damage", [flip(ADAPTER), truncate(ADAPTER), remove(ADAPTER), replaced(ADAPTER, os.mkfifo)])
def test_a_finished_adapter_that_changed_is_not_called_finished(
    damage: Damage, runs: tuple[Workbench, Path, Path], tmp_path: Path
) -> None:
    """Its record has the digest of what was written; the same command says so instead."""
    folder = Path(shutil.copytree(runs[1], tmp_path / "whole"))
    record = read_record(folder)
    assert record is not None
    assert record.outcome is not None
    assert hashlib.sha256((folder / ADAPTER).read_bytes()).hexdigest() == record.outcome.weights_sha256
    damage(folder)
    with pytest.raises(HarnessError, match=r"adapter_model\.safetensors is "):
        runs[0].train(folder, resume=True, **SETTINGS)
