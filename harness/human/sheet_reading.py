"""What a filled sheet says, which is refused where it is not whole or not a score. Pure."""

import unicodedata
from collections.abc import Mapping, Sequence

from harness.errors import InputError
from harness.human.draw import Export, rating_of, tag_of_item
from harness.human.ratings import Item, Rating, ReadScore, read_score
from harness.locale import tr
from harness.tables import Row, Table, name_text, shorten
from harness.types import LIKERT_5, Scale

_LISTED = 5


def read_sheets(tables: Sequence[Table], export: Export, *, scale: Scale = LIKERT_5) -> list[Rating]:
    """Return the ratings of filled sheets, which must be whole: every item of every rater who appears, once.

    A blank score is None: that rater did not rate the item.

    Raises:
        InputError: a column is missing; an item is unknown, of another export, or there twice or not at all; a score
            is no number or off the scale; all are blank. It names file, line and value.
    """
    items = {item.id: item for item in export.items}
    first: dict[str, str] = {}
    ratings: list[Rating] = []
    for table in tables:
        columns = _columns(table)
        for row in table.rows:
            if not any(str(value or "").strip() for value in row.values.values()):
                continue  # a spreadsheet saves empty lines below the last one
            item = _item(row, columns["item"], items, export.tags, table.path)
            if item.id in first:
                raise InputError(
                    tr("a second score for item {id!r}, after {first}", id=item.id, first=first[item.id]),
                    path=table.path,
                    line=row.line,
                )
            first[item.id] = f"{table.path}:{row.line}"
            found = read_score(row.values.get(columns["score"]), scale)
            _refuse_bad(found, row, scale, item.id, table.path)
            comment = name_text(row.values.get(columns.get("comment", "")))
            ratings.append(rating_of(item, found, line=row.line, comment=comment))
    _check_whole(export, ratings, ", ".join(table.path for table in tables))
    return ratings


def _columns(table: Table) -> dict[str, str]:
    """Return the sheet's own names of our columns: a spreadsheet may have changed case or width."""
    found = {unicodedata.normalize("NFKC", name).strip().casefold(): name for name in table.columns}
    for needed in ("item", "score"):
        if needed not in found:
            raise InputError(
                tr("no column {needed!r}", needed=needed),
                path=table.path,
                line=1,
                hint=tr(
                    "The file's columns: {columns}. Send back the sheet as it was exported.",
                    columns=", ".join(table.columns),
                ),
            )
    return found


def _item(row: Row, column: str, items: Mapping[str, Item], tags: Sequence[str], path: str) -> Item:
    name = unicodedata.normalize("NFKC", str(row.values.get(column) or "")).strip().casefold()
    if name in items:
        return items[name]
    shown = shorten(row.values.get(column) or "")
    if not name:
        raise InputError(tr("a row without an item id"), path=path, line=row.line)
    if tag_of_item(name) in tags:
        raise InputError(tr("no item {shown} was exported", shown=shown), path=path, line=row.line)
    raise InputError(
        tr("item {shown} is not of this export, whose items begin with {tag!r}", shown=shown, tag=tags[-1]),
        path=path,
        line=row.line,
        hint=tr("The sheet belongs to another run or another export."),
    )


def tag_of(table: Table) -> str | None:
    """Return the tag of the export that a sheet belongs to, by its first item, or None if it names no item."""
    column = _columns(table)["item"]
    names = (unicodedata.normalize("NFKC", str(row.values.get(column) or "")).strip().casefold() for row in table.rows)
    return next((tag_of_item(name) for name in names if name), None)


def _refuse_bad(found: ReadScore, row: Row, scale: Scale, item: str, path: str) -> None:
    """Refuse a score of a sheet that is no blank and no score: whoever sent it can still mend it."""
    if found.problem is not None and found.problem.code != "blank_rating":
        raise InputError(
            tr("score {cell} of item {item!r} is {problem}", cell=found.cell, item=item, problem=found.problem),
            path=path,
            line=row.line,
        )
    if found.score is not None and not scale.allows(found.score):
        raise InputError(
            tr(
                "score {score:g} of item {item!r} lies between two steps of the {scale} scale, {step:g} apart",
                score=found.score,
                item=item,
                scale=scale,
                step=scale.step,
            ),
            path=path,
            line=row.line,
            hint=tr("If half points were meant, say so in harness.toml: [judges.human] step = 0.5."),
        )


def _check_whole(export: Export, ratings: Sequence[Rating], paths: str) -> None:
    rated = {rating.drawn.id for rating in ratings}
    for rater, tag in dict.fromkeys((rating.drawn.rater, tag_of_item(rating.drawn.id)) for rating in ratings):
        items = export.of(rater, tag)
        missing = [item.id for item in items if item.id not in rated]
        if missing:
            shown = ", ".join(missing[:_LISTED])
            more = tr("{shown} and {n} more", shown=shown, n=len(missing) - _LISTED)
            raise InputError(
                tr(
                    "{n_missing} of the {n_items} items of rater {rater} are missing: {missing}",
                    n_missing=len(missing),
                    n_items=len(items),
                    rater=rater,
                    missing=more if len(missing) > _LISTED else shown,
                ),
                path=paths,
                hint=tr("A draw is random only if all of it is rated. Send back the whole sheet."),
            )
    if not ratings:
        raise InputError(tr("no row has an item"), path=paths)
    if all(rating.score is None for rating in ratings):
        raise InputError(
            tr("every score is blank"), path=paths, hint=tr("Fill the score column, then import the sheet.")
        )
