"""Blind rating by people: which tasks are drawn, and what each rater's sheet holds. Pure.

An *item* is one answer to one task, whoever gave it: models that gave the very same answer share an item, and nobody
who reads a sheet can tell whose answer it is. The key, which can, stays with the run.
"""

import csv
import io
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from harness.codec import digest
from harness.errors import RatingError
from harness.human.choosing import Strata, choose, rng
from harness.human.ratings import Item, Rating, ReadScore
from harness.locale import tr
from harness.tables.cells import guarded
from harness.types import Generation, PlannedTask, Request, RowKey, Sample

DEFAULT_SAMPLE = 40
"""Tasks drawn from each task set unless told otherwise: 30 to 50 make a usable anchor."""

COLUMNS = ("item", "task", "answer", "reference", "criteria", "score", "comment")

_LETTERS = "bcdfghjkmnpqrstvwxyz"  # no vowel, so that no spreadsheet takes an id for a date, a number or TRUE
_TAG, _ITEM = 4, 6  # letters of an export's tag, and of an item after it
_LONGEST_CELL = 32_000  # spreadsheets hold 32,767 characters in a cell


Answers = Mapping[tuple[str, str, RowKey], str]
"""The text of the first answer, by task, sample id and row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """How the rated tasks were chosen: a random sample of ``chosen`` out of ``population``, by task set.

    ``population`` are the ids of the tasks that every compared model answered, in order; ``incomplete`` the others.
    ``tag`` starts every item id of this export · ``names``: the raters' names, none if they go by their numbers ·
    ``strata``: what each part of a task set was drawn from, with known chances; a set without any was drawn simply ·
    ``extends``: the tag of the draw that this one adds tasks to; ``chosen`` holds those of both.
    """

    tag: str
    seed: int
    raters: int
    rows: tuple[RowKey, ...]
    population: Mapping[str, tuple[str, ...]]
    incomplete: Mapping[str, tuple[str, ...]]
    chosen: Mapping[str, tuple[str, ...]]
    names: tuple[str, ...] = ()
    strata: Mapping[str, Strata] = field(default_factory=dict)
    extends: str | None = None

    @property
    def people(self) -> tuple[str, ...]:
        """The raters, by name or else by number."""
        return self.names or tuple(str(number) for number in range(1, self.raters + 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """Everything that an export consists of: the draw, and each item in the order of its rater's sheet.

    ``texts`` are the answers by digest; an export that was read back from its key has none.
    """

    draw: Draw
    items: tuple[Item, ...]
    texts: Mapping[str, str]

    def of(self, rater: str, tag: str | None = None) -> tuple[Item, ...]:
        """Return one rater's items in the order of the sheet: those of one draw among several, or else all."""
        return tuple(item for item in self.items if item.rater == rater and tag in (None, tag_of_item(item.id)))

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags of the draws that the items are of: this one and those that it extends, the oldest first."""
        return tuple(dict.fromkeys(tag_of_item(item.id) for item in self.items))


def draw_items(
    tasks: Sequence[PlannedTask],
    requests: Iterable[Request],
    generations: Mapping[str, Generation],
    *,
    rows: Sequence[RowKey],
    raters: int,
    sample: int | None = None,
    seed: int = 0,
    names: Sequence[str] = (),
    strata: Mapping[str, Strata] | None = None,
) -> Export:
    """Return an export: the same random tasks for every row, and for each rater every answer to them, shuffled.

    ``sample`` tasks are drawn from each task set (None: 40, or all if there are fewer) among those that every row
    answered. Of several answers of a model to one task, the first is rated. The same arguments give the same export.
    ``names``: the raters' names; ``strata``: those of the task sets that are not drawn simply, of all their tasks.

    Raises:
        HarnessError: fewer tasks are complete than are to be drawn.
    """
    answers = first_answers(requests, generations, rows)
    population, incomplete, chosen = {}, {}, {}
    drawn_from: dict[str, Strata] = {}
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
        population[task.name] = complete
        incomplete[task.name] = tuple(one for one in ids if one not in set(complete))
        if strata and task.name in strata:
            drawn_from[task.name] = strata[task.name].within(complete)
        chosen[task.name] = choose(seed, task.name, complete, wanted, strata=drawn_from.get(task.name))
    content = sorted([task, one, row.model, row.prompt or "", text] for (task, one, row), text in answers.items())
    draw = Draw(
        tag=draw_tag(seed, raters, chosen, content, *([list(names)] if names else [])),
        seed=seed,
        raters=raters,
        rows=tuple(rows),
        population=population,
        incomplete=incomplete,
        chosen=chosen,
        names=tuple(names),
        strata=drawn_from,
    )
    texts = {digest(text): text for text in answers.values()}
    return Export(draw=draw, items=tuple(shuffled_items(draw, answers)), texts=texts)


def draw_tag(*parts: object) -> str:
    """Return the tag of a draw by what it is made of."""
    return _letters(int(digest(list(parts)), 16), _TAG)


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


def shuffled_items(draw: Draw, answers: Answers, rated: Mapping[str, Sequence[str]] | None = None) -> Iterable[Item]:
    """Yield the items of a draw, rater by rater in an order of their own.

    ``answers``: the texts of all rows to the drawn tasks · ``rated``: tasks of an earlier draw, which are left out.
    """
    taken: set[str] = set()
    before = {(task, one) for task, ids in (rated or {}).items() for one in ids}
    for number, rater in enumerate(draw.people, start=1):
        place = str(number)
        shuffled = [pair for task, ids in draw.chosen.items() for one in ids if (pair := (task, one)) not in before]
        rng(draw.seed, draw.tag, place).shuffle(shuffled)
        names = rng(draw.seed, draw.tag, place, "names")
        for task, one in shuffled:
            whose: dict[str, list[RowKey]] = {}
            for row in draw.rows:
                whose.setdefault(digest(answers[task, one, row]), []).append(row)
            answered = list(whose)
            rng(draw.seed, draw.tag, place, task, one).shuffle(answered)
            for answer in answered:
                name = _new_name(draw.tag, names, taken)
                yield Item(id=name, rater=rater, task=task, sample_id=one, answer=answer, rows=tuple(whose[answer]))


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
    strata = {
        task: Strata(parts=tuple(map(tuple, known["parts"])), spreads=tuple(known["spreads"]))
        for task, known in draw.get("strata", {}).items()
    }
    own = {
        "rows": tuple(RowKey(**row) for row in draw["rows"]),
        "names": tuple(draw.get("names", ())),
        "strata": strata,
    }
    items = (Item(**item | {"rows": tuple(RowKey(**row) for row in item["rows"])}) for item in document["items"])
    return Export(draw=Draw(**draw | ids | own), items=tuple(items), texts={})


def sheet_rows(export: Export, rater: str, samples: Mapping[tuple[str, str], Sample]) -> list[Sequence[str]]:
    """Return a rater's sheet of the newest draw as rows of cells under their heading; ``samples``: by task name and id.

    Scores and comments are empty, and no cell can act as a formula.
    """
    rows: list[Sequence[str]] = [COLUMNS]
    for item in export.of(rater, export.draw.tag):
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


def tag_of_item(name: str) -> str:
    """Return the tag of the draw that an item is of."""
    return name[:_TAG]


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


def csv_text(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as CSV that spreadsheets read: every cell quoted, lines ended as they end them."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows(rows)
    return text.getvalue()
