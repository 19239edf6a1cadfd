"""``harness judge``: more judges for answers that are stored already."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

import click

from harness.cli.anchors import by_present_version, changed_judge, check_alone, judge_anchors
from harness.cli.board import board_on_screen
from harness.cli.closing import say_closing
from harness.cli.dry_run import judging_report
from harness.cli.execution import UNSCORED_EXIT, Allowance, invocation, limit_judges, rounds, say_note, say_outcome
from harness.cli.options import FiniteRange, call_limits, common_options, declared_options, pace_options
from harness.cli.pairing import compared, pairs_asked, pairs_of_run, pairs_option
from harness.cli.repeats import say_repeats
from harness.cli.say import language, say
from harness.engine.job import Job
from harness.errors import UsageError
from harness.locale import tr
from harness.protocols import Judge
from harness.runs.add_judges import add_in_folder, joined_by, judging_job
from harness.runs.beside import open_beside
from harness.runs.declared import asked_declaration, check_declared, check_estimand, declared_on
from harness.runs.finish import replaced
from harness.runs.folder import RESULTS, RunFolder
from harness.runs.load import load_run
from harness.runs.pairs_asked import split_judges
from harness.runs.panels import PanelSpec, panel_specs, planned_panels, with_members, with_panels
from harness.runs.run import Run
from harness.runs.unpacking import refuse_bundle
from harness.runs.version_anchors import ANCHORS
from harness.specs import Config, load_config, parse_judge, store_mirror
from harness.store.mirror import mirrored_store
from harness.types import JudgeSpec

_tell = partial(say, err=True)


@click.command(
    "judge",
    short_help="Let more judges score the stored answers of a run.",
    epilog="Example: harness judge demo --judge gemini --judge-repeats 2",
)
@click.argument("run")
@click.option("--judge", "judges", metavar="NAME[:OPTION]|FILE.py", multiple=True, help="A judge; may be repeated.")
@click.option(
    "--panel", "panels", metavar="JUDGE,JUDGE|NAME", multiple=True, help="Judges that count as one; may be repeated."
)
@pairs_option
@click.option("--rubric", metavar="NAME|PATH", help="The rubric of language-model judges.")
@click.option(
    "--judge-repeats",
    type=click.IntRange(min=1),
    metavar="N",
    help="Verdicts per answer.  [default: 1, 2 where temperature cannot be 0]",
)
@click.option(
    "--anchors",
    type=click.IntRange(min=1),
    is_flag=False,
    flag_value=ANCHORS,
    metavar="[N]",
    help="After a judge changed: judge N answers again and equate.  [default: 100]",
)
@click.option(
    "--equate",
    type=click.Choice(["linear", "equipercentile", "none"]),
    default="linear",
    show_default=True,
    help="How --anchors puts scores on one scale.",
)
@click.option("--rejudge", is_flag=True, help="After a judge changed: judge everything by its present version.")
@declared_options
@click.option("--max-unscored", type=click.IntRange(min=0), default=0, show_default=True, help="More: exit code 3.")
@click.option("--max-cost", type=FiniteRange(min=0, min_open=True), metavar="USD", help="Spend no more than this.")
@pace_options
@click.option("--dry-run", is_flag=True, help="Print what would be done and what it costs, and do nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print results.json instead of the leaderboard.")
@common_options
def judge(
    *,
    run: str,
    judges: tuple[str, ...],
    panels: tuple[str, ...],
    pairs: str | None,
    rubric: str | None,
    judge_repeats: int | None,
    anchors: int | None,
    equate: Literal["linear", "equipercentile", "none"],
    rejudge: bool,
    max_unscored: int,
    max_cost: float | None,
    wait: bool,
    batch: bool,
    dry_run: bool,
    as_json: bool,
    config: str | None,
    store: str | None,
    **declared: Any,  # noqa: ANN401 - click's values, each typed where it is read
) -> int:
    """Let judges score the stored answers of a finished run; RUN is its name under runs/ or its folder.

    No model is loaded. The judges that the run has stay, the new ones join its leaderboard; one that the run has with
    another rubric gets the rubric's name added. The same command resumes.

    pairwise:SPEC compares answers instead: two to a task, in both orders, against the baseline, all (--pairs all) or
    frozen answers (--pairs anchors:RUN_OR_FILE). What comes of it stands beside the leaderboard.

    A judge whose server answers as another version is another judge. --anchors judges a fixed part of the answers again
    and puts the scores on one scale; --rejudge judges all of them by the version that answers now.
    """
    _check_named(judges, panels, is_change=anchors is not None or rejudge)
    settings = load_config(config)
    judges, of_pairs = split_judges(judges)
    asked_pairs = pairs_asked(of_pairs, pairs, settings, rubric=rubric, limits=call_limits(declared))
    refuse_bundle(run)
    stored = load_run(run, settings.runs, store, whole=False)  # what is lost may be what is judged
    check_alone(anchors=anchors, rejudge=rejudge, panels=panels, batch=batch)
    if anchors is not None:
        allowance = Allowance(max_cost=max_cost, wait=wait, batch=False)
        method = None if equate == "none" else equate
        changed = changed_judge(stored, judges, settings, rubric=rubric, limits=call_limits(declared))
        return judge_anchors(changed, settings, run, store, allowance, n=anchors, method=method, dry_run=dry_run)
    wanted = panel_specs(panels, settings)
    url = store or stored.manifest.store
    notices: tuple[str, ...] = ()
    if rejudge:
        changed = changed_judge(stored, judges, settings, rubric=rubric, limits=call_limits(declared))
        opened: tuple[Judge, ...] = (by_present_version(changed, settings, url, dry_run=dry_run),)
        judge_repeats = max(judge_repeats or 1, changed.planned.repeats)
    else:
        opened, notices = open_beside(stored, _specs(stored, judges, wanted, settings, rubric), tell=_tell)
    limit_judges(opened, call_limits(declared))
    job = judging_job(stored, opened, judge_repeats)
    planned = planned_panels(wanted, [*stored.judges, *job.planned_judges])
    asked = asked_declaration(**declared)
    all_judges = with_panels((*stored.judges, *job.planned_judges), planned)
    names = [task.name for task in stored.tasks]
    check_declared(asked, all_judges, names)
    check_estimand(declared_on(stored.manifest.declared, asked), all_judges, names, looks=stored.manifest.looks)
    if dry_run:
        work = pairs_of_run(stored, asked_pairs, settings, url)
        say(judging_report(stored.name, job, url, as_json=as_json, pairs=work))
        return 0
    folder = RunFolder(settings.runs, run)
    folder.create()
    _say_notes(notices, stored, job)
    say_repeats(job, url)
    allowance = Allowance(max_cost=max_cost, wait=wait, batch=batch)
    with mirrored_store(url, store_mirror(settings), tell=_tell) as rows:
        entries = joined_by(job, invocation(), notices)
        joining = partial(add_in_folder, stored, job, store=rows, folder=folder, entries=entries)
        for outcome in rounds(job, rows, max_cost=max_cost, wait=wait, batch=batch):
            judged = joining(outcome, declared=asked, panels=planned, language=language())
        left = allowance.after(outcome)
        judged, missing = compared(judged, asked_pairs, rows, folder, config=settings, allowance=left)
    say(folder.read(RESULTS) if as_json else board_on_screen(judged, folder), nl=False)
    if judges or panels or rejudge:
        missing += say_outcome(judged, opened, outcome, folder)
    say_closing(judged, folder)
    return UNSCORED_EXIT if missing > max_unscored else 0


def _say_notes(notices: Sequence[str], stored: Run, job: Job) -> None:
    """Print on stderr what the judges say, and whom they replace."""
    for notice in notices:
        say_note(notice)
    for note in replaced(stored.judges, job.planned_judges):
        say(note, err=True)


def _specs(
    stored: Run, judges: Sequence[str], panels: Sequence[PanelSpec], settings: Config, rubric: str | None
) -> list[JudgeSpec]:
    """Return the judges that are named, and the members of panels that the run lacks: others are not asked again."""
    had = {judge.name for judge in stored.judges}
    asked = with_members(judges, panels, settings, known=had)
    return [parse_judge(text, settings, rubric=rubric) for text in asked]


def _check_named(judges: Sequence[str], panels: Sequence[str], *, is_change: bool) -> None:
    """Refuse a command without judges, or with one twice; which judge changed is found without its name."""
    if not judges and not panels and not is_change:
        raise UsageError(tr("No --judge was given."), hint=tr("For example: --judge rules"))
    for name in judges:
        if judges.count(name) > 1:
            raise UsageError(tr("--judge {name!r} was given twice.", name=name), hint=tr("Leave one out."))
