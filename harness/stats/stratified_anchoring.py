"""Human anchoring where the labelled tasks were drawn from strata, each with a chance of its own.

The estimator is the combined regression estimator of a stratified sample (Cochran 1977, sections 7.10-7.11), which is
stratified prediction-powered inference (Fisch, Maynez, Hofer, Dhingra, Globerson & Cohen 2024) with one slope: means of
strata are weighted by the strata's shares of all tasks, so that unequal chances do no harm, and a judge's scores on all
tasks take out what they explain.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from harness.errors import StatisticsError
from harness.locale import tr, trn
from harness.stats.anchoring import (
    CENSUS,
    FEWEST_LABELS,
    AnchoredEstimate,
    Limits,
    anchored_mean,
    no_spread_estimate,
    plain_estimate,
    t_estimate,
)
from harness.stats.arrays import Bools, Floats, Ints, number, score_array, t_critical, tail_probability
from harness.stats.design import PLAIN, Design
from harness.stats.sampling_check import DRAW_TAIL, DrawCheck
from harness.types import Estimate, Scale

_FEWEST_OF_STRATUM = 2
# The methods of estimates for these tasks and for new ones.
_REGRESSION = tr("stratified survey regression, these tasks"), tr("stratified survey regression, new tasks like these")
_ALONE = tr("stratified, labels only, these tasks"), tr("stratified, labels only, new tasks like these")


def stratified_anchored_mean(
    human: ArrayLike,
    judge: ArrayLike,
    strata: ArrayLike,
    scale: Scale | None = None,
    design: Design = PLAIN,
    *,
    drawn_at_random: bool | None = None,
) -> AnchoredEstimate:
    """Return the mean human score where ``strata`` (T,) numbers the stratum of each task; else as `anchored_mean`.

    With W_h stratum h's share of all tasks, f_h its labelled part, y and x labels and scores, b the slope
    pooled within strata with weights W_h^2 (1 - f_h) / (n_h (n_h - 1)): estimate = sum of W_h mean(y)_h + b (mean of x
    - sum of W_h mean(x)_h). Its variance for these tasks is the sum of W_h^2 (1 - f_h) s_h^2 / n_h of residuals, plus
    that of b times the squared shift; for new tasks, from which such strata would be made again, var(y) / T more, with
    var(y) estimated from the stratified sample. Degrees of freedom are Satterthwaite's (Cochran 1977, formula 5.16),
    one less for the slope. The check of the draw compares the weighted mean of x with its known value (0.5 %).

    Degenerate cases: under 20 labels, or where a stratum has fewer than two labels and is not labelled whole, all
    anchored figures are None and ``method`` says "refused"; one stratum is `anchored_mean`.

    Raises:
        StatisticsError: unlike lengths, off-scale or infinite scores, a confidence outside 0-1.

    >>> rng = np.random.default_rng(0)
    >>> judge = rng.integers(1, 6, 100)
    >>> human = np.clip(judge - rng.integers(0, 2, 100), 1, 5).astype(float)
    >>> human[10:50] = human[60:] = np.nan
    >>> half = np.arange(100) // 50
    >>> e = stratified_anchored_mean(human, judge, half, Scale(low=1, high=5), drawn_at_random=True)
    >>> round(e.these_tasks.value, 2), e.n_labels, e.these_tasks.method
    (2.72, 20, 'stratified survey regression, these tasks, logit scale')
    """
    labels = score_array(human, scale, name="human scores")
    scores = score_array(judge, scale, name="judge's scores")
    given = np.asarray(strata)
    if not labels.shape == scores.shape == given.shape:
        raise StatisticsError(tr("Each task needs a place for its human score, its judge score and its stratum."))
    known = ~np.isnan(scores)
    codes: Ints = np.unique(given[known], return_inverse=True)[1]
    if codes.size == 0 or codes.max() == 0:
        return anchored_mean(labels, scores, scale, design, drawn_at_random=drawn_at_random)
    tail = tail_probability(design.confidence)
    limits = Limits(scale=scale, confidence=design.confidence, tail=tail, n_unscored=labels.size - int(known.sum()))
    y, x = labels[known], scores[known]
    parts = _parts(y, x, codes)
    n = int((~np.isnan(y)).sum())
    fit = None if n < FEWEST_LABELS or not _is_enough(parts) else _fit(parts, x)
    if fit is None:
        nothing = plain_estimate(None, None, n, _refusal(n), limits)
        here = beyond = alone_here = alone = nothing
    else:
        here, beyond = _estimates(fit, fit.residuals, fit.value, limits, _REGRESSION)
        alone_here, alone = _estimates(fit, fit.spreads, fit.label_mean, limits, _ALONE)
    draw = _check(parts, x)
    worth = (None, None) if fit is None or fit.slope is None else _worth(fit)
    return AnchoredEstimate(
        these_tasks=here,
        population=beyond,
        labels_only_these_tasks=alone_here,
        labels_only=alone,
        judge_mean=number(float(x.mean())),
        slope=None if fit is None else fit.slope,
        correlation=None if fit is None else fit.correlation,
        effective_labels=worth[1],
        effective_labels_these_tasks=worth[0],
        n_labels=n,
        n_tasks=int(known.sum()),
        draw=draw,
        method=here.method if fit is None else tr("stratified survey regression on the judge's scores"),
        cautions=_cautions(n, int(known.sum()), draw, drawn_at_random),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One stratum: its share W of ``size`` tasks, and the labels y and scores x of what is labelled of it."""

    share: float
    size: int
    y: Floats
    x: Floats

    @property
    def n(self) -> int:
        return int(self.y.size)

    @property
    def rest(self) -> float:
        """1 - f: the part that is not labelled."""
        return 1 - self.n / self.size


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fit:
    parts: tuple[_Part, ...]
    slope: float | None
    label_mean: float  # weighted by the strata's shares
    value: float
    residuals: Floats  # residual variance in each stratum
    spreads: Floats  # labels' variance in each stratum
    slope_part: float  # of the variance, from not knowing the slope
    population_variance: float  # of labels over all tasks
    correlation: float | None

    @property
    def n(self) -> int:
        return sum(part.n for part in self.parts)

    @property
    def n_tasks(self) -> int:
        return sum(part.size for part in self.parts)


