"""The judge `scores:PATH` of what another tool wrote: its score of this answer to this task, one judge a metric."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from harness.errors import InputError, NothingUsableError, UnknownNameError
from harness.human.ratings import rating_scale
from harness.locale import listing, tr, trn
from harness.notices import Notice
from harness.tables import id_text
from harness.tables.foreign import (
    ForeignFile,
    ForeignRow,
    ForeignScore,
    match_rows,
    read_foreign,
    recognised,
    same_text,
    told,
)
from harness.tables.typed_path import typed_path
from harness.types import LIKERT_5, PASS_FAIL, UNIT, Generation, JudgeSpec, Sample, Scale, Verdict
from harness.unscored import Unscored

_METRIC = "metric"
_LONGEST_REASON = 120  # characters of a stranger's text in a notice


class ForeignScores:
    """One metric of a tool's file. A score belongs to the text that was scored: another answer to the task has none."""

    kind = "quality"
    scored_by = "file"

    def __init__(
        self, file: ForeignFile, metric: str, *, name: str, scale: Scale, notices: Sequence[Notice] = ()
    ) -> None:
        self.name = name
        self._file = file
        self._metric = metric
        self._notices = list(notices)
        self._scored: dict[tuple[str, str], dict[str, list[ForeignScore]]] = {}
        on_steps = all(scale.allows(value) for value in _values(file, metric) if scale.covers(value))
        self.scale = scale if on_steps else replace(scale, step=None)
        self.fingerprint = f"scores.foreign.v1 sha256={file.sha256} metric={metric} scale={self.scale}"

    def judge(self, sample: Sample, generation: Generation) -> Verdict:
        """Return the file's score of this very answer: the mean, where it gives the same answer several."""
        path = self._file.path
        answers = self._scored.get(_key(sample))
        if answers is None:
            return Verdict.unscored(Unscored("not_rated", tr("no {noun}", noun=tr("score")), where=path))
        scores = answers.get(same_text(generation.text or ""))
        if scores is None:
            return Verdict.unscored(
                Unscored("not_rated", tr("the file scored another answer to this task"), where=path)
            )
        values = [score.value for score in scores if score.value is not None]
        if not values:
            return Verdict.unscored(Unscored(scores[0].code, scores[0].reason or tr("no score"), where=path))
        mean = math.fsum(values) / len(values)
        if not all(map(self.scale.covers, values)):
            said = tr("outside the {scale} scale", scale=str(self.scale))
            return Verdict.unscored(Unscored("rating_off_scale", said, where=path))
        comments = dict.fromkeys(score.comment for score in scores if score.comment)
        return Verdict.scored(mean, rationale="\n".join(comments) or None)

    def check_samples(self, task: str, samples: Sequence[Sample], models: Sequence[str]) -> list[Notice]:  # noqa: ARG002
        """Find the task of each score, and return what the user should know.

        Raises:
            NothingUsableError: the file says nothing of this task.
            InputError: it cannot be told which task an answer is to.
        """
        matched = match_rows(self._file.rows, task, samples)
        if not matched.ids:
            raise NothingUsableError(
                tr("no score of an answer to {task}", task=task),
                path=self._file.path,
                hint=tr("What was asked must be what {task} asks, word for word.", task=task),
            )
        by_id = {id_text(sample.id) or sample.id: sample for sample in samples}
        for row in self._file.rows:
            sample = by_id.get(matched.ids.get((row.path, row.place), ""))
            if sample is not None:
                self._take(row, sample)
        notices, self._notices = [*self._notices, *self._unusable(), *self._scored_apart()], []
        return notices

    def _given(self) -> list[list[ForeignScore]]:
        return [scores for answers in self._scored.values() for scores in answers.values()]

    def _unusable(self) -> list[Notice]:
        scores = [score for scores in self._given() for score in scores]
        reasons = Counter(str(score.reason)[:_LONGEST_REASON] for score in scores if score.value is None)
        if not reasons:
            return []
        notice = Notice(
            "ratings_unusable",
            tr(
                "{name}: {n_unusable} of {n_scores} scores in {path} cannot be used: {unusable}.",
                name=self.name,
                n_unusable=reasons.total(),
                n_scores=len(scores),
                path=self._file.path,
                unusable=listing(tr("{n} × {reason}", n=n, reason=reason) for reason, n in reasons.items()),
            ),
        )
        return [notice]

    def _scored_apart(self) -> list[Notice]:
        apart = sum(len({score.value for score in scores}) > 1 for scores in self._given())
        if not apart:
            return []
        notice = Notice(
            "scores_averaged",
            trn(
                "{name}: {n} answer that occurs several times in {path} was scored apart: the mean counts.",
                "{name}: {n} answers that occur several times in {path} were scored apart: the means count.",
                apart,
                name=self.name,
                path=self._file.path,
            ),
        )
        return [notice]

    def _take(self, row: ForeignRow, sample: Sample) -> None:
        score = next((one for one in row.scores if one.metric == self._metric), None)
        if row.answer is None or score is None:
            return
        self._scored.setdefault(_key(sample), {}).setdefault(same_text(row.answer), []).append(score)


