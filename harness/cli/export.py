"""``harness export``: a run's rows for a data frame, a spreadsheet or another machine."""

from pathlib import Path

import click

from harness.cli.options import common_options
from harness.cli.say import say
from harness.errors import UsageError
from harness.locale import tr
from harness.runs.export import FORMATS, Format, scores_table, write_table
from harness.runs.load import load_run
from harness.specs import load_config


@click.command(
    "export",
    short_help="Write every answer and score of a run as a table.",
    epilog="Example: harness export demo --format parquet --output demo.parquet",
)
@click.argument("run")
@click.option("--format", "form", type=click.Choice(FORMATS), help="[default: as --output ends, else parquet]")
@click.option("--output", metavar="FILE", help="Where to.  [default: RUN.FORMAT in this folder]")
@common_options
def export(*, run: str, form: Format | None, output: str | None, config: str | None, store: str | None) -> None:
    """Write one line for each answer, judge and repeat of a run; RUN is its name under runs/ or its folder.

    Answers without a verdict and verdicts without a score are there too, with the reason. Nothing is averaged.
    """
    stored = load_run(run, load_config(config).runs, store)
    chosen = form or _form_of(output)
    path = Path(output).expanduser() if output else Path(f"{stored.name}.{chosen}")
    table = scores_table(stored)
    write_table(table, path, chosen)
    say(tr("{path}: {num_rows:,} rows", path=path, num_rows=table.num_rows))


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
