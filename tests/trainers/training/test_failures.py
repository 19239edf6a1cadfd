"""What is made of libraries' errors; those of a full disk and of memory have files of their own."""

import pytest
import torch

from harness.errors import HarnessError
from trainers.training.failures import first_line, loading


def test_a_checkpoint_that_cannot_be_loaded_is_named() -> None:
    """With the first line of the library's reason."""
    with (
        pytest.raises(HarnessError, match=r"^a/checkpoint-3 cannot be loaded: KeyError: 'state'$"),
        loading("a/checkpoint-3"),
    ):
        raise KeyError("state")
    assert "one" == first_line(ValueError("\n one\ntwo "))


@pytest.mark.parametrize("error", [HarnessError("said"), torch.OutOfMemoryError("memory"), KeyboardInterrupt()])
def test_what_has_words_of_its_own_keeps_them(error: BaseException) -> None:
    """Memory that runs out is no fault of a checkpoint's."""
    with pytest.raises(type(error)) as raised, loading("a/checkpoint-3"):
        raise error
    assert error is raised.value