def foreign_judges(spec: JudgeSpec) -> list[ForeignScores] | None:
    """Return the judges of ``scores:PATH[,metric=NAME]`` if another tool wrote it, one file or a folder; None if not.

    Raises:
        UnknownNameError, InputError: as `foreign_scores`; or it cannot be read.
    """
    typed = typed_path(spec.option or "")
    if not spec.option or typed.sheet is not None or set(typed.columns) - {_METRIC}:
        return None
    file = read_foreign(typed.path)
    if file is None:
        return None
    declared = rating_scale(spec.settings, f"[judges.{spec.name}]") if "scale" in spec.settings else None
    return foreign_scores(spec, file, declared, typed.columns.get(_METRIC))


def foreign_scores(
    spec: JudgeSpec, file: ForeignFile, declared: Scale | None, metric: str | None
) -> list[ForeignScores]:
    """Return the judges of a tool's file, one a metric or the one that was asked for.

    ``declared`` is the scale that the user gave. Without it a metric has its tool's, or 1 to 5 if its scores are on
    that and not all 1; a metric whose scale cannot be told is left out.

    Raises:
        UnknownNameError: there is no such metric.
        InputError: there is no metric, or none whose scale is known.
    """
    if not file.metrics:
        raise InputError(
            tr("recognised as {tool}, but it holds no scores that can be used", tool=file.tool),
            path=file.path,
            hint=listing(file.cautions) or None,
        )
    if metric is not None and metric not in file.metrics:
        raise UnknownNameError(tr("metric of {path}", path=file.path), metric, list(file.metrics))
    chosen = [metric] if metric is not None else list(file.metrics)
    scales = {name: declared or _scale(file, name) for name in chosen}
    notices = [recognised(file), *told(file)]
    for name, scale in scales.items():
        if scale is None:
            notices.append(
                Notice(
                    "metric_left_out",
                    tr("{path}: {metric} is left out: {why}", path=file.path, metric=name, why=_why(file, name)),
                )
            )
        elif declared is None:
            notices.append(
                Notice(
                    "metric_scale",
                    tr("{path}: {metric} is read on the scale {scale}.", path=file.path, metric=name, scale=str(scale)),
                )
            )
    known = {name: scale for name, scale in scales.items() if scale is not None}
    if not known:
        raise InputError(
            tr("{metric}: {why}", metric=chosen[0], why=_why(file, chosen[0])),
            path=file.path,
            hint=tr("Say the scale in harness.toml: [judges.scores] scale = [0, 10]."),
        )
    return [
        ForeignScores(
            file,
            name,
            name=spec.text if len(known) == 1 else f"{spec.name}:{name}",
            scale=scale,
            notices=notices if name == next(iter(known)) else (),
        )
        for name, scale in known.items()
    ]


def _scale(file: ForeignFile, metric: str) -> Scale | None:
    values = _values(file, metric)
    if metric in file.scales or (values and all(UNIT.covers(value) for value in values) and set(values) != {1.0}):
        return PASS_FAIL if all(value in {0, 1} for value in values) else UNIT
    if values and all(map(LIKERT_5.covers, values)) and set(values) != {1.0}:
        return LIKERT_5
    return None


def _why(file: ForeignFile, metric: str) -> str:
    values = _values(file, metric)
    if not values:
        return tr("it has no score that is a number.")
    return tr(
        "its scores run from {low:g} to {high:g}, and the file does not say on which scale.",
        low=min(values),
        high=max(values),
    )


def _values(file: ForeignFile, metric: str) -> list[float]:
    return [
        score.value for row in file.rows for score in row.scores if score.metric == metric and score.value is not None
    ]


def _key(sample: Sample) -> tuple[str, str]:
    return sample.id, same_text(sample.input)
