"""Which board of a run verdicts come from: one judge is primary, what the others say is exploratory. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.engine.plan import PlannedJudge
from harness.types import Declaration


@dataclass(frozen=True, slots=True, kw_only=True)
class Primary:
    """The judge whose boards are primary; of one ``task`` set alone, or of each (None).

    ``declared``: somebody named it, and did not leave it to the default. ``late``: only after its scores were there.
    """

    judge: str
    task: str | None
    declared: bool
    late: bool

    def holds(self, task: str, judge: str) -> bool:
        """Return whether the board of a judge on a task set is primary.

        >>> Primary(judge="j", task=None, declared=False, late=False).holds("t", "j")
        True
        """
        return judge == self.judge and self.task in (None, task)


def primary_of(declared: Declaration, judges: Sequence[PlannedJudge], tasks: Sequence[str]) -> Primary | None:
    """Return what is primary among the judges and task sets of a run; None without judges.

    By default it is the first judge that measures quality, else the first, on every task set. A declared one that the
    run does not have (it may join later) leaves the default in its place.

    >>> from harness.types import LIKERT_5
    >>> judges = [PlannedJudge(name=kind, fingerprint="", scale=LIKERT_5, kind=kind) for kind in ("checks", "quality")]
    >>> primary_of(Declaration(), judges, ["t"])
    Primary(judge='quality', task='t', declared=False, late=False)
    """
    if not judges:
        return None
    names = [judge.name for judge in judges]
    is_named = declared.primary in names
    by_kind = next((judge.name for judge in judges if judge.kind == "quality"), names[0])
    task = declared.primary_task if declared.primary_task in tasks else None
    return Primary(
        judge=declared.primary if declared.primary is not None and is_named else by_kind,
        task=tasks[0] if task is None and len(tasks) == 1 else task,
        declared=is_named or task is not None,
        late=(is_named and "primary" in declared.late) or (task is not None and "primary_task" in declared.late),
    )
