"""A training that was cut off goes on as if it had not been; seeds decide what comes out."""

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.errors import InputError
from tests.trainers.training.conftest import Workbench, losses, rows, weights, write_pairs
from trainers import prepare as preparation
from trainers.adapter.adapter_folder import save_record
from trainers.adapter.training_record import Cut, differences, record_text, with_session
from trainers.training.trainer import AdapterTrainer

SETTINGS: dict[str, Any] = {
    "lora_dropout": 0.1,
    "num_train_epochs": 3.0,
    "heldout": 3,
    "eval_steps": 2,
    "logging_steps": 3,
    "warmup_steps": 2,
    "lr_scheduler_type": "cosine",
}  # eleven samples: three steps an epoch, nine in all


class Killed(BaseException):
    """What no code of the trainer's catches: as good as a kill."""


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that lets a training die at the N-th call of a method, before or after its work."""

    def at(owner: Any, name: str, call: int, *, after: bool = False) -> None:
        original, calls = getattr(owner, name), itertools.count(1)

        def dying(*args: Any, **more: Any) -> Any:
            last = next(calls) == call
            if last and not after:
                raise Killed
            result = original(*args, **more)
            if last:
                raise Killed
            return result

        monkeypatch.setattr(owner, name, dying)

    return at


def steady(folder: Path) -> list[dict[str, Any]]:
    """Return the log without what depends on the clock and the machine."""
    loose = {"tokens_per_second", "memory_gib", "seconds"}
    return [{key: value for key, value in row.items() if key not in loose} for row in rows(folder)]


def assert_equal(expected: Path, actual: Path) -> None:
    """Compare two runs bit for bit: log, adapter, outcome."""
    assert steady(expected) == steady(actual)
    assert (expected / "adapter_model.safetensors").read_bytes() == (actual / "adapter_model.safetensors").read_bytes()
    outcomes = [json.loads((folder / "training.json").read_text())["outcome"] for folder in (expected, actual)]
    for outcome in outcomes:
        assert outcome.pop("seconds") > 0
        assert outcome.pop("peak_gib") > 0
        assert outcome.pop("planned_gib") > 0  # on a CPU with what the process held before, which differs
    assert outcomes[0] == outcomes[1]


@pytest.fixture(scope="module")
def whole(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that nothing cut off."""
    work = tmp_path_factory.mktemp("whole")
    Workbench(tiny, write_pairs(work / "pairs.json", 14)).train(work / "whole", **SETTINGS)
    assert [1, 3, 6, 9] == [step for step, _ in losses(work / "whole")]
    assert [0, 2, 4, 6, 8, 9] == [row["step"] for row in rows(work / "whole") if "heldout_loss" in row]
    return work / "whole"


