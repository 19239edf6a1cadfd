"""``harness rate import``: what raters send back becomes a judge of their run, and what is missing is said."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from harness.analysis.judge_audit import RaterAudit, rater_audit
from harness.cli.execution import execute_here, invocation
from harness.cli.options import common_options
from harness.cli.rate_pairs import import_pair_pages, pair_files
from harness.cli.rate_text import people_lines, what_remains
from harness.cli.say import language, said, say
from harness.cli.table import table
from harness.errors import InputError, RatingError, UnknownNameError
from harness.human.draw import Draw, Export, tag_of_item
from harness.human.page import (
    PageFile,
    changed_items,
    page_ratings,
    rating_page,
    read_page_file,
    refuse_changed,
    with_texts,
)
from harness.human.ratings import Rating, rating_scale
from harness.human.sheet_reading import read_sheets, tag_of
from harness.human.sheets import (
    IMPORTED,
    RATINGS,
    TAB,
    SheetRatings,
    key_name,
    rater_matrix,
    ratings_text,
    read_ratings,
)
from harness.locale import tr, trn
from harness.runs.add_judges import add_in_folder, joined_by, judging_job
from harness.runs.finish import replaced
from harness.runs.folder import RunFolder
from harness.runs.load import load_run
from harness.runs.rated import (
    Served,
    current_export,
    export_of,
    run_answers,
    samples_of,
    served_ratings,
    state_of,
    together,
)
from harness.runs.run import Run
from harness.runs.unpacking import refuse_bundle
from harness.specs import load_config
from harness.store.ratings import override_ratings
from harness.store.store import Store
from harness.tables import Table, read_table
from harness.tables.files import read_text
from harness.types import Scale
from reports.audit import agreement_cells

_LISTED = 5
_MOST = 16 * 1024 * 1024  # bytes of a page's file


@click.command(
    "import",
    short_help="Take in what raters have sent: people become a judge of the run.",
    epilog="Example: harness rate import demo ratings-1.json ratings-2.json",
)
@click.argument("run")
@click.argument("sheets", nargs=-1, metavar="[FILE…]")
@common_options
def import_sheets(*, run: str, sheets: tuple[str, ...], config: str | None, store: str | None) -> None:
    """Take in what raters have sent: filled sheets, files that pages have saved (.json), and what was served.

    RUN is its name under runs/ or its folder; without FILE, what raters have sent to `harness rate serve` is taken in,
    and with FILE, too. A score that was left blank counts as not rated. Nothing is guessed: a score that is no number
    or off the scale, an item that is unknown or there twice is an error with its file and line. A sheet comes back
    whole and replaces the rater's earlier one; a page's file may hold a part, which is added to what this rater has
    rated before. Other raters' ratings stay.
    """
    settings = load_config(config)
    scale = rating_scale(settings.judges.get(IMPORTED, {}), f"[judges.{IMPORTED}]")
    refuse_bundle(run)
    stored, folder = load_run(run, settings.runs, store), RunFolder(settings.runs, run)
    url = store or stored.manifest.store
    pages = {path: read_page_file(read_text(path, most=_MOST), path) for path in sheets if _is_of_page(path)}
    if pair_files(sheets, folder, pages):
        import_pair_pages(stored, pages, folder, url)
        return
    taken = _read(sheets, stored, folder, scale) if sheets else _Taken(export=current_export(folder, url))
    export, new = taken.export, taken.ratings
    for note in _blanks(new):
        say(tr("Note: {note}", note=note), err=True)
    served = _served(stored, taken, url, scale)
    ratings = [*_earlier(folder, export, taken, served), *new]
    if all(rating.score is None for rating in ratings):
        if not sheets:
            raise InputError(
                tr("nothing is rated"),
                path=folder.path,
                hint=tr("Name the files that raters have sent: harness rate import {name} FILE …", name=folder.name),
            )
        raise InputError(tr("no answer has a score"), path=", ".join(sheets))
    judge = SheetRatings(ratings, samples_of(stored), scale=scale, drawn=export.draw.chosen)
    matrix, raters, tasks = rater_matrix(ratings)
    job = judging_job(stored, (judge,))
    for note in replaced(stored.judges, job.planned_judges):
        say(note, err=True)
    with Store(url) as rows:
        folder.write(RATINGS, ratings_text(ratings))
        outcome = execute_here(job, rows, max_cost=None)
        entries = joined_by(job, invocation(), draw=_record(export.draw))
        add_in_folder(stored, job, outcome, rows, folder=folder, entries=entries, language=language())
    say(_summary(ratings, rater_audit(matrix, raters, tasks, scale)))
    state = state_of(stored, export, ratings, scale)
    for line in (*what_remains(export, ratings, state), *people_lines(state, language())):
        say(line, err=True)
    say(
        tr(
            "The ratings are in {path}; they are the judge 'human' of this run now. "
            "How the other judges stand to it: harness audit {name}",
            path=folder.path / RATINGS,
            name=stored.name,
        ),
        err=True,
    )


def _served(stored: Run, taken: "_Taken", url: str, scale: Scale) -> Served:
    """Return what raters have sent to a served page, but for what a file says otherwise now."""
    served = served_ratings(stored, taken.export, url, scale)
    in_files = {rating.drawn.id: (rating.score, rating.skip) for rating in taken.ratings}
    unlike = [
        one for one in served.ratings
        if one.drawn.id in in_files and in_files[one.drawn.id] != (one.score, one.skip)
    ]  # fmt: skip
    if unlike:
        say(
            trn(
                "Note: {n} item was rated otherwise on the served page; the file counts.",
                "Note: {n} items were rated otherwise on the served page; the file counts.",
                len(unlike),
            ),
            err=True,
        )
        with Store(url) as opened:
            override_ratings(opened, [rating for rating in taken.ratings if rating.drawn.id in in_files])
    kept = tuple(one for one in served.ratings if one.drawn.id not in in_files)
    return Served(ratings=kept, taken_back=served.taken_back - set(in_files), last=served.last)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """What the files of one import say.

    ``whole``: the raters and draws whose sheet replaces all that they rated of it before.
    """

    export: Export
    ratings: Sequence[Rating] = ()
    whole: frozenset[tuple[str, str]] = frozenset()


def _read(paths: Sequence[str], stored: Run, folder: RunFolder, scale: Scale) -> _Taken:
    """Return the ratings in sheets and in files of pages, all of one draw."""
    files = {path: read_page_file(read_text(path, most=_MOST), path) for path in paths if _is_of_page(path)}
    tables = [_sheet(path) for path in paths if path not in files]
    tag, first = (
        (tag_of(tables[0]), tables[0].path) if tables else next((file.tag, path) for path, file in files.items())
    )
    if tag is None:
        raise InputError(tr("no row has an item id"), path=first, hint=tr("Send back the sheet as it was exported."))
    export = _export_of(tag, first, folder)
    sheets = read_sheets(tables, export, scale=scale) if tables else []
    pages = _of_pages(files, export, stored, scale)
    whole, of_pages = (
        frozenset((rating.drawn.rater, tag_of_item(rating.drawn.id)) for rating in ratings)
        for ratings in (sheets, pages)
    )
    both = sorted(whole & of_pages)
    if both:
        raise InputError(
            tr("rater {rater} sent a sheet and a page's file", rater=both[0][0]),
            path=", ".join(paths),
            hint=tr("Import one of them, then the other: what is read last counts."),
        )
    return _Taken(export=export, ratings=[*sheets, *pages], whole=whole)


def _sheet(path: str) -> Table:
    """Return the table of a sheet: of a workbook the tab that is ours, which stands beside one on how to rate."""
    if Path(path).suffix.casefold() == ".xlsx":
        try:
            return read_table(f"{path},sheet={TAB}")
        except UnknownNameError:
            pass  # its owner renamed it, or made a workbook of a CSV sheet
    return read_table(path)


def _is_of_page(path: str) -> bool:
    return Path(path).suffix.casefold() == ".json"


def _export_of(tag: str, path: str, folder: RunFolder) -> Export:
    """Return the draw of a tag as far as it has grown, from the keys in the run's folder."""
    export = export_of(tag, folder)
    if export is None:
        raise InputError(
            tr("items that begin with {tag!r} were not exported from the run {name!r}", tag=tag, name=folder.name),
            path=path,
            hint=tr("Import it into its own run, or keep {tag} in {path}/.", tag=key_name(tag), path=folder.path),
        )
    return export


