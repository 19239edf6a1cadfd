"""``harness compare``: is one model better than another, and can this board tell?"""

import json
from collections.abc import Sequence
from typing import Any

import click

from harness.analysis.leaderboard import Leaderboard
from harness.analysis.requirement import Checked, Wanted, candidates_of, check_requirement
from harness.cli.options import common_options, declared_options
from harness.cli.say import language, say
from harness.errors import UnknownNameError, UsageError
from harness.locale import tr
from harness.runs.boards import leaderboard_of, with_declared
from harness.runs.declared import asked_declaration
from harness.runs.load import load_run
from harness.specs import load_config
from harness.stats import Family
from reports.formatting import row_name
from reports.markdown import comparison_report
from reports.results import comparison_figures, results_document
from reports.verdict import comparison_sentence
from reports.wording import words


@click.command(
    "compare",
    short_help="Compare the models of a run with intervals and p-values.",
    epilog="\b\nExamples:\n  harness compare demo --baseline base\n"
    "  harness compare demo --candidate tuned --require no-worse --margin 0.2",
)
@click.argument("run")
@click.option("--baseline", metavar="LABEL", help="The model others are compared with.  [default: the run's own]")
@click.option(
    "--family",
    type=click.Choice(["baseline", "all-pairs"]),
    default="baseline",
    show_default=True,
    help="What is compared, and what p-values and simultaneous intervals are corrected over.",
)
@click.option("--judge", "judges", metavar="NAME", multiple=True, help="Only this judge's scores; may be repeated.")
@declared_options
@click.option(
    "--require",
    "wanted",
    type=click.Choice(["better", "no-worse"]),
    help="Exit with 0 only if the primary boards show this of the candidate, else with 1.",
)
@click.option("--candidate", metavar="LABEL", help="The model that --require is about.  [default: the only other one]")
@click.option(
    "--top",
    type=click.IntRange(min=0),
    default=60,
    show_default=True,
    metavar="N",
    help="How many comparisons of a board are printed; 0 prints all. What is corrected over is the same.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as in results.json.")
@common_options
def compare(
    *,
    run: str,
    baseline: str | None,
    family: Family,
    judges: tuple[str, ...],
    wanted: Wanted | None,
    candidate: str | None,
    top: int,
    as_json: bool,
    config: str | None,
    store: str | None,
    **declared: Any,  # noqa: ANN401 - click's values, each typed where it is read
) -> int:
    """Compare the models of a finished run; RUN is its name under runs/ or its folder.

    Nothing is generated or judged. The declared family decides the correction: every row against the baseline, or all
    pairs of rows. With --require one sentence says whether the candidate meets it and why, for pipelines.
    """
    stored = with_declared(load_run(run, load_config(config).runs, store), asked_declaration(**declared))
    if candidate is not None and wanted is None:
        raise UsageError(
            tr("--candidate says what --require is about."), hint=tr("Add --require better or --require no-worse.")
        )
    leaderboard = leaderboard_of(stored, baseline=baseline, family=family, judges=judges)
    if wanted is not None:
        if family != "baseline":
            raise UsageError(
                tr("--require asks about the baseline, and all pairs have several."), hint=tr("Leave --family out.")
            )
        label = _candidate(leaderboard, candidate, stored.models)
        return _say_required(check_requirement(leaderboard, wanted, label), wanted, as_json=as_json)
    if as_json:
        document = results_document(leaderboard, stored.manifest.provenance, stored.manifest.notices)
        say(json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False))
        return 0
    say(comparison_report(leaderboard, language=language(), top=top or None), nl=False)
    return 0


def _candidate(leaderboard: Leaderboard, named: str | None, labels: Sequence[str]) -> str:
    """Return the label of the candidate.

    Raises:
        UnknownNameError: the run has no model of this label.
        UsageError: it is the baseline or not on a primary board, or none is named of several.
    """
    known = candidates_of(leaderboard)
    if named is not None and named not in labels:
        raise UnknownNameError(tr("model label in this run"), named, labels)
    if named is None and len(known) > 1:
        raise UsageError(
            tr("{n} models could be the candidate: {names}.", n=len(known), names=", ".join(known)),
            hint=tr("Name one: --candidate {label}", label=known[0]),
        )
    label = known[0] if named is None and known else named
    if label is None or label not in known:
        raise UsageError(
            tr("No primary board compares {label!r} with the baseline.", label=label or "-"),
            hint=tr("Name another --candidate, --baseline or --primary."),
        )
    return label


def _say_required(found: Sequence[Checked], wanted: Wanted, *, as_json: bool) -> int:
    """Say whether a requirement is met and why, and return the exit code."""
    met = bool(found) and all(one.is_met for one in found)
    # what decides: the first comparison that fails, or the first of those that all hold
    shown = next((one for one in found if not one.is_met), found[0])
    why = comparison_sentence(shown.board, shown.comparison, words(language()))
    if as_json:
        document = {
            "require": wanted,
            "met": met,
            "why": why,
            "comparisons": [comparison_figures(one.board, one.comparison) | {"met": one.is_met} for one in found],
        }
        say(json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False))
        return 0 if met else 1
    about = row_name(shown.comparison.candidate)
    if met:
        say(tr("Met. {why}", why=why))
    elif wanted == "better":
        say(tr("Not met: {candidate} is not shown to be better. {why}", candidate=about, why=why))
    else:
        say(tr("Not met: {candidate} is not shown to be no worse by the margin. {why}", candidate=about, why=why))
    return 0 if met else 1
