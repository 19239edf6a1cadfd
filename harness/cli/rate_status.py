"""``harness rate status``: how far raters are, what an interval lacks, and what people would say so far."""

import click

from harness.cli.options import common_options
from harness.cli.rate_text import people_lines, raters_table, unlike_lines, what_remains
from harness.cli.say import language, say
from harness.human.ratings import rating_scale
from harness.human.sheets import IMPORTED
from harness.locale import tr
from harness.runs.folder import RunFolder
from harness.runs.load import load_run
from harness.runs.rated import current_export, imported_ratings, served_ratings, state_of, together
from harness.runs.unpacking import refuse_bundle
from harness.specs import load_config


@click.command(
    "status",
    short_help="Say how far raters are, and what people would say so far.",
    epilog="Example: harness rate status demo",
)
@click.argument("run")
@common_options
def status(*, run: str, config: str | None, store: str | None) -> None:
    """Say how far raters are with a run, from what was imported and what they have sent; nothing is changed.

    RUN is its name under runs/ or its folder. With at least 20 tasks rated whole, what people would say of all tasks is
    shown with its interval.
    """
    settings = load_config(config)
    scale = rating_scale(settings.judges.get(IMPORTED, {}), f"[judges.{IMPORTED}]")
    refuse_bundle(run)
    stored, folder = load_run(run, settings.runs, store), RunFolder(settings.runs, run)
    url = store or stored.manifest.store
    export = current_export(folder, url)
    served = served_ratings(stored, export, url, scale)
    imported = imported_ratings(folder)
    ratings = together(imported, served)
    state = state_of(stored, export, ratings, scale, served.last)
    say(raters_table(state))
    remains, unlike = what_remains(export, ratings, state), unlike_lines(ratings, scale)
    for line in (*remains, *unlike, *people_lines(state, language())):
        say(line)
    known = {(one.drawn.id, one.score, one.skip) for one in imported}
    if any((one.drawn.id, one.score, one.skip) not in known for one in served.ratings):
        say(
            tr("What was sent is no judge of the run yet: harness rate import {name}", name=folder.name),
            err=True,
        )