def _parts(y: Floats, x: Floats, codes: Ints) -> tuple[_Part, ...]:
    labelled: Bools = ~np.isnan(y)
    return tuple(
        _Part(share=float(here.mean()), size=int(here.sum()), y=y[here & labelled], x=x[here & labelled])
        for here in (codes == code for code in range(int(codes.max()) + 1))
    )


def _is_enough(parts: tuple[_Part, ...]) -> bool:
    return all(part.n == part.size or part.n >= _FEWEST_OF_STRATUM for part in parts)


def _refusal(n: int) -> str:
    if n < FEWEST_LABELS:
        return trn(
            "refused: {n} label, at least {fewest} are needed",
            "refused: {n} labels, at least {fewest} are needed",
            n,
            fewest=FEWEST_LABELS,
        )
    return tr("refused: a stratum has fewer than two labels")


def _fit(parts: tuple[_Part, ...], x: Floats) -> _Fit:
    means = [(float(part.y.mean()), float(part.x.mean())) for part in parts]
    weights = [part.share**2 * (part.rest or 1e-9) / (part.n * max(1, part.n - 1)) for part in parts]
    dy = [part.y - mean for part, (mean, _) in zip(parts, means, strict=True)]
    dx = [part.x - mean for part, (_, mean) in zip(parts, means, strict=True)]
    sxx = sum(weight * float(one @ one) for weight, one in zip(weights, dx, strict=True))
    syy = sum(weight * float(one @ one) for weight, one in zip(weights, dy, strict=True))
    sxy = sum(weight * float(a @ b) for weight, a, b in zip(weights, dx, dy, strict=True))
    slope = sxy / sxx if sxx > 0 else None
    b, n = slope or 0.0, sum(part.n for part in parts)
    lost = max(1, n - len(parts))  # degrees of freedom within strata, of which the slope takes one
    factor = lost / max(1, lost - 1) if slope is not None else 1.0
    residuals = np.array([
        factor * float(((u - b * v) ** 2).sum()) / max(1, u.size - 1) for u, v in zip(dy, dx, strict=True)
    ])  # fmt: skip
    label_mean = sum(part.share * mean for part, (mean, _) in zip(parts, means, strict=True))
    shift = float(x.mean()) - sum(part.share * mean for part, (_, mean) in zip(parts, means, strict=True))
    of_slope = (
        sum(w**2 * float(v @ v) * s for w, v, s in zip(weights, dx, residuals, strict=True)) / sxx**2 if b else 0.0
    )
    spreads = np.array([float(one @ one) / max(1, one.size - 1) for one in dy])
    return _Fit(
        parts=parts,
        slope=slope,
        label_mean=label_mean,
        value=label_mean + b * shift,
        residuals=residuals,
        spreads=spreads,
        slope_part=shift**2 * of_slope,
        population_variance=_population_variance(parts, label_mean, spreads),
        correlation=max(-1.0, min(1.0, sxy / sqrt(sxx * syy))) if sxx > 0 and syy > 0 else None,
    )


