"""Fused kernels on one model alone, off and on again; what they may not change; and who gets them.

Liger's library is not installed here and needs a GPU: in its place a function does to a model, and to the classes of
its module, what ``liger_kernel.transformers.monkey_patch`` does.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from types import MethodType
from typing import Any

import pytest
import torch
from transformers import Gemma2Config, GPT2Config, LlamaConfig
from transformers.models.llama import modeling_llama

from harness.errors import UsageError
from harness.installation import MissingExtraError
from harness.models.hf.numerics import Numerics
from tests.trainers.training.conftest import Workbench, losses, rows, weights
from trainers.recipe import Recipe
from trainers.training import fused
from trainers.training.fused import FAMILIES, kernels_of, leave_unfused, uses_kernels, without_kernels
from trainers.training.live_model import as_in_evaluation

GPU = Numerics(quantization="nf4", dtype=torch.bfloat16, device="cuda")
CPU = Numerics(quantization="none", dtype=torch.float32, device="cpu")
Kernel = Callable[[Any, torch.Tensor], torch.Tensor]


def as_written(self: Any, hidden: torch.Tensor) -> torch.Tensor:
    """Compute the norm of the class."""
    computed: torch.Tensor = type(self).forward(self, hidden)
    return computed


def doubled(self: Any, hidden: torch.Tensor) -> torch.Tensor:
    """Compute another norm, as a kernel for another architecture would."""
    return 2 * as_written(self, hidden)


def broken(self: Any, hidden: torch.Tensor) -> torch.Tensor:
    """Fail as Triton does without a C compiler."""
    raise RuntimeError("Failed to find C compiler.")


class _Backward(torch.autograd.Function):
    @staticmethod
    def forward(_: Any, hidden: torch.Tensor) -> torch.Tensor:
        return hidden.clone()

    @staticmethod
    def backward(_: Any, *__: Any) -> Any:
        raise RuntimeError("PassManager::run failed")


def broken_backwards(self: Any, hidden: torch.Tensor) -> torch.Tensor:
    """Fail where gradients pass alone."""
    return as_written(self, _Backward.apply(hidden))


def library(kernel: Kernel) -> Callable[[Any, Any], None]:
    """Return what stands for ``transformers.integrations.liger.apply_liger_kernel``."""

    def apply(model: Any, wanted: Any) -> None:
        assert {"rms_norm", "swiglu", "geglu"} == {name for name, on in wanted.items() if on}
        modeling_llama.LlamaRMSNorm = modeling_llama.LlamaMLP = type("Liger", (), {})  # type: ignore[misc]
        modeling_llama.left_behind = True  # type: ignore[attr-defined]
        for module in model.modules():
            if type(module).__name__ == "LlamaRMSNorm":
                module.in_place = True
                module.variance_epsilon = module.variance_epsilon + 0.0
                vars(module)["forward"] = MethodType(kernel, module)

    return apply


@pytest.fixture
def fusing(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> Callable[[Kernel], Workbench]:
    """Return a function that has every training of the workbench computed with a kernel."""

    def use(kernel: Kernel) -> Workbench:
        monkeypatch.setattr(fused, "apply_liger_kernel", library(kernel))
        monkeypatch.setattr("trainers.constraints.uses_kernels", lambda *_: True)
        monkeypatch.setattr("trainers.training.session.kernel_version", lambda: {"liger-kernel": "0.8.5"})
        return bench

    return use


def test_kernels_are_on_one_model_alone(fusing: Callable[[Kernel], Workbench], tmp_path: Path) -> None:
    """The module's classes are what they were, so that a model that is loaded afterwards computes as ever."""
    before = dict(vars(modeling_llama))
    trainer = fusing(doubled).trainer(tmp_path / "a")
    assert before == dict(vars(modeling_llama))
    assert norms(trainer.model)
    assert all("forward" in vars(norm) for norm in norms(trainer.model))
    other = modeling_llama.LlamaForCausalLM(trainer.model.get_base_model().config)
    assert not any("forward" in vars(norm) for norm in norms(other))


def test_they_come_off_and_are_put_back(fusing: Callable[[Kernel], Workbench], tmp_path: Path) -> None:
    """While answers are asked for, and for good: with every attribute as it was."""
    bench = fusing(doubled)
    trainer = bench.trainer(tmp_path / "a")
    on = [dict(vars(norm)) for norm in norms(trainer.model)]
    ids = torch.tensor([[5, 6, 7, 8]])
    trainer.model.eval()
    with torch.no_grad():
        kernels = trainer.model(input_ids=ids).logits
        with as_in_evaluation(trainer.model):
            written = trainer.model(input_ids=ids).logits
            assert not any({"forward", "in_place"} & vars(norm).keys() for norm in norms(trainer.model))
        assert not torch.equal(kernels, written)
        assert torch.equal(kernels, trainer.model(input_ids=ids).logits)
        assert on == [dict(vars(norm)) for norm in norms(trainer.model)]
        leave_unfused(trainer.model)
        assert torch.equal(written, trainer.model(input_ids=ids).logits)
    assert kernels_of(trainer.model) is None
    with without_kernels(trainer.model):  # there are none to take off
        assert not any("forward" in vars(norm) for norm in norms(trainer.model))


