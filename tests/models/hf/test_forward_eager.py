"""Forward passes one after the other: the scores of a whole sequence read at once, whatever the padding."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, Gemma3TextConfig, Lfm2Config, Llama4TextConfig, LlamaConfig

from harness.models.hf.forward_eager import EagerSteps, last_scores_only, pad_left, refillable

PROMPTS = [[1, 20, 30, 40], [1, 50], [1, 60, 70]]
NEXT = [[25, 35], [45, 55], [65, 75]]


@pytest.fixture(scope="module")
def model(tiny: Path) -> torch.nn.Module:
    """The tiny Llama, as transformers loads it."""
    return AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32).eval()


@torch.inference_mode()
def at_once(model: torch.nn.Module, ids: list[int]) -> torch.Tensor:
    """The scores after a sequence, in one pass, alone."""
    return model(input_ids=torch.tensor([ids])).logits[0, -1]


def test_every_step_has_the_scores_of_the_whole_sequence(model: torch.nn.Module) -> None:
    """Prompts of unlike lengths, then two tokens a row."""
    steps = EagerSteps(model, 3)
    found = [steps.start(PROMPTS), *(steps.step(torch.tensor(column)) for column in zip(*NEXT, strict=True))]
    for place, scores in enumerate(found):
        for row, prompt in enumerate(PROMPTS):
            torch.testing.assert_close(at_once(model, prompt + NEXT[row][:place]), scores[row], rtol=1e-4, atol=1e-4)


def test_rows_that_stay_go_on_as_if_alone(model: torch.nn.Module) -> None:
    """In another order, too; dropping is worth it as soon as there is one to drop."""
    steps = EagerSteps(model, 3)
    steps.start(PROMPTS)
    assert steps.worth_dropping(2, 3)
    assert not steps.worth_dropping(3, 3)
    steps.keep([2, 0])
    scores = steps.step(torch.tensor([NEXT[2][0], NEXT[0][0]]))
    for row, index in enumerate((2, 0)):
        expected = at_once(model, [*PROMPTS[index], NEXT[index][0]])
        torch.testing.assert_close(expected, scores[row], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("newcomer", [[1, 80], [1, *range(20, 60)]])
def test_rows_that_enter_go_on_as_if_alone(model: torch.nn.Module, newcomer: list[int]) -> None:
    """Shorter than what is there and longer; and columns that nobody uses any more are gone."""
    steps = EagerSteps(model, 3)
    steps.start([*PROMPTS, [1, *range(100, 130)]])
    steps.keep([0, 2])
    assert steps._mask.shape[1] == 4
    first = steps.admit([2], [newcomer])
    torch.testing.assert_close(at_once(model, newcomer), first[0], rtol=1e-4, atol=1e-4)
    scores = steps.step(torch.tensor([25, 65, 85]))
    for row, ids in enumerate(([*PROMPTS[0], 25], [*PROMPTS[2], 65], [*newcomer, 85])):
        torch.testing.assert_close(at_once(model, ids), scores[row], rtol=1e-4, atol=1e-4)
    steps.keep([])
    torch.testing.assert_close(at_once(model, newcomer), steps.admit([0], [newcomer])[0], rtol=1e-4, atol=1e-4)


def test_rows_enter_only_where_keys_and_values_are_all_that_is_kept() -> None:
    """Full attention and sliding windows; no state that goes on from token to token, no chunks of fixed places."""
    small = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 50}
    cases: list[tuple[Any, bool]] = [
        (LlamaConfig(**small), True),
        (Gemma3TextConfig(**small), True),
        (Llama4TextConfig(**small), False),
        (Lfm2Config(**small, full_attn_idxs=[1]), False),
    ]
    for config, expected in cases:
        assert refillable(SimpleNamespace(config=config)) is expected, type(config).__name__


def test_padding_is_on_the_left_alone() -> None:
    """And none where all are of one length."""
    ids, mask = pad_left([[5, 6, 7], [8]], pad=0, device=torch.device("cpu"))
    assert ([[5, 6, 7], [0, 0, 8]], [[1, 1, 1], [0, 0, 1]]) == (ids.tolist(), mask.tolist())
    assert torch.ones(2, 2).tolist() == pad_left([[5, 6], [7, 8]], pad=0, device=torch.device("cpu"))[1].tolist()


def test_a_model_is_asked_for_the_last_scores_if_it_knows_how(model: torch.nn.Module) -> None:
    """A model of one's own need not."""

    class Own(torch.nn.Module):
        def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
            return input_ids

    assert ({"logits_to_keep": 1}, {}) == (last_scores_only(model), last_scores_only(Own()))
