"""What puts scores of several versions of a judge on one scale, from the answers of a run that two of them scored."""

from collections.abc import Hashable, Mapping, Sequence

from harness.analysis.drift import Drift, drift
from harness.analysis.judge_versions import Swap
from harness.engine.plan import JudgementItem
from harness.errors import StatisticsError
from harness.runs.manifest import JudgeSwap
from harness.runs.run import Run
from harness.stats.design import Design
from harness.stats.equating import Equating, EquatingMethod, equate


def run_swaps(run: Run) -> Mapping[str, list[Swap]]:
    """Return how scores of other versions are put on the scale of a board, by judge."""
    found: dict[str, list[Swap]] = {}
    for swap in run.manifest.swaps:
        if swap.method is not None and (made := equated_by(run, swap, swap.method)) is not None:
            other: EquatingMethod = "equipercentile" if swap.method == "linear" else "linear"
            found.setdefault(swap.judge, []).append(
                Swap(old=swap.shown, new=swap.equated, equating=made, other=equated_by(run, swap, other))
            )
    return found


def run_drifts(run: Run) -> tuple[Drift, ...]:
    """Return how scores moved between the versions of a run's judges, in the order of their dates."""
    found = []
    for swap in sorted(run.manifest.swaps, key=lambda swap: swap.date):
        judge = next((one for one in run.judges if one.name == swap.judge), None)
        if judge is None:
            continue
        scored = _scored(run, swap)
        old, new = [one for _, one, _ in scored], [one for _, _, one in scored]
        means = drift(old, new, _clusters(run, scored), judge.scale, confidence=run.manifest.confidence)
        found.append(
            Drift(
                judge=swap.judge,
                old=swap.old,
                new=swap.new,
                shown=swap.shown,
                date=swap.date,
                old_mean=means[0],
                new_mean=means[1],
                difference=means[2],
                equating=None if swap.method is None else equated_by(run, swap, swap.method),
            )
        )
    return tuple(found)


def equated_by(run: Run, swap: JudgeSwap, method: EquatingMethod) -> Equating | None:
    """Return the function that puts scores of one of a swap's versions on the other's scale; None where none can."""
    judge = next((one for one in run.judges if one.name == swap.judge), None)
    if judge is None:
        return None
    scored = _scored(run, swap)
    first, again = [one for _, one, _ in scored], [one for _, _, one in scored]
    new, old = (again, first) if swap.shown == swap.old else (first, again)
    try:
        return equate(new, old, judge.scale, Design(clusters=_clusters(run, scored)), method=method)
    except StatisticsError:
        return None


def _scored(run: Run, swap: JudgeSwap) -> list[tuple[JudgementItem, float, float]]:
    """Return the anchors that both versions have scored, with the first score and the second."""
    found: list[tuple[JudgementItem, float, float]] = []
    for item, first, again in run.anchors(swap):
        if first.score is not None and again.score is not None:
            found.append((item, first.score, again.score))
    return found


def _clusters(run: Run, scored: Sequence[tuple[JudgementItem, float, float]]) -> list[Hashable]:
    """Return what each anchor belongs to: its task's cluster, or its task."""
    known: dict[tuple[str, str], Hashable] = {
        (task.name, sample.id): (task.name, sample.id) if sample.cluster is None else ("cluster", sample.cluster)
        for task in run.tasks
        for sample in task.samples
    }
    return [known[item.request.task, item.request.sample_id] for item, _, _ in scored]
