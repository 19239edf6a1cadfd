"""What is said of a finished training: where the adapter is worse than what it began as."""

from types import SimpleNamespace

import pytest
import torch

from harness.errors import TrainingError
from trainers.training.outcome import check_what_was_learnt, outcome_of, warn_of_falling_answers
from trainers.training.progress import Tally


def trainer(weight: float = 1.0) -> SimpleNamespace:
    """Return what is asked of a trainer: its weights and its step."""
    model = torch.nn.Linear(1, 1)
    with torch.no_grad():
        model.weight.fill_(weight)
    return SimpleNamespace(model=model, state=SimpleNamespace(global_step=7))


@pytest.mark.parametrize(("after", "warned"), [(2.5, True), (2.0, False), (None, False)])
def test_a_risen_held_out_loss_is_said(after: float | None, warned: bool) -> None:
    """From 2.2 to 2.5, not to 2.0."""
    said: list[str] = []
    check_what_was_learnt(trainer(), Tally(heldout_loss_before=2.2), after, said.append)  # type: ignore[arg-type]
    assert warned == any("rose from 2.200 to 2.500" in line for line in said)


def test_weights_that_are_no_numbers() -> None:
    """An error with the step."""
    with pytest.raises(TrainingError, match="step 7"):
        check_what_was_learnt(trainer(float("nan")), Tally(), None, print)  # type: ignore[arg-type]


@pytest.mark.parametrize(("measured", "warned"), [([-20.0, -25.0], True), ([-25.0, -20.0], False), ([], False)])
def test_better_answers_that_became_less_probable(measured: list[float], warned: bool) -> None:
    """By the first and the last measurement."""
    said: list[str] = []
    warn_of_falling_answers([{"heldout_chosen_log_prob": value} for value in measured], said.append)
    assert warned == bool(said)


def test_the_outcome_is_the_tally() -> None:
    """With what is known of the last measurement."""
    progress = SimpleNamespace(heldout_metrics=lambda: {"heldout_margin": 0.5, "heldout_accuracy": 0.75})
    tally = Tally(tokens=9, seconds=1.26, first_loss=3.0, last_loss=2.0, heldout_loss_before=3.1, peak_gib=1.234)
    found = outcome_of(tally, progress, 4, 2.5)  # type: ignore[arg-type]
    assert (4, 9, 1.3, 3.0, 2.0, 3.1, 2.5, 1.23, 0.5, 0.75) == (
        found.steps, found.tokens, found.seconds, found.first_loss, found.last_loss, found.heldout_loss_before,
        found.heldout_loss, found.peak_gib, found.heldout_margin, found.heldout_accuracy,
    )  # fmt: skip
