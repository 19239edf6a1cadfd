"""What all these files come to: answers to tasks, each with the scores that the tool gave it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from harness.locale import listing, tr, trn
from harness.notices import Notice
from harness.types import FinishReason, Scale

_LONGEST_NUMBER = 40  # characters
_LARGEST = 1e300
_LISTED = 8
Problem = Literal["blank_rating", "rating_not_a_number", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignScore:
    """One metric's value of one answer; ``value`` None: ``reason`` says why the file has none that can be used."""

    metric: str
    value: float | None
    code: Problem = "blank_rating"
    reason: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignRow:
    """One answer. ``place``: from 1, as the file counts (a line, a sample) · ``path``: the file that it stands in.

    ``inputs``: texts of which one may be the task's, the likeliest first · ``epoch``: which of several answers of one
    model to one task it is, from 0 · ``answer`` None: there is none, and ``error`` may say why.
    """

    path: str
    place: int
    task: str | None = None
    task_id: str | None = None
    inputs: tuple[str, ...] = ()
    model: str | None = None
    answer: str | None = None
    error: str | None = None
    epoch: int = 0
    finish_reason: FinishReason | None = None
    scores: tuple[ForeignScore, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignFile:
    """A file, or all files of a folder, by one tool or several.

    ``cautions``: what was left out, and what its scores are, in sentences without the path · ``scales``: of metrics
    whose tool fixes them.
    """

    tool: str
    path: str
    sha256: str
    rows: Sequence[ForeignRow]
    cautions: tuple[str, ...] = ()
    scales: Mapping[str, Scale] = field(default_factory=dict)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of all metrics, in the order in which they first appear."""
        return tuple(dict.fromkeys(score.metric for row in self.rows for score in row.scores))

    @property
    def models(self) -> tuple[str, ...]:
        """The names of the models that the file says."""
        return tuple(dict.fromkeys(row.model for row in self.rows if row.model is not None))


def number_score(metric: str, value: object, *, comment: str | None = None) -> ForeignScore:
    """Return the score of a cell that should hold a number: what is none has a reason, and is never made one.

    >>> number_score("m", "4").value, number_score("m", None).reason, number_score("m", [1]).code
    (4.0, 'the file has no score here', 'rating_not_a_number')
    """
    if value is None:
        return ForeignScore(metric=metric, value=None, reason=tr("the file has no score here"), comment=comment)
    number = _number(value)
    if number is None:
        return ForeignScore(
            metric=metric, value=None, code="rating_not_a_number", reason=tr("the score is not a number"),
            comment=comment,
        )  # fmt: skip
    return ForeignScore(metric=metric, value=number, comment=comment)


def _number(value: object) -> float | None:
    if isinstance(value, str):
        try:
            value = float(value) if len(value) <= _LONGEST_NUMBER and value.isascii() and "_" not in value else None
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < _LARGEST else None  # neither infinite nor NaN: comparisons with NaN are false


def other_version(found: object, known: int) -> str | None:
    """Return what to say of a file whose format is of another version than the one that is known, None if it is not.

    A file that names no version is taken as it is.

    >>> other_version(3, 2)
    'its format is version 3, and version 2 is known here: what moved may be missing'
    >>> other_version(2, 2), other_version(None, 2)
    (None, None)
    """
    if found is None or found == known:
        return None
    return tr(
        "its format is version {found}, and version {known} is known here: what moved may be missing",
        found=str(found)[:_LONGEST_NUMBER],
        known=known,
    )


def recognised(file: ForeignFile) -> Notice:
    """Return what a file was recognised as, and how much of what it holds."""
    rows, tasks = file.rows, {row.task for row in file.rows if row.task is not None}
    epochs = max((row.epoch for row in rows), default=0) + 1
    return Notice(
        "file_recognised",
        trn(
            "{path}: recognised as {tool}: {n} answer, models: {models}, tasks: {tasks}, repeats: {epochs}, scores: "
            "{metrics}.",
            "{path}: recognised as {tool}: {n} answers, models: {models}, tasks: {tasks}, repeats: {epochs}, scores: "
            "{metrics}.",
            len(rows),
            path=file.path,
            tool=file.tool,
            models=_few(file.models) or tr("not named"),
            tasks=_few(sorted(tasks)) or tr("not named"),
            epochs=epochs,
            metrics=_few(file.metrics) or tr("none"),
        ),
    )


def told(file: ForeignFile) -> list[Notice]:
    """Return what was left out of a file, and what its scores are, as sentences that name it."""
    return [Notice("file_caution", tr("{path}: {said}.", path=file.path, said=said)) for said in file.cautions]


def _few(names: Sequence[str]) -> str:
    first = listing(names[:_LISTED])
    return tr("{listed} and {n} more", listed=first, n=len(names) - _LISTED) if len(names) > _LISTED else first
