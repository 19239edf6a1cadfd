"""The judges `human:PATH` and `scores:PATH`: people's ratings, or scores that no person gave, from a file."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce

from harness.errors import InputError, NothingUsableError, UsageError
from harness.human.ratings import ROLES, Rating, RatingsFile, kind_of, rating_scale, read_file
from harness.human.set_scales import on_one_scale, set_scales
from harness.locale import tr, trn
from harness.notices import Notice
from harness.tables import compact, id_text, read_table
from harness.types import Generation, JudgeSpec, Sample, Scale, Verdict
from harness.unscored import Unscored
from judges.foreign_scores import ForeignScores, foreign_judges
from judges.human_words import by_problem, first_few, guessed, line_numbers

Place = tuple[str | None, str | None]
"""The prompt and the task that a row of the file names."""


class HumanRatings:
    """The ratings that go by one name: all of a file, or those of one value of its ``judge`` column.

    ``plugin`` is ``human`` or ``scores``: what a row is called, and its kind unless the file has a ``kind`` column.
    """

    def __init__(
        self,
        file: RatingsFile,
        ratings: Sequence[Rating],
        *,
        name: str,
        scale: Scale,
        kind: str = "human",
        plugin: str = "human",
        mapped: str = "",
    ) -> None:
        self.name = name
        self.kind = kind
        self.scored_by = "file" if kind == "quality" else None
        self.names_prompts = any(rating.prompt is not None for rating in ratings)
        self._file = file
        self._ratings = ratings
        self._plugin = plugin
        self._noun = tr("rating") if plugin == "human" else tr("score")
        self._items: dict[tuple[str, str], dict[Place, list[Rating]]] = {}
        for rating in ratings:
            places = self._items.setdefault((rating.model, rating.task_id), {})
            places.setdefault((rating.prompt, rating.task), []).append(rating)
        means = [_mean(rows) for places in self._items.values() for rows in places.values()]
        on_steps = all(scale.allows(mean) for mean in means if mean is not None)
        self.scale = scale if on_steps else replace(scale, step=None)
        judge = ratings[0].judge
        self._identity = f"{plugin}.v2 sha256={file.sha256} scale={scale} kind={kind}" + (
            "" if judge is None else f" judge={judge}"
        )
        self._identity += f" from {mapped}" if mapped else ""

    @property
    def fingerprint(self) -> str:
        """The file, how it is read, and which of a run's prompts it knows by another name."""
        renamed = [f"{prompt}={name}" for prompt, name in sorted(self._file.prompts.items()) if prompt != name]
        return self._identity + f" prompts={', '.join(renamed)}" * (self.names_prompts and bool(renamed))

    def for_model(self, label: str, prompt: str | None = None) -> "ModelRatings":
        """Return the judge that holds the ratings of one model, under one prompt if the file names prompts."""
        under = f" prompt={prompt}" if self.names_prompts and prompt is not None else ""
        return ModelRatings(
            name=self.name,
            scale=self.scale,
            fingerprint=f"{self.fingerprint} model={label}{under}",
            ratings=self,
            label=label,
            prompt=prompt,
            kind=self.kind,
            scored_by=self.scored_by,
        )

    def rates_alike(self, label: str) -> bool:
        """Return whether a model's ratings name no prompt, so that all its prompts share them."""
        return any(rating.model == label and rating.prompt is None for rating in self._ratings)

    def judge(self, sample: Sample, generation: Generation) -> Verdict:  # noqa: ARG002 - the protocol's signature
        """Return no score: a rating belongs to a model, so it is `for_model` that judges."""
        said = tr("what {path} holds belongs to models, and none was named", path=self._file.path)
        return Verdict.unscored(Unscored("not_rated", said))

    def verdict(self, model: str, prompt: str | None, sample: Sample) -> Verdict:
        """Return the mean of the raters' scores of one model's answer to one task."""
        rows = self._rows(model, prompt, sample)
        if rows is None:
            return Verdict.unscored(Unscored("not_rated", tr("no {noun}", noun=self._noun), where=self._file.path))
        mean = _mean(rows)
        if mean is None:
            return Verdict.unscored(self._reason(rows))
        return Verdict.scored(mean, rationale=_comments(rows))

    def check_rows(self, rows: Sequence[tuple[str, str | None]], tasks: Sequence[str]) -> list[Notice]:
        """Return which models, prompts and tasks of the file the run does not have.

        Raises:
            InputError: the file names prompts, but not for a model that has several in this run.
        """
        self._file.meet_rows(rows)
        self._refuse_unnamed_prompts(rows)
        labels = list(dict.fromkeys(label for label, _ in rows))
        prompts = list(dict.fromkeys(prompt for _, prompt in rows if prompt is not None))
        known = [rating for rating in self._ratings if rating.model in labels]
        notices: list[Notice] = []
        if others := [rating for rating in self._ratings if rating.model not in labels]:
            names = [guessed(name, labels) for name in dict.fromkeys(rating.model for rating in others)]
            notices.append(self._ignored(others, tr("models"), names))
        if others := [rating for rating in known if not self._file.fits(rating)]:
            names = [guessed(str(name), prompts) for name in dict.fromkeys(rating.prompt for rating in others)]
            notices.append(self._ignored(others, tr("prompts"), names))
        if others := [rating for rating in known if rating.task is not None and rating.task not in tasks]:
            names = [guessed(str(name), tasks) for name in dict.fromkeys(rating.task for rating in others)]
            notices.append(self._ignored(others, tr("tasks"), names))
        if lines := self._file.nameless:
            notices.append(
                Notice(
                    "ratings_nameless",
                    trn(
                        "{path}: {n} row without a model or a task id ({lines}) was ignored.",
                        "{path}: {n} rows without a model or a task id ({lines}) were ignored.",
                        len(lines),
                        path=self._file.path,
                        lines=line_numbers(lines),
                    ),
                )
            )
        return notices

    def _refuse_unnamed_prompts(self, rows: Sequence[tuple[str, str | None]]) -> None:
        for rating in self._ratings if self.names_prompts else ():
            prompts = [prompt for label, prompt in rows if label == rating.model]
            if rating.prompt is None and len(prompts) > 1:
                raise InputError(
                    tr(
                        "no prompt, though this run has {n_prompts} of model {model!r} and other rows name one",
                        n_prompts=len(prompts),
                        model=rating.model,
                    ),
                    path=self._file.path,
                    line=rating.line,
                    hint=tr(
                        "Fill the prompt column for every model, or leave it out if its scores are for all prompts."
                    ),
                )

    def check_samples(self, task: str, samples: Sequence[Sample], models: Sequence[str]) -> list[Notice]:
        """Return what the user should know: scores that cannot be used by line, rows ignored, answers not rated.

        Raises:
            NothingUsableError: nothing in the file can be used for this task.
            InputError: two tasks cannot be told apart.
        """
        self._file.meet(task, samples)
        ids = {id_text(sample.id) for sample in samples}
        here = [
            rating
            for rating in self._file.ratings
            if rating.model in models and rating.task in {None, task} and self._file.fits(rating)
        ]
        wanted = [rating for rating in here if rating.task_id in ids]
        if all(rating.score is None for rating in wanted):
            raise self._nothing_usable(task, models, wanted)
        judge = self._ratings[0].judge
        answers = [(label, prompt, sample) for label, prompt in self._of(models) for sample in samples]
        unrated = sum(self._rows(*answer) is None for answer in answers)
        notices = self._unusable([rating for rating in wanted if rating.judge == judge])
        if others := [rating for rating in here if rating.judge == judge and rating.task_id not in ids]:
            notices.append(
                Notice(
                    "ratings_of_other_tasks",
                    trn(
                        "{name}: {n} row of {path} names task ids that {task} does not have and was ignored: {ids}.",
                        "{name}: {n} rows of {path} name task ids that {task} does not have and were ignored: {ids}.",
                        len(others),
                        name=self.name,
                        path=self._file.path,
                        task=task,
                        ids=first_few(dict.fromkeys(row.task_id for row in others)),
                    ),
                )
            )
        if unrated:
            notices.append(
                Notice(
                    "ratings_missing",
                    tr(
                        "{name}: {unrated} of {n_answers} answers have no {noun} in {path}.",
                        name=self.name,
                        unrated=unrated,
                        n_answers=len(answers),
                        noun=self._noun,
                        path=self._file.path,
                    ),
                )
            )
        return notices

    def _unusable(self, own: Sequence[Rating]) -> list[Notice]:
        notices: list[Notice] = []
        if unusable := by_problem(own):
            n_unusable = sum(rating.score is None for rating in own)
            notices.append(
                Notice(
                    "ratings_unusable",
                    tr(
                        "{name}: {n_unusable} of {n_scores} scores in {path} cannot be used: {unusable}.",
                        name=self.name,
                        n_unusable=n_unusable,
                        n_scores=len(own),
                        path=self._file.path,
                        unusable=unusable,
                    ),
                )
            )
        return notices

    def _of(self, models: Sequence[str]) -> Sequence[tuple[str, str | None]]:
        """Return the run's rows; while nobody has named them, each model under the prompts that the file names."""
        if self._file.rows is not None:
            return self._file.rows
        named = {label: [rating.prompt for rating in self._ratings if rating.model == label] for label in models}
        return [(label, prompt) for label in models for prompt in dict.fromkeys(named[label] or [None])]

    def _ignored(self, ratings: Sequence[Rating], what: str, names: Sequence[str]) -> Notice:
        return Notice(
            "ratings_elsewhere",
            trn(
                "{name}: {n} row of {path} is for {what} that this run does not have and was ignored ({lines}): "
                "{names}.",
                "{name}: {n} rows of {path} are for {what} that this run does not have and were ignored ({lines}): "
                "{names}.",
                len(ratings),
                name=self.name,
                path=self._file.path,
                what=what,
                lines=line_numbers([rating.line for rating in ratings]),
                names=first_few(names),
            ),
        )

    def _rows(self, model: str, prompt: str | None, sample: Sample) -> Sequence[Rating] | None:
        places = self._items.get((model, id_text(sample.id) or ""), {})
        named = None if prompt is None else self._file.prompts.get(prompt, prompt)
        by_task = {task: rows for (under, task), rows in places.items() if under in {None, named}}
        tasks = self._file.tasks_with(sample) if self._file.has_tasks else []
        if not tasks and len(by_task) == 1:
            return next(iter(by_task.values()))
        return next((by_task[task] for task in [*tasks, None] if task in by_task), None)

    def _reason(self, rows: Sequence[Rating]) -> Unscored:
        """Return why none of the raters' scores of one answer can be used."""
        where = f"{self._file.path}:{compact([row.line for row in rows])}"
        codes = {row.problem.code for row in rows if row.problem is not None}
        said = [
            tr("blank score")
            if row.problem is not None and row.problem.code == "blank_rating"
            else tr("score {cell} is {problem}", cell=row.cell, problem=row.problem)
            for row in rows
        ]
        whole = reduce(lambda first, second: tr("{first}; {second}", first=first, second=second), said)
        return Unscored(codes.pop() if len(codes) == 1 else "no_usable_rating", whole, where=where)

    def _nothing_usable(self, task: str, models: Sequence[str], wanted: Sequence[Rating]) -> NothingUsableError:
        path = self._file.path
        if wanted:
            return NothingUsableError(
                tr(
                    "none of the {n_wanted} scores for this run can be used: {wanted}",
                    n_wanted=len(wanted),
                    wanted=by_problem(wanted),
                ),
                path=path,
                hint=tr(
                    "If they are on another scale, say so in harness.toml: [judges.{plugin}] scale = [0, 10].",
                    plugin=self._plugin,
                ),
            )
        named = [rating for rating in self._file.ratings if rating.model in models and rating.prompt is not None]
        if named and not any(map(self._file.fits, named)):
            prompts = dict.fromkeys(str(rating.prompt) for rating in named)
            run = dict.fromkeys(prompt or tr("no prompt") for _, prompt in self._of(models))
            return NothingUsableError(
                tr("no {noun} of these prompts on {task}", noun=self._noun, task=task),
                path=path,
                hint=tr(
                    "The file is about {prompts}; this run has {run}. The prompt column must "
                    "hold the run's prompts, or be left out if the scores are for all of them.",
                    prompts=first_few(prompts),
                    run=first_few(run),
                ),
            )
        rated = dict.fromkeys(rating.model for rating in self._file.ratings)
        return NothingUsableError(
            tr("no {noun} of these models on {task}", noun=self._noun, task=task),
            path=path,
            hint=tr(
                "The file rates {rated}; this run has {models}. "
                "The model column must hold the run's labels, and task_id its task ids.",
                rated=first_few(rated),
                models=first_few(models),
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRatings:
    """The ratings of one model's answers, under one prompt where the file names it."""

    name: str
    scale: Scale
    fingerprint: str
    ratings: HumanRatings
    label: str
    prompt: str | None = None
    kind: str = "human"
    scored_by: str | None = None

    def judge(self, sample: Sample, generation: Generation) -> Verdict:  # noqa: ARG002 - the protocol's signature
        """Return the mean score for this sample, whatever the answer's text."""
        return self.ratings.verdict(self.label, self.prompt, sample)


def open_human(spec: JudgeSpec) -> list[HumanRatings]:
    """Return the judges of the ratings file at ``spec.option``: one per value of its ``judge`` column, else one.

    The columns are ``model`` (the run's labels), ``task_id`` or ``id``, ``score``, and where they exist ``prompt``,
    ``rater``, ``comment``, ``judge``, ``kind`` and ``task``. The mean of several raters is the score; a row that names
    a prompt rates that prompt's answer alone. ``spec.settings["scale"]`` is a pair (default 1 to 5), ``step`` the
    distance of two scores, ``scales`` a table of the scales that sets of tasks have of their own, from which scores are
    mapped to it; a score that is blank, no number or off the scale is left out, and said so, never rounded.
    Other names of columns are given behind the path: ``ratings.xlsx,score=点数,model=モデル``.

    Raises:
        UsageError: no file was named, or a setting cannot be used.
        InputError: the file cannot be read, lacks a column, or rates one answer twice without telling raters apart.
    """
    return _open(spec, kind="human")


def open_scores(spec: JudgeSpec) -> list[HumanRatings] | list[ForeignScores]:
    """Return the judges of scores that no person gave, kind quality: as `open_human`, or another tool's file."""
    return foreign_judges(spec) or _open(spec, kind="quality")


def _open(spec: JudgeSpec, *, kind: str) -> list[HumanRatings]:
    if not spec.option:
        raise UsageError(
            tr("The judge {name!r} needs a file.", name=spec.name), hint=tr("Pass --judge {name}:PATH.", name=spec.name)
        )
    where, settings = f"[judges.{spec.name}]", dict(spec.settings)
    scales = set_scales(settings.pop("scales", {}), where)
    scale = rating_scale(settings, where)
    file = read_file(on_one_scale(read_table(spec.option, roles=ROLES), scales, scale), scale)
    by_judge: dict[str | None, list[Rating]] = defaultdict(list)
    for rating in file.ratings:
        by_judge[rating.judge].append(rating)
    return [
        HumanRatings(
            file,
            rows,
            name=spec.text if judge is None else f"{spec.name}:{judge}",
            scale=scale,
            kind=kind_of(rows, file.path, kind),
            plugin=spec.name,
            mapped=", ".join(f"{name} {own}" for name, own in sorted(scales.items())),
        )
        for judge, rows in by_judge.items()
    ]


def _mean(rows: Iterable[Rating]) -> float | None:
    scores = [row.score for row in rows if row.score is not None]
    return math.fsum(scores) / len(scores) if scores else None


def _comments(rows: Iterable[Rating]) -> str | None:
    lines = [f"{row.rater}: {row.comment}" if row.rater else row.comment for row in rows if row.comment]
    return "\n".join(lines) or None
