"""A/B tests of prompts: one contrast per task, over every model x prompt cell, for one judge on one task set. Pure.

The effect of a prompt is the mean over tasks of (score under it - score under the other), per model and averaged over
models; the interaction is by how much the effect differs between models. Each of the three is a family of its own, with
Holm p-values and simultaneous intervals.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from harness.analysis.scores import ScoreTable
from harness.engine.plan import PlannedJudge
from harness.errors import StatisticsError
from harness.locale import tr
from harness.stats import (
    BoardPlan,
    Design,
    FamilyComparison,
    PairedComparison,
    compare_pairs,
    plan_board,
    plan_family,
    score_interval,
)
from harness.types import Estimate, RowKey, Sample, Scale

ASSUMED_SPREAD = 0.3
"""Standard deviation of the difference between two prompts on one task, as a share of the scale's width, before
anything is measured: 1.2 points of the 1-5 scale. Two sets of ordinal scores with spread 1.33 and correlation 0.6, the
usual size in this field, differ by that much."""
GAIN_SHARES = (0.025, 0.05, 0.075)
"""The gains that a plan is about, as shares of the scale's width: 0.1, 0.2 and 0.3 points of the 1-5 scale."""
FEWEST_TO_SPLIT = 10
"""Tasks (or clusters of them) that selecting on one half and reporting on the other needs."""

_SAME = 1e-9  # averages that differ by rounding alone

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """Prompt ``candidate`` against prompt ``baseline``.

    ``model`` None: averaged over models. ``others``: for an interaction, the models whose average effect is subtracted
    from the effect on ``model``; empty elsewhere.
    """

    candidate: str
    baseline: str
    model: str | None
    others: tuple[str, ...]
    result: PairedComparison


