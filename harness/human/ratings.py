"""Ratings in a file: a row is one score of one model's answer to one task, under one prompt where the row names it."""

import math
import os
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.errors import InputError, UnknownNameError, UsageError
from harness.locale import tr
from harness.protocols import KINDS
from harness.tables import Row, Table, id_text, name_text, shorten
from harness.types import LIKERT_5, RowKey, Sample, Scale
from harness.unscored import Unscored

_NUMBER = re.compile(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+))\s*点?")
_ID_COLUMNS = ("task_id", "id")
_COLUMNS = ("model", "score", "prompt", "rater", "comment", "judge", "kind", "task", "item")
_TEMPLATE = ".j2"

SKIP = "skipped"
"""The column of ratings.csv with the code of the reason for which an answer was skipped."""

ROLES: Mapping[str, str] = {**dict.fromkeys(_ID_COLUMNS, "task_id"), **{name: name for name in _COLUMNS}}
"""The columns that are read, each by the name that is looked for first."""


SKIPS: Mapping[str, str] = {
    "cannot_judge": tr("cannot judge it"),
    "unclear_task": tr("the task is unclear"),
    "upsetting": tr("would rather not read it"),
    "other": tr("another reason"),
}
"""Why a rater may skip an answer, by the code that files keep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What one line of one rater's sheet stands for. ``rows``: whose answer it is; ``answer``: its text's digest."""

    id: str
    rater: str
    task: str
    sample_id: str
    answer: str
    rows: tuple[RowKey, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """One rater's score of one answer, from a file or a filled sheet, whoever wrote it.

    ``problem`` says why it has no score: it is blank, skipped, no number or off the scale; ``skip`` is the code of
    the reason for which it was skipped, one of `SKIPS`. ``item`` is the line of a drawn sheet
    that it is about; models that gave the very same answer share one, and ``model`` and ``prompt`` are the first's.
    """

    line: int
    judge: str | None = None
    kind: str | None = None
    model: str
    prompt: str | None
    task: str | None
    task_id: str
    rater: str | None
    score: float | None
    problem: Unscored | None
    cell: str
    comment: str | None
    skip: str | None = None
    item: Item | None = None

    @property
    def drawn(self) -> Item:
        """The item of a rating that came from a sheet."""
        if self.item is None:
            raise ValueError(f"the rating in line {self.line} is of no drawn item")
        return self.item


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadScore:
    """What a cell says: a score, or why it is none, and the cell as it is shown."""

    score: float | None
    problem: Unscored | None
    cell: str


@dataclass(slots=True, kw_only=True)
class RatingsFile:
    """A ratings file, shared by the judges in it. What the run holds is added as it becomes known.

    ``nameless``: the lines that name no model or no task · ``tasks``: the run's samples by task and id · ``rows``: the
    run's model labels with their prompts, None while nobody has said · ``prompts``: the file's name of a run's prompt.
    """

    path: str
    sha256: str
    ratings: Sequence[Rating]
    nameless: Sequence[int]
    has_tasks: bool
    tasks: dict[str, Mapping[str, Sample]] = field(default_factory=dict)
    rows: Sequence[tuple[str, str | None]] | None = None
    prompts: dict[str, str] = field(default_factory=dict)

    def meet_rows(self, rows: Sequence[tuple[str, str | None]]) -> None:
        """Learn which models the run has under which prompts, and what the file calls these prompts."""
        self.rows = list(rows)
        run = list(dict.fromkeys(prompt for _, prompt in rows if prompt is not None))
        self.prompts = matched_prompts(dict.fromkeys(row.prompt for row in self.ratings if row.prompt is not None), run)

    def meet(self, task: str, samples: Sequence[Sample]) -> None:
        """Learn of a task of the run; without a ``task`` column its ids must not be those of another one."""
        if not self.has_tasks:
            for other, known in self.tasks.items():
                if other != task and (shared := [sample.id for sample in samples if sample.id in known]):
                    raise InputError(
                        tr(
                            "the ratings cannot be told apart: task id {shared!r} is in {other} and in {task}",
                            shared=shared[0],
                            other=other,
                            task=task,
                        ),
                        path=self.path,
                        hint=tr("Add a task column to the file, or evaluate the tasks in separate runs."),
                    )
        self.tasks[task] = {sample.id: sample for sample in samples}

    def tasks_with(self, sample: Sample) -> list[str]:
        """Return the tasks of the run that hold this very sample."""
        return [task for task, samples in self.tasks.items() if samples.get(sample.id) == sample]

    def fits(self, rating: Rating) -> bool:
        """Return whether the run has the prompt that a row names for its model; any will do while nobody has said."""
        if rating.prompt is None or self.rows is None:
            return True
        return any(
            label == rating.model and prompt is not None and self.prompts.get(prompt) == rating.prompt
            for label, prompt in self.rows
        )


def matched_prompts(named: Iterable[str], run: Sequence[str]) -> dict[str, str]:
    """Return the file's name of each of a run's prompts: the same text, else the same path, else the same bare name.

    A name that fits several prompts, or several that fit one, match none.

    >>> matched_prompts(["mine", "course.v1", "b/x.j2"], ["course.v1", "./prompts/mine.j2", "a/x.j2"])
    {'course.v1': 'course.v1', './prompts/mine.j2': 'mine'}
    """
    named = list(named)
    found = {prompt: prompt for prompt in run if prompt in named}
    others = [name for name in named if name not in found]
    for like in (_same_path, _same_name):
        free = [prompt for prompt in run if prompt not in found]
        pairs = [(prompt, name) for prompt in free for name in others if like(prompt, name)]
        for prompt, name in pairs:
            if sum(prompt == one for one, _ in pairs) == sum(name == one for _, one in pairs) == 1:
                found[prompt] = name
                others.remove(name)
    return found


def _same_path(first: str, second: str) -> bool:
    first, second = (text.replace("\\", "/") for text in (first, second))
    return os.path.abspath(os.path.expanduser(first)) == os.path.abspath(os.path.expanduser(second))  # noqa: PTH100, PTH111


def _same_name(first: str, second: str) -> bool:
    """Return whether one is the bare name of the other; two paths that differ are two files."""
    parts = [text.replace("\\", "/").removesuffix(_TEMPLATE) for text in (first, second)]
    return any("/" not in part for part in parts) and parts[0].split("/")[-1] == parts[1].split("/")[-1]


def read_file(table: Table, scale: Scale, items: Mapping[str, Item] | None = None) -> RatingsFile:
    """Return the ratings in a table; rows that name no model or no task rate nothing.

    ``items`` are those of a draw by their id, which a column ``item`` may name.

    Raises:
        InputError: a column is missing, no row rates anything, a row names no judge where others do, a kind is unknown,
            one answer is rated twice without telling raters apart, or only some of a model's rows name a prompt.
    """
    columns = table.columns
    id_column = next((name for name in _ID_COLUMNS if name in columns), "task_id")
    missing = [name for name in ("model", id_column, "score") if name not in columns]
    if missing:
        raise InputError(
            tr("no column {missing!r}", missing=missing[0]),
            path=table.path,
            hint=tr(
                "The file's columns: {columns}. Say which one is meant: {path},{missing}=COLUMN",
                columns=", ".join(columns),
                path=table.path,
                missing=missing[0],
            ),
        )
    ratings, nameless = [], []
    for row in table.rows:
        model, task_id = name_text(row.values.get("model")), id_text(row.values.get(id_column))
        if model is None or task_id is None:
            nameless.append(row.line)
            continue
        if "judge" in columns and name_text(row.values.get("judge")) is None:
            raise InputError(tr("no judge, in a file with a judge column"), path=table.path, line=row.line)
        ratings.append(_rating(row, scale, items or {}, model=model, task_id=task_id, path=table.path))
    if not ratings:
        raise InputError(tr("no row has both a model and a {id_column}", id_column=id_column), path=table.path)
    _refuse_doubles(ratings, table.path)
    _refuse_half_named_prompts(ratings, table.path)
    return RatingsFile(
        path=table.path, sha256=table.sha256, ratings=ratings, nameless=nameless, has_tasks="task" in columns
    )


def _rating(row: Row, scale: Scale, items: Mapping[str, Item], *, model: str, task_id: str, path: str) -> Rating:
    found = read_score(row.values.get("score"), scale)
    skip = name_text(row.values.get(SKIP)) if found.score is None else None
    return Rating(
        line=row.line,
        judge=name_text(row.values.get("judge")),
        kind=_kind(row, path),
        model=model,
        prompt=name_text(row.values.get("prompt")),
        task=name_text(row.values.get("task")),
        task_id=task_id,
        rater=name_text(row.values.get("rater")),
        score=found.score,
        problem=found.problem if skip is None else skipped(skip),
        cell=found.cell,
        skip=skip,
        comment=name_text(row.values.get("comment")),
        item=items.get(name_text(row.values.get("item")) or ""),
    )


def skipped(reason: str | None) -> Unscored:
    """Return why a skipped answer has no score; ``reason`` is a code of `SKIPS`, None for an answer left blank.

    >>> skipped("unclear_task"), skipped("unclear_task").code, skipped(None).code
    ('skipped by who was to rate it: the task is unclear', 'rating_skipped', 'blank_rating')
    """
    if reason is None:
        return Unscored("blank_rating", tr("blank"))
    said = SKIPS.get(reason, reason)
    return Unscored("rating_skipped", tr("skipped by who was to rate it: {reason}", reason=said))


def read_score(cell: object, scale: Scale) -> ReadScore:
    """Return what a cell of scores says.

    >>> read_score("４点", LIKERT_5).score, read_score(" ", LIKERT_5).problem, read_score(9, LIKERT_5).problem
    (4.0, 'blank', 'outside the 1-5 scale')
    """
    score = number_in(cell)
    problem = None
    if cell is None or not str(cell).strip():
        problem = Unscored("blank_rating", tr("blank"))
    elif score is None:
        problem = Unscored("rating_not_a_number", tr("not a number"))
    elif not scale.covers(score):
        problem = Unscored("rating_off_scale", tr("outside the {scale} scale", scale=str(scale)))
    return ReadScore(
        score=score if problem is None else None,
        problem=problem,
        cell=shorten(cell) if score is None else f"{score:g}",
    )


def number_in(cell: object) -> float | None:
    """Return a score cell as a number, None if it is none: full-width digits are read, and points in Japanese.

    >>> number_in("４"), number_in(" 5点 "), number_in("3.5"), number_in("4/5"), number_in(True)
    (4.0, 5.0, 3.5, None, None)
    """
    if isinstance(cell, str):
        found = _NUMBER.fullmatch(unicodedata.normalize("NFKC", cell).strip())
        return float(found[1]) if found else None
    if isinstance(cell, int | float) and not isinstance(cell, bool) and math.isfinite(cell):
        return float(cell)
    return None


def rating_scale(settings: Mapping[str, Any], where: str) -> Scale:
    """Return the scale of ``scale = [LOW, HIGH]`` and ``step``, 1 to 5 in whole steps unless they say otherwise.

    Raises:
        UnknownNameError: another setting is there.
        UsageError: the scale is no pair of numbers, the lower first, or the step does not divide it.
    """
    for key in settings:
        if key not in {"scale", "step"}:
            raise UnknownNameError(tr("setting of {where}", where=where), key, ["scale", "step"])
    match settings.get("scale", [LIKERT_5.low, LIKERT_5.high]):
        case [int() | float() as low, int() | float() as high] if -math.inf < low < high < math.inf:
            pass
        case other:
            raise UsageError(
                tr("{where} scale is {other!r}.", where=where, other=other),
                hint=tr("Give the lowest and the highest score: scale = [1, 5]."),
            )
    step = settings.get("step", 1)
    if isinstance(step, bool) or not isinstance(step, int | float) or not 0 < step < math.inf:
        raise UsageError(
            tr("{where} step is {step!r}.", where=where, step=step),
            hint=tr("Give the distance of two scores: step = 0.5."),
        )
    if not (found := Scale(low=low, high=high, step=step)).allows(high):
        raise UsageError(
            tr(
                "{where} step is {step!r}, which does not lead from {low:g} to {high:g}.",
                where=where,
                step=step,
                low=low,
                high=high,
            )
        )
    return found


def _kind(row: Row, path: str) -> str | None:
    given = name_text(row.values.get("kind"))
    kind = None if given is None else unicodedata.normalize("NFKC", given).strip().casefold()
    if kind is not None and kind not in KINDS:
        hint = UnknownNameError(tr("kind"), kind, KINDS).hint
        raise InputError(
            tr("kind {given!r} is none of {kinds}", given=given, kinds=", ".join(KINDS)),
            path=path,
            line=row.line,
            hint=hint,
        )
    return kind


def kind_of(rows: Sequence[Rating], path: str, kind: str) -> str:
    """Return the kind that a judge's rows declare, or else that of its plugin."""
    first = next((row for row in rows if row.kind is not None), None)
    if first is None or first.kind is None:
        return kind
    for row in rows:
        if row.kind not in {None, first.kind}:
            raise InputError(
                tr(
                    "kind {kind!r}, after {kind_2!r} in line {line}: one judge has one kind",
                    kind=row.kind,
                    kind_2=first.kind,
                    line=first.line,
                ),
                path=path,
                line=row.line,
                hint=tr("Tell several judges apart with a judge column."),
            )
    if kind != "human" and first.kind == "human":
        raise InputError(
            tr("kind 'human' in a file of scores that no person gave"), path=path, line=first.line,
            hint=tr("If people gave them, pass it as --judge human:PATH."),
        )  # fmt: skip
    return first.kind


def _refuse_doubles(ratings: Iterable[Rating], path: str) -> None:
    first: dict[tuple[str | None, ...], int] = {}
    for rating in ratings:
        key = (rating.judge, rating.model, rating.prompt, rating.task, rating.task_id, rating.rater)
        if key in first:
            by = "" if rating.rater is None else tr(" by rater {rater!r}", rater=rating.rater)
            under = "" if rating.prompt is None else tr(" under {prompt!r}", prompt=rating.prompt)
            raise InputError(
                tr(
                    "a second rating{by} of model {model!r}{under} on task {task_id!r}, after line {first}",
                    by=by,
                    model=rating.model,
                    under=under,
                    task_id=rating.task_id,
                    first=first[key],
                ),
                path=path,
                line=rating.line,
                hint=None
                if rating.rater
                else tr("Several people's ratings need a rater column, several prompts' a prompt column."),
            )
        first[key] = rating.line


def _refuse_half_named_prompts(ratings: Iterable[Rating], path: str) -> None:
    named = {(rating.judge, rating.model) for rating in ratings if rating.prompt is not None}
    for rating in ratings:
        if rating.prompt is None and (rating.judge, rating.model) in named:
            raise InputError(
                tr("no prompt, though other rows of model {model!r} name one", model=rating.model),
                path=path,
                line=rating.line,
                hint=tr("Fill the prompt column for all of this model's rows, or for none."),
            )
