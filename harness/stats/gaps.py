"""Which comparisons rest on a part of the tasks, what the rest could change, and how that is said."""

from dataclasses import dataclass

import numpy as np

from harness.locale import tr, trn
from harness.notices import Notice
from harness.stats.arrays import Bools, Floats, Ints, number
from harness.stats.worst_case_bounds import Ends, bound_intervals, missing_bounds

FEW_MISSING = 0.05
"""Up to this share of missing scores, if the same ones are missing in every row, nothing is said."""

_SAME = 1e-9  # shares that differ by rounding alone


@dataclass(frozen=True, slots=True, kw_only=True)
class PairGaps:
    """What pairs of rows lack; every array has shape (P,).

    ``candidate``, ``baseline``: tasks without any score · ``partly``: tasks with both scores, one of which lacks some
    of its repeats · ``matters``: the two lack unlike scores, or one more than `FEW_MISSING` · ``worst``, ``best``: the
    mean difference over all tasks at its least and its most · ``low``, ``high``: the interval around these two.
    """

    candidate: Ints
    baseline: Ints
    partly: Ints
    matters: Bools
    worst: Floats
    best: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingScores:
    """What one comparison lacks; the bounds are None where no scale is known.

    ``candidate``, ``baseline``: tasks without a score · ``worst``, ``best``: the mean over all tasks if every missing
    score were as bad, or as good, for the candidate as the scale allows · ``low``, ``high``: the interval that holds
    the mean over all tasks whatever the missing scores are (see `harness.stats.worst_case_mean`) · ``caution``: what to
    say where the two lack unlike scores, or one more than a few; else None.
    """

    candidate: int
    baseline: int
    worst: float | None
    best: float | None
    low: float | None
    high: float | None
    caution: Notice | None

    @property
    def has_sure_sign(self) -> bool:
        """Whether the difference keeps its sign whatever the missing scores are, sampling error included."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def missing_scores(gaps: PairGaps, i: int, *, n: int, n_pairs: int, span: float | None) -> MissingScores:
    """Return what comparison ``i`` lacks of its ``n`` tasks, ``n_pairs`` of which have both scores."""
    return MissingScores(
        candidate=int(gaps.candidate[i]),
        baseline=int(gaps.baseline[i]),
        worst=number(gaps.worst[i]),
        best=number(gaps.best[i]),
        low=number(gaps.low[i]),
        high=number(gaps.high[i]),
        caution=gap_caution(gaps, i, n=n, n_pairs=n_pairs, span=span),
    )


def missing_shares(scores: Floats, ends: Ends, span: float | None) -> Floats:
    """Return which share of each score is missing, shape (M, n): 1 for all of it, 1/3 for one of three repeats.

    >>> scores, least, most = np.array([[3.0, np.nan, 4]]), np.array([[3.0, 1, 3]]), np.array([[3.0, 5, 4]])
    >>> missing_shares(scores, (least, most), 4).tolist()
    [[0.0, 1.0, 0.25]]
    """
    missing = np.isnan(scores)
    if span is None:
        return missing.astype(np.float64)
    return np.where(missing, 1.0, (ends[1] - ends[0]) / span)


def gaps_are_unlike(shares: Floats) -> bool:
    """Return whether rows with these `missing_shares` (M, n) lack scores on unlike tasks.

    >>> gaps_are_unlike(np.array([[0.0, 1], [0, 1]])), gaps_are_unlike(np.array([[0.0, 1], [1, 0]]))
    (False, True)
    """
    return bool((np.abs(shares - shares[:1]) > _SAME).any())


def gaps_matter(shares: Floats) -> bool:
    """Return whether rows with these `missing_shares` lack unlike scores, or one of them more than `FEW_MISSING`.

    >>> gaps_matter(np.array([[0.0, 1], [0, 1]])), gaps_matter(np.eye(2, 100)), gaps_matter(np.zeros((2, 100)))
    (True, True, False)
    """
    return bool(shares.size) and (gaps_are_unlike(shares) or bool((shares.mean(axis=1) > FEW_MISSING).any()))


def pair_gaps(
    scores: Floats,
    ends: Ends,
    pairs: Ints,
    own: tuple[Floats, Floats],
    *,
    tail: float,
    span: float | None,
    step: float,
    clusters: Ints | None,
) -> PairGaps:
    """Return what the rows (candidate, baseline) of ``pairs`` (P, 2) lack. ``own``: intervals on what both have.

    A pair that lacks nothing keeps its own interval.
    """
    missing, shares = np.isnan(scores), missing_shares(scores, ends, span)
    unscored, lacking = missing.sum(axis=1), np.asarray((shares > _SAME).any(axis=1))
    first, second = pairs.T
    incomplete = lacking[first] | lacking[second]
    low, high = (end.copy() for end in own)
    matters = np.zeros(len(pairs), dtype=np.bool_)
    if incomplete.any():
        low[incomplete], high[incomplete] = bound_intervals(ends, pairs[incomplete], tail, span, clusters, step=step)
        patterns, many = _patterns(shares), shares.mean(axis=1) > FEW_MISSING
        matters = (patterns[first] != patterns[second]) | many[first] | many[second]
    worst, best = missing_bounds(ends, pairs)
    return PairGaps(
        candidate=unscored[first],
        baseline=unscored[second],
        partly=_partly(missing, shares)[first, second],
        matters=matters,
        worst=worst,
        best=best,
        low=low,
        high=high,
    )


def _patterns(shares: Floats) -> Ints:
    """Return a number for each row, the same for rows that lack the same."""
    seen: dict[bytes, int] = {}
    return np.array([seen.setdefault(np.round(row, 6).tobytes(), len(seen)) for row in shares])


def _partly(missing: Bools, shares: Floats) -> Ints:
    """Return on how many tasks two rows have scores of which one lacks repeats, shape (M, M)."""
    part = (~missing & (shares > _SAME)).astype(np.float64)
    if not part.any():
        return np.zeros((len(part), len(part)), dtype=np.int64)
    known = (~missing).astype(np.float64)
    return np.rint(part @ known.T + known @ part.T - part @ part.T).astype(np.int64)


def gap_caution(gaps: PairGaps, i: int, *, n: int, n_pairs: int, span: float | None) -> Notice | None:
    """Return what to print beside the figures of comparison ``i``, None where nothing needs to be said."""
    if not gaps.matters[i]:
        return None
    return Notice("pair_scores_missing", _sentence(gaps, i, n=n, n_pairs=n_pairs, span=span))


def _sentence(gaps: PairGaps, i: int, *, n: int, n_pairs: int, span: float | None) -> str:
    said = tr(
        "{missing} (candidate {candidate}, baseline {baseline}, in part {partly}): {rests}",
        missing=trn("no score on the only task", "no score on some of {n} tasks", n),
        candidate=int(gaps.candidate[i]),
        baseline=int(gaps.baseline[i]),
        partly=int(gaps.partly[i]),
        rests=trn("the difference is that of {n} task", "the difference is that of {n} tasks", n_pairs),
    )
    if np.isnan(gaps.worst[i]):
        return tr("{said}; over all {n} it lies nobody knows where, since no scale bounds it", said=said, n=n)
    digits = 3 if span is not None and span <= 1 else 2
    worst, best, low, high = (f"{ends[i]:+.{digits}f}" for ends in (gaps.worst, gaps.best, gaps.low, gaps.high))
    said = tr(
        "{said}; over all {n} it lies between {worst} and {best} whatever the missing scores are",
        said=said,
        n=n,
        worst=worst,
        best=best,
    )
    if np.isnan(gaps.low[i]):
        return said
    return tr("{said}, with sampling error between {low} and {high}", said=said, low=low, high=high)
