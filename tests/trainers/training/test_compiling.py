"""Compiled layers: what they keep, and what becomes of them where no compiler works."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch._functorch.config
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from harness.testing import make_llama
from tests.trainers.training.conftest import Workbench, losses, rows, weights
from trainers.memory_plan import MemoryConstraints, ModelShape
from trainers.training.compiling import compile_layers
from trainers.training.model import layers_of
from trainers.training.trainer import AdapterTrainer

HIDDEN, INNER, RANK = 96, 320, 4


@pytest.fixture
def no_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let inductor find nothing compiled before, and a C++ compiler that compiles nothing."""
    from torch._inductor import config

    torch._dynamo.reset()
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("CXX", "false")
    monkeypatch.setattr(config.cpp, "cxx", ("false",))


@pytest.fixture
def torchs_own_settings() -> Iterator[None]:
    """Nothing compiled before, and what compiling sets put back."""
    torch._dynamo.reset()
    names = ("used_far_apart", "long_fusible_chains", "materialized_backward")
    with torch._functorch.config.patch({f"ban_recompute_{name}": True for name in names}):
        yield


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


@pytest.mark.parametrize(("dropout", "within"), [(0.0, 0.01), (0.1, 0.06)])  # 0.1: attention's output twice
@pytest.mark.usefixtures("torchs_own_settings")
def test_compiled_layers_keep_what_is_planned(tmp_path: Path, dropout: float, within: float) -> None:
    """Cut in two by torch's own partitioner, with nothing generated: what the second layer saves, per token.

    Beside what is planned there are the adapters' narrow products, and what the norms and attention keep of a token.
    """
    folder = make_llama(tmp_path, hidden=HIDDEN, intermediate_size=INNER, num_key_value_heads=4, num_hidden_layers=3)
    base = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
    adapter = LoraConfig(r=RANK, lora_dropout=dropout, target_modules="all-linear")
    model = get_peft_model(base, adapter).train()
    for module in model.modules():
        if hasattr(module, "cast_input_dtype_enabled"):  # as training has it
            module.cast_input_dtype_enabled = False
    compile_layers(layers_of(model), backend="aot_eager_decomp_partition")
    few, more = (kept_of_the_second(model, tokens) for tokens in (64, 192))
    shape = ModelShape(
        layers=3,
        hidden=HIDDEN,
        inner=INNER,
        vocabulary=300,
        weights=1,
        dense_weights=1,
        adapter=1,
        adapted_inputs=6 * HIDDEN + INNER,
        itemsize=2,
    )
    constraints = MemoryConstraints(dropout=dropout > 0, quantized=False, compiled=True, device="cpu")
    narrow, turns = 2 * 7 * RANK + 4 * (4 + 2), 2 * 2 * HIDDEN // 4  # adapters, heads, norms; positions, of all layers
    assert (more - few) / 128 == pytest.approx(shape.layer_token_bytes(constraints) + narrow + turns, rel=within)


def kept_of_the_second(model: Any, tokens: int) -> int:
    """Return the bytes that the second of three layers saves of a row, each storage once, weights not counted."""
    weights = {one.untyped_storage().data_ptr() for one in model.parameters()}
    saved: dict[int, int] = {}
    inside = [False]
    layer = layers_of(model)[1]
    layer.register_forward_pre_hook(lambda *_: inside.__setitem__(0, True))
    layer.register_forward_hook(lambda *_: inside.__setitem__(0, False))

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if inside[0] and storage.data_ptr() not in weights:
            saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    row = torch.ones(1, tokens, dtype=torch.long)
    cast = torch.autocast("cpu", dtype=torch.bfloat16)
    with cast, torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        found = model.get_base_model().model(input_ids=row, use_cache=False)
    del found
    return sum(saved.values())