@dataclass(frozen=True, slots=True, kw_only=True)
class CellMean:
    """A prompt's mean score with one model, or with ``model`` None averaged over models task by task."""

    model: str | None
    prompt: str
    estimate: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The prompt that did best on a random half of the tasks, measured on the other half.

    ``estimate``: its mean there. ``control``: the prompt it is compared with there, and ``result`` the comparison, None
    if the control itself was selected. ``naive_gain``: how far the best prompt on all tasks is above the control, a
    figure that is too high on average because it was picked for being high.
    """

    prompt: str
    control: str
    seed: int
    n_select: int
    n_report: int
    estimate: Estimate
    result: PairedComparison | None
    naive_gain: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """A task on which the prompts differ: ``spread`` is highest minus lowest of ``scores`` (averaged over models)."""

    sample: Sample
    spread: float
    scores: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """All figures of one judge on one task set; prompts and models in the order in which they were given.

    ``means`` and ``effects`` are averaged over models, ``cells`` are single ones; ``by_model`` and ``interactions`` are
    empty with one model. ``beats`` holds (better, worse) pairs whose simultaneous interval excludes zero and whose Holm
    p agrees. ``winner`` beats every other prompt. ``plan`` rests on the median spread that was measured.
    """

    task: str
    judge: PlannedJudge
    models: tuple[str, ...]
    prompts: tuple[str, ...]
    control: str | None
    n_samples: int
    confidence: float
    cells: tuple[CellMean, ...]
    means: tuple[CellMean, ...]
    effects: tuple[Contrast, ...]
    by_model: tuple[Contrast, ...]
    interactions: tuple[Contrast, ...]
    beats: tuple[tuple[str, str], ...]
    winner: str | None
    plan: BoardPlan
    selection: Selection | None
    apart: tuple[Apart, ...]


def plan_experiment(scale: Scale, n: int, *, confidence: float = 0.95, n_comparisons: int = 1) -> BoardPlan:
    """Return what ``n`` tasks will resolve before anything is measured, on the assumption `ASSUMED_SPREAD`.

    ``n_comparisons``: pairs of prompts that are corrected together.

    >>> from harness.types import LIKERT_5
    >>> plan = plan_experiment(LIKERT_5, 100)
    >>> round(plan.minimum_detectable, 2), [(round(gain.points, 2), gain.tasks) for gain in plan.gains]
    (0.34, [(0.1, 1133), (0.2, 285), (0.3, 128)])
    """
    width = scale.high - scale.low
    return plan_board(
        ASSUMED_SPREAD * width, n, gains=_gains(scale), confidence=confidence, n_comparisons=n_comparisons
    )


def run_experiment(
    table: ScoreTable,
    *,
    control: str | None = None,
    select_seed: int | None = None,
    confidence: float = 0.95,
    most_apart: int = 5,
) -> Experiment:
    """Return the experiment in a score table with one row per model and prompt.

    Compared are all pairs of prompts, the later against the earlier, or each with ``control``. A task counts for an
    average over models only if every model has a score there under both prompts. With ``select_seed`` the best prompt
    is also chosen on a random half of the tasks, by whole clusters, and measured on the other.

    Raises:
        StatisticsError: fewer than two prompts, a cell that is not there, or too few tasks to split.
    """
    models = tuple(dict.fromkeys(row.model for row in table.rows))
    prompts = tuple(dict.fromkeys(row.prompt for row in table.rows if row.prompt is not None))
    if len(prompts) < 2:  # noqa: PLR2004 - A and B
        raise StatisticsError(tr("An A/B test needs two prompts."), hint=tr("Name two: --prompt A --prompt B."))
    cube = _cube(table, models, prompts)
    pairs = _pairs(prompts, control)
    averages = cube.mean(axis=1)
    family = _Family(table=table, confidence=confidence)
    effects = family.compare(averages, pairs)
    by_model = family.compare(cube.reshape(3, -1, cube.shape[3]), _within_models(pairs, len(models), len(prompts)))
    effects_of = tuple(
        _contrast(prompts, pair, result) for pair, result in zip(pairs, effects.comparisons, strict=True)
    )
    beats = _beats(effects_of, 1 - confidence)
    return Experiment(
        task=table.task,
        judge=table.judge,
        models=models,
        prompts=prompts,
        control=control,
        n_samples=len(table.samples),
        confidence=confidence,
        cells=tuple(
            mean
            for model, scores in zip(models, cube[0], strict=True)
            for mean in _means(table, prompts, scores, confidence, model)
        ),
        means=_means(table, prompts, averages[0], confidence, None),
        effects=effects_of,
        by_model=tuple(
            _contrast(prompts, pairs[index % len(pairs)], result, model=models[index // len(pairs)])
            for index, result in enumerate(by_model.comparisons)
        )
        if len(models) > 1
        else (),
        interactions=_interactions(family, cube, pairs, models, prompts),
        beats=beats,
        winner=next((one for one in prompts if all((one, other) in beats for other in prompts if other != one)), None),
        plan=plan_family(effects, gains=_gains(table.judge.scale)),
        selection=None
        if select_seed is None
        else select(table, prompts, averages, control or prompts[0], seed=select_seed, confidence=confidence),
        apart=_apart(table, prompts, averages[0], most_apart),
    )


def select(
    table: ScoreTable, prompts: Sequence[str], averages: Floats, control: str, *, seed: int, confidence: float
) -> Selection | None:
    """Return the best of ``prompts`` on a random half of the tasks, with its figures on the other half.

    ``averages`` (3, prompts, tasks): the scores, the least and the most that each could be. Equal means go to the
    prompt that was named first. None if no task of the half for selecting has a score in every cell.

    Raises:
        StatisticsError: fewer than `FEWEST_TO_SPLIT` tasks or clusters.
    """
    chosen = _random_half(table.samples, seed)
    rest_of_tasks = averages[..., ~chosen]
    first, everything = _row_means(averages[0][:, chosen]), _row_means(averages[0])
    if np.isnan(first).all():
        return None
    best, against = int(np.nanargmax(first)), list(prompts).index(control)
    rest = _Family(table=table, confidence=confidence, columns=~chosen)
    gain = np.nanmax(everything) - everything[against]
    return Selection(
        prompt=prompts[best],
        control=control,
        seed=seed,
        n_select=int(chosen.sum()),
        n_report=int((~chosen).sum()),
        estimate=_estimate(table, rest_of_tasks[0][best], rest.clusters, confidence),
        result=None if best == against else rest.compare(rest_of_tasks, [(best, against)]).comparisons[0],
        naive_gain=None if np.isnan(gain) else float(gain),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Family:
    """How comparisons of one table are made. ``columns``: the tasks that count, None for all."""

    table: ScoreTable
    confidence: float
    columns: npt.NDArray[np.bool_] | None = None

    @property
    def clusters(self) -> Sequence[Hashable | None] | None:
        clusters = self.table.clusters
        if clusters is None or self.columns is None:
            return clusters
        return [cluster for cluster, counts in zip(clusters, self.columns, strict=True) if counts]

    def compare(
        self, scores: Floats, pairs: Sequence[tuple[int, int]], *, of_effects: bool = False
    ) -> FamilyComparison:
        """Return (candidate, baseline) rows compared, as one family. ``of_effects``: rows are differences of scores.

        ``scores`` (3, rows, tasks): the scores, the least and the most that each could be.
        """
        scale = self.table.judge.scale
        if of_effects:
            width = scale.high - scale.low
            scale = Scale(low=-width, high=width, step=scale.step)
        return compare_pairs(
            scores[0],
            np.array(pairs, dtype=np.int64).reshape(-1, 2),
            scale,
            Design(clusters=self.clusters, confidence=self.confidence),
            ends=(scores[1], scores[2]),
        )


def _gains(scale: Scale) -> tuple[float, ...]:
    return tuple(share * (scale.high - scale.low) for share in GAIN_SHARES)


def _cube(table: ScoreTable, models: Sequence[str], prompts: Sequence[str]) -> Floats:
    """Return scores, and the least and the most that each could be, of shape (3, models, prompts, tasks)."""
    place = {row: index for index, row in enumerate(table.rows)}
    scores = np.stack([table.scores, *table.ends])
    wanted = [[RowKey(model=model, prompt=prompt) for prompt in prompts] for model in models]
    for row in (row for rows in wanted for row in rows):
        if row not in place:
            raise StatisticsError(
                tr("Model {model!r} has no answers under prompt {prompt!r}.", model=row.model, prompt=row.prompt)
            )
    return scores[:, [[place[row] for row in rows] for rows in wanted]]


def _pairs(prompts: Sequence[str], control: str | None) -> list[tuple[int, int]]:
    if control is None:
        return [(later, earlier) for earlier, later in combinations(range(len(prompts)), 2)]
    if control not in prompts:
        raise StatisticsError(
            tr(
                "The control prompt {control!r} is not among those compared: {prompts}.",
                control=control,
                prompts=", ".join(prompts),
            )
        )
    against = list(prompts).index(control)
    return [(index, against) for index in range(len(prompts)) if index != against]


def _within_models(pairs: Sequence[tuple[int, int]], n_models: int, n_prompts: int) -> list[tuple[int, int]]:
    return [(model * n_prompts + a, model * n_prompts + b) for model in range(n_models) for a, b in pairs]


def _contrast(
    prompts: Sequence[str],
    pair: tuple[int, int],
    result: PairedComparison,
    *,
    model: str | None = None,
    others: tuple[str, ...] = (),
) -> Contrast:
    return Contrast(candidate=prompts[pair[0]], baseline=prompts[pair[1]], model=model, others=others, result=result)


def _interactions(
    family: _Family, cube: Floats, pairs: Sequence[tuple[int, int]], models: Sequence[str], prompts: Sequence[str]
) -> tuple[Contrast, ...]:
    """Return each model's effect against the average effect on the others; of two models the second's alone."""
    if len(models) == 1:
        return ()
    rows: list[Floats] = []
    about: list[tuple[tuple[int, int], int]] = []
    for pair in pairs:
        first, second = cube[:, :, pair[0]], cube[:, :, pair[1]]
        effect = first - second[[0, 2, 1]]  # at least: the least of the first less the most of the second
        for model in range(1 if len(models) == 2 else 0, len(models)):  # noqa: PLR2004 - two have one difference
            rows += [effect[:, model], np.delete(effect, model, axis=1).mean(axis=1)]
            about.append((pair, model))
    results = family.compare(np.stack(rows, axis=1), [(2 * i, 2 * i + 1) for i in range(len(about))], of_effects=True)
    return tuple(
        _contrast(
            prompts, pair, result, model=models[model], others=tuple(name for name in models if name != models[model])
        )
        for (pair, model), result in zip(about, results.comparisons, strict=True)
    )


def _beats(effects: Sequence[Contrast], alpha: float) -> tuple[tuple[str, str], ...]:
    """Return (better, worse) where the simultaneous interval and Holm's p agree that there is a difference."""
    found = []
    for contrast in effects:
        interval, p_value = contrast.result.simultaneous, contrast.result.p_adjusted
        if interval.low is None or interval.high is None or p_value is None or p_value > alpha:
            continue
        if interval.low > 0:
            found.append((contrast.candidate, contrast.baseline))
        elif interval.high < 0:
            found.append((contrast.baseline, contrast.candidate))
    return tuple(found)


