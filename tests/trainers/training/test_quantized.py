"""Adapters on nf4 weights learn from the gradients that the same weights give unquantised, also on a CPU.

bitsandbytes packs 4-bit weights anew on CPUs with AVX512-BF16 once a model is evaluated; what it multiplies them with
then passes no gradient. ``packing`` makes any CPU do so.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import bitsandbytes.functional
import bitsandbytes.nn.modules
import pytest
import torch
from bitsandbytes.nn import Linear4bit

from harness.errors import HarnessError
from tests.trainers.training.conftest import Workbench, losses
from tests.trainers.training.test_trainer import gradients, step
from trainers.training.quantized import check_gradients_pass, keep_gradients

STEPS = ([0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10], [11, 12, 13])


@pytest.fixture(params=["as this CPU does", "packing"])
def _cpu(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let bitsandbytes do what it does on this CPU, or what it does on one with AVX512-BF16."""
    if request.param == "packing":
        monkeypatch.setattr(bitsandbytes.nn.modules, "has_avx512bf16", lambda: True)
        monkeypatch.setattr(bitsandbytes.functional, "gemv_4bit", multiply_packed)


@torch.no_grad()
def multiply_packed(x: torch.Tensor, packed: torch.Tensor, *, out: Any, state: Any) -> torch.Tensor:
    """Multiply by weights packed for AVX512-BF16, in bfloat16 and passing no gradient, as bitsandbytes does there."""
    assert out is None
    blocks, half = packed.reshape(-1, 32), packed.shape[1]
    codes = torch.cat([blocks & 0xF, blocks >> 4], dim=-1).reshape(-1, half, 32, 2).transpose(1, 2)
    table = bitsandbytes.functional.get_4bit_type("nf4", device="cpu")
    weight = table[codes.reshape(state.shape).long()] * state.absmax.float().T.repeat_interleave(state.blocksize, 1)
    return torch.nn.functional.linear(x.bfloat16(), weight.bfloat16()).to(x.dtype)


