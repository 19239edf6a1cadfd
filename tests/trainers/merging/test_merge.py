"""A merged model is the base with its adapter, or there is none."""

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bitsandbytes.functional
import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from harness.errors import AdapterMismatchError, HarnessError, InputError, UnwritableError
from tests.trainers.training.conftest import Workbench, write_pairs
from trainers.merging import merge as merging
from trainers.merging.merge import MergeRecord, MergeRequest, merge, outcome


def request(adapter: Path, **changes: Any) -> MergeRequest:
    """Ask for an adapter to be merged, by default as on this machine."""
    settings: dict[str, Any] = {"base": None, "dtype": "float32", "quantization": None, "settings": {}}
    return MergeRequest(adapter=str(adapter), **settings | changes)


def run(adapter: Path, output: Path, **changes: Any) -> MergeRecord:
    """Merge without a word."""
    return merge(request(adapter, **changes), output, lambda _: None)


@pytest.fixture(autouse=True)
def _on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


def test_the_merged_model_answers_as_adapter_and_base(
    tiny: Path, make_adapter: Callable[..., Path], tmp_path: Path
) -> None:
    """By peft and transformers themselves, on tokens that the comparison within does not use."""
    adapter = make_adapter(tiny)
    with warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)  # of libraries, which no user can act on
        made = run(adapter, tmp_path / "merged")
    ids = torch.tensor([[1, 40, 7, 99, 12, 250, 8]])
    with torch.inference_mode():
        expected = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny), adapter)(ids).logits
        actual = AutoModelForCausalLM.from_pretrained(tmp_path / "merged")(ids).logits
        base = AutoModelForCausalLM.from_pretrained(tiny)(ids).logits
    torch.testing.assert_close(expected, actual, rtol=0, atol=1e-4)
    assert (actual - base).abs().max() > 0.1
    assert made.shift.merging < made.shift.bound < made.shift.effect
    assert 1.0 == made.shift.same_token
    assert "the same at 100.0% of" in outcome(made.shift)
    text = "### 指示\n東京は？\n### 回答\n"
    assert AutoTokenizer.from_pretrained(tiny)(text) == AutoTokenizer.from_pretrained(tmp_path / "merged")(text)
    assert (tiny / "tokenizer.json").read_bytes() == (tmp_path / "merged" / "tokenizer.json").read_bytes()
    written = json.loads((tmp_path / "merged" / "merge.json").read_text(encoding="utf-8"))
    assert (str(tiny), "none", "float32") == (written["base"], written["quantization"], written["dtype"])
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_4_bit_base_is_dequantized_and_stays_so(tiny: Path, tmp_path: Path) -> None:
    """As training's record says: the merged weight is the dequantized nf4 value plus B·A, in no 4-bit layer."""
    work = Workbench(tiny, write_pairs(tmp_path / "pairs.json", 14))
    work.train(tmp_path / "adapter", quantization="nf4", double_quant=True, num_train_epochs=2.0)
    made = run(tmp_path / "adapter", tmp_path / "merged")
    assert ("nf4", "float32") == (made.quantization, made.dtype)
    checkpoint = min((tmp_path / "adapter" / "checkpoints").iterdir())
    whole = run(checkpoint, tmp_path / "of-checkpoint")
    assert ("nf4", "float32") == (whole.quantization, whole.dtype), "as its training's record says"
    merged = load_file(tmp_path / "merged" / "model.safetensors")
    name = "model.layers.1.mlp.down_proj"
    weight = load_file(tiny / "model.safetensors")[f"{name}.weight"]
    packed, state = bitsandbytes.functional.quantize_4bit(weight, quant_type="nf4", compress_statistics=True)
    lora = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    a, b = (lora[f"base_model.model.{name}.lora_{half}.weight"] for half in "AB")
    expected = bitsandbytes.functional.dequantize_4bit(packed, state) + 8 / 4 * b @ a
    torch.testing.assert_close(expected, merged[f"{name}.weight"], rtol=0, atol=1e-5)
    assert not torch.allclose(weight + 8 / 4 * b @ a, merged[f"{name}.weight"], rtol=0, atol=1e-3)
    config = json.loads((tmp_path / "merged" / "config.json").read_text(encoding="utf-8"))
    assert "quantization_config" not in config
    assert {torch.float32} == {tensor.dtype for tensor in merged.values()}
    contract = "prompt_contract.json"
    assert (tmp_path / "adapter" / contract).read_bytes() == (tmp_path / "merged" / contract).read_bytes()
    assert made.training is not None
    assert "tiny" == made.training["recipe_name"]


@pytest.mark.parametrize("settings", [{"use_rslora": True, "r": 8}, {"use_dora": True}])
def test_other_loras_are_folded_in_as_peft_scales_them(
    settings: dict[str, Any], tiny: Path, make_adapter: Callable[..., Path], tmp_path: Path
) -> None:
    """Rank-stabilised scaling and DoRA's magnitudes."""
    made = run(make_adapter(tiny, **settings), tmp_path / "merged")
    assert made.shift.merging < 1e-3 < made.shift.effect


