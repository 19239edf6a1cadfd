"""What puts scores of several versions of a judge on one scale, from the answers of a run that two of them scored."""

from collections.abc import Mapping

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


def equated_by(run: Run, swap: JudgeSwap, method: EquatingMethod) -> Equating | None:
    """Return the function that puts scores of one of a swap's versions on the other's scale; None where none can."""
    judge = next((one for one in run.judges if one.name == swap.judge), None)
    anchors = run.anchors(swap)
    if judge is None:
        return None
    clusters = {
        (task.name, sample.id): (task.name, sample.id) if sample.cluster is None else ("cluster", sample.cluster)
        for task in run.tasks
        for sample in task.samples
    }
    scored: list[tuple[JudgementItem, float, float]] = []
    for item, first, again in anchors:
        if first.score is not None and again.score is not None:
            pair = (first.score, again.score) if swap.shown == swap.old else (again.score, first.score)
            scored.append((item, *pair))
    try:
        return equate(
            [new for _, _, new in scored],
            [old for _, old, _ in scored],
            judge.scale,
            Design(clusters=[clusters[item.request.task, item.request.sample_id] for item, _, _ in scored]),
            method=method,
        )
    except StatisticsError:
        return None
