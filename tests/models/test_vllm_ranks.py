"""The ranks that vLLM offers, against those that its own source lists."""

import pytest

from harness.models.vllm_ranks import DEFAULT_RANK, RANKS, rank_offered

VLLM = {1, 8, 16, 32, 64, 128, 256, 320, 512}  # MaxLoRARanks in vllm/config/lora.py


def test_the_ranks_are_those_of_vllm() -> None:
    """Without 1, which an adapter of rank 1 does not need."""
    assert {1, *RANKS} == VLLM
    assert DEFAULT_RANK in VLLM


@pytest.mark.parametrize(("rank", "offered"), [(3, 8), (24, 32), (96, 128), (257, 320), (512, 512), (513, None)])
def test_an_adapter_takes_the_next_rank(rank: int, offered: int | None) -> None:
    assert offered == rank_offered(rank)
