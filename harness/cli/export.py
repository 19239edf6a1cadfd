"""``harness export``: a run's rows for a data frame or a spreadsheet, or all of it for another machine."""

from pathlib import Path

import click

from harness.cli.options import common_options
from harness.cli.say import say
from harness.errors import InputError, UsageError
from harness.locale import tr
from harness.runs.bundle import write_bundle
from harness.runs.export import FORMATS, Format, write_table
from harness.runs.load import load_run
from harness.runs.unpacking import run_folder
from harness.specs import load_config


@click.command(
    "export",
    short_help="Write every answer and score of a run as a table, or all of it in one file.",
    epilog="\b\nExamples:\n  harness export demo --format parquet --output demo.parquet\n"
    "  harness export demo --bundle",
)
@click.argument("run")
@click.option("--format", "form", type=click.Choice(FORMATS), help="[default: as --output ends, else parquet]")
@click.option("--output", metavar="FILE", help="Where to.  [default: RUN.FORMAT in this folder]")
@click.option(
    "--bundle",
    is_flag=False,
    flag_value="",
    metavar="[FILE.zip]",
    help="Write the whole run to one file instead of a table.  [default: RUN.zip in this folder]",
)
@click.option("--overwrite", is_flag=True, help="Replace the file if it is there.")
@common_options
def export(
    *,
    run: str,
    form: Format | None,
    output: str | None,
    bundle: str | None,
    overwrite: bool,
    config: str | None,
    store: str | None,
) -> None:
    """Write one line for each answer, judge and repeat of a run; RUN is its name under runs/, its folder or a bundle.

    Answers without a verdict and verdicts without a score are there too, with the reason. Nothing is averaged.

    A bundle holds the run's board and report, rows, tasks, templates and a small store in one file: report, show,
    compare, audit and export take it as RUN on any machine. Its files are known by their sha256.
    """
    if bundle is not None:
        _check_bundle(bundle, form, output)
    stored = load_run(run, load_config(config).runs, store)
    if bundle is not None:
        target = Path(bundle or f"{stored.name}.zip").expanduser()
        _refuse_there(target, "--bundle", overwrite=overwrite)
        with run_folder(run, load_config(config).runs) as folder:
            notices = write_bundle(stored, target, folder)
        for notice in notices:
            say(tr("Note: {notice}", notice=notice), err=True)
        say(tr("{path}: {size:,} bytes", path=target, size=target.stat().st_size))
        return
    chosen = form or _form_of(output)
    path = Path(output).expanduser() if output else Path(f"{stored.name}.{chosen}")
    _refuse_there(path, "--output", overwrite=overwrite)
    table = stored.scores()
    write_table(table, path, chosen)
    say(tr("{path}: {num_rows:,} rows", path=path, num_rows=table.num_rows))


def _refuse_there(path: Path, option: str, *, overwrite: bool) -> None:
    """Refuse to write over a file, unless it was asked for; a pipe or a device is none.

    Raises:
        InputError: there is one.
    """
    if path.is_file() and not overwrite:
        raise InputError(
            tr("the file is there already."),
            path=path,
            hint=tr("Name another one with {option}, or add --overwrite.", option=option),
        )


def _check_bundle(bundle: str, form: Format | None, output: str | None) -> None:
    """Refuse a name by which nothing would know a bundle, and what makes a table beside it.

    Raises:
        UsageError: the name does not end in .zip, or a table was asked for as well.
    """
    if bundle and not bundle.lower().endswith(".zip"):
        raise UsageError(
            tr("--bundle {bundle!r} does not end in .zip.", bundle=bundle),
            hint=tr("For example: --bundle {stem}.zip", stem=Path(bundle).stem or "run"),
        )
    if form is not None or output is not None:
        raise UsageError(
            tr("--bundle writes the whole run, and --format and --output make a table of it."),
            hint=tr("Give two commands."),
        )


def _form_of(output: str | None) -> Format:
    """Return the format that a file's name asks for.

    Raises:
        UsageError: its name ends like no format.
    """
    if output is None:
        return "parquet"
    ending = Path(output).suffix.lower().removeprefix(".")
    for form in FORMATS:
        if form == ending:
            return form
    raise UsageError(
        tr("--output {output!r} ends like no format.", output=output),
        hint=tr("Name one: --format {formats}.", formats="|".join(FORMATS)),
    )