def _estimate(
    table: ScoreTable, values: Floats, clusters: Sequence[Hashable | None] | None, confidence: float
) -> Estimate:
    scale = table.judge.scale
    return score_interval(values, scale, Design(clusters=clusters, confidence=confidence)).estimate


def _means(
    table: ScoreTable, prompts: Sequence[str], scores: Floats, confidence: float, model: str | None
) -> tuple[CellMean, ...]:
    return tuple(
        CellMean(model=model, prompt=prompt, estimate=_estimate(table, values, table.clusters, confidence))
        for prompt, values in zip(prompts, scores, strict=True)
    )


def units_to_split(samples: Sequence[Sample]) -> list[Hashable]:
    """Return the cluster of each sample, or the sample's id where it is on its own: what a random half is made of.

    Raises:
        StatisticsError: fewer than `FEWEST_TO_SPLIT` of them.
    """
    units: list[Hashable] = [("task", one.id) if one.cluster is None else one.cluster for one in samples]
    if (count := len(set(units))) < FEWEST_TO_SPLIT:
        what = tr("clusters of tasks") if count < len(samples) else tr("tasks")
        raise StatisticsError(
            tr(
                "{count} {what} are too few to select on one half and report on the other: it takes {fewest_to_split}.",
                count=count,
                what=what,
                fewest_to_split=FEWEST_TO_SPLIT,
            ),
            hint=tr("Leave --select out, or use more tasks."),
        )
    return units


