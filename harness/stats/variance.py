"""Where the noise comes from, and what to buy next: tasks, generations per task, or judgements per generation."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
from numpy.typing import ArrayLike

from harness.errors import StatisticsError
from harness.locale import tr
from harness.stats.arrays import score_array
from harness.stats.power import GAINS, required_n

REPEATS = (1, 2, 4, 8)
"""The generations a task that a plan looks at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VarianceComponents:
    """Variances of scores between tasks, between generations of a task and between judgements of a generation.

    With one judgement per generation ``judge`` is None and its noise is part of ``generation``; with one generation per
    task ``generation`` is None and part of ``task``. None throughout: nothing to compute. ``se``: the standard error of
    the mean score over the ``n_tasks`` tasks that are complete; ``n_incomplete`` were left out.
    """

    task: float | None
    generation: float | None
    judge: float | None
    se: float | None
    n_tasks: int
    n_generations: int
    n_judgements: int
    n_incomplete: int
    cautions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignOption:
    """One way to spend as much again as the run cost: the design it leads to and the standard error to expect."""

    what: str
    tasks: int
    generations: int
    judgements: int
    se: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatPlan:
    """With this many generations a task, a true difference of ``points`` needs ``tasks`` (None: too many to count)."""

    points: float
    generations: int
    tasks: int | None


def variance_components(scores: ArrayLike) -> VarianceComponents:
    """Return the variance components of ``scores``, shape (tasks, generations per task, judgements per generation).

    Balanced nested analysis of variance by the method of moments (Searle, Casella & McCulloch 1992, chapter 3), which
    equals REML where no component is negative; a negative one is set to 0 with a caution. Pass differences of two
    models for the components of a comparison. A task with any score missing is left out and counted.

    Fewer than two complete tasks: None throughout.

    Raises:
        StatisticsError: not three dimensions, infinite scores.

    >>> c = variance_components([[[4, 4], [3, 4]], [[2, 1], [2, 2]], [[5, 5], [5, 4]]])
    >>> round(c.task, 3), round(c.generation, 3), round(c.judge, 3), round(c.se, 3)
    (2.271, 0.0, 0.25, 0.882)
    """
    array = score_array(scores, ndim=3)
    if 0 in array.shape[1:]:
        raise StatisticsError(tr("Scores of shape {shape} hold no generation or no judgement.", shape=array.shape))
    complete = array[~np.isnan(array).any(axis=(1, 2))]
    n_tasks, n_generations, n_judgements = complete.shape
    cautions: list[str] = []
    task = generation = judge = se = None
    if n_tasks > 1:
        by_generation = complete.mean(axis=2)
        by_task = by_generation.mean(axis=1)
        ms_task = float(by_task.var(ddof=1)) * n_generations * n_judgements
        below = 0.0
        if n_judgements > 1:
            below = judge = float(complete.var(axis=2, ddof=1).mean())
        if n_generations > 1:
            ms_generation = float(by_generation.var(axis=1, ddof=1).mean()) * n_judgements
            generation = _component("generation", ms_generation, below, n_judgements, cautions)
            below = ms_generation
        task = _component("task", ms_task, below, n_generations * n_judgements, cautions)
        se = sqrt(ms_task / (n_tasks * n_generations * n_judgements))
    return VarianceComponents(
        task=task,
        generation=generation,
        judge=judge,
        se=se,
        n_tasks=n_tasks,
        n_generations=n_generations,
        n_judgements=n_judgements,
        n_incomplete=len(array) - n_tasks,
        cautions=tuple(cautions),
    )