def test_tied_embeddings_stay_tied(
    make_tiny: Callable[..., Path], make_adapter: Callable[..., Path], tmp_path: Path
) -> None:
    """A model whose head is its embedding."""
    base = make_tiny("tied", tie_word_embeddings=True)
    run(make_adapter(base), tmp_path / "merged")
    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "merged")
    assert merged.get_input_embeddings().weight is merged.get_output_embeddings().weight


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_is_what_is_written(
    dtype: str, tiny: Path, make_adapter: Callable[..., Path], tmp_path: Path
) -> None:
    """The merged weights have the dtype that was asked for, and are within its bound."""
    made = run(make_adapter(tiny), tmp_path / "merged", dtype=dtype)
    weights = load_file(tmp_path / "merged" / "model.safetensors")
    assert {getattr(torch, dtype)} == {tensor.dtype for tensor in weights.values()}
    assert 1e-5 < made.shift.merging <= made.shift.bound


def test_an_adapter_that_rounding_swallows_is_refused(
    tiny: Path, make_adapter: Callable[..., Path], tmp_path: Path
) -> None:
    """Its effect is smaller than bfloat16's steps; in float32 it is not. Nothing is left behind."""
    adapter = make_adapter(tiny, scale=2e-4)
    with pytest.raises(AdapterMismatchError, match="The merged model is another one") as caught:
        run(adapter, tmp_path / "merged", dtype="bfloat16")
    assert "float32" in str(caught.value.hint)
    assert not list(tmp_path.iterdir())
    run(adapter, tmp_path / "merged")


def test_a_merge_that_went_wrong_is_refused(
    tiny: Path, make_adapter: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One weight of the merged model is another: the logits tell, and nothing is left."""
    fold = merging._fold

    def wrong(model: Any, adapter: Any) -> Any:
        merged = fold(model, adapter)
        merged.model.layers[0].mlp.up_proj.weight.data *= 1.02
        return merged

    monkeypatch.setattr(merging, "_fold", wrong)
    with pytest.raises(AdapterMismatchError, match="another one"):
        run(make_adapter(tiny), tmp_path / "merged")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"modules_to_save": ["lm_head"]}, "modules_to_save: lm_head"),
        ({"trainable_token_indices": [5, 6]}, "trainable_token_indices"),
        ({"bias": "lora_only"}, "bias: lora_only"),
    ],
)
def test_what_is_more_than_lora_is_refused_by_name(
    settings: dict[str, Any],
    reason: str,
    tiny: Path,
    tmp_path: Path,
    make_adapter: Callable[..., Path],
    set_config: Any,
) -> None:
    """Before anything is loaded."""
    adapter = make_adapter(tiny)
    set_config(adapter, **settings)
    with pytest.raises(AdapterMismatchError, match=reason):
        run(adapter, tmp_path / "merged")
    assert not list(tmp_path.iterdir())


def test_an_interrupted_merge_leaves_nothing(
    tiny: Path, make_adapter: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while the merged model is compared; what a kill left is taken away by the next one."""
    adapter = make_adapter(tiny)
    with monkeypatch.context() as patch:
        patch.setattr(merging, "load_base", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run(adapter, tmp_path / "merged")
    assert not list(tmp_path.iterdir())
    (tmp_path / ".merged.merging").mkdir()
    (tmp_path / ".merged.merging" / "model-00001-of-00009.safetensors").write_bytes(b"half")
    (tmp_path / "merged").mkdir()
    run(adapter, tmp_path / "merged")
    assert ["merged"] == [path.name for path in tmp_path.iterdir()]
    assert not (tmp_path / "merged" / "model-00001-of-00009.safetensors").exists()


def test_an_output_that_holds_something_is_left_alone(
    tiny: Path, make_adapter: Callable[..., Path], tmp_path: Path
) -> None:
    """A folder with files, or a file."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    adapter = make_adapter(tiny)
    with pytest.raises(InputError, match="holds other files"):
        run(adapter, tmp_path / "full")
    with pytest.raises(InputError, match="not a folder"):
        run(adapter, tmp_path / "file")
    assert "mine" == (tmp_path / "full" / "thesis.txt").read_text()


def test_a_disk_without_room_is_told_before_anything_is_loaded(
    tiny: Path, make_adapter: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what is needed and what is free."""
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(merging.shutil, "disk_usage", lambda _: usage._replace(free=1 << 20))
    monkeypatch.setattr(merging.ResolvedBase, "load", lambda _: pytest.fail("it was loaded"))
    with pytest.raises(UnwritableError, match=r"0\.1 GiB are needed, and 0\.0 GiB are free"):
        run(make_adapter(tiny), tmp_path / "merged")


def test_damaged_weights_are_refused(tiny: Path, make_adapter: Callable[..., Path], tmp_path: Path) -> None:
    """A value that is no number."""
    adapter = make_adapter(tiny)
    tensors = load_file(adapter / "adapter_model.safetensors")
    next(iter(tensors.values()))[0, 0] = float("nan")
    save_file(tensors, adapter / "adapter_model.safetensors")
    with pytest.raises(HarnessError, match="no numbers"):
        run(adapter, tmp_path / "merged")
    assert not list(tmp_path.iterdir())