@pytest.mark.parametrize(
    ("owner", "name", "call", "after"),
    [
        (AdapterTrainer, "training_step", 4, False),  # in the second epoch, with the checkpoint of step 2 in the first
        (AdapterTrainer, "training_step", 7, True),  # behind the checkpoint of step 6, the end of an epoch
        (AdapterTrainer, "training_step", 8, False),
        (torch, "save", 4, False),  # in the second checkpoint: the adapter is there, the optimizer's state is not
        (torch, "save", 6, True),  # it has everything but the mark that it is whole
        (AdapterTrainer, "_save_checkpoint", 3, True),
        (AdapterTrainer, "heldout_loss", 4, True),
    ],
)
def test_a_training_goes_on_bit_for_bit(
    owner: Any,
    name: str,
    call: int,
    after: bool,
    bench: Workbench,
    tmp_path: Path,
    whole: Path,
    cut: Callable[..., None],
) -> None:
    """Wherever it was cut off, log, held-out losses, adapter and outcome are those of a run in one piece."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, getattr(owner, name))
        cut(owner, name, call, after=after)
        with pytest.raises(Killed):
            bench.train(tmp_path / "cut", **SETTINGS)
    assert not (tmp_path / "cut" / "adapter_config.json").exists()
    torch.manual_seed(12345)
    bench.train(tmp_path / "cut", resume=True, **SETTINGS)
    assert any(line.startswith("Going on from step ") for line in bench.said)
    assert_equal(whole, tmp_path / "cut")


def test_what_else_learns_goes_on_bit_for_bit(bench: Workbench, tmp_path: Path, cut: Callable[..., None]) -> None:
    """Magnitudes of DoRA, the two learning rates of LoRA+, the noise of NEFTune."""
    more = {"use_dora": True, "use_rslora": True, "loraplus_lr_ratio": 4.0, "neftune_noise_alpha": 5.0}
    settings = SETTINGS | more | {"num_train_epochs": 2.0}
    bench.train(tmp_path / "whole", **settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AdapterTrainer, "training_step", AdapterTrainer.training_step)
        cut(AdapterTrainer, "training_step", 4)
        with pytest.raises(Killed):
            bench.train(tmp_path / "cut", **settings)
    torch.manual_seed(12345)
    bench.train(tmp_path / "cut", resume=True, **settings)
    assert_equal(tmp_path / "whole", tmp_path / "cut")
    config = json.loads((tmp_path / "cut" / "adapter_config.json").read_text())
    assert (True, True) == (config["use_dora"], config["use_rslora"])
    assert any("lora_magnitude_vector" in name for name in weights(tmp_path / "cut"))


def test_a_training_may_be_cut_off_again_and_again(bench: Workbench, tmp_path: Path, whole: Path) -> None:
    """Three steps at a time, it comes to the same end."""
    for _ in range(4):
        with pytest.MonkeyPatch.context() as patch:
            calls, original = itertools.count(1), AdapterTrainer.training_step

            def dying(self: Any, *args: Any, calls: Any = calls, original: Any = original) -> Any:
                if next(calls) == 4:
                    raise Killed
                return original(self, *args)

            patch.setattr(AdapterTrainer, "training_step", dying)
            try:
                bench.train(tmp_path / "cut", resume=True, **SETTINGS)
            except Killed:
                continue
            break
    assert 3 <= sum(line.startswith("Going on from step ") for line in bench.said)
    assert_equal(whole, tmp_path / "cut")


def test_without_a_checkpoint_it_starts_over(
    bench: Workbench, tmp_path: Path, whole: Path, cut: Callable[..., None]
) -> None:
    """Killed in step 2, before the first checkpoint: everything is done anew, and the log has nothing twice."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AdapterTrainer, "training_step", AdapterTrainer.training_step)
        cut(AdapterTrainer, "training_step", 2)
        with pytest.raises(Killed):
            bench.train(tmp_path / "cut", **SETTINGS)
    bench.train(tmp_path / "cut", resume=True, **SETTINGS)
    assert not any("Going on" in line for line in bench.said)
    assert_equal(whole, tmp_path / "cut")


