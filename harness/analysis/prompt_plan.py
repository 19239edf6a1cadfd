"""What an A/B test of prompts will resolve before anything is measured: under its own family and clusters. Pure."""

from math import sqrt

from harness.stats import BoardPlan, Design, plan_board
from harness.stats.power import detectable_gap
from harness.types import Scale

ASSUMED_SPREAD = 0.3
"""Standard deviation of the difference between two prompts on one task, as a share of the scale's width, before
anything is measured: 1.2 points of the 1-5 scale. Two sets of ordinal scores with spread 1.33 and correlation 0.6, the
usual size in this field, differ by that much."""
ASSUMED_ALIKE = 0.3
"""Correlation of these differences between tasks of one cluster, before anything is measured."""
GAIN_SHARES = (0.025, 0.05, 0.075)
"""The gains that a plan is about, as shares of the scale's width: 0.1, 0.2 and 0.3 points of the 1-5 scale."""


def gains_on(scale: Scale) -> tuple[float, ...]:
    """Return the gains that a plan is about, in points.

    >>> from harness.types import LIKERT_5
    >>> [round(gain, 3) for gain in gains_on(LIKERT_5)]
    [0.1, 0.2, 0.3]
    """
    return tuple(share * (scale.high - scale.low) for share in GAIN_SHARES)


def plan_experiment(
    scale: Scale, n: int, *, confidence: float = 0.95, n_comparisons: int = 1, n_clusters: int | None = None
) -> BoardPlan:
    """Return what ``n`` tasks will resolve, on the assumptions `ASSUMED_SPREAD` and `ASSUMED_ALIKE`.

    ``n_comparisons``: pairs of prompts that are corrected together · ``n_clusters``: how many clusters the tasks are in
    (None: each stands alone), as many tasks in each.

    >>> from harness.types import LIKERT_5
    >>> plan = plan_experiment(LIKERT_5, 100)
    >>> round(plan.minimum_detectable, 2), [(round(gain.points, 2), gain.tasks) for gain in plan.gains]
    (0.34, [(0.1, 1133), (0.2, 285), (0.3, 128)])
    >>> round(plan_experiment(LIKERT_5, 100, n_comparisons=3, n_clusters=20).minimum_detectable, 2)
    0.62
    """
    sd = ASSUMED_SPREAD * (scale.high - scale.low)
    units = n if n_clusters is None else n_clusters
    share = n / units if units else 1.0
    # the error of a mean of clusters, as if each were one task: Kish's design effect over its size
    unit_sd = sd * sqrt((1 + (share - 1) * ASSUMED_ALIKE) / share)
    plan = plan_board(
        unit_sd, units, gains=gains_on(scale), confidence=confidence, n_comparisons=n_comparisons, share=share
    )
    gap = None
    if units > 1:
        design = Design(confidence=confidence)
        gap = detectable_gap(unit_sd / sqrt(units), units - 1, units, design, n_comparisons=n_comparisons)
    return BoardPlan(
        minimum_detectable=gap,
        gains=plan.gains,
        sd=sd,
        n=n,
        power=plan.power,
        confidence=confidence,
        n_comparisons=n_comparisons,
    )
