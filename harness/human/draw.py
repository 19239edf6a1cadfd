"""Blind rating by people: which tasks are drawn, what each rater's sheet holds, and what a filled sheet says. Pure.

An *item* is one answer to one task, whoever gave it: models that gave the very same answer share an item, and nobody
who reads a sheet can tell whose answer it is. The key, which can, stays with the run.
"""

import csv
import io
import random
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from harness.codec import digest
from harness.errors import InputError, RatingError
from harness.human.ratings import Item, Rating, ReadScore, read_score
from harness.locale import tr
from harness.tables import Row, Table, name_text, shorten
from harness.tables.cells import guarded
from harness.types import LIKERT_5, Generation, PlannedTask, Request, RowKey, Sample, Scale

DEFAULT_SAMPLE = 40
"""Tasks drawn from each task set unless told otherwise: 30 to 50 make a usable anchor."""

COLUMNS = ("item", "task", "answer", "reference", "criteria", "score", "comment")

_LETTERS = "bcdfghjkmnpqrstvwxyz"  # no vowel, so that no spreadsheet takes an id for a date, a number or TRUE
_TAG, _ITEM = 4, 6  # letters of an export's tag, and of an item after it
_LONGEST_CELL = 32_000  # spreadsheets hold 32,767 characters in a cell
_LISTED = 5


Answers = Mapping[tuple[str, str, RowKey], str]
"""The text of the first answer, by task, sample id and row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """How the rated tasks were chosen: a simple random sample of ``chosen`` out of ``population``, by task set.

    ``population`` are the ids of the tasks that every compared model answered, in order; ``incomplete`` the others.
    ``tag`` starts every item id of this export.
    """

    tag: str
    seed: int
    raters: int
    rows: tuple[RowKey, ...]
    population: Mapping[str, tuple[str, ...]]
    incomplete: Mapping[str, tuple[str, ...]]
    chosen: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """Everything that an export consists of: the draw, and each item in the order of its rater's sheet.

    ``texts`` are the answers by digest; an export that was read back from its key has none.
    """

    draw: Draw
    items: tuple[Item, ...]
    texts: Mapping[str, str]

    def of(self, rater: str) -> tuple[Item, ...]:
        """Return one rater's items, in the order of the sheet."""
        return tuple(item for item in self.items if item.rater == rater)


def draw_items(
    tasks: Sequence[PlannedTask],
    requests: Iterable[Request],
    generations: Mapping[str, Generation],
    *,
    rows: Sequence[RowKey],
    raters: int,
    sample: int | None = None,
    seed: int = 0,
) -> Export:
    """Return an export: the same random tasks for every row, and for each rater every answer to them, shuffled.

    ``sample`` tasks are drawn from each task set (None: 40, or all if there are fewer) among those that every row
    answered. Of several answers of a model to one task, the first is rated. The same arguments give the same export.

    Raises:
        HarnessError: fewer tasks are complete than are to be drawn.
    """
    answers = first_answers(requests, generations, rows)
    population, incomplete, chosen = {}, {}, {}
    for task in tasks:
        ids = [one.id for one in task.samples]
        complete = tuple(one for one in ids if all((task.name, one, row) in answers for row in rows))
        wanted = min(DEFAULT_SAMPLE, len(complete)) if sample is None else sample
        if not complete:
            raise RatingError(
                tr(
                    "None of the {n_ids} tasks of {name} has an answer of every compared model.",
                    n_ids=len(ids),
                    name=task.name,
                ),
                hint=tr("Leave models out with --model, or run the evaluation again for the missing answers."),
            )
        if wanted > len(complete):
            raise RatingError(
                tr(
                    "{wanted} tasks of {name} are to be drawn, but {n_complete} of its {n_ids} tasks have "
                    "an answer of every compared model.",
                    wanted=wanted,
                    name=task.name,
                    n_complete=len(complete),
                    n_ids=len(ids),
                ),
                hint=tr("Pass a smaller --sample, or leave models out with --model."),
            )
        picked = set(_random(seed, "tasks", task.name).sample(complete, wanted))
        population[task.name] = complete
        incomplete[task.name] = tuple(one for one in ids if one not in set(complete))
        chosen[task.name] = tuple(one for one in complete if one in picked)
    content = sorted([task, one, row.model, row.prompt or "", text] for (task, one, row), text in answers.items())
    tag = _letters(int(digest([seed, raters, chosen, content]), 16), _TAG)
    draw = Draw(
        tag=tag,
        seed=seed,
        raters=raters,
        rows=tuple(rows),
        population=population,
        incomplete=incomplete,
        chosen=chosen,
    )
    texts = {digest(text): text for text in answers.values()}
    digests = {key: digest(text) for key, text in answers.items()}
    return Export(draw=draw, items=tuple(_items(draw, digests)), texts=texts)


def first_answers(
    requests: Iterable[Request], generations: Mapping[str, Generation], rows: Sequence[RowKey]
) -> Answers:
    """Return the first answer of each row to each task."""
    found: dict[tuple[str, str, RowKey], str] = {}
    for request in requests:
        row = RowKey(model=request.model, prompt=request.prompt)
        generation = generations.get(request.key)
        if row in rows and request.repeat == 0 and generation is not None and generation.text is not None:
            found[request.task, request.sample_id, row] = generation.text
    return found


