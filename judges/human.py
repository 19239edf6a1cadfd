"""The judge `human:PATH`: people's ratings from a CSV, JSONL, JSON or Parquet file."""

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from harness.errors import InputError, NothingUsableError, UnknownNameError, UsageError
from harness.tables import Row, Table, compact, id_text, name_text, read_table, shorten
from harness.types import LIKERT_5, Generation, JudgeSpec, Sample, Scale, Verdict

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")
_ID_COLUMNS = ("task_id", "id")
_LISTED = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """One row of the file. ``problem`` says why it has no score: "blank", "not a number" or "outside the … scale"."""

    line: int
    judge: str | None
    model: str
    task: str | None
    task_id: str
    rater: str | None
    score: float | None
    problem: str | None
    cell: str
    comment: str | None


@dataclass(slots=True, kw_only=True)
class Sheet:
    """A ratings file, shared by the judges in it. ``tasks`` fills up as the tasks of the run become known."""

    path: str
    sha256: str
    ratings: Sequence[Rating]
    n_rows: int
    has_tasks: bool
    tasks: dict[str, Mapping[str, Sample]] = field(default_factory=dict)

    def meet(self, task: str, samples: Sequence[Sample]) -> None:
        """Learn of a task of the run; without a ``task`` column its ids must not be those of another one."""
        if not self.has_tasks:
            for other, known in self.tasks.items():
                if other != task and (shared := [sample.id for sample in samples if sample.id in known]):
                    raise InputError(
                        f"the ratings cannot be told apart: task id {shared[0]!r} is in {other} and in {task}",
                        path=self.path,
                        hint="Add a task column to the file, or evaluate the tasks in separate runs.",
                    )
        self.tasks[task] = {sample.id: sample for sample in samples}

    def tasks_with(self, sample: Sample) -> list[str]:
        """Return the tasks of the run that hold this very sample."""
        return [task for task, samples in self.tasks.items() if samples.get(sample.id) == sample]