@pytest.fixture(params=[{}, {"dtype": "bfloat16"}], ids=["float32", "bfloat16"])
def numerics(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {"quantization": "nf4", **request.param}


@pytest.fixture
def nf4(bench: Workbench, tmp_path: Path) -> Callable[..., Any]:
    """Return a function that makes a trainer on nf4 weights, dequantized or not."""

    def make(*, dequantize: bool, **more: Any) -> Any:
        return bench.trainer(tmp_path / f"dequantize-{dequantize}", dequantize=dequantize, **more)

    return make


def layers(trainer: Any) -> list[Linear4bit]:
    return [module for module in trainer.model.modules() if isinstance(module, Linear4bit)]


def heldout(trainer: Any) -> Any:
    """Return the trainer's own samples once more, as held-out ones."""
    from trainers.encoding import Encoded

    return [
        Encoded(where="", ids=tuple(sample["input_ids"]), prompt=0, loss_start=0) for sample in trainer._samples[:3]
    ]


def evaluate(trainer: Any) -> None:
    trainer.heldout_loss(heldout(trainer))


@pytest.mark.usefixtures("_cpu")
@pytest.mark.parametrize(
    "before",
    [[], ["preflight"], ["evaluate"], ["evaluate", "preflight", "evaluate"]],
    ids=["at once", "after preflight", "after evaluation", "after all of it"],
)
def test_every_step_has_the_gradients_of_dequantized_weights(
    before: list[str], nf4: Callable[..., Any], numerics: dict[str, Any]
) -> None:
    """Loss and gradients, step by step, whatever was evaluated before and in between."""
    once, each = nf4(dequantize=True, **numerics), nf4(dequantize=False, **numerics)
    assert not layers(once)
    assert 14 == len(layers(each))
    doing = {"preflight": lambda trainer: trainer.preflight(), "evaluate": evaluate}
    close = {"rtol": 1e-4, "atol": 1e-5} if "dtype" not in numerics else {"rtol": 0.02, "atol": 1e-3}
    for indices in STEPS:
        for name in before:
            doing[name](once)
            doing[name](each)
        expected, actual = step(once, indices), step(each, indices)
        torch.testing.assert_close(actual[0], expected[0], rtol=1e-5 if "dtype" not in numerics else 1e-2, atol=0)
        assert sorted(expected[1]) == sorted(actual[1])
        for name, gradient in expected[1].items():
            assert gradient.abs().max() > 0, name
            torch.testing.assert_close(actual[1][name], gradient, **close, msg=name)


@pytest.mark.usefixtures("_cpu")
def test_whole_trainings_come_to_the_same_losses(bench: Workbench, tmp_path: Path) -> None:
    """With a held-out loss before, in between and after, and two epochs at a large learning rate."""
    settings = {"quantization": "nf4", "heldout": 3, "eval_steps": 1, "num_train_epochs": 2.0}
    for dequantize in (True, False):
        bench.train(tmp_path / str(dequantize), dequantize=dequantize, **settings)
    expected, actual = losses(tmp_path / "True"), losses(tmp_path / "False")
    assert [step for step, _ in expected] == [step for step, _ in actual]
    assert [loss for _, loss in expected] == pytest.approx([loss for _, loss in actual], rel=1e-3)


@pytest.mark.usefixtures("_cpu")
def test_the_heldout_loss_is_measured_with_the_numbers_of_training(nf4: Callable[..., Any]) -> None:
    """Not with those of bfloat16, in which packed weights are multiplied whatever the dtype."""
    measured = [nf4(dequantize=each, quantization="nf4") for each in (True, False)]
    first, second = (trainer.heldout_loss(heldout(trainer)) for trainer in measured)
    assert first == pytest.approx(second, rel=1e-5)


@pytest.mark.usefixtures("_cpu")
def test_weights_stored_as_nf4_are_no_other_case(
    bench: Workbench, tmp_path: Path, numerics: dict[str, Any], nf4: Callable[..., Any]
) -> None:
    """A base that somebody quantised and saved comes to the gradients of its source."""
    from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

    source = nf4(dequantize=True, quantization="nf4")
    config = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=torch.float32,
        bnb_4bit_use_double_quant=False,
    )
    AutoModelForCausalLM.from_pretrained(bench.base, quantization_config=config).save_pretrained(tmp_path / "stored")
    AutoTokenizer.from_pretrained(bench.base).save_pretrained(tmp_path / "stored")
    bench.base = tmp_path / "stored"
    stored = bench.trainer(tmp_path / "a", dequantize=False, quantization="nf4")
    evaluate(stored)
    expected, actual = step(source, STEPS[0]), step(stored, STEPS[0])
    for name, gradient in expected[1].items():
        torch.testing.assert_close(actual[1][name], gradient, rtol=1e-4, atol=1e-5, msg=name)


def test_layers_that_pass_no_gradient_end_the_training(
    nf4: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should another bitsandbytes pack weights whatever it is told, nothing is learnt from what is left."""
    trainer = nf4(dequantize=False, quantization="nf4")
    check_gradients_pass(trainer.model)
    monkeypatch.setattr(bitsandbytes, "matmul_4bit", nothing_learnt)
    with pytest.raises(HarnessError, match=r"pass no gradient .*layers\.0\.") as error:
        trainer.preflight()
    assert "--set dequantize=true" in str(error.value.hint)


def nothing_learnt(x: torch.Tensor, *_: Any, quant_state: Any, **__: Any) -> torch.Tensor:
    """Return a product that depends on its input by nothing that torch knows of."""
    return torch.zeros(*x.shape[:-1], quant_state.shape[0], requires_grad=True)


def test_packed_weights_are_multiplied_as_bitsandbytes_does() -> None:
    """What stands in for it on other CPUs is checked on those that have the instructions."""
    if not bitsandbytes.functional.has_avx512bf16():
        pytest.skip("this CPU has no AVX512-BF16")
    torch.manual_seed(0)
    weight, x = torch.randn(96, 128), torch.randn(5, 128)
    packed, state = bitsandbytes.functional._convert_weight_packed_for_cpu(
        *bitsandbytes.functional.quantize_4bit(weight, blocksize=64, quant_type="nf4")
    )
    expected = bitsandbytes.functional.gemv_4bit(x, packed, state=state)
    torch.testing.assert_close(multiply_packed(x, packed, out=None, state=state), expected, rtol=0.02, atol=0.2)
    assert expected.abs().mean() > 5


def test_a_model_without_quantised_weights_is_left_alone() -> None:
    """Nothing is found, and nothing is wrong."""
    model = torch.nn.Sequential(torch.nn.Linear(4, 4))
    keep_gradients(model)
    check_gradients_pass(model)
    assert gradients(model) == {}
