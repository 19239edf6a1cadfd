"""``harness rate``: blind sheets to fill and pages to rate on; `harness.cli.rate_import` takes in what comes back."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from harness.cli.options import common_options
from harness.cli.rate_import import import_sheets, samples_of
from harness.cli.say import language, say
from harness.errors import UnknownNameError, UnwritableError
from harness.human.draw import (
    Draw,
    Export,
    draw_items,
    key_document,
    sheet_rows,
    sheet_text,
)
from harness.human.page import rating_page, scale_points
from harness.human.ratings import rating_scale
from harness.human.sheets import IMPORTED, TAB, key_name
from harness.locale import tr, trn
from harness.runs.folder import RunFolder
from harness.runs.load import load_run
from harness.runs.run import Run
from harness.runs.unpacking import refuse_bundle
from harness.specs import load_config
from harness.tables.workbook import workbook
from harness.types import RowKey, Sample, Scale
from reports.rating_page import guide_rows, rating_html

_WIDTHS = (12, 40, 70, 40, 30, 8, 30)  # characters, of a workbook's columns
_FEW = 20  # tasks under which no anchored estimate is given


@click.group("rate", short_help="Let people rate answers blindly, and take their ratings in.")
def rate() -> None:
    """Let people rate the answers of a run without knowing whose they are.

    `page` draws tasks at random and writes one page per rater, which opens in any browser without a network; `export`
    writes sheets for a spreadsheet instead. `import` reads back what the raters send: people's ratings are then a judge
    of the run, named `human`.
    """


rate.add_command(import_sheets)


def _draw_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what is drawn."""
    for option in reversed(
        (
            click.argument("run"),
            click.option("--raters", type=click.IntRange(min=1), default=1, show_default=True, help="People who rate."),
            click.option(
                "--sample", type=click.IntRange(min=1), metavar="K", help="Tasks drawn from each set.  [default: 40]"
            ),
            click.option("--model", "models", metavar="LABEL", multiple=True, help="Only this model; may be repeated."),
            click.option(
                "--seed", type=int, default=0, show_default=True, metavar="S", help="Of the draw and the shuffling."
            ),
            click.option("--output", metavar="DIR", help="Where they go.  [default: rating/ in the run's folder]"),
        )
    ):
        command = option(command)
    return command


@rate.command(
    "page",
    short_help="Write a page for each rater, to rate in a browser.",
    epilog="Example: harness rate page demo --raters 3",
)
@_draw_options
@common_options
def write_pages(
    *,
    run: str,
    raters: int,
    sample: int | None,
    models: tuple[str, ...],
    seed: int,
    output: str | None,
    config: str | None,
    store: str | None,
) -> None:
    """Draw tasks of a run at random and write a page for each rater; RUN is its name under runs/ or its folder.

    A page is one HTML file that needs no network: it shows one answer at a time without saying whose it is, keeps what
    is rated in the browser, and saves a small file for `harness rate import`. Scores are those of [judges.human] in
    harness.toml, 1 to 5 unless it says otherwise. --lang chooses the language of the page's own words.
    """
    refuse_bundle(run)
    settings = load_config(config)
    scale = rating_scale(settings.judges.get(IMPORTED, {}), f"[judges.{IMPORTED}]")
    stored, own = load_run(run, settings.runs, store), RunFolder(settings.runs, run)
    export = _drawn(stored, models, raters=raters, sample=sample, seed=seed)
    samples, folder = samples_of(stored), _output_folder(output, own)
    pages = {rater: rating_page(export, rater, samples, scale) for rater in _raters(export)}
    own.write_json(key_name(export.draw.tag), key_document(export))
    for rater, page in pages.items():
        name = f"page-{export.draw.tag}-rater-{rater}.html"
        folder.write(name, rating_html(page, language=language()))
        say(folder.path / name)
    _say_what_was_drawn(export, own)
    say(
        tr(
            "Give each rater one page; it opens in any browser. What they save comes back with: "
            "harness rate import {name} FILE.json …",
            name=own.name,
        ),
        err=True,
    )


