"""``harness rerun``: does a run come out the same again, here and now?"""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import click

from harness.cli.execution import execute_here, invocation, say_note, say_outcome
from harness.cli.main import COMMANDS, cli
from harness.cli.options import FiniteRange, common_options
from harness.cli.say import say
from harness.cli.typed import plain_option
from harness.errors import RerunError, UnfinishedRunError, UnknownNameError
from harness.locale import tr, trn
from harness.runs.asking import evaluation_spec
from harness.runs.assemble import Evaluation, assemble
from harness.runs.finish import check_plan, finish_in_folder
from harness.runs.folder import MANIFEST, RunFolder, new_run
from harness.runs.load import list_runs
from harness.runs.looks import carried_out, looks_again
from harness.runs.manifest import Manifest
from harness.runs.panels import panel_specs, panels_of, with_members
from harness.runs.rerun import RerunAgreement, agreement, changes
from harness.runs.sealing import SeenBefore
from harness.runs.spreading import spread
from harness.runs.unpacking import is_bundle, unpacked
from harness.specs import Config, load_config, parse_judge, store_mirror, store_url
from harness.store.database import located, store_exists
from harness.store.mirror import mirrored_store
from harness.store.store_file import file_url
from harness.types import EvalSpec, JudgeSpec

_OWN_STORE = "rerun.sqlite"
Recorded = tuple[str, Manifest, dict[str, Any], str | None]
"""A run's name, its manifest, its results, and the store that it was made with if that can be written."""


@click.command(
    "rerun",
    short_help="Make a run once more, and say what is not as it was.",
    epilog="Example: harness rerun demo --frozen --fresh",
)
@click.argument("manifest")
@click.option("--frozen", is_flag=True, help="Do nothing if anything is not as it was.")
@click.option("--fresh", is_flag=True, help="Make every answer and verdict anew, in a store of the rerun's own.")
@click.option("--run", "run_name", metavar="NAME", help="The rerun's name.  [default: RUN-rerun]")
@click.option("--max-cost", type=FiniteRange(min=0, min_open=True), metavar="USD", help="Spend no more than this.")
@click.option("--overwrite", is_flag=True, help="Replace a run of the rerun's name that has another plan.")
@common_options
def rerun(
    *,
    manifest: str,
    frozen: bool,
    fresh: bool,
    run_name: str | None,
    max_cost: float | None,
    overwrite: bool,
    config: str | None,
    store: str | None,
) -> int:
    """Make a run once more and compare the figures; MANIFEST is a run's name, folder, manifest.json or bundle.

    Before anything is generated, task sets, templates, models, judges and package versions are compared by hash with
    those of the run, and each difference is said. Unless --fresh is given, answers and verdicts that the store holds
    are not made again. Exit code 1: something differs under --frozen, or a figure came out otherwise.
    """
    settings = load_config(config)
    name, recorded, results, known_store = _recorded(manifest, settings.runs)
    spec, mismatch = _spec(recorded, config)
    known = recorded.provenance
    seen = SeenBefore(tasks=known.get("tasks", {}), seals=known.get("seals", {}), limit=spec.limit)
    evaluation = assemble(
        spec,
        run_name or f"{name}-rerun",
        allow_prompt_mismatch=mismatch,
        declared=recorded.declared,
        panels=panels_of(recorded.panels, [judge.text for judge in spec.judges]),
        choose=seen.choose,
    )
    evaluation = replace(evaluation, seals=known.get("seals", {}))
    folder = new_run(settings.runs, evaluation.name)
    _say_changes(recorded, evaluation, frozen=frozen)
    check_plan(evaluation, folder, overwrite=overwrite)
    folder.create()
    url = _fresh_store(folder) if fresh else store or known_store or store_url(None, settings)
    mirror = None if fresh else store_mirror(settings)
    with spread(evaluation.job, url) as spreads, mirrored_store(url, mirror, tell=say_note) as opened:
        [(done, outcome)] = carried_out(
            evaluation,
            opened,
            looks_again(recorded.looks, evaluation),
            lambda job, left: [execute_here(spreads(job), opened, max_cost=left)],
            invocation=invocation(),
            max_cost=max_cost,
            tell=say_note,
        )
        made = finish_in_folder(
            done, outcome, opened, folder, invocation=invocation(), tell=say_note, overwrite=overwrite
        )
    say_outcome(made, evaluation.job.judges, outcome, folder)
    return _say_agreement(agreement(results, folder.results() or {}), name)


def _fresh_store(folder: RunFolder) -> str:
    """Return the URL of an empty store in the rerun's folder; one that an earlier rerun left goes."""
    for name in (_OWN_STORE, f"{_OWN_STORE}-wal", f"{_OWN_STORE}-shm"):
        folder.remove(name)
    return file_url(folder.path.absolute() / _OWN_STORE)