def predicted_se(
    components: VarianceComponents, *, tasks: int, generations: int = 1, judgements: int = 1
) -> float | None:
    """Return the standard error of the mean that another design would have, or None if it cannot be told.

    sqrt(task / I + generation / (I K) + judge / (I K J)). It cannot be told for repeats other than the run's own where
    their component was not separated.

    Raises:
        StatisticsError: a design with no task, generation or judgement.

    >>> c = variance_components([[[4, 4], [3, 4]], [[2, 1], [2, 2]], [[5, 5], [5, 4]]])
    >>> round(predicted_se(c, tasks=12, generations=2, judgements=2), 3)
    0.441
    """
    if min(tasks, generations, judgements) < 1:
        raise StatisticsError(tr("A design has at least one task, one generation and one judgement."))
    if (
        components.task is None
        or (components.generation is None and generations != components.n_generations)
        or (components.judge is None and judgements != components.n_judgements)
    ):
        return None
    generation, judge = components.generation or 0.0, components.judge or 0.0
    return sqrt((components.task + (generation + judge / judgements) / generations) / tasks)


def next_design(
    components: VarianceComponents, *, generation_cost: float = 1.0, judgement_cost: float = 1.0
) -> tuple[DesignOption, ...]:
    """Return the ways to spend as much again as the run cost, best (lowest standard error) first.

    A run of I tasks, K generations and J judgements costs I K (generation + J judgement). As much again buys twice the
    tasks, twice the generations, or more judgements of the generations there are. Only what has a separate component
    is offered; nothing where there are no components.

    Raises:
        StatisticsError: a cost that is negative, or no cost for a judgement.

    >>> c = variance_components([[[4, 4], [3, 4]], [[2, 1], [2, 2]], [[5, 5], [5, 4]]])
    >>> [(p.what, round(p.se, 3)) for p in next_design(c)]
    [('tasks', 0.624), ('judgements', 0.875), ('generations', 0.876)]
    """
    if generation_cost < 0 or not judgement_cost > 0:
        raise StatisticsError(tr("A judgement must cost something, and a generation must not cost less than nothing."))
    tasks, generations, judgements = components.n_tasks, components.n_generations, components.n_judgements
    designs = {"tasks": (2 * tasks, generations, judgements)}
    if components.generation is not None:
        designs["generations"] = (tasks, 2 * generations, judgements)
    if components.judge is not None:
        # Twice the price of a generation, less the generation itself, goes into judgements.
        more = ceil(2 * judgements + generation_cost / judgement_cost)
        designs["judgements"] = (tasks, generations, more)
    offers = []
    for what, (i, k, j) in designs.items():
        se = predicted_se(components, tasks=max(1, i), generations=k, judgements=j)
        if se is not None:
            offers.append(DesignOption(what=what, tasks=i, generations=k, judgements=j, se=se))
    return tuple(sorted(offers, key=lambda offer: offer.se))


def plan_repeats(
    components: VarianceComponents,
    *,
    gains: Sequence[float] = GAINS,
    generations: Sequence[int] = REPEATS,
    power: float = 0.8,
    confidence: float = 0.95,
) -> tuple[RepeatPlan, ...]:
    """Return the tasks that each gain needs with 1, 2, 4 or 8 generations a task (judgements as in the run).

    ``components`` are those of the *differences* of two models; the exact t test of `required_n`. Repeats only average
    their own noise away: the component between tasks sets the floor. Nothing where generations were not repeated.

    >>> c = variance_components([[[1, 1], [0, 2]], [[0, -1], [1, 0]], [[2, 1], [-2, 0]], [[1, 2], [1, 0]]])
    >>> [(plan.generations, plan.tasks) for plan in plan_repeats(c, gains=[0.3])]
    [(1, 92), (2, 47), (4, 25), (8, 14)]
    """
    plans = []
    for points in gains:
        for repeats in generations:
            sd = predicted_se(components, tasks=1, generations=repeats, judgements=components.n_judgements)
            if components.generation is None or not sd:
                continue
            need = required_n(points, sd, power=power, confidence=confidence)
            plans.append(RepeatPlan(points=points, generations=repeats, tasks=None if need is None else ceil(need)))
    return tuple(plans)


def _component(name: str, above: float, below: float, size: int, cautions: list[str]) -> float:
    if above < below:
        cautions.append(
            tr("the generation variance comes out below zero and is taken as 0")
            if name == "generation"
            else tr("the task variance comes out below zero and is taken as 0")
        )
    return max(0.0, above - below) / size
