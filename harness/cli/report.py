"""``harness report``: one board of one or several runs, as Markdown, HTML, JSON or CSV."""

import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import click

from harness.cli.merging import merge_runs
from harness.cli.options import common_options
from harness.cli.runs import CSV, HTML, MARKDOWN, RESULTS, RunFolder
from harness.cli.stored import StoredRun, read_run
from harness.cli.stored_report import report_of
from harness.errors import UsageError
from harness.specs import load_config
from reports.cautions import cautions
from reports.document import Report
from reports.html import report_html
from reports.markdown import leaderboard_markdown
from reports.results import results_csv, results_document
from reports.wording import LANGUAGES, Language, words

FILES = {"md": MARKDOWN, "html": HTML, "json": RESULTS, "csv": CSV}


@click.command(
    "report",
    short_help="Write the report of one or several runs.",
    epilog="\b\nExamples:\n  harness report demo --format html\n"
    "  harness report monday tuesday --format all --lang ja --output shared/",
)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True)
@click.option(
    "--format", "form", type=click.Choice([*FILES, "all"]), default="md", show_default=True, help="What to write."
)
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True, help="English or Japanese.")
@click.option("--output", metavar="DIR", help="Write files there.  [default: print; html and all: the run's folder]")
@click.option("--baseline", metavar="LABEL", help="The model others are compared with.  [default: the first run's]")
@click.option("--judge", "judges", metavar="NAME", multiple=True, help="Only this judge's scores; may be repeated.")
@common_options
def report(
    *,
    runs: tuple[str, ...],
    form: str,
    lang: Language,
    output: str | None,
    baseline: str | None,
    judges: tuple[str, ...],
    config: str | None,
    store: str | None,
) -> None:
    """Write the report of finished runs; RUN is a name under runs/ or a folder.

    Several runs of one task set come on one board. Nothing is generated or judged. Markdown, JSON and CSV are printed
    unless --output says where files go; the paths of files are printed.
    """
    settings = load_config(config)
    for name in runs:
        if runs.count(name) > 1:
            raise UsageError(f"Run {name!r} was given twice.", hint="Leave one out.")
    stored = [read_run(name, settings.runs, store) for name in runs]
    merged = merge_runs(stored, judges)
    made = report_of(merged, baseline=baseline, judges=judges, command=_command(stored))
    writers = _writers(made, lang)
    if output is None and form not in ("html", "all"):
        click.echo(writers[form](), nl=False)
        return
    folder = _folder(output, stored, settings.runs)
    folder.create()
    for kind in writers if form == "all" else [form]:
        name = FILES[kind] if lang == "en" else _in_language(FILES[kind], lang)
        folder.write(name, writers[kind]())
        click.echo(folder.path / name)


def _writers(made: Report, lang: Language) -> dict[str, Callable[[], str]]:
    beware = cautions(made, words(lang))

    def document() -> dict[str, object]:
        return results_document(made.leaderboard, made.provenance, made.notices, cautions=cautions(made, words("en")))

    return {
        "md": lambda: leaderboard_markdown(
            made.leaderboard, made.provenance, made.notices, cautions=beware, language=lang
        ),
        "html": lambda: report_html(made, beware, language=lang),
        "json": lambda: json.dumps(document(), ensure_ascii=False, indent=1, allow_nan=False) + "\n",
        "csv": lambda: results_csv(document()),
    }


def _command(stored: list[StoredRun]) -> str:
    """Return how to make the figures again: one run's own command, or this one."""
    if len(stored) == 1:
        return str(stored[0].manifest["provenance"]["command"])
    return shlex.join(["harness", *sys.argv[1:]])


def _folder(output: str | None, stored: list[StoredRun], runs: str) -> RunFolder:
    if output is not None:
        return RunFolder(runs, str(Path(output)) if "/" in output else f"./{output}")
    if len(stored) == 1:
        return stored[0].folder
    return RunFolder(runs, "+".join(run.name for run in stored))


def _in_language(name: str, lang: Language) -> str:
    """Return a file's name with its language; what is the same in every language keeps its name."""
    path = Path(name)
    return name if name in (RESULTS, CSV) else f"{path.stem}.{lang}{path.suffix}"
