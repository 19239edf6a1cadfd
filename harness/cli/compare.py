"""``harness compare``: is one model better than another, and can this board tell?"""

import json

import click

from harness.cli.options import common_options
from harness.cli.say import language, say
from harness.runs.boards import leaderboard_of
from harness.runs.load import load_run
from harness.specs import load_config
from harness.stats import Family
from reports.markdown import comparison_report
from reports.results import results_document


@click.command(
    "compare",
    short_help="Compare the models of a run with intervals and p-values.",
    epilog="Example: harness compare demo --baseline base",
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
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as in results.json.")
@common_options
def compare(
    *,
    run: str,
    baseline: str | None,
    family: Family,
    judges: tuple[str, ...],
    as_json: bool,
    config: str | None,
    store: str | None,
) -> None:
    """Compare the models of a finished run; RUN is its name under runs/ or its folder.

    Nothing is generated or judged. The declared family decides the correction: every row against the baseline, or all
    pairs of rows.
    """
    stored = load_run(run, load_config(config).runs, store)
    leaderboard = leaderboard_of(stored, baseline=baseline, family=family, judges=judges)
    if as_json:
        document = results_document(leaderboard, stored.manifest.provenance, stored.manifest.notices)
        say(json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False))
        return
    say(comparison_report(leaderboard, language=language()), nl=False)
