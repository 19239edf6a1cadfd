"""``harness rate``: blind sheets for people to fill, and their ratings as a judge of the run."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import click

from harness.analysis.judge_audit import RaterAudit, rater_audit
from harness.cli.execution import execute_here, invocation
from harness.cli.options import common_options
from harness.cli.say import language, said, say
from harness.cli.table import table
from harness.errors import InputError, RatingError, UnknownNameError, UnwritableError
from harness.human.draw import (
    Draw,
    Export,
    draw_items,
    key_document,
    read_key,
    read_sheets,
    sheet_rows,
    sheet_text,
    tag_of,
)
from harness.human.ratings import Rating, rating_scale
from harness.human.sheets import IMPORTED, KEYS, RATINGS, SheetRatings, rater_matrix, ratings_text, read_ratings
from harness.locale import tr, trn
from harness.runs.add_judges import add_in_folder, joined_by, judging_job
from harness.runs.finish import replaced
from harness.runs.folder import RunFolder
from harness.runs.load import load_run
from harness.runs.run import Run
from harness.runs.unpacking import refuse_bundle
from harness.specs import load_config
from harness.store.store import Store
from harness.tables import Table, read_table
from harness.tables.workbook import workbook
from harness.types import RowKey, Sample
from reports.audit import agreement_cells

_LISTED = 5
_WIDTHS = (12, 40, 70, 40, 30, 8, 30)  # characters, of a workbook's columns
_FEW = 20  # tasks under which no anchored estimate is given


@click.group("rate", short_help="Let people rate answers blindly, and take their ratings in.")
def rate() -> None:
    """Let people rate the answers of a run without knowing whose they are.

    `export` draws tasks at random and writes one sheet per rater, `import` reads the filled sheets back: people's
    ratings are then a judge of the run, named `human`.
    """


@rate.command(
    "export",
    short_help="Write a blind sheet for each rater.",
    epilog="Example: harness rate export demo --raters 2 --sample 40",
)
@click.argument("run")
@click.option("--raters", type=click.IntRange(min=1), default=1, show_default=True, help="Sheets to write.")
@click.option("--sample", type=click.IntRange(min=1), metavar="K", help="Tasks drawn from each set.  [default: 40]")
@click.option("--model", "models", metavar="LABEL", multiple=True, help="Only this model; may be repeated.")
@click.option("--seed", type=int, default=0, show_default=True, metavar="S", help="Of the draw and the shuffling.")
@click.option("--output", metavar="DIR", help="Where the sheets go.  [default: rating/ in the run's folder]")
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
    runs = load_config(config).runs
    stored, own = load_run(run, runs, store), RunFolder(runs, run)
    export = draw_items(
        stored.tasks,
        stored.requests,
        stored.answers,
        rows=_rows(stored, models),
        raters=raters,
        sample=sample,
        seed=seed,
    )
    samples = _samples(stored)
    place = Path(output).expanduser().absolute() if output else (own.path / "rating").absolute()
    folder = RunFolder(".", str(place))
    folder.create()
    sheets = {_sheet_name(export.draw, rater, form): _sheet(export, rater, samples, form) for rater in _raters(export)}
    for name, data in sheets.items():
        _refuse_overwriting(folder.path / name, data)
    own.write_json(_key_name(export.draw.tag), key_document(export))
    for name, data in sheets.items():
        folder.write_bytes(name, data)
        say(folder.path / name)
    _say_what_was_drawn(export, own)


def _rows(stored: Run, models: Sequence[str]) -> tuple[RowKey, ...]:
    rows = dict.fromkeys(RowKey(model=request.model, prompt=request.prompt) for request in stored.requests)
    known = list(dict.fromkeys(row.model for row in rows))
    for model in models:
        if model not in known:
            raise UnknownNameError(tr("model label in this run"), model, known)
    return tuple(row for row in rows if not models or row.model in models)


def _samples(stored: Run) -> Mapping[tuple[str, str], Sample]:
    return {(task.name, sample.id): sample for task in stored.tasks for sample in task.samples}


def _raters(export: Export) -> list[str]:
    return list(dict.fromkeys(item.rater for item in export.items))


def _sheet(export: Export, rater: str, samples: Mapping[tuple[str, str], Sample], form: str) -> bytes:
    if form == "csv":
        return sheet_text(export, rater, samples).encode("utf-8", "replace")
    return workbook({"rating": sheet_rows(export, rater, samples)}, widths=_WIDTHS, wrapped=True)


def _sheet_name(draw: Draw, rater: str, form: str) -> str:
    return f"sheet-{draw.tag}-rater-{rater}.{form}"


def _key_name(tag: str) -> str:
    return KEYS.replace("*", tag)


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
            "{n_rows}, {per_rater} to rate for each of "
            "{raters}. Whose they are is in "
            "{path}: keep it from the raters.\n"
            "When the sheets are filled: harness rate import {name} SHEET.csv …",
            n_rows=trn("{n} model", "{n} models", len(draw.rows)),
            per_rater=trn("{n} answer", "{n} answers", per_rater),
            raters=trn("{n} rater", "{n} raters", draw.raters),
            path=folder.path / _key_name(draw.tag),
            name=folder.name,
        ),
        err=True,
    )


@rate.command(
    "import",
    short_help="Read filled sheets: people become a judge of the run.",
    epilog="Example: harness rate import demo sheet-1.csv sheet-2.csv",
)
@click.argument("run")
@click.argument("sheets", nargs=-1, required=True, metavar="SHEET…")
@common_options
def import_sheets(*, run: str, sheets: tuple[str, ...], config: str | None, store: str | None) -> None:
    """Read filled sheets back into a run; RUN is its name under runs/ or its folder.

    A score that was left blank counts as not rated. Nothing is guessed: a score that is no number or off the scale, an
    item that is unknown, there twice or not at all is an error with its file and line. A rater's earlier sheet is
    replaced, other raters' sheets stay.
    """
    settings = load_config(config)
    scale = rating_scale(settings.judges.get(IMPORTED, {}), f"[judges.{IMPORTED}]")
    refuse_bundle(run)
    stored, folder = load_run(run, settings.runs, store), RunFolder(settings.runs, run)
    tables = [read_table(path) for path in sheets]
    export = _export_of(tables, folder)
    new = read_sheets(tables, export, scale=scale)
    for note in _blanks(new):
        say(tr("Note: {note}", note=note), err=True)
    ratings = [*_earlier(folder, export, {rating.drawn.rater for rating in new}), *new]
    judge = SheetRatings(ratings, _samples(stored), scale=scale)
    matrix, raters, tasks = rater_matrix(ratings)
    job = judging_job(stored, (judge,))
    for note in replaced(stored.judges, job.planned_judges):
        say(note, err=True)
    with Store(store or stored.manifest.store) as rows:
        folder.write(RATINGS, ratings_text(ratings))
        outcome = execute_here(job, rows, max_cost=None)
        entries = joined_by(job, invocation(), draw=_record(export.draw))
        add_in_folder(stored, job, outcome, rows, folder=folder, entries=entries, language=language())
    say(_summary(ratings, rater_audit(matrix, raters, tasks, scale)))
    say(
        tr(
            "The ratings are in {path}; they are the judge 'human' of this run now. "
            "How the other judges stand to it: harness audit {name}",
            path=folder.path / RATINGS,
            name=stored.name,
        ),
        err=True,
    )


def _blanks(ratings: Sequence[Rating]) -> list[str]:
    """Return what each rater left blank, by item."""
    notes: list[str] = []
    for rater in dict.fromkeys(rating.drawn.rater for rating in ratings):
        own = [rating for rating in ratings if rating.drawn.rater == rater]
        blank = [rating.drawn.id for rating in own if rating.score is None]
        if blank:
            listed = ", ".join(blank[:_LISTED])
            if len(blank) > _LISTED:
                listed = tr("{listed} and {n} more", listed=listed, n=len(blank) - _LISTED)
            notes.append(
                tr(
                    "rater {rater} gave no score to {n_blank} of {items} ({listed}): not rated. Answers that a rater "
                    "passes over are no random part.",
                    rater=rater,
                    n_blank=len(blank),
                    items=trn("{n} item", "{n} items", len(own)),
                    listed=listed,
                )
            )
    return notes


def _export_of(tables: Sequence[Table], folder: RunFolder) -> Export:
    """Return the export that the first sheet belongs to, from its key in the run's folder."""
    tag = tag_of(tables[0])
    if tag is None:
        raise InputError(
            tr("no row has an item id"), path=tables[0].path, hint=tr("Send back the sheet as it was exported.")
        )
    document = folder.document(_key_name(tag))
    if document is None:
        raise InputError(
            tr("items that begin with {tag!r} were not exported from the run {name!r}", tag=tag, name=folder.name),
            path=tables[0].path,
            hint=tr("Import it into its own run, or keep {tag} in {path}/.", tag=_key_name(tag), path=folder.path),
        )
    return read_key(document)


