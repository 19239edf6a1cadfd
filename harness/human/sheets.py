"""The ratings that filled sheets hold: as a file, as a matrix of raters, and as the judge ``human`` of a run. Pure."""

import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from harness.codec import digest, sample_digest
from harness.human.draw import Export, cell, csv_text
from harness.human.ratings import SKIP, Rating, read_file, skipped
from harness.locale import tr
from harness.tables import Table
from harness.types import Generation, Sample, Scale, Verdict
from harness.unscored import Unscored

_ANY = Scale(low=-math.inf, high=math.inf)  # what was imported was on its scale

IMPORTED = "human"
"""The name of the judge that imported sheets make."""

RATINGS = "ratings.csv"
"""The file in a run's folder that holds what was imported from its sheets."""

TAB = "rating"
"""The tab of a workbook that is filled; beside it stands one on how to rate."""

KEYS = "rating-key-*.json"
"""The files in a run's folder that say whose answer each item of a draw is."""


def key_name(tag: str) -> str:
    """Return the name of the file that says whose answers a draw's items are.

    >>> key_name("bcdf")
    'rating-key-bcdf.json'
    """
    return KEYS.replace("*", tag)


COLUMNS = ("model", "prompt", "task", "task_id", "score", "rater", "comment", "item")


def ratings_text(ratings: Sequence[Rating]) -> str:
    """Return ratings as the CSV text that the judge ``human:PATH`` reads too: one line per model, task and rater.

    Where a rater skipped an answer for a reason, a last column holds the reasons' codes.
    """
    has_skips = any(rating.skip for rating in ratings)
    rows = [
        [*map(cell, (row.model, row.prompt or "", rating.drawn.task, rating.drawn.sample_id)),
         "" if rating.score is None else f"{rating.score:g}",
         cell(rating.drawn.rater), cell(rating.comment or ""), rating.drawn.id,
         *([rating.skip or ""] if has_skips else [])]
        for rating in sorted(ratings, key=lambda rating: (rating.drawn.rater, rating.drawn.id))
        for row in rating.drawn.rows
    ]  # fmt: skip
    return csv_text([(*COLUMNS, SKIP) if has_skips else COLUMNS, *rows])


def read_ratings(table: Table, export: Export) -> list[Rating]:
    """Return the ratings that `ratings_text` wrote, those of this export alone."""
    items = {item.id: item for item in export.items}
    rows = read_file(table, _ANY, items).ratings if table.rows else ()
    return list({row.item.id: row for row in rows if row.item is not None}.values())


def rater_matrix(ratings: Sequence[Rating]) -> tuple[npt.NDArray[np.float64], list[str], list[str]]:
    """Return the scores by rater and answer, NaN where a rater gave none, with the raters and the task of each answer.

    Shape (raters, answers).
    """
    raters = sorted({rating.drawn.rater for rating in ratings}, key=lambda rater: (len(rater), rater))
    places: dict[tuple[str, str, str], int] = {}
    for rating in ratings:
        places.setdefault((rating.drawn.task, rating.drawn.sample_id, rating.drawn.answer), len(places))
    matrix = np.full((len(raters), len(places)), np.nan)
    for rating in ratings:
        place = places[rating.drawn.task, rating.drawn.sample_id, rating.drawn.answer]
        matrix[raters.index(rating.drawn.rater), place] = np.nan if rating.score is None else rating.score
    return matrix, raters, [f"{task}\n{one}" for task, one, _ in places]


class SheetRatings:
    """The judge ``human`` of a run: for each answer that people rated, the mean of their scores.

    It knows an answer by its sample and its text, so that it is right for every prompt and for equal answers.
    """

    kind = "human"

    def __init__(
        self,
        ratings: Sequence[Rating],
        samples: Mapping[tuple[str, str], Sample],
        *,
        scale: Scale,
        drawn: Mapping[str, Collection[str]] | None = None,
        name: str = IMPORTED,
    ) -> None:
        """``drawn``: the ids of the drawn tasks by task set, also those that nobody has rated yet."""
        self.name = name
        self._ratings: dict[tuple[str, str], list[Rating]] = {}
        for rating in sorted(ratings, key=lambda rating: rating.drawn.rater):
            sample = samples[rating.drawn.task, rating.drawn.sample_id]
            self._ratings.setdefault((sample_digest(sample), rating.drawn.answer), []).append(rating)
        means = [_mean(rows) for rows in self._ratings.values()]
        on_steps = all(scale.allows(mean) for mean in means if mean is not None)
        self.scale = scale if on_steps else Scale(low=scale.low, high=scale.high)
        chosen = [samples.get((task, one)) for task, ids in (drawn or {}).items() for one in ids]
        self._drawn = {key for key, _ in self._ratings} | {sample_digest(one) for one in chosen if one is not None}
        self.fingerprint = "human.sheets.v1 " + digest(ratings_text(ratings))

    def judge(self, sample: Sample, generation: Generation) -> Verdict:
        """Return the mean of the raters' scores of this answer."""
        key = sample_digest(sample)
        rows = self._ratings.get((key, digest(generation.text)))
        if rows is None:
            if key in self._drawn:
                return Verdict.unscored(Unscored("not_rated", tr("this answer was not rated")))
            return Verdict.unscored(Unscored("not_drawn", tr("not drawn for rating")))
        mean = _mean(rows)
        if mean is None:
            skip = next((row.skip for row in rows if row.skip), None)
            blank = Unscored("blank_rating", tr("left blank by who was to rate it"))
            return Verdict.unscored(skipped(skip) if skip else blank)
        comments = "\n".join(f"{row.drawn.rater}: {row.comment}" for row in rows if row.comment)
        return Verdict.scored(mean, rationale=comments or None)


def _mean(rows: Sequence[Rating]) -> float | None:
    scores = [row.score for row in rows if row.score is not None]
    return sum(scores) / len(scores) if scores else None