@rate.command(
    "export",
    short_help="Write a blind sheet for each rater.",
    epilog="Example: harness rate export demo --raters 2 --sample 40",
)
@_draw_options
@click.option(
    "--format", "form", type=click.Choice(["csv", "xlsx"]), default="csv", show_default=True, help="Of the sheets."
)
@common_options
def export_sheets(
    *,
    run: str,
    raters: int,
    sample: int | None,
    models: tuple[str, ...],
    seed: int,
    output: str | None,
    form: str,
    config: str | None,
    store: str | None,
) -> None:
    """Draw tasks of a run at random and write a blind sheet for each rater; RUN is its name under runs/ or its folder.

    Every compared model is rated on the same tasks. The key to whose answer is whose stays in the run's folder.
    """
    refuse_bundle(run)
    settings = load_config(config)
    scale = rating_scale(settings.judges.get(IMPORTED, {}), f"[judges.{IMPORTED}]")
    stored, own = load_run(run, settings.runs, store), RunFolder(settings.runs, run)
    export = _drawn(stored, models, raters=raters, sample=sample, seed=seed)
    samples, folder = samples_of(stored), _output_folder(output, own)
    sheets = {
        _sheet_name(export.draw, rater, form): _sheet(export, rater, samples, form, scale) for rater in _raters(export)
    }
    for name, data in sheets.items():
        _refuse_overwriting(folder.path / name, data)
    own.write_json(key_name(export.draw.tag), key_document(export))
    for name, data in sheets.items():
        folder.write_bytes(name, data)
        say(folder.path / name)
    _say_what_was_drawn(export, own)
    say(tr("When the sheets are filled: harness rate import {name} SHEET.csv …", name=own.name), err=True)


def _drawn(stored: Run, models: Sequence[str], *, raters: int, sample: int | None, seed: int) -> Export:
    return draw_items(
        stored.tasks,
        stored.requests,
        stored.answers,
        rows=_rows(stored, models),
        raters=raters,
        sample=sample,
        seed=seed,
    )


def _output_folder(output: str | None, own: RunFolder) -> RunFolder:
    place = Path(output).expanduser().absolute() if output else (own.path / "rating").absolute()
    folder = RunFolder(".", str(place))
    folder.create()
    return folder


def _rows(stored: Run, models: Sequence[str]) -> tuple[RowKey, ...]:
    rows = dict.fromkeys(RowKey(model=request.model, prompt=request.prompt) for request in stored.requests)
    known = list(dict.fromkeys(row.model for row in rows))
    for model in models:
        if model not in known:
            raise UnknownNameError(tr("model label in this run"), model, known)
    return tuple(row for row in rows if not models or row.model in models)


def _raters(export: Export) -> list[str]:
    return list(dict.fromkeys(item.rater for item in export.items))


def _sheet(export: Export, rater: str, samples: Mapping[tuple[str, str], Sample], form: str, scale: Scale) -> bytes:
    if form == "csv":
        return sheet_text(export, rater, samples).encode("utf-8", "replace")
    points = [f"{point:g}" for point in scale_points(scale)]
    return workbook(
        {TAB: sheet_rows(export, rater, samples), **guide_rows(scale, language=language())},
        widths=_WIDTHS,
        wrapped=True,
        choices={"score": points} if points else None,
    )


def _sheet_name(draw: Draw, rater: str, form: str) -> str:
    return f"sheet-{draw.tag}-rater-{rater}.{form}"


def _refuse_overwriting(path: Path, data: bytes) -> None:
    if path.exists() and path.read_bytes() != data:
        raise UnwritableError(
            tr("{path} is there already, and somebody has written in it.", path=path),
            hint=tr("Choose another folder with --output DIR."),
        )


def _say_what_was_drawn(export: Export, folder: RunFolder) -> None:
    draw = export.draw
    for task, chosen in draw.chosen.items():
        incomplete = len(draw.incomplete[task])
        left_out = tr("; {n} without an answer of every model left out", n=incomplete) if incomplete else ""
        say(
            tr(
                "{task}: {n_chosen} of {n_population} tasks drawn at random (seed {seed}){left_out}",
                task=task,
                n_chosen=len(chosen),
                n_population=len(draw.population[task]),
                seed=draw.seed,
                left_out=left_out,
            ),
            err=True,
        )
        if len(chosen) < min(_FEW, len(draw.population[task])):
            say(
                tr("Note: under {few} rated tasks, no score is carried from people to the other tasks.", few=_FEW),
                err=True,
            )
    per_rater = len(export.items) // draw.raters
    say(
        tr(
            "{n_rows}, {per_rater} to rate for each of {raters}. Whose they are is in {path}: keep it from the raters.",
            n_rows=trn("{n} model", "{n} models", len(draw.rows)),
            per_rater=trn("{n} answer", "{n} answers", per_rater),
            raters=trn("{n} rater", "{n} raters", draw.raters),
            path=folder.path / key_name(draw.tag),
        ),
        err=True,
    )
