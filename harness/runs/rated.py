"""What people have rated of a run: the draws in its folder, what was imported, and what served pages have sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.analysis.people_so_far import RatingState, rating_state
from harness.analysis.rating_strata import Basis, rating_strata
from harness.errors import RatingError
from harness.human.choosing import DrawKind, Strata
from harness.human.draw import Answers, Export, first_answers, read_key
from harness.human.growing import first_tags, largest
from harness.human.page import changed_items, page_ratings, rating_page, refuse_changed, with_texts
from harness.human.ratings import Rating
from harness.human.sent import KeptRating, as_page_file
from harness.human.sheet_reading import tag_of
from harness.human.sheets import KEYS, RATINGS, key_name, read_ratings
from harness.locale import tr
from harness.runs.boards import board_tables, run_primary
from harness.runs.folder import RunFolder
from harness.runs.run import Run
from harness.store.ratings import kept_ratings
from harness.store.store import Store, store_exists
from harness.tables import read_table
from harness.types import RowKey, Sample, Scale


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What raters have sent: their ratings, the items that they have taken back, and when each was last heard of."""

    ratings: tuple[Rating, ...]
    taken_back: frozenset[str]
    last: Mapping[str, str]


def samples_of(run: Run) -> Mapping[tuple[str, str], Sample]:
    """Return a run's samples by task name and id."""
    return {(task.name, sample.id): sample for task in run.tasks for sample in task.samples}


def run_answers(run: Run, rows: Sequence[RowKey]) -> Answers:
    """Return the first answer of some rows to each task."""
    return first_answers(run.requests, run.answers, rows)


def exports_in(folder: RunFolder) -> list[Export]:
    """Return the draws whose keys are in a run's folder; answers' texts are not in them."""
    documents = (folder.document(name) for name in folder.names(KEYS))
    return [read_key(document) for document in documents if document is not None]


def export_of(tag: str, folder: RunFolder) -> Export | None:
    """Return the draw that holds the items of a tag, as far as it has grown, or None."""
    return largest(exports_in(folder), tag)


def imported_ratings(folder: RunFolder) -> list[Rating]:
    """Return the ratings that a run has from its own sheets: none if nothing was imported, or its key is gone."""
    if folder.read(RATINGS) is None:
        return []
    table = read_table(folder.path / RATINGS)
    tag = tag_of(table)
    export = export_of(tag, folder) if tag else None
    return read_ratings(table, export) if export else []


def current_export(folder: RunFolder, store: str) -> Export:
    """Return the draw that is being rated: what was imported is of it, or what was sent, or else it is the only one.

    Raises:
        RatingError: nothing was drawn, or there are several draws of which none is rated.
    """
    exports = exports_in(folder)
    imported = (
        {rating.drawn.id[: len(exports[0].draw.tag)] for rating in imported_ratings(folder)} if exports else set()
    )
    sent = {kept.tag for kept in _kept(store, [tag for export in exports for tag in export.tags])}
    for tags in (imported, sent):
        found = {one.draw.tag: one for tag in tags if (one := largest(exports, tag)) is not None}
        if len(found) == 1:
            return next(iter(found.values()))
    if not exports:
        raise RatingError(
            tr("Nothing was drawn from the run {name!r} for rating yet.", name=folder.name),
            hint=tr("Draw tasks first: harness rate page {name}", name=folder.name),
        )
    families = first_tags(exports)
    if len(families) > 1:
        raise RatingError(
            tr("The run {name!r} has several draws ({tags}).", name=folder.name, tags=", ".join(families)),
            hint=tr("Import ratings of one of them, or move the keys of the others away: {keys}.",
                    keys=", ".join(str(folder.path / key_name(tag)) for tag in families)),
        )  # fmt: skip
    found_one = largest(exports, families[0])
    assert found_one is not None
    return found_one