def _random_half(samples: Sequence[Sample], seed: int) -> npt.NDArray[np.bool_]:
    """Return which samples are in a random half, clusters staying together."""
    units = units_to_split(samples)
    distinct = list(dict.fromkeys(units))
    order = np.random.default_rng(seed).permutation(len(distinct))
    half = {distinct[index] for index in order[: len(distinct) // 2]}
    return np.array([unit in half for unit in units])


def _row_means(rows: Floats) -> Floats:
    """Return each row's mean over the tasks that every row has a score on, so that all are on the same ones."""
    common = ~np.isnan(rows).any(axis=0)
    return np.asarray(rows[:, common].mean(axis=1) if common.any() else np.full(len(rows), np.nan))


def _apart(table: ScoreTable, prompts: Sequence[str], averages: Floats, most: int) -> tuple[Apart, ...]:
    spreads = averages.max(axis=0) - averages.min(axis=0)  # NaN where a score is missing
    order = [int(index) for index in np.argsort(-spreads, kind="stable") if spreads[index] > _SAME]
    return tuple(
        Apart(
            sample=table.samples[index],
            spread=float(spreads[index]),
            scores=tuple((prompt, float(score)) for prompt, score in zip(prompts, averages[:, index], strict=True)),
        )
        for index in order[:most]
    )
