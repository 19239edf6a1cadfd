"""A/B tests of prompts: one contrast per task, over every model x prompt cell, for one judge on one task set. Pure.

The effect of a prompt is the mean over tasks of (score under it - score under the other), per model and averaged over
models; the interaction is by how much the effect differs between models.

What a page declares holds together with an error of at most 1 - confidence. The headline is the family of effects
averaged over models. Effects on single models and interactions are declared only of pairs whose average effect is
shown (else they are exploratory), each corrected over P x K: P pairs of prompts, and the K of a pair's null hypotheses
that can be true at once although its average effect is not 0. For two models that is 1 (an effect of 0 on one rules out
one of 0 on the other, and equal effects), for M > 2 it is M (Shaffer 1986 for the argument).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from harness.analysis.prompt_cells import CellMean, FiniteCells, cell_means, finite_cells
from harness.analysis.prompt_choice import Choice, ComparedPrompts, choose
from harness.analysis.prompt_plan import gains_on
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
    plan_family,
)
from harness.types import RowKey, Sample, Scale

_SAME = 1e-9  # averages that differ by rounding alone

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """Prompt ``candidate`` against prompt ``baseline``.

    ``model`` None: averaged over models. ``others``: for an interaction, the models whose average effect is subtracted
    from the effect on ``model``; empty elsewhere. ``is_declared``: what it shows is among what the page declares.
    """

    candidate: str
    baseline: str
    model: str | None
    others: tuple[str, ...]
    result: PairedComparison
    is_declared: bool


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
    p agrees. ``winner`` beats every other prompt. ``plan`` rests on the median spread that was measured. ``choice``:
    the best prompt on these tasks, None where no task has all scores. ``n_secondary``: over how many comparisons
    effects on single models and interactions are corrected. ``is_primary``: the page's claims come from this judge.
    ``cautions``: what intervals about exactly these tasks do not hold, where that was declared.
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
    choice: Choice | None
    n_secondary: int
    is_primary: bool
    apart: tuple[Apart, ...]
    cautions: tuple[str, ...] = ()


def run_experiment(
    table: ScoreTable,
    *,
    control: str | None = None,
    confidence: float = 0.95,
    most_apart: int = 5,
    is_primary: bool = True,
    set_size: int | None = None,
) -> Experiment:
    """Return the experiment in a score table with one row per model and prompt.

    ``set_size``: how many tasks the set has, where everything is to be about exactly those (None: about new ones).

    Compared are all pairs of prompts, the later against the earlier, or each with ``control``. A task counts for an
    average over models only if every model has a score there under both prompts.

    Raises:
        StatisticsError: fewer than two prompts, or a cell that is not there.
    """
    models = tuple(dict.fromkeys(row.model for row in table.rows))
    prompts = tuple(dict.fromkeys(row.prompt for row in table.rows if row.prompt is not None))
    if len(prompts) < 2:  # noqa: PLR2004 - A and B
        raise StatisticsError(tr("An A/B test needs two prompts."), hint=tr("Name two: --prompt A --prompt B."))
    cube = _cube(table, models, prompts)
    pairs = pairs_of(prompts, control)
    averages = cube.mean(axis=1)
    these = None if set_size is None else finite_cells(table, models, prompts, set_size=set_size, confidence=confidence)
    family = _Family(table=table, confidence=confidence)
    compared, plan = family.headline(averages, pairs, these)
    results = [
        ComparedPrompts(candidate=pair[0], baseline=pair[1], result=result)
        for pair, result in zip(pairs, compared.comparisons, strict=True)
    ]
    effects = tuple(
        _contrast(prompts, (one.candidate, one.baseline), one.result, is_declared=is_primary) for one in results
    )
    beats = _beats(effects, 1 - confidence)
    winner = _winner(prompts, beats)
    choice = choose(
        prompts, averages[0], results, control=control or prompts[0], winner=winner, clusters=table.clusters
    )
    shown = frozenset(frozenset(pair) for pair in beats) if is_primary else frozenset()
    page = _Page(family=family, cube=cube, models=models, prompts=prompts, pairs=pairs, shown=shown, these=these)
    cells, means = cell_means(table, models, prompts, cube[0], confidence=confidence, these=these)
    return Experiment(
        task=table.task,
        judge=table.judge,
        models=models,
        prompts=prompts,
        control=control,
        n_samples=len(table.samples),
        confidence=confidence,
        cells=cells,
        means=means,
        effects=effects,
        by_model=page.by_model(),
        interactions=page.interactions(),
        beats=beats,
        winner=winner,
        plan=plan,
        choice=choice,
        n_secondary=page.n_secondary,
        is_primary=is_primary,
        apart=_apart(table, prompts, averages[0], most_apart),
        cautions=() if these is None else these.cautions(pairs),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Family:
    """How comparisons of one table are made."""

    table: ScoreTable
    confidence: float

    def headline(
        self, averages: Floats, pairs: Sequence[tuple[int, int]], these: FiniteCells | None
    ) -> tuple[FamilyComparison, BoardPlan]:
        """Return the effects averaged over models, and what the tasks resolve of them."""
        found = self.compare(averages, pairs)
        plan = plan_family(found, gains=gains_on(self.table.judge.scale))
        if these is None:
            return found, plan
        found = these.average_effects(found, pairs)
        return found, these.tasks.plan(plan, found.comparisons)

    def compare(
        self,
        scores: Floats,
        pairs: Sequence[tuple[int, int]],
        *,
        of_effects: bool = False,
        n_family: int | None = None,
    ) -> FamilyComparison:
        """Return (candidate, baseline) rows compared. ``of_effects``: rows are differences of scores.

        ``scores`` (3, rows, tasks): the scores, the least and the most that each could be. ``n_family``: over how many
        comparisons they are corrected, None for these alone.
        """
        scale = self.table.judge.scale
        if of_effects:
            width = scale.high - scale.low
            scale = Scale(low=-width, high=width, step=scale.step)
        return compare_pairs(
            scores[0],
            np.array(pairs, dtype=np.int64).reshape(-1, 2),
            scale,
            Design(clusters=self.table.clusters, confidence=self.confidence),
            ends=(scores[1], scores[2]),
            n_family=n_family,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """What is said beyond the headline: of single models, and of how they differ.

    ``shown``: the pairs of prompts whose average effect is shown, which opens their own comparisons.
    """

    family: _Family
    cube: Floats
    models: tuple[str, ...]
    prompts: tuple[str, ...]
    pairs: Sequence[tuple[int, int]]
    shown: frozenset[frozenset[str]]
    these: FiniteCells | None

    @property
    def n_secondary(self) -> int:
        n = len(self.models)
        return len(self.pairs) * (n if n > 2 else 1)  # noqa: PLR2004 - see the module's docstring

    def is_open(self, pair: tuple[int, int]) -> bool:
        return frozenset(self.prompts[place] for place in pair) in self.shown

    def by_model(self) -> tuple[Contrast, ...]:
        """Return the effects on each model; of one model alone none, since they are the headline's."""
        if len(self.models) == 1:
            return ()
        n_prompts = len(self.prompts)
        about = [(model, pair) for model in range(len(self.models)) for pair in self.pairs]
        results = self.family.compare(
            self.cube.reshape(3, -1, self.cube.shape[3]),
            [(model * n_prompts + pair[0], model * n_prompts + pair[1]) for model, pair in about],
            n_family=self.n_secondary,
        ).comparisons
        if self.these is not None:
            results = self.these.effects_by_model(results, about, n_family=self.n_secondary)
        return tuple(
            _contrast(self.prompts, pair, result, model=self.models[model], is_declared=self.is_open(pair))
            for (model, pair), result in zip(about, results, strict=True)
        )

    def interactions(self) -> tuple[Contrast, ...]:
        """Return each model's effect against the average effect on the others; of two models the second's alone."""
        if len(self.models) == 1:
            return ()
        rows: list[Floats] = []
        about: list[tuple[tuple[int, int], int]] = []
        for pair in self.pairs:
            first, second = self.cube[:, :, pair[0]], self.cube[:, :, pair[1]]
            effect = first - second[[0, 2, 1]]  # at least: the least of the first less the most of the second
            for model in range(1 if len(self.models) == 2 else 0, len(self.models)):  # noqa: PLR2004 - one difference
                rows += [effect[:, model], np.delete(effect, model, axis=1).mean(axis=1)]
                about.append((pair, model))
        results = self.family.compare(
            np.stack(rows, axis=1),
            [(2 * i, 2 * i + 1) for i in range(len(about))],
            of_effects=True,
            n_family=self.n_secondary,
        ).comparisons
        if self.these is not None:
            results = self.these.interactions(results, about, n_family=self.n_secondary)
        return tuple(
            _contrast(
                self.prompts,
                pair,
                result,
                model=self.models[model],
                others=tuple(name for name in self.models if name != self.models[model]),
                is_declared=self.is_open(pair),
            )
            for (pair, model), result in zip(about, results, strict=True)
        )


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


def pairs_of(prompts: Sequence[str], control: str | None) -> list[tuple[int, int]]:
    """Return the (candidate, baseline) places of the prompts that are compared: all pairs, or each with ``control``.

    Raises:
        StatisticsError: the control is not among them.
    """
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


def _contrast(
    prompts: Sequence[str],
    pair: tuple[int, int],
    result: PairedComparison,
    *,
    is_declared: bool,
    model: str | None = None,
    others: tuple[str, ...] = (),
) -> Contrast:
    return Contrast(
        candidate=prompts[pair[0]],
        baseline=prompts[pair[1]],
        model=model,
        others=others,
        result=result,
        is_declared=is_declared,
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


def _winner(prompts: Sequence[str], beats: Collection[tuple[str, str]]) -> str | None:
    """Return the prompt that beats every other."""
    return next((one for one in prompts if all((one, other) in beats for other in prompts if other != one)), None)


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
