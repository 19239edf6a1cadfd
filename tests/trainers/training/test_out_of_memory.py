"""Memory that runs out in the middle: the step is cut smaller, and the training goes on as if nothing had been."""

import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.errors import HarnessError
from harness.locale import in_language
from tests.trainers.training.conftest import Workbench, losses, rows, weights
from trainers.training import session
from trainers.training.trainer import AdapterTrainer, out_of_memory

Fails = Callable[[int], bool]


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Callable[[Fails], list[int]]:
    """Return a function that lets memory run out in the forward passes that it is told; it returns the widths seen."""

    def limit(fails: Fails) -> list[int]:
        widths: list[int] = []
        compute = AdapterTrainer.compute_loss

        def limited(self: Any, model: Any, inputs: dict[str, Any], *args: Any, **more: Any) -> torch.Tensor:
            widths.append(inputs["input_ids"].shape[1])
            loss: torch.Tensor = compute(self, model, inputs, *args, **more)
            if fails(widths[-1]):
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
            return loss

        monkeypatch.setattr(AdapterTrainer, "compute_loss", limited)
        return widths

    return limit


def assert_same_adapter(expected: Path, actual: Path) -> None:
    """Compare weights and losses, at the precision that another order of adding leaves."""
    before, after = weights(expected), weights(actual)
    assert sorted(before) == sorted(after)
    for name, weight in before.items():
        torch.testing.assert_close(after[name], weight, rtol=0, atol=1e-4, msg=name)
    assert [step for step, _ in losses(expected)] == [step for step, _ in losses(actual)]
    assert [loss for _, loss in losses(expected)] == pytest.approx([loss for _, loss in losses(actual)], abs=1e-4)


def test_too_wide_rows_are_cut_and_change_nothing(
    bench: Workbench, tmp_path: Path, memory: Callable[[Fails], list[int]]
) -> None:
    """Where no more than 70 tokens fit, the adapter and the losses are those of a machine where all fit."""
    settings = {"learning_rate": 1e-3, "num_train_epochs": 2.0}
    bench.train(tmp_path / "roomy", **settings)
    widths = memory(lambda width: width > 70)
    bench.train(tmp_path / "narrow", **settings)
    assert max(widths) > 70
    assert_same_adapter(tmp_path / "roomy", tmp_path / "narrow")
    events = [row for row in rows(tmp_path / "narrow") if "event" in row]
    assert events
    assert all("out of memory: going on with " in row["event"] for row in events)
    assert all("the effective batch stays" in row["event"] for row in events)
    said = next(line for line in bench.said if "out of memory" in line)
    assert "メモリーが足りません。一度に" in in_language(said, "ja")


@pytest.mark.parametrize("seed", range(4))
def test_memory_may_run_out_at_any_micro_batch(
    seed: int, bench: Workbench, tmp_path: Path, memory: Callable[[Fails], list[int]]
) -> None:
    """Once, at a random forward pass of a random step: everything after it is as it would have been."""
    settings = {"learning_rate": 1e-3, "num_train_epochs": 2.0}
    bench.train(tmp_path / "whole", tokens=60, **settings)
    moment = random.Random(seed).randrange(2, 16)
    seen: list[int] = []
    widths = memory(lambda width: seen.append(width) is None and len(seen) == moment)
    bench.train(tmp_path / "hit", tokens=60, **settings)
    assert len(widths) > moment
    assert_same_adapter(tmp_path / "whole", tmp_path / "hit")
    assert 1 == sum("event" in row for row in rows(tmp_path / "hit"))


def test_dropout_goes_on_after_memory_ran_out(
    bench: Workbench, tmp_path: Path, memory: Callable[[Fails], list[int]]
) -> None:
    """With dropout another cut draws other masks; the losses stay numbers and the run ends."""
    memory(lambda width: width > 70)
    record = bench.train(tmp_path / "a", lora_dropout=0.2, num_train_epochs=2.0)
    assert 8 == record.outcome.steps
    assert all(math.isfinite(loss) for _, loss in losses(tmp_path / "a"))


def test_a_step_that_is_done_again_drops_out_the_same(
    bench: Workbench, tmp_path: Path, memory: Callable[[Fails], list[int]]
) -> None:
    """With the finest cut only checkpointing is left to change: the same random masks give the same adapter."""
    settings = {"lora_dropout": 0.3, "learning_rate": 1e-3}
    tokens = bench.prepare().longest
    bench.train(tmp_path / "whole", tokens=tokens, **settings)
    seen: list[int] = []
    memory(lambda width: seen.append(width) is None and len(seen) == 8)
    bench.train(tmp_path / "hit", tokens=tokens, **settings)
    assert 1 == sum("every layer recomputing" in str(row.get("event")) for row in rows(tmp_path / "hit"))
    assert_same_adapter(tmp_path / "whole", tmp_path / "hit")


def test_the_trial_before_the_first_step_leaves_no_trace(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it the same random numbers are drawn, and the adapter is the same to the bit."""
    bench.train(tmp_path / "tried", lora_dropout=0.3)
    monkeypatch.setattr(AdapterTrainer, "preflight", lambda _: 0.0)
    bench.train(tmp_path / "untried", lora_dropout=0.3)
    name = "adapter_model.safetensors"
    assert (tmp_path / "tried" / name).read_bytes() == (tmp_path / "untried" / name).read_bytes()


def test_nothing_left_to_give_up_is_said(
    bench: Workbench, tmp_path: Path, memory: Callable[[Fails], list[int]]
) -> None:
    """After one sample at a time and every layer recomputing, the run ends in words and leaves no adapter."""
    memory(lambda _: True)
    with pytest.raises(
        HarnessError, match=r"one sample of up to [0-9]+ tokens at a time, every layer recomputing"
    ) as e:
        bench.train(tmp_path / "a")
    assert "with a new --output" in str(e.value.hint)
    assert not (tmp_path / "a" / "adapter_config.json").exists()
    assert any("every layer recomputing" in line for line in bench.said)


def test_the_heldout_samples_are_cut_where_they_do_not_fit(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their loss is the same, computed in smaller rows."""
    trainer = bench.trainer(tmp_path / "a")
    samples = bench.prepare().train.samples
    expected = trainer.heldout_loss(samples)
    forward, widths = trainer.model.forward, []

    def limited(**inputs: Any) -> Any:
        widths.append(inputs["input_ids"].shape[1])
        if widths[-1] > 90:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(**inputs)

    monkeypatch.setattr(trainer.model, "forward", limited)
    assert expected == pytest.approx(trainer.heldout_loss(samples), rel=1e-6)
    assert max(widths) > 90


def test_memory_that_runs_out_elsewhere_is_said_in_words(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The optimizer's own state is made in its first step, where nothing can be given up."""

    def no_room(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1.00 GiB.\nmore")

    monkeypatch.setattr(torch.optim.AdamW, "step", no_room)
    with pytest.raises(HarnessError, match=r"outside of the micro-batches: CUDA out of memory. Tried .* GiB\.$"):
        bench.train(tmp_path / "a")


def test_what_the_allocators_say_is_understood() -> None:
    """A CPU's allocator raises a plain RuntimeError; other errors are not taken for it."""
    with pytest.raises(RuntimeError) as full:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert out_of_memory(full.value)
    with pytest.raises(RuntimeError) as other:
        torch.empty(2, 3) @ torch.empty(2, 3)
    assert not out_of_memory(other.value)
    with pytest.raises(RuntimeError, match="mat1"), session._memory_named():
        torch.empty(2, 3) @ torch.empty(2, 3)
