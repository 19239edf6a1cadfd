"""Configurations and files that cannot be true are refused in a sentence, before anything is built from them."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.models.hf import counts, open_local
from harness.types import ModelSpec, Request
from tests.patience import PATIENCE

Ask = Callable[..., Request]
SpecOf = Callable[..., ModelSpec]


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
    assert time.process_time() - began < PATIENCE


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