def _items(draw: Draw, answers: Mapping[tuple[str, str, RowKey], str]) -> Iterable[Item]:
    taken: set[str] = set()
    for number in range(1, draw.raters + 1):
        rater = str(number)
        shuffled = [(task, one) for task, ids in draw.chosen.items() for one in ids]
        _random(draw.seed, draw.tag, rater).shuffle(shuffled)
        names = _random(draw.seed, draw.tag, rater, "names")
        for task, one in shuffled:
            whose: dict[str, list[RowKey]] = {}
            for row in draw.rows:
                whose.setdefault(answers[task, one, row], []).append(row)
            answered = list(whose)
            _random(draw.seed, draw.tag, rater, task, one).shuffle(answered)
            for answer in answered:
                name = _new_name(draw.tag, names, taken)
                yield Item(id=name, rater=rater, task=task, sample_id=one, answer=answer, rows=tuple(whose[answer]))


def _random(*parts: object) -> random.Random:
    return random.Random(digest(list(parts)))  # noqa: S311 - a draw that can be repeated, not a secret


def _new_name(tag: str, names: random.Random, taken: set[str]) -> str:
    while True:
        name = tag + _letters(names.getrandbits(64), _ITEM)
        if name not in taken:
            taken.add(name)
            return name


def _letters(number: int, length: int) -> str:
    letters = ""
    for _ in range(length):
        number, digit = divmod(number, len(_LETTERS))
        letters += _LETTERS[digit]
    return letters


def key_document(export: Export) -> dict[str, Any]:
    """Return an export as plain values, without the answers' texts: what stays with the run."""
    return {"schema": 1, "draw": asdict(export.draw), "items": [asdict(item) for item in export.items]}


def read_key(document: Mapping[str, Any]) -> Export:
    """Return the export that `key_document` described."""
    draw = document["draw"]
    ids = {
        name: {task: tuple(ids) for task, ids in draw[name].items()} for name in ("population", "incomplete", "chosen")
    }
    items = (Item(**item | {"rows": tuple(RowKey(**row) for row in item["rows"])}) for item in document["items"])
    rows = tuple(RowKey(**row) for row in draw["rows"])
    return Export(draw=Draw(**draw | ids | {"rows": rows}), items=tuple(items), texts={})


def sheet_rows(export: Export, rater: str, samples: Mapping[tuple[str, str], Sample]) -> list[Sequence[str]]:
    """Return a rater's sheet as rows of cells under their heading; ``samples`` are by task name and id.

    Scores and comments are empty, and no cell can act as a formula.
    """
    rows: list[Sequence[str]] = [COLUMNS]
    for item in export.of(rater):
        sample = samples[item.task, item.sample_id]
        text = export.texts[item.answer]
        answer = text if text.strip() else "（空の回答）"
        shown = [sample.input, answer, sample.reference or "", sample.criteria or ""]
        rows.append([item.id, *map(cell, shown), "", ""])
    return rows


def sheet_text(export: Export, rater: str, samples: Mapping[tuple[str, str], Sample]) -> str:
    """Return a rater's sheet as CSV text, with a byte order mark by which spreadsheets read it as UTF-8."""
    return "\ufeff" + csv_text(sheet_rows(export, rater, samples))


def cell(text: str) -> str:
    r"""Return text for a spreadsheet cell: shown as it stands, never run as a formula, never too long for a cell.

    >>> cell("=1+1"), cell(" ＝1"), cell("a=1"), cell("a\x00b")
    ("'=1+1", "' ＝1", 'a=1', 'a�b')
    """
    text = text.replace("\r\n", "\n").replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    if len(text) > _LONGEST_CELL:
        text = f"{text[:_LONGEST_CELL]}…（以下 {len(text) - _LONGEST_CELL:,} 文字を省略）"
    return guarded(text)


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
            item = _item(row, columns["item"], items, export.draw.tag, table.path)
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


def _item(row: Row, column: str, items: Mapping[str, Item], tag: str, path: str) -> Item:
    name = unicodedata.normalize("NFKC", str(row.values.get(column) or "")).strip().casefold()
    if name in items:
        return items[name]
    shown = shorten(row.values.get(column) or "")
    if not name:
        raise InputError(tr("a row without an item id"), path=path, line=row.line)
    if name.startswith(tag):
        raise InputError(tr("no item {shown} was exported", shown=shown), path=path, line=row.line)
    raise InputError(
        tr("item {shown} is not of this export, whose items begin with {tag!r}", shown=shown, tag=tag),
        path=path,
        line=row.line,
        hint=tr("The sheet belongs to another run or another export."),
    )


def tag_of(table: Table) -> str | None:
    """Return the tag of the export that a sheet belongs to, by its first item, or None if it names no item."""
    column = _columns(table)["item"]
    names = (unicodedata.normalize("NFKC", str(row.values.get(column) or "")).strip().casefold() for row in table.rows)
    return next((name[:_TAG] for name in names if name), None)


def rating_of(
    item: Item, found: ReadScore, *, line: int, comment: str | None = None, skip: str | None = None
) -> Rating:
    """Return what a rater said of an item, in one line of a sheet; ``skip`` is why it was passed over."""
    return Rating(
        line=line,
        model=item.rows[0].model,
        prompt=item.rows[0].prompt,
        task=item.task,
        task_id=item.sample_id,
        rater=item.rater,
        score=found.score,
        problem=found.problem,
        cell=found.cell,
        comment=comment,
        skip=skip,
        item=item,
    )


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
    for rater in dict.fromkeys(rating.drawn.rater for rating in ratings):
        items = export.of(rater)
        missing = [item.id for item in items if item.id not in rated]
        if missing:
            more = f" and {len(missing) - _LISTED} more" if len(missing) > _LISTED else ""
            raise InputError(
                tr(
                    "{n_missing} of the {n_items} items of rater {rater} are missing: {missing}{more}",
                    n_missing=len(missing),
                    n_items=len(items),
                    rater=rater,
                    missing=", ".join(missing[:_LISTED]),
                    more=more,
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


def csv_text(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as CSV that spreadsheets read: every cell quoted, lines ended as they end them."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows(rows)
    return text.getvalue()
