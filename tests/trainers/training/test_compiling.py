"""Layers that are to be compiled where no compiler works."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainers.training.conftest import Workbench, losses, rows, weights
from trainers.training.trainer import AdapterTrainer


@pytest.fixture
def no_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let inductor find nothing compiled before, and a C++ compiler that compiles nothing."""
    from torch._inductor import config

    torch._dynamo.reset()
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("CXX", "false")
    monkeypatch.setattr(config.cpp, "cxx", ("false",))


@pytest.mark.usefixtures("no_compiler")
def test_without_a_compiler_layers_go_on_uncompiled(bench: Workbench, tmp_path: Path) -> None:
    """It is said once, before the first step, and the adapter is that of a recipe that compiles nothing."""
    bench.train(tmp_path / "plain", max_steps=2)
    bench.train(tmp_path / "compiled", max_steps=2, torch_compile=True)
    said = [row for row in rows(tmp_path / "compiled") if "cannot be compiled" in row.get("event", "")]
    assert [0] == [row["step"] for row in said]
    assert losses(tmp_path / "plain") == losses(tmp_path / "compiled")
    for name, weight in weights(tmp_path / "plain").items():
        assert torch.equal(weight, weights(tmp_path / "compiled")[name])


def test_an_error_that_is_not_the_compilers_is_raised(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes again without compiled layers."""

    def broken(*_: Any, **__: Any) -> Any:
        raise ValueError("defect")

    trainer = bench.trainer(tmp_path / "a", torch_compile=True)
    monkeypatch.setattr(AdapterTrainer, "compute_loss", broken)
    with pytest.raises(ValueError, match="defect"):
        trainer.preflight()
