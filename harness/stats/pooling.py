"""Several judges as one: the mean of their differences, with what they disagree on in its error."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from harness.errors import StatisticsError
from harness.locale import tr
from harness.stats.arrays import check_confidence, score_array, t_critical
from harness.stats.tries import paule_mandel


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledDifference:
    """The mean over judges, with its interval, and where the next judge's difference would lie.

    ``between_sd``: how far judges' true differences spread · ``predicted_low``, ``predicted_high``: the prediction
    interval of a judge that was not asked (infinite with two judges).
    """

    value: float
    se: float
    low: float
    high: float
    between_sd: float
    predicted_low: float
    predicted_high: float
    n_judges: int


def pool_judges(
    differences: ArrayLike, errors: ArrayLike, *, correlation: float = 0.0, confidence: float = 0.95
) -> PooledDifference:
    """Return the random-effects mean of two judges' differences or more (Hartung & Knapp 2001), all on one scale.

    ``differences`` and standard ``errors`` (> 0), both (J,). Judges score the same answers, so their errors from the
    choice of tasks go together: ``correlation`` (0-1) is how much, and that share of the error does not shrink with the
    number of judges. The standard error is never taken below the common one. The prediction interval has J - 2 degrees
    of freedom (Higgins, Thompson & Spiegelhalter 2009).

    Raises:
        StatisticsError: fewer than two judges, unlike lengths, an error that is not positive, or a correlation outside
            0-1.

    >>> pooled = pool_judges([0.4, 0.2, 0.3], [0.1, 0.1, 0.1])
    >>> round(pooled.value, 2), round(pooled.low, 2), round(pooled.high, 2)
    (0.3, 0.05, 0.55)
    """
    values, ses = score_array(differences, name="differences"), score_array(errors, name="errors")
    check_confidence(confidence)
    if values.size < 2 or values.shape != ses.shape:  # noqa: PLR2004 - one judge is no panel
        raise StatisticsError(
            tr(
                "{size} differences with {size_2} errors: a panel has two judges or more.",
                size=values.size,
                size_2=ses.size,
            )
        )
    if not ((ses > 0).all() and 0 <= correlation <= 1):
        raise StatisticsError(
            tr("Every judge's difference needs a standard error above 0, and correlations lie in 0-1.")
        )
    own = ses**2 * (1 - correlation)
    between = paule_mandel(values, np.maximum(own, 1e-12))
    weights = 1 / (between + np.maximum(own, 1e-12))
    weights /= weights.sum()
    value = float(weights @ values)
    n = values.size
    disagreement = float(weights @ (values - value) ** 2) / (n - 1)  # Hartung-Knapp
    floor = float(weights**2 @ own)  # never less than the judges' own errors allow
    common = float(correlation * (weights @ ses) ** 2)
    se = sqrt(max(disagreement, floor) + common)
    half = float(t_critical(n - 1, 1 - confidence)) * se
    reach = np.inf
    if n > 2:  # noqa: PLR2004
        next_own = float(np.mean(ses**2))
        reach = float(t_critical(n - 2, 1 - confidence)) * sqrt(between + se**2 + next_own * (1 - correlation))
    return PooledDifference(
        value=value,
        se=se,
        low=value - half,
        high=value + half,
        between_sd=sqrt(between),
        predicted_low=value - reach,
        predicted_high=value + reach,
        n_judges=n,
    )
