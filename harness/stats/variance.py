"""Where the noise comes from, and what to buy next: tasks, generations per task, or judgements per generation."""

from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
from numpy.typing import ArrayLike

from harness.errors import StatisticsError
from harness.stats.arrays import score_array


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
class Purchase:
    """One way to spend as much again as the run cost: the design it leads to and the standard error to expect."""

    what: str
    tasks: int
    generations: int
    judgements: int
    se: float


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
        raise StatisticsError(f"Scores of shape {array.shape} hold no generation or no judgement.")
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
        raise StatisticsError("A design has at least one task, one generation and one judgement.")
    if (
        components.task is None
        or (components.generation is None and generations != components.n_generations)
        or (components.judge is None and judgements != components.n_judgements)
    ):
        return None
    generation, judge = components.generation or 0.0, components.judge or 0.0
    return sqrt((components.task + (generation + judge / judgements) / generations) / tasks)


def buy_next(
    components: VarianceComponents, *, generation_cost: float = 1.0, judgement_cost: float = 1.0
) -> tuple[Purchase, ...]:
    """Return the ways to spend as much again as the run cost, best (lowest standard error) first.

    A run of I tasks, K generations and J judgements costs I K (generation + J judgement). As much again buys twice the
    tasks, twice the generations, or more judgements of the generations there are. Only what has a separate component
    is offered; nothing where there are no components.

    Raises:
        StatisticsError: a cost that is negative, or no cost for a judgement.

    >>> c = variance_components([[[4, 4], [3, 4]], [[2, 1], [2, 2]], [[5, 5], [5, 4]]])
    >>> [(p.what, round(p.se, 3)) for p in buy_next(c)]
    [('tasks', 0.624), ('judgements', 0.875), ('generations', 0.876)]
    """
    if generation_cost < 0 or not judgement_cost > 0:
        raise StatisticsError("A judgement must cost something, and a generation must not cost less than nothing.")
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
            offers.append(Purchase(what=what, tasks=i, generations=k, judgements=j, se=se))
    return tuple(sorted(offers, key=lambda offer: offer.se))


def _component(name: str, above: float, below: float, size: int, cautions: list[str]) -> float:
    if above < below:
        cautions.append(f"the {name} variance comes out below zero and is taken as 0")
    return max(0.0, above - below) / size
