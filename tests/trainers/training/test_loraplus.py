"""LoRA+: as many times the learning rate of A for B, by peft's own division of the parameters."""

from pathlib import Path

import pytest

from tests.trainers.training.conftest import Workbench
from trainers.training.loraplus import use_loraplus


def test_b_learns_faster_by_the_ratio(bench: Workbench, tmp_path: Path) -> None:
    """Every parameter has a rate, matrices B that of A times the ratio; weight decay is the recipe's."""
    trainer = bench.trainer(tmp_path / "a", loraplus_lr_ratio=8.0, learning_rate=1e-3, weight_decay=0.02)
    names = {id(parameter): name for name, parameter in trainer.model.named_parameters() if parameter.requires_grad}
    rates = {names[id(p)]: (group["lr"], group["weight_decay"]) for group in trainer.optimizer.param_groups
             for p in group["params"]}  # fmt: skip
    assert sorted(rates) == sorted(names.values())
    for name, (rate, decay) in rates.items():
        assert rate == pytest.approx(8e-3 if "lora_B" in name else 1e-3), name
        assert 0.02 == decay, name


def test_without_a_ratio_transformers_makes_the_optimizer(bench: Workbench, tmp_path: Path) -> None:
    """At the start of the training, as ever."""
    trainer = bench.trainer(tmp_path / "a")
    use_loraplus(trainer, bench.prepare().recipe)
    assert trainer.optimizer is None