def _earlier(folder: RunFolder, export: Export, replaced: set[str]) -> list[Rating]:
    """Return the ratings imported before, of raters who are not in this import."""
    if folder.read(RATINGS) is None:
        return []
    table = read_table(folder.path / RATINGS)
    before = read_ratings(table, export)
    if not before:
        raise RatingError(
            tr("{path} holds ratings of another export of this run.", path=folder.path / RATINGS),
            hint=tr("Ratings of two draws are not one random sample: move that file away to replace them."),
        )
    again = sorted({rating.drawn.rater for rating in before} & replaced)
    if again and {rating.drawn.id for rating in before if rating.drawn.rater in again}:
        say(tr("Note: earlier ratings of rater {again} are replaced.", again=", ".join(again)), err=True)
    return [rating for rating in before if rating.drawn.rater not in replaced]


def imported_ratings(folder: RunFolder) -> list[Rating]:
    """Return the ratings that a run has from its own sheets: none if nothing was imported, or its key is gone."""
    if folder.read(RATINGS) is None:
        return []
    table = read_table(folder.path / RATINGS)
    tag = tag_of(table)
    document = folder.document(_key_name(tag)) if tag else None
    return read_ratings(table, read_key(document)) if document else []


def _record(draw: Draw) -> dict[str, object]:
    """Return the draw as the manifest keeps it."""
    plain = asdict(draw)
    for name in ("population", "incomplete", "chosen"):
        plain[name] = {task: list(ids) for task, ids in plain[name].items()}
    return plain | {"rows": list(plain["rows"])}


def _summary(ratings: Sequence[Rating], card: RaterAudit) -> str:
    scored = [rating for rating in ratings if rating.score is not None]
    counted = tr(
        "{ratings} of {answers} by {raters}.",
        ratings=trn("{n} rating", "{n} ratings", len(scored)),
        answers=trn("{n} answer", "{n} answers", card.n_items),
        raters=trn("{n} rater", "{n} raters", len(card.raters)),
    )
    parts = [said(counted)]
    if card.pairs:
        rows = [(f"{first} – {second}", *agreement_cells(found)) for first, second, found in card.pairs]
        headers = [
            tr("raters"),
            "n",
            tr("equal"),
            tr("within 1"),
            tr("kappa (quadratic)"),
            tr("its interval"),
            tr("first - second"),
        ]
        parts.append(table(rows, headers))
        alpha = tr("cannot be computed") if card.alpha is None else f"{card.alpha:.2f}"
        parts.append(said(tr("Krippendorff's ordinal alpha of all raters: {alpha}.", alpha=alpha)))
    return "\n\n".join(parts)
