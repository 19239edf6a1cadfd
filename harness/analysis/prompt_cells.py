"""The cells of an A/B test, and what it says where it is about exactly the tasks of a known set. Pure.

An effect is a weighted sum of cells (a model under a prompt). On tasks that are all there are only its cells' answers
and verdicts vary, each apart, by their squared weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from harness.analysis.finite_set import FiniteSet
from harness.analysis.scores import ScoreTable
from harness.stats import Design, FamilyComparison, PairedComparison, score_interval
from harness.stats.finite import FiniteMean, Within, within_tasks
from harness.types import Estimate, RowKey

Pair = tuple[int, int]
"""The places of two prompts: candidate, baseline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellMean:
    """A prompt's mean score with one model, or with ``model`` None averaged over models task by task."""

    model: str | None
    prompt: str
    estimate: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class FiniteCells:
    """Every cell's scores, shape (models, prompts, tasks), and how they vary over repeats, by model and prompt."""

    tasks: FiniteSet
    models: tuple[str, ...]
    prompts: tuple[str, ...]
    scores: npt.NDArray[np.float64]
    within: tuple[tuple[Within, ...], ...]
    answers: int
    verdicts: int

    def average_effects(self, compared: FamilyComparison, pairs: Sequence[Pair]) -> FamilyComparison:
        """Return the effects averaged over models, corrected together."""
        found = self.tasks.compared(compared.comparisons, [self._effect(pair) for pair in pairs])
        return replace(compared, comparisons=tuple(result for result, _ in found))

    def effects_by_model(
        self, results: Sequence[PairedComparison], about: Sequence[tuple[int, Pair]], *, n_family: int
    ) -> tuple[PairedComparison, ...]:
        """Return the effects on single models."""
        errors = [self._effect(pair, np.eye(len(self.models))[model]) for model, pair in about]
        return tuple(result for result, _ in self.tasks.compared(results, errors, n_family=n_family))

    def interactions(
        self, results: Sequence[PairedComparison], about: Sequence[tuple[Pair, int]], *, n_family: int
    ) -> tuple[PairedComparison, ...]:
        """Return by how much the effect on each model differs from that on the others."""
        n = len(self.models)
        shares = [np.where(np.arange(n) == model, 1.0, -1 / (n - 1)) for _, model in about]
        errors = [self._effect(pair, share) for (pair, _), share in zip(about, shares, strict=True)]
        width = self.tasks.scale.high - self.tasks.scale.low
        doubled = replace(self.tasks, scale=replace(self.tasks.scale, low=-width, high=width))
        return tuple(result for result, _ in doubled.compared(results, errors, n_family=n_family))

    def means(self, cells: Sequence[CellMean]) -> tuple[CellMean, ...]:
        """Return means with their intervals; one of no model is averaged over all."""
        found = []
        for cell in cells:
            weights = np.zeros((len(self.models), len(self.prompts)))
            models = slice(None) if cell.model is None else self.models.index(cell.model)
            weights[models, self.prompts.index(cell.prompt)] = 1 / len(self.models) if cell.model is None else 1.0
            found.append(replace(cell, estimate=self.tasks.estimate(cell.estimate, self._sum(weights))))
        return tuple(found)

    def cautions(self, pairs: Sequence[Pair]) -> tuple[str, ...]:
        """Return what the intervals do not hold."""
        errors = [self._effect(pair) for pair in pairs]
        return tuple(self.tasks.cautions(errors, answers=self.answers, verdicts=self.verdicts))

    def _effect(self, pair: Pair, shares: npt.NDArray[np.float64] | None = None) -> FiniteMean:
        """Return the effect of a pair of prompts; ``shares``: of each model, None: averaged over them."""
        weights = np.zeros((len(self.models), len(self.prompts)))
        weights[:, pair[0]] = 1 / len(self.models) if shares is None else shares
        weights[:, pair[1]] = -weights[:, pair[0]]
        return self._sum(weights)

    def _sum(self, weights: npt.NDArray[np.float64]) -> FiniteMean:
        used = list(zip(*np.nonzero(weights), strict=True))
        values = sum(weights[place] * self.scores[place] for place in used)
        within = [
            replace(
                self.within[model][prompt], variances=weights[model, prompt] ** 2 * self.within[model][prompt].variances
            )
            for model, prompt in used
        ]
        return self.tasks.mean_of(np.asarray(values), within)


def finite_cells(
    table: ScoreTable, models: tuple[str, ...], prompts: tuple[str, ...], *, set_size: int, confidence: float
) -> FiniteCells:
    """Return the cells of a table about exactly the tasks of its set; every model has a row under every prompt."""
    scores, place = table.scores, {row: index for index, row in enumerate(table.rows)}
    rows = [[place[RowKey(model=model, prompt=prompt)] for prompt in prompts] for model in models]
    return FiniteCells(
        tasks=FiniteSet(size=set_size, n=len(table.samples), scale=table.judge.scale, confidence=confidence),
        models=models,
        prompts=prompts,
        scores=scores[rows],
        within=tuple(tuple(within_tasks(table.cells[row]) for row in each) for each in rows),
        answers=table.cells.shape[2],
        verdicts=table.cells.shape[3],
    )


def cell_means(
    table: ScoreTable,
    models: Sequence[str],
    prompts: Sequence[str],
    scores: npt.NDArray[np.float64],
    *,
    confidence: float,
    these: FiniteCells | None = None,
) -> tuple[tuple[CellMean, ...], tuple[CellMean, ...]]:
    """Return the mean of every prompt with every model, and averaged over models; ``scores`` (models, prompts, tasks).

    ``these``: the cells, where means are about exactly the tasks of a set (None: about new ones).
    """
    design = Design(clusters=table.clusters, confidence=confidence)

    def means(model: str | None, rows: npt.NDArray[np.float64]) -> list[CellMean]:
        estimates = [score_interval(row, table.judge.scale, design).estimate for row in rows]
        return [
            CellMean(model=model, prompt=prompt, estimate=estimate)
            for prompt, estimate in zip(prompts, estimates, strict=True)
        ]

    cells = tuple(mean for model, rows in zip(models, scores, strict=True) for mean in means(model, rows))
    averages = tuple(means(None, scores.mean(axis=0)))
    return (cells, averages) if these is None else (these.means(cells), these.means(averages))
