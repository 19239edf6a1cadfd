"""What a finished training came to, in its record and in words: where the adapter is worse than what it began as."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.locale import tr
from trainers.adapter.training_record import TrainingOutcome
from trainers.training.progress import Tally, TrainingProgress, diverged
from trainers.training.trainer import AdapterTrainer


def outcome_of(tally: Tally, progress: TrainingProgress, steps: int, heldout_loss: float | None) -> TrainingOutcome:
    """Return what a training came to by its last step."""
    assert tally.first_loss is not None
    assert tally.last_loss is not None
    metrics = progress.heldout_metrics()
    return TrainingOutcome(
        steps=steps,
        tokens=tally.tokens,
        seconds=round(tally.seconds, 1),
        first_loss=tally.first_loss,
        last_loss=tally.last_loss,
        heldout_loss_before=tally.heldout_loss_before,
        heldout_loss=heldout_loss,
        peak_gib=round(tally.peak_gib, 2),
        heldout_margin_before=tally.heldout_margin_before,
        heldout_margin=metrics.get("heldout_margin"),
        heldout_accuracy=metrics.get("heldout_accuracy"),
    )


def check_what_was_learnt(
    trainer: AdapterTrainer, tally: Tally, heldout_loss: float | None, say: Callable[[str], None]
) -> None:
    """Say where the adapter is worse than its base.

    Raises:
        TrainingError: its weights are no numbers.
    """
    before = tally.heldout_loss_before
    if heldout_loss is not None and before is not None and heldout_loss > before:
        say(
            tr(
                "Note: the held-out loss rose from {before:.3f} to {after:.3f}: this adapter is worse than its base on "
                "them; a lower learning_rate or fewer epochs may help.",
                before=before,
                after=heldout_loss,
            )
        )
    if not all(bool(p.isfinite().all()) for p in trainer.model.parameters() if p.requires_grad):
        raise diverged(tr("the weights after step {step} are no numbers", step=trainer.state.global_step))


def warn_of_falling_answers(log: Sequence[Mapping[str, Any]], say: Callable[[str], None]) -> None:
    """Say where pairs are told apart because both answers became less probable, the better one, too."""
    measured = [row["heldout_chosen_log_prob"] for row in log if "heldout_chosen_log_prob" in row]
    if measured and measured[-1] < measured[0]:
        say(
            tr(
                "Note: the better answers themselves became less probable (log-probability {before:.1f} to {after:.1f} "
                "on held-out pairs): the adapter learnt to avoid the worse ones. A larger beta or sft_weight=1 holds "
                "it back; look at its answers before you trust it.",
                before=measured[0],
                after=measured[-1],
            )
        )
