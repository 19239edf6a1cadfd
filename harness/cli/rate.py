"""``harness rate``: blind sheets to fill and pages to rate on; `harness.cli.rate_import` takes in what comes back."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from harness.cli.options import common_options
from harness.cli.rate_draw import DrawOptions, draw_for, draw_options, say_what_was_drawn
from harness.cli.rate_import import import_sheets
from harness.cli.rate_pairs import write_pair_pages
from harness.cli.rate_serve import serve
from harness.cli.rate_status import status
from harness.cli.say import language, say
from harness.errors import UnwritableError
from harness.human.draw import Draw, Export, key_document, sheet_rows, sheet_text
from harness.human.page import rating_page, scale_points
from harness.human.ratings import rating_scale
from harness.human.sheets import IMPORTED, TAB, key_name
from harness.locale import tr
from harness.pairs.planned import BASELINE
from harness.runs.folder import RunFolder
from harness.runs.load import load_run
from harness.runs.rated import samples_of
from harness.runs.unpacking import refuse_bundle
from harness.specs import load_config
from harness.tables.workbook import workbook
from harness.types import Sample, Scale
from reports.rating_page import guide_rows, rating_html

_WIDTHS = (12, 40, 70, 40, 30, 8, 30)  # characters, of a workbook's columns


@click.group("rate", short_help="Let people rate answers blindly, and take their ratings in.")
def rate() -> None:
    """Let people rate the answers of a run without knowing whose they are.

    `page` draws tasks at random and writes one page per rater, which opens in any browser without a network; `serve`
    serves the same pages to several raters at once; `export` writes sheets for a spreadsheet instead. `import` takes in
    what raters have sent: people's ratings are then a judge of the run, named `human`. `status` says how far they are.
    """


rate.add_command(import_sheets)
rate.add_command(serve)
rate.add_command(status)


def _output_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--output", metavar="DIR", help="Where they go.  [default: rating/ in the run's folder]")(
        command
    )


@rate.command(
    "page",
    short_help="Write a page for each rater, to rate in a browser.",
    epilog="Example: harness rate page demo --raters 3",
)
@draw_options
@_output_option
@click.option(
    "--pairs",
    is_flag=False,
    flag_value=BASELINE,
    metavar="[baseline|all]",
    help="Show two answers at a time, to compare.  [default: baseline]",
)
@common_options
def write_pages(
    *,
    run: str,
    output: str | None,
    pairs: str | None,
    config: str | None,
    store: str | None,
    **options: Any,  # noqa: ANN401 - those of a draw
) -> None:
    """Draw tasks of a run at random and write a page for each rater; RUN is its name under runs/ or its folder.

    A page is one HTML file that needs no network: it shows one answer at a time without saying whose it is, keeps what
    is rated in the browser, and saves a small file for `harness rate import`. Scores are those of [judges.human] in
    harness.toml, 1 to 5 unless it says otherwise. --lang chooses the language of the page's own words.

    With --pairs a page shows two answers at a time, each model's beside the baseline's, or all (--pairs all): which is
    better? Every rater sees each pair once, half of them in the other order.
    """
    refuse_bundle(run)
    settings = load_config(config)
    scale = rating_scale(settings.judges.get(IMPORTED, {}), f"[judges.{IMPORTED}]")
    stored, own = load_run(run, settings.runs, store), RunFolder(settings.runs, run)
    if pairs is not None:
        write_pair_pages(stored, DrawOptions(**options), pairs, own, _output_folder(output, own))
        return
    export = draw_for(stored, own, DrawOptions(**options), store or stored.manifest.store)
    samples, folder = samples_of(stored), _output_folder(output, own)
    pages = {rater: rating_page(export, rater, samples, scale) for rater in export.draw.people}
    own.write_json(key_name(export.draw.tag), key_document(export))
    for rater, page in pages.items():
        name = f"page-{export.draw.tag}-rater-{rater}.html"
        folder.write(name, rating_html(page, language=language()))
        say(folder.path / name)
    say_what_was_drawn(export, own)
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
@draw_options
@_output_option
@click.option(
    "--format", "form", type=click.Choice(["csv", "xlsx"]), default="csv", show_default=True, help="Of the sheets."
)
@common_options
def export_sheets(
    *,
    run: str,
    output: str | None,
    form: str,
    config: str | None,
    store: str | None,
    **options: Any,  # noqa: ANN401 - those of a draw
) -> None:
    """Draw tasks of a run at random and write a blind sheet for each rater; RUN is its name under runs/ or its folder.

    Every compared model is rated on the same tasks. The key to whose answer is whose stays in the run's folder.
    """
    refuse_bundle(run)
    settings = load_config(config)
    scale = rating_scale(settings.judges.get(IMPORTED, {}), f"[judges.{IMPORTED}]")
    stored, own = load_run(run, settings.runs, store), RunFolder(settings.runs, run)
    export = draw_for(stored, own, DrawOptions(**options), store or stored.manifest.store)
    samples, folder = samples_of(stored), _output_folder(output, own)
    sheets = {
        _sheet_name(export.draw, rater, form): _sheet(export, rater, samples, form, scale)
        for rater in export.draw.people
    }
    for name, data in sheets.items():
        _refuse_overwriting(folder.path / name, data)
    own.write_json(key_name(export.draw.tag), key_document(export))
    for name, data in sheets.items():
        folder.write_bytes(name, data)
        say(folder.path / name)
    say_what_was_drawn(export, own)
    say(tr("When the sheets are filled: harness rate import {name} SHEET.csv …", name=own.name), err=True)


def _output_folder(output: str | None, own: RunFolder) -> RunFolder:
    place = Path(output).expanduser().absolute() if output else (own.path / "rating").absolute()
    folder = RunFolder(".", str(place))
    folder.create()
    return folder


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
