"""The state of the random numbers, put back as it was."""

import torch

from trainers.training.rng import RngState, preserve_rng_state


def test_what_is_drawn_again_is_the_same() -> None:
    """From a state that was taken; and around work that must not move it."""
    state = RngState()
    first = torch.rand(4)
    state.restore()
    assert torch.equal(first, torch.rand(4))
    with preserve_rng_state():
        inside = torch.rand(4)
    assert torch.equal(inside, torch.rand(4))
    assert not torch.equal(first, inside)