class HumanRatings:
    """The ratings that go by one name: all of a file, or those of one value of its ``judge`` column."""

    kind = "human"

    def __init__(self, sheet: Sheet, ratings: Sequence[Rating], *, name: str, scale: Scale) -> None:
        self.name = name
        self._sheet = sheet
        self._ratings = ratings
        self._items: dict[tuple[str, str], dict[str | None, list[Rating]]] = {}
        for rating in ratings:
            by_task = self._items.setdefault((rating.model, rating.task_id), {})
            by_task.setdefault(rating.task, []).append(rating)
        means = [_mean(rows) for by_task in self._items.values() for rows in by_task.values()]
        on_steps = all(scale.allows(mean) for mean in means if mean is not None)
        self.scale = scale if on_steps else replace(scale, step=None)
        judge = ratings[0].judge
        self.fingerprint = f"human.v1 sha256={sheet.sha256} scale={scale}" + (
            "" if judge is None else f" judge={judge}"
        )

    def for_model(self, label: str) -> "ModelRatings":
        """Return the judge that holds the ratings of one model."""
        return ModelRatings(
            name=self.name, scale=self.scale, fingerprint=f"{self.fingerprint} model={label}", ratings=self, label=label
        )

    def judge(self, sample: Sample, generation: Generation) -> Verdict:  # noqa: ARG002 - the protocol's signature
        """Return no score: a rating belongs to a model, so it is `for_model` that judges."""
        return Verdict.unscored(f"the ratings in {self._sheet.path} belong to models, and none was named")

    def verdict(self, model: str, sample: Sample) -> Verdict:
        """Return the mean of the raters' scores of one model's answer to one task."""
        rows = self._rows(model, sample)
        if rows is None:
            return Verdict.unscored(f"no rating in {self._sheet.path}")
        mean = _mean(rows)
        if mean is None:
            return Verdict.unscored("; ".join(self._reason(row) for row in rows))
        return Verdict.scored(mean, rationale=_comments(rows))

    def check_samples(self, task: str, samples: Sequence[Sample], models: Sequence[str]) -> list[str]:
        """Return what the user should know: scores that cannot be used by line, rows ignored, answers not rated.

        Raises:
            NothingUsableError: nothing in the file can be used for this task.
            InputError: two tasks cannot be told apart.
        """
        self._sheet.meet(task, samples)
        ids = {id_text(sample.id) for sample in samples}
        labels = set(models)
        wanted = [
            rating
            for rating in self._sheet.ratings
            if rating.model in labels and rating.task_id in ids and rating.task in {None, task}
        ]
        if all(rating.score is None for rating in wanted):
            raise self._nothing_usable(task, models, wanted)
        own = [rating for rating in wanted if rating.judge == self._ratings[0].judge]
        return list(self._notices(own, n_answers=len(ids) * len(labels)))

    def _notices(self, own: Sequence[Rating], *, n_answers: int) -> Iterable[str]:
        path = self._sheet.path
        if unusable := _by_problem(own):
            n_unusable = sum(rating.score is None for rating in own)
            yield f"{self.name}: {n_unusable} of {len(own)} scores in {path} cannot be used: {unusable}."
        others = self._sheet.n_rows - len(self._sheet.ratings) + len(self._ratings) - len(own)
        if others:
            yield f"{self.name}: {others} rows of {path} are for other models or tasks and were ignored."
        unrated = n_answers - len({(rating.model, rating.task_id) for rating in own})
        if unrated:
            yield f"{self.name}: {unrated} of {n_answers} answers have no rating in {path}."

    def _rows(self, model: str, sample: Sample) -> Sequence[Rating] | None:
        by_task = self._items.get((model, id_text(sample.id) or ""), {})
        tasks = self._sheet.tasks_with(sample) if self._sheet.has_tasks else []
        if not tasks and len(by_task) == 1:
            return next(iter(by_task.values()))
        return next((by_task[task] for task in [*tasks, None] if task in by_task), None)

    def _reason(self, rating: Rating) -> str:
        where = f"{self._sheet.path}:{rating.line}"
        return (
            f"blank score ({where})"
            if rating.problem == "blank"
            else f"score {rating.cell} is {rating.problem} ({where})"
        )

    def _nothing_usable(self, task: str, models: Sequence[str], wanted: Sequence[Rating]) -> NothingUsableError:
        if wanted:
            return NothingUsableError(
                f"none of the {len(wanted)} scores for this run can be used: {_by_problem(wanted)}",
                path=self._sheet.path,
                hint="If they are on another scale, say so in harness.toml: [judges.human] scale = [0, 10].",
            )
        rated = dict.fromkeys(rating.model for rating in self._sheet.ratings)
        return NothingUsableError(
            f"no rating of these models on {task}",
            path=self._sheet.path,
            hint=f"The file rates {_first_few(rated)}; this run has {_first_few(models)}. "
            "The model column must hold the run's labels, and task_id its task ids.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRatings:
    """The ratings of one model's answers."""

    name: str
    scale: Scale
    fingerprint: str
    ratings: HumanRatings
    label: str
    kind: str = "human"

    def judge(self, sample: Sample, generation: Generation) -> Verdict:  # noqa: ARG002 - the protocol's signature
        """Return people's mean score for this sample, whatever the answer's text."""
        return self.ratings.verdict(self.label, sample)


def open_human(spec: JudgeSpec) -> list[HumanRatings]:
    """Return the judges of the ratings file at ``spec.option``: one per value of its ``judge`` column, else one.

    The columns are ``model`` (the run's labels), ``task_id`` or ``id``, ``score``, and where they exist ``rater``,
    ``comment``, ``judge`` and ``task``. The mean of several raters is the score. ``spec.settings["scale"]`` is a pair
    (default 1 to 5); a score that is blank, no number or off the scale is left out, and said so, never rounded.

    Raises:
        UsageError: no file was named, or a setting cannot be used.
        InputError: the file cannot be read, lacks a column, or rates one answer twice without telling raters apart.
    """
    if not spec.option:
        raise UsageError("The judge 'human' needs a file.", hint="Pass --judge human:PATH.")
    scale = _scale(spec.settings)
    table = read_table(spec.option)
    ratings = _ratings(table, scale)
    _refuse_doubles(ratings, table)
    sheet = Sheet(
        path=table.path,
        sha256=table.sha256,
        ratings=ratings,
        n_rows=len(table.rows),
        has_tasks="task" in table.columns,
    )
    by_judge: dict[str | None, list[Rating]] = defaultdict(list)
    for rating in ratings:
        by_judge[rating.judge].append(rating)
    return [
        HumanRatings(sheet, rows, name=spec.text if judge is None else f"human:{judge}", scale=scale)
        for judge, rows in by_judge.items()
    ]


def _scale(settings: Mapping[str, Any]) -> Scale:
    for key in settings:
        if key != "scale":
            raise UnknownNameError("setting of [judges.human]", key, ["scale"])
    match settings.get("scale", [LIKERT_5.low, LIKERT_5.high]):
        case [int() | float() as low, int() | float() as high] if -math.inf < low < high < math.inf:
            return Scale(low=low, high=high, step=1)
        case other:
            raise UsageError(
                f"[judges.human] scale is {other!r}.", hint="Give the lowest and the highest score: scale = [1, 5]."
            )


def _ratings(table: Table, scale: Scale) -> list[Rating]:
    """Return the rows that name a model and a task; the others rate nothing."""
    columns = table.columns
    id_column = next((name for name in _ID_COLUMNS if name in columns), "task_id")
    missing = [name for name in ("model", id_column, "score") if name not in columns]
    if missing:
        raise InputError(
            f"no column {missing[0]!r}", path=table.path, hint=f"The file's columns: {', '.join(columns)}."
        )
    ratings = []
    for row in table.rows:
        model, task_id = name_text(row.values.get("model")), id_text(row.values.get(id_column))
        if model is None or task_id is None:
            continue
        judge = name_text(row.values.get("judge"))
        if judge is None and "judge" in columns:
            raise InputError("no judge, in a file with a judge column", path=table.path, line=row.line)
        ratings.append(_rating(row, scale, judge=judge, model=model, task_id=task_id))
    if not ratings:
        raise InputError(f"no row has both a model and a {id_column}", path=table.path)
    return ratings


def _rating(row: Row, scale: Scale, *, judge: str | None, model: str, task_id: str) -> Rating:
    cell = row.values.get("score")
    score = _number(cell)
    problem = None
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        problem = "blank"
    elif score is None:
        problem = "not a number"
    elif not scale.covers(score):
        problem = f"outside the {scale} scale"
    return Rating(
        line=row.line,
        judge=judge,
        model=model,
        task=name_text(row.values.get("task")),
        task_id=task_id,
        rater=name_text(row.values.get("rater")),
        score=score if problem is None else None,
        problem=problem,
        cell=shorten(cell) if score is None else f"{score:g}",
        comment=name_text(row.values.get("comment")),
    )


def _number(cell: object) -> float | None:
    """Return a score cell as a number, full-width digits included, or None if it is none."""
    if isinstance(cell, str):
        text = unicodedata.normalize("NFKC", cell).strip()
        return float(text) if _NUMBER.fullmatch(text) else None
    if isinstance(cell, int | float) and not isinstance(cell, bool) and math.isfinite(cell):
        return float(cell)
    return None


def _refuse_doubles(ratings: Iterable[Rating], table: Table) -> None:
    first: dict[tuple[str | None, ...], int] = {}
    for rating in ratings:
        key = (rating.judge, rating.model, rating.task, rating.task_id, rating.rater)
        if key in first:
            by = "" if rating.rater is None else f" by rater {rating.rater!r}"
            raise InputError(
                f"a second rating{by} of model {rating.model!r} on task {rating.task_id!r}, after line {first[key]}",
                path=table.path,
                line=rating.line,
                hint=None if rating.rater else "Several people's ratings need a rater column.",
            )
        first[key] = rating.line


def _mean(rows: Iterable[Rating]) -> float | None:
    scores = [row.score for row in rows if row.score is not None]
    return math.fsum(scores) / len(scores) if scores else None


def _comments(rows: Iterable[Rating]) -> str | None:
    lines = [f"{row.rater}: {row.comment}" if row.rater else row.comment for row in rows if row.comment]
    return "\n".join(lines) or None


def _by_problem(ratings: Iterable[Rating]) -> str:
    """Return the lines without a usable score, by what is wrong: "2 blank (lines 4, 9), 1 not a number (line 7)"."""
    lines: dict[str, list[int]] = defaultdict(list)
    for rating in ratings:
        if rating.problem:
            lines[rating.problem].append(rating.line)
    return ", ".join(
        f"{len(found)} {problem} (line{'s' if len(found) > 1 else ''} {compact(found)})"
        for problem, found in lines.items()
    )


def _first_few(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more
