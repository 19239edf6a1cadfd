"""Whether samples that are laid end to end in one row leave each other alone in a model."""

from collections.abc import Callable, Sequence

import torch

_ALIKE = 1e-3  # nats


def samples_stay_apart(
    shortest: tuple[int, ...], longest: tuple[int, ...], log_probs: Callable[[Sequence[tuple[int, ...]]], torch.Tensor]
) -> bool:
    """Return whether the shortest and the longest sample come to the same whatever stands before them in the row.

    An architecture whose layers know nothing of positions or masks (recurrent ones) would mix them. ``log_probs`` is
    called four times, and gives those of every token but the first of each sample.
    """
    for ids in (shortest, longest):
        learnt = len(ids) - 1
        first = (shortest, shortest[-1:] * len(shortest))
        before, after = (log_probs([sample, ids])[-learnt:] for sample in first)
        if not torch.allclose(before, after, rtol=0, atol=_ALIKE):
            return False
    return True