def test_kernels_that_compute_the_same_stay(fusing: Callable[[Kernel], Workbench], tmp_path: Path) -> None:
    """Plan, record and checkpoint tell of them, and a resume without them says what is another."""
    bench = fusing(as_written)
    record = bench.train(tmp_path / "a", max_steps=2)
    assert record.sessions[-1].cut.fused
    assert "fused kernels" in str(record.sessions[-1].cut)
    assert "0.8.5" == record.versions["liger-kernel"]
    assert not any("fused" in row.get("event", "") for row in rows(tmp_path / "a"))
    assert "fused kernels" in bench.prepare().plan().describe(bench.prepare().shape)


@pytest.mark.parametrize(
    ("kernel", "why"),
    [
        (doubled, "differ by"),
        (broken, "C compiler"),
        (broken_backwards, "PassManager"),
        (None, "no_such_library"),
    ],
)
def test_others_are_left_out_and_that_is_said(
    fusing: Callable[[Kernel], Workbench],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kernel: Kernel | None,
    why: str,
) -> None:
    """Once, before the first step; the adapter is that of a training without them."""
    bench = fusing(kernel or doubled)
    if kernel is None:
        monkeypatch.setattr(fused, "apply_liger_kernel", lambda *_: __import__("no_such_library"))
    record = bench.train(tmp_path / "fused", max_steps=2)
    said = [row for row in rows(tmp_path / "fused") if "fused kernels are left out" in row.get("event", "")]
    assert [0] == [row["step"] for row in said]
    assert why in said[0]["event"]
    assert not record.sessions[-1].cut.fused
    assert "liger-kernel" not in record.versions
    monkeypatch.setattr("trainers.constraints.uses_kernels", lambda *_: False)
    bench.train(tmp_path / "plain", max_steps=2)
    assert losses(tmp_path / "plain") == losses(tmp_path / "fused")
    for name, weight in weights(tmp_path / "plain").items():
        assert torch.equal(weight, weights(tmp_path / "fused")[name])


def test_no_kernel_fits_a_model_of_another_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remote code may name a family whose classes it does not have, and a library may know no layer of it."""
    config = LlamaConfig(
        hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=1, vocab_size=16
    )
    monkeypatch.setattr(fused, "apply_liger_kernel", lambda *_: None)
    assert "they fit no layer" == fused.FusedKernels(modeling_llama.LlamaForCausalLM(config)).why
    remote = type("Remote", (modeling_llama.LlamaForCausalLM,), {"__module__": __name__})
    assert "not transformers' own" in str(fused.FusedKernels(remote(config)).why)


@pytest.mark.parametrize(
    ("wish", "numerics", "config", "compiled", "installed", "used"),
    [
        ("auto", GPU, LlamaConfig(), False, True, True),
        ("auto", GPU, Gemma2Config(), False, True, True),
        (True, GPU, LlamaConfig(), False, True, True),
        (False, GPU, LlamaConfig(), False, True, False),
        ("auto", GPU, LlamaConfig(), False, False, False),
        ("auto", GPU, LlamaConfig(), True, True, False),
        ("auto", CPU, LlamaConfig(), False, True, False),
        ("auto", GPU, GPT2Config(), False, True, False),
    ],
)
def test_auto_takes_them_where_they_can_be_had(
    monkeypatch: pytest.MonkeyPatch,
    wish: Any,
    numerics: Numerics,
    config: Any,
    compiled: bool,
    installed: bool,
    used: bool,
) -> None:
    """On a GPU, installed, for a base that was checked, without compiled layers."""
    monkeypatch.setattr(fused, "is_installed", lambda: installed)
    assert used is uses_kernels(Recipe(use_liger_kernel=wish, torch_compile=compiled), numerics, config)


@pytest.mark.parametrize(
    ("numerics", "config", "compiled", "installed", "error", "words"),
    [
        (GPU, LlamaConfig(), True, True, UsageError, "torch_compile=false"),
        (CPU, LlamaConfig(), False, True, UsageError, "need a GPU"),
        (GPU, GPT2Config(), False, True, UsageError, "this base is gpt2"),
        (GPU, LlamaConfig(), False, False, MissingExtraError, "liger]"),
    ],
)
def test_what_is_asked_for_and_cannot_be_had_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
    numerics: Numerics,
    config: Any,
    compiled: bool,
    installed: bool,
    error: type[Exception],
    words: str,
) -> None:
    """With the next step."""
    monkeypatch.setattr(fused, "is_installed", lambda: installed)
    with pytest.raises(error) as caught:
        uses_kernels(Recipe(use_liger_kernel=True, torch_compile=compiled), numerics, config)
    assert words in f"{caught.value} {getattr(caught.value, 'hint', '')}"


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_a_module_of_its_name(family: str) -> None:
    """That is where Liger replaces classes, and where they are put back."""
    name = family.removesuffix("_text")
    module = f"transformers.models.{name}.modeling_{name}"
    __import__(module)
    assert any(one.endswith("ForCausalLM") for one in vars(sys.modules[module]))


def norms(model: Any) -> list[Any]:
    """Return the norms of a model."""
    return [module for module in model.modules() if type(module).__name__ == "LlamaRMSNorm"]
