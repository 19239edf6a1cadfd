"""One engine for a base and its adapters: started once, longer where it must be, remembered as started."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from harness.errors import ModelLoadError
from harness.models.vllm.shared import SharedEngine, started_before
from harness.types import Request
from tests.models.vllm.fake_vllm import FakeVllm


def test_it_is_started_once_and_again_only_for_longer_sequences(
    board: Mapping[str, Any], fake: FakeVllm, ask: Callable[..., Request]
) -> None:
    """Within the context that the base takes; on a CPU with a slot that stays empty (see plan.py)."""
    for label in board:
        list(board[label].generate([ask("hello", new=3)]))
    [told] = fake.started
    assert (256, True, 16, 3) == (told["max_model_len"], told["enable_lora"], told["max_lora_rank"], told["max_loras"])


def test_a_start_is_remembered(board: Mapping[str, Any], fake: FakeVllm, ask: Callable[..., Request]) -> None:
    """The next one finds what it compiled, and is weighed as shorter."""
    shared = board["base"].engine
    assert not started_before(shared)
    list(board["base"].generate([ask("hello", new=3)]))
    assert started_before(shared)
    small, large = shared.adapters
    assert started_before(SharedEngine(shared.base, [large], shared.version)), "as many ranks, fewer adapters"
    assert not started_before(SharedEngine(shared.base, [small], shared.version)), "kernels for another rank"


def test_the_effect_of_an_adapter_is_looked_at_once(
    board: Mapping[str, Any], fake: FakeVllm, ask: Callable[..., Request]
) -> None:
    """And again in an engine that was started anew."""
    for _ in range(2):
        list(board["small"].generate([ask("hello", new=3)]))
    assert 4 == fake.calls


def test_an_engine_that_ended_is_started_anew(
    board: Mapping[str, Any], fake: FakeVllm, ask: Callable[..., Request]
) -> None:
    """In a notebook, whose process lives on."""
    fake.fails_after = 1
    with pytest.raises(ModelLoadError, match="The engine vLLM ended"):
        list(board["base"].generate([ask("hello", new=3), ask("again", new=3)]))
    fake.fails_after = None
    assert 1 == len(list(board["base"].generate([ask("hello", new=3)])))
    assert 2 == len(fake.started)
