"""A finished run, read back from its folder and its store: what `compare`, `report`, `judge` and others start from."""

from dataclasses import replace
from pathlib import Path

from harness.engine.plan import items_of
from harness.errors import LostVerdictsError, RunMismatchError, StoreGoneError, UnfinishedRunError, UnknownNameError
from harness.locale import tr
from harness.runs.folder import MANIFEST, RunFolder, run_folders
from harness.runs.manifest import Manifest
from harness.runs.pairwise import judged_pairs
from harness.runs.run import Run
from harness.runs.unpacking import STORE, is_bundle, unpacked
from harness.store.database import database_of, located, store_exists
from harness.store.store import Store
from harness.store.store_file import file_url
from harness.types import PlannedTask

RUNS = "runs"


def list_runs(runs: str = RUNS) -> list[str]:
    """Return the names of all finished runs, oldest first."""
    return [folder.name for folder in run_folders(runs)]


def load_run(name: str, runs: str = RUNS, store: str | None = None, *, whole: bool = True) -> Run:
    """Return a run by its name under ``runs``, by its folder's path or by a bundle's.

    ``store`` overrides the store that the run was made with.
    With ``whole``, a run that has lost scores since its files were written is refused.

    Raises:
        UnknownNameError: there is no such run.
        HarnessError: its folder holds no finished run, or its store cannot be read or does not hold it.
    """
    if is_bundle(name):
        with unpacked(name) as path:
            run = load_run(str(path), runs, store or file_url(path / STORE), whole=whole)
        inside = file_url(Path(name).absolute() / STORE)  # where messages say that the rows are
        return replace(run, manifest=replace(run.manifest, store=store or inside))
    folder = RunFolder(runs, name)
    manifest = folder.manifest()
    if manifest is None:
        if folder.path.is_dir():
            raise UnfinishedRunError(
                tr("{path} holds no finished run: {manifest} is missing.", path=folder.path, manifest=MANIFEST),
                hint=tr("Run its harness eval command again; it continues where it stopped."),
            )
        raise UnknownNameError(tr("run"), name, list_runs(runs))
    manifest = replace(manifest, store=located(manifest.store, folder.path))
    run = _read(folder.name, manifest, store or manifest.store)
    if whole and (lost := run.lost(manifest.scored, [judge.name for judge in run.judges])):
        judge, count = next(iter(lost.items()))
        raise LostVerdictsError(
            tr(
                "The store no longer holds {count} of the scores that {judge!r} gave in run {name!r}.",
                count=count,
                judge=judge,
                name=run.name,
            ),
            hint=tr("Use the store that the run was made with (--store), or put a copy of it back."),
        )
    return run


def load_again(run: Run, folder: RunFolder, store: str) -> Run:
    """Return a run with what other commands have added to it since it was loaded.

    Raises:
        HarnessError: it was evaluated anew, with other tasks, models or prompts.
    """
    now = folder.manifest()
    if now is None or now == run.manifest:
        return run
    if now.plan != run.manifest.plan:
        raise RunMismatchError(
            tr("The run {name!r} was evaluated anew meanwhile, with other tasks, models or prompts.", name=run.name),
            hint=tr("The verdicts are stored; the same command again adds them to the run as it is now."),
        )
    return _read(folder.name, now, store)


def _read(name: str, manifest: Manifest, store: str) -> Run:
    with Store(_existing(store), read_only=True) as opened:
        samples, requests = opened.load_plan(manifest.plan)
        order = list(dict.fromkeys(request.task for request in requests))
        tasks = tuple(PlannedTask(name=task, samples=samples[task]) for task in order)
        answers = opened.generations(list({request.key: None for request in requests}), failures=True)
        items = tuple(items_of(tasks, requests, answers, manifest.judges, manifest.asked_less))
        keys = [*(item.key for item in items), *(again for swap in manifest.swaps for _, again in swap.anchors)]
        judgements = opened.judgements(list(dict.fromkeys(keys)), failures=True)
        pairwise = judged_pairs(manifest.pairs, tasks, requests, answers, store=opened)
    return Run(
        name=name,
        manifest=manifest,
        tasks=tasks,
        requests=tuple(requests),
        judges=manifest.judges,
        answers=answers,
        items=items,
        verdicts={key: judgement.verdict for key, judgement in judgements.items()},
        pairwise=pairwise,
    )


def _existing(url: str) -> str:
    """Refuse a store that is not there: opening it would make an empty one."""
    if not store_exists(url):
        raise StoreGoneError(
            tr("The store of this run is gone: {url}.", url=database_of(url).shown),
            hint=tr("Say where it is now: --store sqlite:///PATH."),
        )
    return url
