"""Estimates of time against what was measured: within a factor of two, which is what a plan needs."""

import pytest
import torch
from transformers import Gemma3TextConfig

from harness.models.hf.memory import Footprint, footprint
from harness.models.hf.needs import Device, most_seconds, step_seconds
from harness.models.hf.numerics import Numerics
from tests.models.hf.test_memory import LLM_JP_13B

CUDA = Numerics(device="cuda", dtype=torch.bfloat16, quantization="nf4", route="dequantised")
PLAIN = Numerics(device="cuda", dtype=torch.bfloat16, quantization="nf4")
CPU = Numerics(device="cpu", dtype=torch.float32, quantization="none")


@pytest.fixture(scope="module")
def large() -> Footprint:
    return footprint(LLM_JP_13B)


@pytest.mark.parametrize(
    ("numerics", "name", "rows", "measured"),
    [
        (CUDA, "NVIDIA H100 80GB HBM3", 65, 1546),
        (CUDA, "NVIDIA H200", 100, 2997),
        (PLAIN, "NVIDIA H200", 100, 1005),
        (PLAIN, "NVIDIA H200", 10, 103),
        (PLAIN, "NVIDIA H200", 1, 22.4),
    ],
)
def test_the_13b_shape(large: Footprint, numerics: Numerics, name: str, rows: int, measured: float) -> None:
    """Tokens a second as measured with random weights of the true shape."""
    said = rows / step_seconds(large, 40, numerics, Device(name=name), rows)
    assert 0.5 < said / measured < 2


@pytest.mark.parametrize(("rows", "measured"), [(1, 13), (8, 39), (32, 45)])
def test_gemma_on_two_cores(rows: int, measured: float) -> None:
    """Tokens a second of Gemma 3 270M in float32."""
    config = Gemma3TextConfig(
        vocab_size=262144, hidden_size=640, intermediate_size=2048, num_hidden_layers=18, num_attention_heads=4,
        num_key_value_heads=1, head_dim=256, tie_word_embeddings=True,
    )  # fmt: skip
    said = rows / step_seconds(footprint(config), 18, CPU, Device(name="CPU", cores=2), rows)
    assert 0.5 < said / measured < 2


def test_a_row_begins_where_another_has_ended() -> None:
    """Two at a time: 10 steps behind the 20, beside the 30."""
    assert pytest.approx(3.0) == most_seconds(0.1, 2, [10, 30, 20])
    assert 0 == most_seconds(0.1, 2, [])
