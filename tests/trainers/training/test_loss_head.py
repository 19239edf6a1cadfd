"""The head of a CPU against trl's fused head, which scores every position, on the same model."""

import copy
from typing import Any

import pytest
import torch
from transformers import Gemma2Config, Gemma2ForCausalLM, LlamaConfig, LlamaForCausalLM
from trl.trainer.utils import add_fused_lm_head

from trainers.encoding import IGNORED
from trainers.training import loss_head
from trainers.training.loss_head import add_loss_head

_SMALL: dict[str, Any] = {
    "vocab_size": 97,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 8,
}


def _pair(model: Any) -> tuple[Any, Any]:
    ours, theirs = model.eval(), copy.deepcopy(model).eval()
    add_loss_head(ours, "cpu")
    add_fused_lm_head(theirs)
    return ours, theirs


def _inputs(learnt: int) -> dict[str, torch.Tensor]:
    ids = torch.randint(3, 97, (2, 40), generator=torch.Generator().manual_seed(1))
    labels = ids.clone()
    labels[:, : 40 - learnt] = IGNORED
    return {"input_ids": ids, "labels": labels, "attention_mask": torch.ones_like(ids)}


def _gradients(model: Any, inputs: dict[str, torch.Tensor]) -> tuple[Any, list[torch.Tensor]]:
    body = list(model.base_model.layers.parameters())
    outputs = model(**inputs, use_cache=False, fused_lm_head=True)
    weights = torch.linspace(0.5, 1.5, outputs.log_probs.numel()).reshape(outputs.log_probs.shape)
    return outputs, list(torch.autograd.grad((outputs.log_probs * weights).sum(), body))


@pytest.mark.parametrize("learnt", [39, 12, 1])
@pytest.mark.parametrize("at_once", [2**25, 97 * 5])
def test_log_probabilities_and_gradients_are_those_of_trl(
    monkeypatch: pytest.MonkeyPatch, learnt: int, at_once: int
) -> None:
    monkeypatch.setattr(loss_head, "CPU_HEAD_TILE", at_once)
    torch.manual_seed(0)
    ours, theirs = _pair(LlamaForCausalLM(LlamaConfig(**_SMALL)))
    (found, gradients), (expected, wanted) = (_gradients(model, _inputs(learnt)) for model in (ours, theirs))
    assert torch.equal(found.label_mask, expected.label_mask)
    assert int(found.label_mask.sum()) == 2 * learnt
    torch.testing.assert_close(found.log_probs, expected.log_probs, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(gradients, wanted, rtol=1e-4, atol=1e-6)


def test_a_row_without_a_learnt_token_gives_zero_and_a_gradient() -> None:
    ours, _ = _pair(LlamaForCausalLM(LlamaConfig(**_SMALL)))
    outputs, gradients = _gradients(ours, _inputs(0))
    assert outputs.log_probs.shape == (2, 39)
    assert not outputs.log_probs.any()
    assert not any(gradient.any() for gradient in gradients)


def test_a_head_that_caps_its_scores_is_left_to_trl() -> None:
    torch.manual_seed(0)
    capped = Gemma2Config(**_SMALL, final_logit_softcapping=0.5)
    ours, theirs = _pair(Gemma2ForCausalLM(capped))
    (found, _), (expected, _) = (_gradients(model, _inputs(12)) for model in (ours, theirs))
    assert type(found) is type(expected)
    assert torch.equal(found.log_probs, expected.log_probs)


def test_without_the_argument_the_model_gives_its_scores() -> None:
    ours, theirs = _pair(LlamaForCausalLM(LlamaConfig(**_SMALL)))
    ids = _inputs(1)["input_ids"]
    assert torch.equal(ours(ids).logits, theirs(ids).logits)
