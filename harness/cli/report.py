"""``harness report``: one board of one or several runs, as Markdown, HTML, JSON, CSV or xlsx."""

import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import click

from harness.cli.options import common_options, declared_options
from harness.cli.say import language, say
from harness.cli.typed import typed_command
from harness.errors import UnwritableError, UsageError
from harness.locale import tr
from harness.runs.boards import view_of, with_declared
from harness.runs.declared import asked_declaration
from harness.runs.folder import AB_MARKDOWN, CSV, HTML, MANIFEST, MARKDOWN, RESULTS, RunFolder
from harness.runs.load import load_run
from harness.runs.merge import merge_runs
from harness.runs.prompt_tests import prompt_tests_document, prompt_tests_of, prompt_tests_text
from harness.runs.run import Run
from harness.runs.unpacking import refuse_bundle
from harness.specs import load_config
from reports.cautions import cautions
from reports.html import report_html
from reports.markdown import leaderboard_markdown
from reports.opening_text import opening_text
from reports.results import results_csv, results_document, results_workbook
from reports.run_view import Report
from reports.wording import Language, words

XLSX = "results.xlsx"
FILES = {"md": MARKDOWN, "html": HTML, "json": RESULTS, "csv": CSV, "xlsx": XLSX}
SHEETS = {"text": "verdict.txt", "pdf": "verdict.pdf", "png": "verdict.png"}  # the verdict alone; not among "all"
_BESIDE = ("html", "xlsx", "pdf", "png", "all")  # what is written into the folder and not printed
_DRAW = EntryPoint(name="sheet", value="harness.cli.sheet:verdict_sheet", group="harness.cli")  # needs matplotlib


@click.command(
    "report",
    short_help="Write the report of one or several runs.",
    epilog="\b\nExamples:\n  harness report demo --format html\n"
    "  harness report monday tuesday --format all --lang ja --output shared/",
)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True)
@click.option(
    "--format",
    "form",
    type=click.Choice([*FILES, *SHEETS, "all"]),
    default="md",
    show_default=True,
    help="What to write; text, pdf and png are the verdict alone.",
)
@click.option(
    "--output",
    metavar="DIR",
    help="Write files there.  [default: print; html, xlsx, pdf, png and all: the run's folder]",
)
@click.option("--baseline", metavar="LABEL", help="The model others are compared with.  [default: the first run's]")
@click.option("--judge", "judges", metavar="NAME", multiple=True, help="Only this judge's scores; may be repeated.")
@declared_options
@common_options
def report(
    *,
    runs: tuple[str, ...],
    form: str,
    output: str | None,
    baseline: str | None,
    judges: tuple[str, ...],
    config: str | None,
    store: str | None,
    **declared: Any,  # noqa: ANN401 - click's values, each typed where it is read
) -> None:
    """Write the report of finished runs; RUN is a name under runs/ or a folder.

    Several runs of one task set come on one board. Nothing is generated or judged. Markdown, JSON, CSV and text are
    printed unless --output says where files go; the paths of files are printed. The A/B test of a run is in its JSON,
    and in ab.md beside the other files. text is the verdict to paste into a chat or a pull request, pdf and png are it
    as one page.
    """
    settings, lang = load_config(config), language()
    for name in runs:
        if runs.count(name) > 1:
            raise UsageError(tr("Run {name!r} was given twice.", name=name), hint=tr("Leave one out."))
    stored = [load_run(name, settings.runs, store) for name in runs]
    merged = with_declared(merge_runs(stored, judges), asked_declaration(**declared))
    made = view_of(merged, baseline=baseline, judges=judges, command=_command(stored))
    tests = prompt_tests_of(stored, judges)
    if len(tests) == 1:  # tests of several runs have rows in common, and each keeps its own ab.md
        made = replace(made, ab=tuple(tests[0][1]))
    writers = _writers(made, lang, prompt_tests_document(tests) if tests else None)
    if output is None and form not in _BESIDE:
        say(writers[form]().decode("utf-8", "replace"), nl=False)
        return
    folder = _folder(output, runs, settings.runs)
    is_own = len(runs) == 1 and folder.path.resolve() == RunFolder(settings.runs, runs[0]).path.resolve()
    _refuse_other_runs(
        folder,
        form,
        is_own=is_own,
        is_whole=not judges and baseline is None and merged.manifest.declared == stored[0].manifest.declared,
    )
    plain = stored[0].manifest.language if is_own else "en"  # pages of a run are in its own language
    names = FILES | SHEETS
    files = {
        names[kind] if lang == plain else _in_language(names[kind], lang): writers[kind]
        for kind in (FILES if form == "all" else [form])
    }
    if tests and form == "all":
        files[AB_MARKDOWN if lang == plain else _in_language(AB_MARKDOWN, lang)] = lambda: prompt_tests_text(
            tests, lang
        ).encode("utf-8", "replace")
    try:
        folder.create()
        with folder.lock() if is_own else nullcontext():
            for name, text in files.items():
                folder.write_bytes(name, text())
                say(folder.path / name)
    except UnwritableError as error:
        if output is None:
            raise
        raise UnwritableError(error.message, hint=tr("Choose another folder with --output DIR.")) from error


