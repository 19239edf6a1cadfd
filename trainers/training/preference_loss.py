"""What a pair of answers teaches: DPO's loss and IPO's, with the margin that they go by."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch.nn.functional import logsigmoid


class PairLosses(NamedTuple):
    """Tensors of shape (pairs,): the loss, and the margin in nats, ``beta`` times it being DPO's implicit reward."""

    loss: torch.Tensor
    margin: torch.Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferenceSettings:
    """The recipe's keys of this name; see `trainers.recipe.Recipe`."""

    beta: float
    loss_type: Literal["sigmoid", "ipo"]
    sft_weight: float
    label_smoothing: float


def pair_losses(
    log_probs: torch.Tensor, reference: torch.Tensor, tokens: torch.Tensor, settings: PreferenceSettings
) -> PairLosses:
    """Return the losses of pairs.

    Args:
        log_probs: Shape (pairs, 2), the log-probability of the better and of the worse answer, summed over its tokens.
        reference: The same by the model that training started from.
        tokens: Shape (pairs, 2), how many tokens the answers have.
        settings: The margin is (better − its reference) − (worse − its reference). "sigmoid": −log σ(β·margin), with
            ``label_smoothing`` ε (1 − ε) of it and ε of −log σ(−β·margin) (Rafailov et al. 2023, equation 7, and
            cDPO). "ipo": the margin of the means over each answer's tokens, (margin − 1/2β)², as trl has it (Azar et
            al. 2023, equation 17).

    >>> at_the_start = torch.tensor([[-3.0, -5.0]])
    >>> settings = PreferenceSettings(beta=0.1, loss_type="sigmoid", sft_weight=0.0, label_smoothing=0.0)
    >>> pair_losses(at_the_start, at_the_start, torch.tensor([[2, 4]]), settings).loss  # ln 2
    tensor([0.6931])
    """
    gained = log_probs - reference
    margin = gained[:, 0] - gained[:, 1]
    if settings.loss_type == "ipo":
        means = gained / tokens.clamp(min=1)
        return PairLosses(loss=(means[:, 0] - means[:, 1] - 1 / (2 * settings.beta)) ** 2, margin=margin)
    smoothing = settings.label_smoothing
    scaled = settings.beta * margin
    return PairLosses(loss=-(1 - smoothing) * logsigmoid(scaled) - smoothing * logsigmoid(-scaled), margin=margin)
