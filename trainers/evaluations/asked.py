"""What is asked of an adapter while it is trained, opened before any weight is loaded, and said before it begins."""

from dataclasses import dataclass

from harness.errors import UsageError
from harness.locale import Text, tr, trn
from harness.runs.series import SeriesAsked


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationsAsked:
    """A series of evaluations of one training.

    ``every``: optimizer steps from one to the next · ``patience``: see `trainers.evaluations.stopping`.
    """

    series: SeriesAsked
    every: int
    patience: int

    def times(self, steps: int) -> int:
        """Return how often a training of so many steps is evaluated, before the first and after the last included."""
        return 2 + (steps - 1) // self.every

    def verdicts(self, steps: int) -> int:
        """Return how many verdicts the judge gives at most."""
        return self.times(steps) * len(self.series.samples) * self.series.judge.repeats


def announced(asked: EvaluationsAsked, steps: int) -> list[Text]:
    """Return in words what evaluating a training of so many steps takes, and what that makes of the tasks."""
    series = asked.series
    said = tr(
        "Evaluated before training, {every} and at the end: {tasks} ({n}) by {judge}; at most {times} evaluations, "
        "{verdicts}.",
        every=trn("every step", "every {n:,} steps", asked.every),
        tasks=series.tasks,
        n=trn("{n} task", "{n} tasks", len(series.samples)),
        judge=series.judge.name,
        times=asked.times(steps),
        verdicts=trn("{n:,} verdict", "{n:,} verdicts", asked.verdicts(steps)),
    )
    part = tr(
        "{tasks} is not sealed: every checkpoint is tried on all of it, and no claim on it is fresh after that. Seal a "
        "part of it first (harness eval --seal), or claim on other tasks.",
        tasks=series.tasks,
    )
    if series.is_open:
        part = tr("Only the open tasks of {tasks} are seen; its sealed half is not touched.", tasks=series.tasks)
    return [said, part]


def refuse_unannounced(asked: EvaluationsAsked, steps: int) -> None:
    """Refuse to begin with a judge that asks a language model or costs something, before somebody said yes.

    Raises:
        UsageError: it is such a judge.
    """
    if asked.series.asks_model:
        raise UsageError(
            tr(
                "--eval-judge {judge} asks a language model: up to {verdicts} in this training.",
                judge=asked.series.spec.judges[0].text,
                verdicts=trn("{n:,} verdict", "{n:,} verdicts", asked.verdicts(steps)),
            ),
            hint=tr("If that is meant, add --yes; fewer by --eval-every or --eval-limit."),
        )