def _refuse_other_runs(folder: RunFolder, form: str, *, is_own: bool, is_whole: bool) -> None:
    """Refuse what would put a part of a run, or other runs, where a run keeps its own files.

    Raises:
        UsageError: the folder is another run's, or the run's own and the report is not all of it.
    """
    if not is_own and folder.holds(MANIFEST):
        raise UsageError(
            tr("{path} is the folder of a run, whose files this report would replace.", path=folder.path),
            hint=tr("Choose another folder with --output DIR."),
        )
    if is_own and not is_whole and form not in ("html", "xlsx", *SHEETS):
        raise UsageError(
            tr("{path} keeps the whole run, and --judge and --baseline make another report of it.", path=folder.path),
            hint=tr("Choose another folder with --output DIR."),
        )


def _writers(made: Report, lang: Language, tests: list[dict[str, Any]] | None) -> dict[str, Callable[[], bytes]]:
    notes = cautions(made, words(lang))

    def document() -> dict[str, object]:
        in_english = cautions(made, words("en"))
        return results_document(
            made.leaderboard, made.provenance, made.notices, cautions=in_english, ab=tests, pairs=made.pairs
        )

    def text(made_text: Callable[[], str]) -> Callable[[], bytes]:
        return lambda: made_text().encode("utf-8", "replace")

    return {
        "md": text(
            lambda: leaderboard_markdown(
                made.leaderboard, made.provenance, made.notices, cautions=notes, language=lang, pairs=made.pairs
            )
        ),
        "html": text(lambda: report_html(made, notes, language=lang)),
        "json": text(lambda: json.dumps(document(), ensure_ascii=False, indent=1, allow_nan=False) + "\n"),
        "csv": text(lambda: results_csv(document())),
        "xlsx": lambda: results_workbook(document()),
        "text": text(lambda: opening_text(made, language=lang)),
        "pdf": lambda: _DRAW.load()(made, "pdf", lang),
        "png": lambda: _DRAW.load()(made, "png", lang),
    }


def _command(stored: list[Run]) -> str:
    """Return how to make the figures again: one run's own command, or this one."""
    if len(stored) == 1 and (own := stored[0].manifest.provenance.get("command")):  # a merged run has none
        return str(own)
    return typed_command()


def _folder(output: str | None, names: Sequence[str], runs: str) -> RunFolder:
    if output is not None:
        path = str(Path(output).expanduser())
        return RunFolder(runs, path if "/" in path else f"./{path}")  # a path, also where it looks like a run's name
    for name in names:
        refuse_bundle(name, tr("Say where files go: --output DIR."))
    if len(names) == 1:
        return RunFolder(runs, names[0])
    return RunFolder(runs, "+".join(RunFolder(runs, name).name for name in names))


def _in_language(name: str, lang: Language) -> str:
    """Return a file's name with its language; what is the same in every language keeps its name."""
    path = Path(name)
    return name if name in (RESULTS, CSV, XLSX) else f"{path.stem}.{lang}{path.suffix}"