def _population_variance(parts: tuple[_Part, ...], label_mean: float, spreads: Floats) -> float:
    """Return the labels' variance over all tasks, unbiased: mean square less squared mean, which is too large by v."""
    n_tasks = sum(part.size for part in parts)
    squares = sum(part.share * float((part.y**2).mean()) for part in parts)
    v = sum(part.share**2 * part.rest * spread / part.n for part, spread in zip(parts, spreads, strict=True))
    return max(0.0, float((squares - label_mean**2 + v) * n_tasks / (n_tasks - 1)))


def _terms(fit: _Fit, variances: Floats) -> Floats:
    return np.array([
        part.share**2 * part.rest * variance / part.n for part, variance in zip(fit.parts, variances, strict=True)
    ])  # fmt: skip


def _estimates(
    fit: _Fit, variances: Floats, value: float, limits: Limits, methods: tuple[str, str]
) -> tuple[Estimate, Estimate]:
    """Return the estimates for these tasks and for new ones, of one set of variances within strata."""
    extra = fit.slope_part if variances is fit.residuals else 0.0
    terms, own = _terms(fit, variances), np.array([max(1, part.n - 1) for part in fit.parts])
    here, added = float(terms.sum()) + extra, fit.population_variance / fit.n_tasks
    within = max(1, fit.n - len(fit.parts) - 1)
    df = min(float(terms.sum() ** 2 / (terms**2 / own).sum()), within) if terms.sum() > 0 else float(within)
    both = here + added
    df_new = both**2 / (here**2 / df + added**2 / max(1, fit.n - 1)) if both > 0 else df
    if all(part.rest == 0 for part in fit.parts):
        these = plain_estimate(fit.label_mean, (fit.label_mean,) * 2, fit.n, CENSUS, limits)
    elif here > 0:
        these = t_estimate(value, _half(df, here, limits), fit.n, methods[0], limits)
    else:
        these = no_spread_estimate(value, fit.n / fit.n_tasks, fit.n, limits)
    if both == 0:
        return these, no_spread_estimate(value, 0.0, fit.n, limits)
    return these, t_estimate(value, _half(df_new, both, limits), fit.n, methods[1], limits)


def _half(df: float, variance: float, limits: Limits) -> float:
    return float(t_critical(df, limits.tail)) * sqrt(variance)


def _worth(fit: _Fit) -> tuple[float | None, float | None]:
    """Return what the labels are worth in labels of a simple draw without a judge, for these tasks and for new ones."""
    alone = fit.population_variance / fit.n
    here = float(_terms(fit, fit.residuals).sum()) + fit.slope_part
    both = here + fit.population_variance / fit.n_tasks
    pairs = ((1 - fit.n / fit.n_tasks) * alone, here), (alone, both)
    found = [fit.n * without / variance if variance > 0 else None for without, variance in pairs]
    return found[0], found[1]


def _check(parts: tuple[_Part, ...], x: Floats) -> DrawCheck:
    if any(part.n < _FEWEST_OF_STRATUM and part.n < part.size for part in parts):
        return DrawCheck(looks_random=True, judge_p=None, order_p=None, reasons=())
    shift = sum(part.share * float(part.x.mean()) for part in parts) - float(x.mean())
    variance = sum(part.share**2 * part.rest * float(part.x.var(ddof=1)) / part.n for part in parts if part.rest > 0)
    p = float(2 * ndtr(-abs(shift) / sqrt(variance))) if variance > 0 else None
    is_far = p is not None and p < DRAW_TAIL
    reasons = (tr("the judge's mean over the labelled tasks is far from its mean over all"),) if is_far else ()
    return DrawCheck(looks_random=not is_far, judge_p=p, order_p=None, reasons=reasons)


def _cautions(n: int, n_tasks: int, draw: DrawCheck, drawn_at_random: bool | None) -> tuple[str, ...]:
    cautions: list[str] = list(draw.reasons)
    if drawn_at_random is False:
        cautions.append(tr("the labelled tasks are on record as not drawn at random: the interval does not hold"))
    elif drawn_at_random is None and 0 < n < n_tasks:
        cautions.append(tr("it is not on record that the labelled tasks were drawn at random; the interval assumes it"))
    return tuple(cautions)
