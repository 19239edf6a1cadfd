"""Configurations and files that cannot be true are refused in a sentence, before anything is built from them."""

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.models.hf import counts, open_local
from harness.models.hf.reading import check_folder, json_object
from harness.types import ModelSpec, Request

Ask = Callable[..., Request]
SpecOf = Callable[..., ModelSpec]


@pytest.fixture
def copy(tiny: Path, tmp_path: Path) -> Path:
    """A copy of the tiny model that a test may change."""
    return Path(shutil.copytree(tiny, tmp_path / "copy"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_hidden_layers": 10**7}, "num_hidden_layers = 1e[+]07, and its files hold 21 tensors"),
        ({"num_hidden_layers": 10**12}, "its files hold 21 tensors"),
        ({"num_hidden_layers": 1e300}, "its files hold 21 tensors"),
        ({"text_config": {"num_hidden_layers": 10**7}}, "its files hold 21 tensors"),
        ({"vocab_size": 10**9}, "describes 128,.* weights, and its files hold"),
        ({"vocab_size": 10**15}, "no model is that large"),
        ({"hidden_size": 1 << 20, "head_dim": 16}, "weights, and its files hold"),
        ({"intermediate_size": 10**10}, "no model is that large"),
        ({"num_attention_heads": 10**12}, "no model is that large"),
        ({"model_type": "mixtral", "num_local_experts": 10**7}, "at most 4,096 are read"),
        ({"num_hidden_layers": "many"}, "cannot be loaded"),
        ({"num_hidden_layers": -5}, "no number of layers"),
        ({"num_attention_heads": 0}, "cannot be loaded"),
        ({"hidden_size": None}, "cannot be loaded"),
    ],
    ids=str,
)
def test_absurd_counts(copy: Path, spec_of: SpecOf, ask: Ask, change: dict[str, Any], message: str) -> None:
    """Within seconds and without taking memory."""
    path = copy / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | change), encoding="utf-8")
    began = time.process_time()
    with pytest.raises(HarnessError, match=message):
        list(open_local(spec_of(f"hf:{copy}")).generate([ask("a")]))
    assert time.process_time() - began < 10


def test_layers_times_experts() -> None:
    """Each may be, both cannot."""
    config = {"num_hidden_layers": 1_000, "moe": {"num_experts": 1_000}}
    with pytest.raises(HarnessError, match="1,000 layers of 1,000 experts"):
        counts.check_counts(config, "config.json", None)


@pytest.mark.parametrize(
    "config",
    [
        {"num_hidden_layers": 61, "n_routed_experts": 256, "vocab_size": 129_280, "max_position_embeddings": 163_840},
        {"num_hidden_layers": 48, "num_experts": 512, "rope_theta": 1e7, "initializer_range": 0.02},
        {"num_hidden_layers": 126, "vocab_size": 128_256, "hidden_size": 16_384, "model_max_length": 1e30},
        {"text_config": {"num_hidden_layers": 62, "vocab_size": 262_208}, "vision_config": {"depth": 27}},
    ],
)
def test_the_largest_real_models_pass(config: dict[str, Any]) -> None:
    """As their configurations have it."""
    counts.check_counts(config, "config.json", None)


@pytest.mark.parametrize(
    "name",
    ["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"],
)
@pytest.mark.parametrize("target", ["pipe", "/dev/zero", "folder", "huge"])
def test_what_is_no_file_of_a_model(copy: Path, spec_of: SpecOf, ask: Ask, name: str, target: str) -> None:
    """It is looked at before it is read, whichever file it is in place of."""
    path = copy / name
    path.unlink()
    if target == "pipe":
        os.mkfifo(path)
    elif target == "folder":
        path.mkdir()
    elif target == "huge":
        with path.open("wb") as file:
            file.truncate(1 << 40)
        if name.endswith(".safetensors"):
            path.unlink()  # weights may be as large as they like
            return
    else:
        path.symlink_to(target)
    with pytest.raises(HarnessError, match=r"not a regular file|such a file may hold"):
        list(open_local(spec_of(f"hf:{copy}")).generate([ask("a")]))


def test_what_else_lies_in_a_folder_does_not_matter(copy: Path) -> None:
    """Nobody opens it."""
    os.mkfifo(copy / "run.log")
    (copy / "checkpoint-1").mkdir()
    check_folder(copy)


@pytest.mark.parametrize(("text", "message"), [("[" * 10**6, "too deeply"), ("1" * 10**5, "JSON"), ("[]", "object")])
def test_json_that_is_no_configuration(tmp_path: Path, text: str, message: str) -> None:
    """Nested without end, a number without end, another kind."""
    (tmp_path / "config.json").write_text(text, encoding="utf-8")
    with pytest.raises(HarnessError, match=message):
        json_object(tmp_path / "config.json")
