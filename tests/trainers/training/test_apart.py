"""Whether samples in one row leave each other alone, asked of functions that do and that do not."""

from collections.abc import Callable, Sequence

import pytest
import torch

from trainers.training.apart import samples_stay_apart

Rows = Sequence[tuple[int, ...]]


def alone(rows: Rows) -> torch.Tensor:
    """Return a number for each token but the first of a sample, from the sample alone."""
    return torch.tensor([0.1 * token + 0.01 * place for ids in rows for place, token in enumerate(ids) if place])


def after(rows: Rows) -> torch.Tensor:
    """Return the same with what stood in the row before."""
    return alone(rows) + 0.01 * sum(ids[0] for ids in rows)


def long_ones_after(rows: Rows) -> torch.Tensor:
    """Return what only a sample of more than three tokens has from the row."""
    return after(rows) if len(rows[-1]) > 3 else alone(rows)


@pytest.mark.parametrize(("compute", "apart"), [(alone, True), (after, False), (long_ones_after, False)])
def test_what_stands_before_a_sample_changes_it_or_not(compute: Callable[[Rows], torch.Tensor], apart: bool) -> None:
    """The shortest may stay as it is where the longest does not."""
    assert apart is samples_stay_apart((4, 9, 2), (7, 1, 8, 2, 8), compute)
