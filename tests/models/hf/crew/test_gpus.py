"""How many GPUs are worth it, and what is said of those that are not there."""

import pytest
import torch

from harness.errors import UsageError
from harness.models.hf.crew.gpus import gpu_count


@pytest.fixture
def four(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four GPUs are seen."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)


@pytest.mark.usefixtures("four")
@pytest.mark.parametrize(
    ("wanted", "tokens", "count"),
    [(None, 100, 1), (None, 51_200, 3), (None, 10_000_000, 4), ("all", 1, 4), (2, 1, 2), (1, 10_000_000, 1)],
)
def test_as_many_gpus_as_are_worth_it_unless_it_is_said(wanted: object, tokens: int, count: int) -> None:
    assert gpu_count(wanted, tokens) == count  # type: ignore[arg-type]


@pytest.mark.usefixtures("four")
def test_more_gpus_than_there_are_is_an_error_that_says_how_many() -> None:
    with pytest.raises(UsageError, match="--gpus 5: 4 GPUs can be seen here"):
        gpu_count(5, 1)


@pytest.mark.usefixtures("on_the_cpu")
def test_without_a_gpu_one_process_works_and_asking_for_gpus_is_an_error() -> None:
    assert gpu_count(None, 10_000_000) == 1
    with pytest.raises(UsageError, match="0 GPUs can be seen"):
        gpu_count("all", 1)
