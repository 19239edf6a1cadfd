"""A base is identified once, alike for an evaluation and for a training."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.models.hf import bases, resolved_base
from harness.models.hf.resolved_base import resolve_base


def test_what_ends_an_answer_is_known_before_weights_are_loaded(tiny: Path, tmp_path: Path) -> None:
    """From the files alone the same ids as from the loaded model: those it names and the tokenizer's own."""
    folder = tmp_path / "base"
    folder.mkdir()
    for item in tiny.iterdir():
        (folder / item.name).write_bytes(item.read_bytes())
    named = json.loads((folder / "generation_config.json").read_text())
    (folder / "generation_config.json").write_text(json.dumps(named | {"eos_token_id": [2, 7]}))
    base = resolve_base(str(folder), None, {}, quantization="none", dtype="float32")
    assert {2, 7} == base.end(base.encoder()) == base.load().end


def test_settings_decide_trust_and_scales(tiny: Path) -> None:
    """A base is trusted by its very name only; what is the same in memory has the same key."""
    plain = resolve_base(str(tiny), None, {}, quantization="nf4", dtype="float32")
    assert (False, False) == (plain.trusted, plain.numerics.double_quant)
    other = resolve_base(
        str(tiny), None, {"trust_remote_code": [str(tiny)], "double_quant": True}, quantization="nf4", dtype="float32"
    )
    assert (True, True) == (other.trusted, other.numerics.double_quant)
    assert plain.key != other.key
    assert plain.key == resolve_base(f"hf:{tiny}", None, {}, quantization="nf4", dtype="float32").key


def test_a_training_finds_its_base_once(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Config, tokenizer and memory plan come from the one source that was found."""
    pytest.importorskip("trl")
    from tests.trainers.training.conftest import Workbench, write_pairs

    found: list[str] = []
    resolve: Any = resolved_base.resolve

    def counting(text: str, revision: str | None) -> Any:
        found.append(text)
        return resolve(text, revision)

    monkeypatch.setattr(resolved_base, "resolve", counting)
    Workbench(tiny, write_pairs(tmp_path / "pairs.json", 5)).prepare()
    assert [str(tiny)] == found


def test_a_model_alone_is_the_one_of_the_base(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same weights, and no tokenizer is read for it."""
    resolved = resolve_base(str(tiny), None, {}, quantization="nf4", dtype="float32")
    base = resolved.load()
    monkeypatch.setattr(bases, "AutoTokenizer", None)
    weights = resolved.load_model().state_dict()
    assert list(base.model.state_dict()) == list(weights)
    assert all(torch.equal(value, weights[name]) for name, value in base.model.state_dict().items())


def test_a_tokenizer_that_was_read_alone_is_not_read_again(tiny: Path, make_tiny: Callable[..., Path]) -> None:
    """The base takes that of its own files; whoever asks for an encoder gets one of his own."""
    resolved = resolve_base(str(tiny), None, {}, quantization="none", dtype="float32")
    first, last = resolved.encoder(), resolved.encoder()
    assert last.tokenizer is resolved.load().encoder.tokenizer is not first.tokenizer
    other = resolve_base(str(make_tiny("other", seed=7)), None, {}, quantization="none", dtype="float32")
    assert last.tokenizer is not other.load().encoder.tokenizer