@pytest.mark.parametrize("steps", [-1, 4])
def test_a_training_whose_last_checkpoint_is_there_only_writes_its_adapter(
    steps: int, bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off while the adapter was written, at the end of an epoch or within one: no step is trained again."""
    settings = SETTINGS | {"max_steps": steps}
    bench.train(tmp_path / "whole", **settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("trainers.training.session.move_in", lambda *_, **__: (_ for _ in ()).throw(Killed()))
        with pytest.raises(Killed):
            bench.train(tmp_path / "cut", **settings)
    assert not (tmp_path / "cut" / "adapter_config.json").exists()
    monkeypatch.setattr(torch.optim.AdamW, "step", lambda *_, **__: pytest.fail("a step was trained again"))
    bench.train(tmp_path / "cut", resume=True, **settings)
    assert_equal(tmp_path / "whole", tmp_path / "cut")


def test_a_finished_run_says_so_and_is_not_touched(bench: Workbench, tmp_path: Path, whole: Path) -> None:
    """Resuming it changes no file."""
    before = {path: path.read_bytes() for path in whole.rglob("*") if path.is_file()}
    record = bench.train(whole, resume=True, **SETTINGS)
    assert 9 == record.outcome.steps
    assert "finished after 9 steps" in bench.said[-1]
    assert before == {path: path.read_bytes() for path in whole.rglob("*") if path.is_file()}


def test_the_record_keeps_what_every_session_was_done_with(
    bench: Workbench, tmp_path: Path, cut: Callable[..., None], whole: Path
) -> None:
    """Versions, device and cut of the first steps stay when a run is resumed; sessions that left no step go."""
    (only,) = json.loads((whole / "training.json").read_text())["sessions"]
    assert (0, "cpu", 1) == (only["after_step"], only["device"], only["processes"])
    assert only["cut"]["tokens"] > 40
    for call in (5, 1):  # the second time before anything more is kept
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(AdapterTrainer, "training_step", AdapterTrainer.training_step)
            cut(AdapterTrainer, "training_step", call)
            with pytest.raises(Killed):
                bench.train(tmp_path / "a", resume=call == 1, **SETTINGS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(preparation, "_version", lambda _: "99.0")
        record = bench.train(tmp_path / "a", resume=True, tokens=40, **SETTINGS)
    assert record_text(record) == (tmp_path / "a" / "training.json").read_text(encoding="utf-8")
    first, second = record.sessions
    assert (0, 4) == (first.after_step, second.after_step)
    assert (only["versions"], {"99.0"}) == (first.versions, set(second.versions.values()))
    assert first.cut is not None
    assert second.cut is not None
    assert (only["cut"]["tokens"], 40) == (first.cut.tokens, second.cut.tokens)
    assert set(record.versions.values()) == {"99.0"}


def test_a_record_that_knew_no_sessions_is_gone_on_from(bench: Workbench) -> None:
    """An earlier version's record becomes the first session, with what it said; that it named no optimizer is fine."""
    record = bench.prepare(**SETTINGS).record
    old = replace(record, versions={"torch": "2.9"}, device="cuda", optimizer=None)
    now = with_session(record, old, 4, Cut(tokens=40, recomputed=0, dequantized=False))
    assert [(0, "cuda", {"torch": "2.9"}), (4, "cpu", record.versions)] == [
        (session.after_step, session.device, session.versions) for session in now.sessions
    ]
    assert now.sessions[0].cut is None
    assert [] == differences(old, now)
    assert [] == differences(replace(old, recipe=old.recipe | {"loss": "answer"}), now)  # as completion_only was called
    assert ["optimizer was 'paged_adamw_8bit', now 'adamw_torch'"] == differences(
        replace(old, optimizer="paged_adamw_8bit"), now
    )


def test_another_run_is_not_resumed(bench: Workbench, whole: Path) -> None:
    """Other hyperparameters than those of the folder's run are named, and nothing is trained."""
    with pytest.raises(InputError, match=r"lora_dropout was 0\.1, now 0\.2"):
        bench.train(whole, resume=True, **SETTINGS | {"lora_dropout": 0.2})


def test_the_seed_decides_the_adapter(bench: Workbench, tmp_path: Path, whole: Path) -> None:
    """The same seed gives the same file twice; another gives another."""
    bench.train(tmp_path / "again", **SETTINGS)
    assert_equal(whole, tmp_path / "again")
    bench.train(tmp_path / "other", **SETTINGS | {"seed": 8})
    first, other = weights(whole), weights(tmp_path / "other")
    assert not any(torch.equal(first[name], other[name]) for name in first)


def test_no_more_checkpoints_are_kept_than_asked_for(bench: Workbench, tmp_path: Path, whole: Path) -> None:
    """The newest ones stay, each of them whole."""
    assert ["checkpoint-8", "checkpoint-9"] == sorted(path.name for path in (whole / "checkpoints").iterdir())
    bench.train(tmp_path / "one", **SETTINGS | {"save_total_limit": 1})
    kept = list((tmp_path / "one" / "checkpoints").iterdir())
    assert ["checkpoint-9"] == [path.name for path in kept]
    assert (kept[0] / "manifest.json").is_file()


def test_copies_of_checkpoints_are_neither_counted_nor_removed(bench: Workbench, tmp_path: Path) -> None:
    """Whatever somebody has called them; of the checkpoints themselves the last two are kept."""
    copies = {"checkpoint-2-best", "checkpoint-copy-1"}
    for name in copies:
        (tmp_path / "a" / "checkpoints" / name).mkdir(parents=True)
    prepared = bench.prepare(save_steps=1, save_total_limit=2)
    save_record(tmp_path / "a", prepared.record)
    bench.train(tmp_path / "a", resume=True, save_steps=1, save_total_limit=2)
    kept = {path.name for path in (tmp_path / "a" / "checkpoints").iterdir()}
    assert copies | {"checkpoint-3", "checkpoint-4"} == kept