def _recorded(named: str, runs: str) -> Recorded:
    """Return what is on record of a run.

    Raises:
        UnknownNameError: there is no such run.
        UnfinishedRunError: its folder holds no finished run.
    """
    if is_bundle(named):
        with unpacked(named) as unpacked_to:
            return (*_recorded(str(unpacked_to), runs)[:3], None)
    path = Path(named).expanduser()
    is_manifest = path.name == MANIFEST and path.is_file()
    folder = RunFolder(runs, str(path.absolute().parent) if is_manifest else named)
    manifest, results = folder.manifest(), folder.results()
    if manifest is None or results is None:
        if folder.path.is_dir():
            raise UnfinishedRunError(tr("{path} holds no finished run.", path=folder.path))
        raise UnknownNameError(tr("run"), named, list_runs(runs))
    url = located(manifest.store, folder.path)
    return folder.name, manifest, results, url if store_exists(url) else None


def _spec(recorded: Manifest, config: str | None) -> tuple[EvalSpec, bool]:
    """Return what a run asked for, by the commands on record, and whether prompts could differ from training's.

    ``config`` replaces the configuration file that the run was made with.
    """
    command, options = _options(str(recorded.provenance.get("command", "")))
    if command not in {"eval", "ab"}:
        _unreadable(str(recorded.provenance.get("command", "")))
    settings = load_config(config or options["config"])
    asked = {key: value for key, value in options.items() if key != "config"}
    spec = evaluation_spec(settings, **{"baseline": None, **asked})
    found = [judge for entry in recorded.joined if (judge := _joined(entry.judge, entry.command, settings))]
    joined = {judge.text: judge for judge in found}
    judges = (*(judge for judge in spec.judges if judge.text not in joined), *joined.values())
    return replace(spec, judges=judges, baseline=recorded.baseline), bool(options["allow_prompt_mismatch"])


def _joined(name: str, command: str, settings: Config) -> JudgeSpec | None:
    """Return the spec of a judge that joined a run by ``harness judge``; None for ratings, which people gave once."""
    kind, options = _options(command)
    if kind != "judge":
        return None
    asked = with_members(options["judges"], panel_specs(options["panels"], settings), settings)
    for spec in [parse_judge(text, settings, rubric=options["rubric"]) for text in asked]:
        if name == spec.text or name.startswith(f"{spec.text} ("):
            return replace(spec, text=name)
        if name.startswith(f"{spec.text}/"):  # one of its metrics
            return spec
    return None


def _options(command: str) -> tuple[str, dict[str, Any]]:
    """Return the name of a recorded command and its options, as the command line reads them."""
    words = [plain_option(word) for word in shlex.split(command)]
    place = next((place for place, word in enumerate(words) if place and word in COMMANDS), None)
    if place is None:
        _unreadable(command)
    name = words[place]
    found = cli.get_command(click.Context(cli), name)
    if found is None or isinstance(found, click.Group):
        return name, {}
    try:
        with found.make_context(name, list(words[place + 1 :])) as context:
            return name, dict(context.params)
    except click.ClickException as error:
        _unreadable(command, error.format_message())


def _unreadable(command: str, why: str = "") -> NoReturn:
    raise RerunError(
        tr("The command on record cannot be run again: {command}. {why}", command=command or "-", why=why),
        hint=tr("Run harness eval by hand with the same models, tasks and judges."),
    )


def _say_changes(recorded: Manifest, evaluation: Evaluation, *, frozen: bool) -> None:
    """Say what is not as it was.

    Raises:
        RerunError: something is not, and nothing may be done then.
    """
    found = changes(recorded, evaluation)
    for change in found:
        say(change.sentence, err=True)
    if not found:
        say(tr("Task sets, templates, models, judges and package versions are as they were."), err=True)
    elif frozen:
        raise RerunError(
            trn("{n} thing is not as it was.", "{n} things are not as they were.", len(found)),
            hint=tr("Put them back, or leave --frozen out to see what comes out all the same."),
        )


def _say_agreement(found: RerunAgreement, name: str) -> int:
    """Say how the figures compare, and return the exit code."""
    for judge in found.left_out:
        say_note(tr("{judge} joined the run from files and was not asked again.", judge=judge))
    if not found.moved:
        say(tr("All {n} figures of {name!r} came out the same.", n=found.compared, name=name))
        return 0
    _say_lines([moved.sentence for moved in found.moved])
    say(
        tr(
            "{moved} of {n} figures of {name!r} came out otherwise.",
            moved=len(found.moved),
            n=found.compared,
            name=name,
        )
    )
    return 1


def _say_lines(lines: Sequence[str]) -> None:
    for line in lines:
        say(line)