def _of_pages(files: Mapping[str, PageFile], export: Export, stored: Run, scale: Scale) -> list[Rating]:
    """Return the ratings in files of pages; parts of one rater are joined."""
    answers = run_answers(stored, export.draw.rows)
    changed = changed_items(export, answers)
    export, samples = with_texts(export, answers), samples_of(stored)
    found: dict[str, tuple[str, Rating]] = {}
    for path, file in files.items():
        if file.tag not in export.tags:
            raise InputError(tr("the page is of another draw than the other files"), path=path)
        if not export.of(file.rater):
            raise InputError(tr("the draw has no rater {rater!r}", rater=file.rater[:40]), path=path)
        refuse_changed(changed, file, path=path, run=stored.name)
        page = rating_page(export, file.rater, samples, scale, file.tag)
        for rating in page_ratings(file, page, export, path=path, run=stored.name):
            before = found.get(rating.drawn.id)
            if before is not None and (before[1].score, before[1].skip) != (rating.score, rating.skip):
                raise InputError(
                    tr("item {id!r} is rated otherwise in {other}", id=rating.drawn.id, other=before[0]),
                    path=path,
                    hint=tr("Import one file, then the other: what is read last counts."),
                )
            found[rating.drawn.id] = path, rating
    if files and not found:
        raise InputError(tr("nothing is rated"), path=", ".join(files))
    return [rating for _, rating in found.values()]


def _earlier(folder: RunFolder, export: Export, taken: _Taken, served: Served) -> list[Rating]:
    """Return the ratings that stay: of those imported before, not a sheet sent again nor items that are rated anew."""
    before: list[Rating] = []
    if folder.read(RATINGS) is not None:
        before = read_ratings(read_table(folder.path / RATINGS), export)
        if not before:
            raise RatingError(
                tr("{path} holds ratings of another export of this run.", path=folder.path / RATINGS),
                hint=tr("Ratings of two draws are not one random sample: move that file away to replace them."),
            )
    anew = {rating.drawn.id for rating in taken.ratings}
    again = sorted({rating.drawn.rater for rating in before if rating.drawn.id in anew})
    if again:
        say(tr("Note: earlier ratings of rater {again} are replaced.", again=", ".join(again)), err=True)
    return [
        rating
        for rating in together(before, served)
        if rating.drawn.id not in anew and (rating.drawn.rater, tag_of_item(rating.drawn.id)) not in taken.whole
    ]


def _record(draw: Draw) -> dict[str, Any]:
    """Return the draw as the manifest keeps it: plain values, without what it has not."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(draw)))
    return {name: value for name, value in plain.items() if value or name not in ("names", "strata", "extends")}


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
