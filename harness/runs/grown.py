"""A ``--limit`` that was grown: the same candidates on more of tasks whose board has been seen already."""

from collections.abc import Iterable
from dataclasses import replace

from harness import plugins
from harness.engine.looks import Looks
from harness.engine.plan import task_hash
from harness.errors import InputError
from harness.locale import tr
from harness.notices import Notice
from harness.runs.assemble import Evaluation
from harness.runs.folder import run_folders
from harness.runs.manifest import Manifest


def with_earlier_looks(evaluation: Evaluation, runs: str) -> Evaluation:
    """Return an evaluation that knows which smaller parts of its tasks have been looked at in runs under ``runs``.

    Those of one of its candidates, by one of its judges, on the first so many of the very same tasks. Its notices say
    so.
    """
    sizes = earlier_sizes(evaluation, _manifests(runs))
    if not sizes:
        return evaluation
    counts = {task.name: len(task.samples) for task in evaluation.job.tasks}
    looks = Looks(
        kind="grown",
        sizes={task: (*sizes.get(task, ()), count) for task, count in counts.items()},
        order={task.name: tuple(sample.id for sample in task.samples) for task in evaluation.job.tasks},
        reached=1 + max(map(len, sizes.values())),
    )
    said = tuple(
        Notice(
            "looked_before",
            tr(
                "{task}: looked at before with fewer tasks ({sizes} of {n}); p-values and intervals are corrected for "
                "it.",
                task=task,
                sizes=", ".join(map(str, own)),
                n=counts[task],
            ),
        )
        for task, own in sizes.items()
    )
    return replace(evaluation, looks=looks, notices=(*evaluation.notices, *said))


def earlier_sizes(evaluation: Evaluation, manifests: Iterable[Manifest]) -> dict[str, tuple[int, ...]]:
    """Return how many of its first tasks were looked at before, by task set, rising."""
    models = {label: plugins.identity(backend) for label, backend in evaluation.job.models.items()}
    candidates = {identity for label, identity in models.items() if label != evaluation.baseline}
    judges = {judge.fingerprint for judge in evaluation.job.planned_judges}
    found: dict[str, set[int]] = {}
    for manifest in manifests:
        known = manifest.provenance
        limit = known.get("limit")
        if not isinstance(limit, int) or not candidates & set(known.get("models", {}).values()):
            continue
        if not judges & {judge.fingerprint for judge in manifest.judges}:
            continue
        for task in evaluation.job.tasks:
            if limit < len(task.samples) and known["tasks"].get(task.name) == task_hash(task.samples[:limit]):
                found.setdefault(task.name, set()).add(limit)
    return {task: tuple(sorted(sizes)) for task, sizes in found.items()}


def _manifests(runs: str) -> list[Manifest]:
    found = []
    for folder in run_folders(runs):
        try:
            manifest = folder.manifest()
        except InputError:
            continue
        if manifest is not None:
            found.append(manifest)
    return found