def served_ratings(run: Run, export: Export, store: str, scale: Scale) -> Served:
    """Return what raters have sent of a draw from served pages.

    Raises:
        RatingError: the run has changed since, so that raters have seen other answers than it holds now.
    """
    kept = _kept(store, export.tags)
    answers, samples = run_answers(run, export.draw.rows), samples_of(run)
    changed, known = changed_items(export, answers), {item.id for item in export.items}
    whole = with_texts(export, answers)
    ratings: list[Rating] = []
    last: dict[str, str] = {}
    pages: dict[str, list[KeptRating]] = {}
    for one in kept:
        if one.item in known:
            pages.setdefault(one.page, []).append(one)
            last[one.rater] = max(one.date, last.get(one.rater, ""))
    for own in pages.values():
        if all(one.is_empty for one in own):
            continue
        first = own[0]
        where = tr("sent by rater {rater}", rater=first.rater)
        file = as_page_file(own, scale)
        refuse_changed(changed, file, path=where, run=run.name)
        page = rating_page(whole, first.rater, samples, scale, first.tag)
        ratings += page_ratings(file, page, whole, path=where, run=run.name)
    gone = frozenset(one.item for one in kept if one.is_empty)
    return Served(ratings=tuple(ratings), taken_back=gone, last=last)


def _kept(store: str, tags: Sequence[str]) -> tuple[KeptRating, ...]:
    if not store_exists(store):
        return ()
    with Store(store, read_only=True) as opened:
        return kept_ratings(opened, tags)


def together(imported: Sequence[Rating], served: Served) -> list[Rating]:
    """Return what was imported and what was sent; what was sent of an item counts."""
    sent = {rating.drawn.id for rating in served.ratings} | served.taken_back
    return [*(rating for rating in imported if rating.drawn.id not in sent), *served.ratings]


def state_of(
    run: Run, export: Export, ratings: Sequence[Rating], scale: Scale, last: Mapping[str, str] | None = None
) -> RatingState:
    """Return how far the rating of a run is."""
    return rating_state(
        run.name,
        board_tables(run),
        export,
        ratings,
        scale=scale,
        baseline=run.manifest.baseline,
        confidence=run.manifest.confidence,
        last=last,
        gaps=judge_gaps(run),
    )


def strata_for(run: Run, rows: Sequence[RowKey], kind: DrawKind) -> tuple[dict[str, Strata], set[Basis]]:
    """Return what to draw from for rating, by task set, and what the parts are made by; nothing for a simple draw."""
    tables, answers = board_tables(run), run_answers(run, rows)
    found: dict[str, Strata] = {}
    bases: set[Basis] = set()
    for task in run.tasks:
        texts = {one.id: {answers.get((task.name, one.id, row)) for row in rows} for one in task.samples}
        strata, basis = rating_strata(
            [table for table in tables if table.task == task.name],
            baseline=run.manifest.baseline,
            same={one for one, said in texts.items() if len(said) == 1},
            kind=kind,
        )
        bases.add(basis)
        if strata is not None:
            found[task.name] = strata
    return found, bases


def judge_gaps(run: Run) -> dict[str, dict[str, float]]:
    """Return how far the primary judge sees the models from the baseline, on average, by task set and task id."""
    primary = run_primary(run)
    if primary is None:
        return {}
    found: dict[str, dict[str, float]] = {}
    for scores in board_tables(run, (primary.judge,)):
        if scores.judge.kind == "human":
            continue
        base = next((place for place, row in enumerate(scores.rows) if row.model == run.manifest.baseline), 0)
        others = [place for place in range(len(scores.rows)) if place != base]
        gaps = scores.scores[others] - scores.scores[base] if others else scores.scores
        means = np.ma.masked_invalid(gaps).mean(axis=0)
        found[scores.task] = {
            sample.id: float(gap)
            for sample, gap, is_missing in zip(scores.samples, means.data, np.ma.getmaskarray(means), strict=True)
            if not is_missing
        }
    return found
