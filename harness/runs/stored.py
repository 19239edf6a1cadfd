"""A finished run, read back from its folder and its store: what `compare`, `report`, `judge` and others start from."""

from dataclasses import dataclass
from typing import Any

from harness.analysis.leaderboard import Leaderboard, build_leaderboard, length_stop_rates
from harness.analysis.scores import ScoreTable, score_tables
from harness.engine.plan import JudgementItem, PlannedJudge, items_of
from harness.errors import HarnessError, UnknownNameError
from harness.locale import tr
from harness.runs.folder import MANIFEST, RunFolder, run_folders
from harness.runs.publish import lost_verdicts, planned_judges
from harness.stats import Family
from harness.store.store import Store, store_exists, store_file
from harness.types import Generation, Judgement, PlannedTask, Request, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A run with all its rows: nothing is generated, judged or changed by reading it.

    ``items`` are the verdicts that the run asked for, in plan order; `verdict` gives each. ``generations`` holds failed
    answers too. ``manifest`` is manifest.json as written.
    """

    name: str
    folder: RunFolder
    manifest: dict[str, Any]
    tasks: tuple[PlannedTask, ...]
    judges: tuple[PlannedJudge, ...]
    requests: tuple[Request, ...]
    generations: dict[str, Generation]
    items: tuple[JudgementItem, ...]
    judgements: dict[str, Judgement]

    def verdict(self, item: JudgementItem) -> Verdict:
        """Return the stored verdict on one item, or why there is none."""
        if item.verdict is not None:
            return item.verdict
        judgement = self.judgements.get(item.key)
        return judgement.verdict if judgement is not None else Verdict.unscored("not judged")

    def tables(self, judges: tuple[str, ...] = ()) -> list[ScoreTable]:
        """Return the run's score tables, of all judges or of some.

        Raises:
            UnknownNameError: the run has no judge of this name.
        """
        known = [judge.name for judge in self.judges]
        for name in judges:
            if name not in known:
                raise UnknownNameError(tr("judge in this run"), name, known)
        chosen = [judge for judge in self.judges if not judges or judge.name in judges]
        names = {judge.name for judge in chosen}
        items = [item for item in self.items if item.judge in names]
        return score_tables(self.tasks, chosen, items, self.verdict)

    def leaderboard(
        self, *, baseline: str | None = None, family: Family = "baseline", judges: tuple[str, ...] = ()
    ) -> Leaderboard:
        """Return the run's leaderboard, against its own baseline or another of its models.

        Raises:
            UnknownNameError: the run has no model or judge of this name.
        """
        models = list(dict.fromkeys(request.model for request in self.requests))
        if baseline is not None and baseline not in models:
            raise UnknownNameError(tr("model label in this run"), baseline, models)
        return build_leaderboard(
            self.name,
            self.tables(judges),
            length_stop_rates(self.requests, self.generations),
            baseline=baseline or str(self.manifest["baseline"]),
            family=family,
            confidence=float(self.manifest["confidence"]),
        )


def read_run(name: str, runs: str, store: str | None, *, whole: bool = True) -> StoredRun:
    """Return a run by its name under ``runs`` or by its folder's path.

    ``store`` overrides the store that the run was made with.
    With ``whole``, a run that has lost scores since its files were written is refused.

    Raises:
        UnknownNameError: there is no such run.
        HarnessError: its folder holds no finished run, or its store cannot be read or does not hold it.
    """
    folder = RunFolder(runs, name)
    manifest = folder.manifest()
    if manifest is None:
        if folder.path.is_dir():
            raise HarnessError(
                tr("{path} holds no finished run: {manifest} is missing.", path=folder.path, manifest=MANIFEST),
                hint=tr("Run its harness eval command again; it continues where it stopped."),
            )
        raise UnknownNameError(tr("run"), name, [found.name for found in run_folders(runs)])
    with Store(_existing(store or str(manifest["store"])), read_only=True) as opened:
        samples, requests = opened.load_plan(str(manifest["plan"]))
        order = list(dict.fromkeys(request.task for request in requests))
        tasks = tuple(PlannedTask(name=task, samples=samples[task]) for task in order)
        judges = planned_judges(manifest)
        generations = opened.generations(list({request.key: None for request in requests}), failures=True)
        items = tuple(items_of(tasks, requests, generations, judges))
        judgements = opened.judgements(list({item.key: None for item in items}), failures=True)
    run = StoredRun(
        name=folder.name,
        folder=folder,
        manifest=manifest,
        tasks=tasks,
        judges=judges,
        requests=tuple(requests),
        generations=generations,
        items=items,
        judgements=judgements,
    )
    if whole and (lost := lost_verdicts(manifest, {judge.name for judge in judges}, items, run.verdict)):
        judge, count = next(iter(lost.items()))
        raise HarnessError(
            tr(
                "The store no longer holds {count} of the scores that {judge!r} gave in run {name!r}.",
                count=count,
                judge=judge,
                name=folder.name,
            ),
            hint=tr("Use the store that the run was made with (--store), or put a copy of it back."),
        )
    return run


def _existing(url: str) -> str:
    """Refuse a store that is not there: opening it would make an empty one."""
    if not store_exists(url):
        raise HarnessError(
            tr("The store of this run is gone: {url}.", url=store_file(url)),
            hint=tr("Say where it is now: --store sqlite:///PATH."),
        )
    return url
