"""Pairs of answers for people to compare blindly: which are drawn, who sees which, and which answer stands first. Pure.

Every rater sees every drawn pair once. Of each rater's pairs half show the candidate first, and the next rater sees
each pair in the other order, so that over two raters, and over the tasks of one, no place has an advantage.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from harness.codec import digest
from harness.errors import RatingError
from harness.human.draw import Answers
from harness.locale import tr
from harness.pairs.planned import PairOfRows
from harness.types import PlannedTask, RowKey

DEFAULT_SAMPLE = 40
"""Tasks drawn from each set."""

_LETTERS = "bcdfghjkmnpqrstvwxz"  # no vowels: an id is no word
_TAG, _ITEM = 5, 7


@dataclass(frozen=True, slots=True, kw_only=True)
class PairItemShown:
    """Two answers on one rater's page: whose they are, in the order in which they are shown, and their digests."""

    id: str
    rater: str
    task: str
    sample_id: str
    first: RowKey
    second: RowKey
    answers: tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairExport:
    """All that was drawn. ``tag`` starts every item's id; ``texts`` are the answers by digest, none from a key."""

    tag: str
    seed: int
    raters: tuple[str, ...]
    against: str
    pairs: tuple[PairOfRows, ...]
    chosen: Mapping[str, tuple[str, ...]]
    items: tuple[PairItemShown, ...]
    texts: Mapping[str, str]

    def of(self, rater: str) -> tuple[PairItemShown, ...]:
        """Return one rater's items, in the order of the page."""
        return tuple(item for item in self.items if item.rater == rater)


def draw_pairs(
    tasks: Sequence[PlannedTask],
    answers: Answers,
    pairs: Sequence[PairOfRows],
    *,
    against: str,
    raters: Sequence[str],
    sample: int | None = None,
    seed: int = 0,
) -> PairExport:
    """Return the pairs of ``sample`` random tasks of each set (None: 40, or all if there are fewer), for every rater.

    Only tasks that all rows of the pairs answered are drawn. Two answers that are the same are not shown: nobody can
    prefer one. The same arguments give the same export.

    Raises:
        RatingError: fewer tasks are complete than are to be drawn, or no two answers differ.
    """
    rows = list(dict.fromkeys(row for pair in pairs for row in (pair.candidate, pair.opponent)))
    chosen = {task.name: _chosen(task, rows, answers, sample, seed) for task in tasks}
    places = [
        (task, one, pair)
        for task, ids in chosen.items()
        for one in ids
        for pair in pairs
        if answers[task, one, pair.candidate] != answers[task, one, pair.opponent]
    ]
    if not places:
        raise RatingError(
            tr("No two answers to the drawn tasks differ: there is nothing to compare."),
            hint=tr("Draw more tasks with --sample, or name other models with --model."),
        )
    content = sorted([task, one, row.model, row.prompt or "", text] for (task, one, row), text in answers.items())
    tag = _letters(digest(["pairs", seed, list(raters), against, chosen, content]), _TAG)
    items = [item for at, rater in enumerate(raters) for item in _of_rater(tag, rater, at, places, answers)]
    texts = {digest(text): text for text in answers.values()}
    return PairExport(
        tag=tag,
        seed=seed,
        raters=tuple(raters),
        against=against,
        pairs=tuple(pairs),
        chosen=chosen,
        items=tuple(items),
        texts=texts,
    )


def _chosen(
    task: PlannedTask, rows: Sequence[RowKey], answers: Answers, sample: int | None, seed: int
) -> tuple[str, ...]:
    complete = [one.id for one in task.samples if all((task.name, one.id, row) in answers for row in rows)]
    wanted = min(DEFAULT_SAMPLE, len(complete)) if sample is None else sample
    if wanted > len(complete) or not complete:
        raise RatingError(
            tr(
                "{wanted} tasks of {name} are to be drawn, but {n_complete} of its {n_ids} tasks have "
                "an answer of every compared model.",
                wanted=wanted,
                name=task.name,
                n_complete=len(complete),
                n_ids=len(task.samples),
            ),
            hint=tr("Pass a smaller --sample, or leave models out with --model."),
        )
    picked = set(_random(seed, "pairs", task.name).sample(complete, wanted))
    return tuple(one for one in complete if one in picked)


def _of_rater(
    tag: str, rater: str, number: int, places: Sequence[tuple[str, str, PairOfRows]], answers: Answers
) -> list[PairItemShown]:
    """Return a rater's items in an order of their own; which answer stands first is drawn once, and then alternates."""
    turned = [at % 2 == 0 for at in range(len(places))]
    _random(tag, "orders").shuffle(turned)
    order = list(range(len(places)))
    _random(tag, rater).shuffle(order)
    items = []
    for at in order:
        task, one, pair = places[at]
        rows = (pair.candidate, pair.opponent)
        first, second = rows if turned[at] == (number % 2 == 0) else (rows[1], rows[0])
        name = tag + _letters(digest([tag, rater, at, "name"]), _ITEM)
        both = (digest(answers[task, one, first]), digest(answers[task, one, second]))
        items.append(
            PairItemShown(id=name, rater=rater, task=task, sample_id=one, first=first, second=second, answers=both)
        )
    return items


def _random(*parts: object) -> random.Random:
    return random.Random(digest(list(parts)))  # noqa: S311 - a draw that can be repeated, not a secret


def _letters(hexadecimal: str, length: int) -> str:
    number, letters = int(hexadecimal, 16), ""
    for _ in range(length):
        number, digit = divmod(number, len(_LETTERS))
        letters += _LETTERS[digit]
    return letters


def pair_key_document(export: PairExport) -> dict[str, Any]:
    """Return an export as plain values, without the answers' texts: what stays with the run."""
    document = asdict(export)
    del document["texts"]
    return {"schema": 1, **document}


def read_pair_key(document: Mapping[str, Any]) -> PairExport:
    """Return the export that `pair_key_document` described."""
    pairs = tuple(
        PairOfRows(candidate=RowKey(**one["candidate"]), opponent=RowKey(**one["opponent"]))
        for one in document["pairs"]
    )
    items = tuple(
        PairItemShown(
            **one
            | {"first": RowKey(**one["first"]), "second": RowKey(**one["second"]), "answers": tuple(one["answers"])}
        )
        for one in document["items"]
    )
    return PairExport(
        tag=document["tag"],
        seed=document["seed"],
        raters=tuple(document["raters"]),
        against=document["against"],
        pairs=pairs,
        chosen={task: tuple(ids) for task, ids in document["chosen"].items()},
        items=items,
        texts={},
    )


def _item(one: Mapping[str, Any]) -> PairItemShown:
    rows = {side: RowKey(**one[side]) for side in ("first", "second")}
    return PairItemShown(**{**one, **rows, "answers": tuple(one["answers"])})


def pair_key_name(tag: str) -> str:
    """Return the name of the file that keeps whose answers are whose."""
    return f"pair-key-{tag}.json"
