"""Strengths from comparisons of pairs: Bradley-Terry with ties (Davidson) and a term for the place of an answer.

Of two answers the first wins with odds exp(d / 2), the second with exp(-d / 2), and a tie has exp(eta), where
d = strength of the first - strength of the second + position. That is Davidson's model (1970, JASA 65, 317-328) with
the order effect of Davidson & Beaver (1977, Biometrics 33, 693-702); without ties it is Bradley & Terry's (1952). Its
likelihood is concave, and Newton's method finds the one maximum.

Verdicts on one task vary together, so standard errors are those of the sandwich with the task as cluster (Huber 1967;
Liang & Zeger 1986). No library has all three: evalica (0.4.2) has Newman's iteration for the same tie model, without
a place and without errors; its figures are among the golden cases that this is held to.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import exp, sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from harness.errors import StatisticsError
from harness.locale import Text, tr
from harness.stats.arrays import Bools, Floats, Ints, cluster_codes, score_array, t_critical, tail_probability
from harness.stats.intervals import TOO_FEW_CLUSTERS
from harness.types import Estimate

_MOST_STEPS = 100
_CLOSE = 1e-10
_LEAST = 1e-8
"""Information per verdict below this: a parameter is on its way to infinity, and the verdicts do not bound it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairVerdicts:
    """Verdicts on pairs, an entry each: the numbers of the two players, and what the first one got.

    ``share`` 1: the first won, 0.5: a tie, 0: the second won · ``weights``: how often it happened, 1 where there are
    none · ``tasks``: the name of the task, for standard errors; None: every verdict is of its own.
    """

    first: Ints
    second: Ints
    share: Floats
    weights: Floats
    tasks: Ints | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BradleyTerry:
    """Strengths of players on the log scale, that of ``reference`` being 0; NaN where verdicts do not bound one.

    ``strengths`` (M,) · ``covariance`` (M, M) of them · ``position``: what the first place adds to d, None where it was
    left out or the verdicts do not bound it · ``log_tie``: eta, None where no verdict is a tie · ``df``: of
    the intervals' t, None for the normal's · ``n_clusters``: tasks, None where verdicts count as independent ·
    ``problem``: why there are no strengths at all.
    """

    strengths: Floats
    covariance: Floats
    position: float | None
    position_se: float | None
    log_tie: float | None
    df: float | None
    n_verdicts: float
    n_clusters: int | None
    problem: Text | None = None

    @property
    def ties(self) -> float:
        """Davidson's nu: at equal strengths a tie is that many times as likely as the win of one."""
        return 0.0 if self.log_tie is None else exp(self.log_tie)

    def difference(self, one: int, other: int, *, confidence: float = 0.95) -> Estimate:
        """Return strength of ``one`` - strength of ``other`` with its interval; None where it is not bounded."""
        value = float(self.strengths[one] - self.strengths[other])
        if not np.isfinite(value):
            return self._estimate(None, None, confidence)
        variance = self.covariance[one, one] + self.covariance[other, other] - 2 * self.covariance[one, other]
        return self._estimate(value, sqrt(max(0.0, float(variance))), confidence)

    def place(self, *, confidence: float = 0.95) -> Estimate:
        """Return what the first place adds, with its interval."""
        return self._estimate(self.position, self.position_se, confidence)

    def _estimate(self, value: float | None, se: float | None, confidence: float) -> Estimate:
        few = self.n_clusters is not None and self.n_clusters < TOO_FEW_CLUSTERS
        half = None
        if value is not None and se is not None and np.isfinite(se) and not few:
            half = se * float(t_critical(np.inf if self.df is None else self.df, tail_probability(confidence)))
        return Estimate(
            value=value,
            low=None if value is None or half is None else value - half,
            high=None if value is None or half is None else value + half,
            confidence=confidence,
            n=int(self.n_verdicts) if self.n_clusters is None else self.n_clusters,
            n_unscored=0,
            method="Davidson" if self.n_clusters is None else "Davidson, CR1",
        )

    def share(self, one: int, other: int) -> float | None:
        """Return the share of wins that ``one`` should get of ``other`` without an effect of place, ties as a half.

        >>> fit = bradley_terry([0, 1, 0, 0], [1, 0, 1, 1], [1, 1, 0.5, 1], position=False)
        >>> round(fit.share(0, 1), 3)  # two wins, a tie and a loss
        0.625
        """
        gap = float(self.strengths[one] - self.strengths[other])
        if not np.isfinite(gap):
            return None
        win, lose = exp(gap / 2), exp(-gap / 2)
        return (win + self.ties / 2) / (win + lose + self.ties)


def pair_verdicts(
    first: ArrayLike,
    second: ArrayLike,
    share: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    tasks: Sequence[Hashable | None] | None = None,
) -> PairVerdicts:
    """Return verdicts as checked arrays of one length; those without a share (NaN, None) are left out.

    Raises:
        StatisticsError: lengths differ, a share is none of 0, 0.5 and 1, a weight is negative, or somebody meets
            themselves.
    """
    shares = score_array(share, name="verdicts")
    ones, others = (np.asarray(side, dtype=np.int64) for side in (first, second))
    amounts = np.ones(shares.size) if weights is None else score_array(weights, name="weights")
    if not ones.shape == others.shape == shares.shape == amounts.shape:
        raise StatisticsError(
            tr("There are {n} verdicts on {n_2} first and {n_3} second answers.", n=shares.size, n_2=ones.size,
               n_3=others.size)
        )  # fmt: skip
    known = ~np.isnan(shares)
    if not np.isin(shares[known], (0, 0.5, 1)).all():
        raise StatisticsError(tr("A verdict on a pair is 1 (the first), 0.5 (a tie) or 0 (the second)."))
    if (ones == others).any() or not (amounts[known] >= 0).all():
        raise StatisticsError(tr("A pair has two players, and no verdict happened less than 0 times."))
    codes = None if tasks is None else cluster_codes(tasks, shares.size)[known]
    return PairVerdicts(
        first=ones[known], second=others[known], share=shares[known], weights=amounts[known], tasks=codes
    )


def bradley_terry(
    first: ArrayLike,
    second: ArrayLike,
    share: ArrayLike,
    *,
    n_players: int | None = None,
    reference: int = 0,
    weights: ArrayLike | None = None,
    tasks: Sequence[Hashable | None] | None = None,
    position: bool = True,
) -> BradleyTerry:
    """Return the strengths that make verdicts on pairs most likely; arguments as `pair_verdicts`.

    ``position``: whether the place of an answer has a term of its own.

    A strength is bounded only if its player did not win, or lose, everything against those it is compared with: players
    are kept that can be reached from ``reference`` over wins in both directions (Ford 1957), a tie being one each way.
    The others' strengths are NaN: their verdicts have no finite estimate, and none is invented.

    Raises:
        StatisticsError: as `pair_verdicts`.

    >>> fit = bradley_terry([0, 0, 1], [1, 1, 0], [1, 0, 1], position=False, weights=[3, 1, 0])
    >>> round(float(np.exp(fit.strengths[0] - fit.strengths[1])), 9)
    3.0
    """
    verdicts = pair_verdicts(first, second, share, weights=weights, tasks=tasks)
    most = int(max(verdicts.first.max(initial=-1), verdicts.second.max(initial=-1))) + 1
    size = max(most, reference + 1) if n_players is None else n_players
    bounded = _bounded(verdicts, size, reference)
    inside = bounded[verdicts.first] & bounded[verdicts.second] & (verdicts.weights > 0)
    kept = PairVerdicts(
        first=verdicts.first[inside],
        second=verdicts.second[inside],
        share=verdicts.share[inside],
        weights=verdicts.weights[inside],
        tasks=None if verdicts.tasks is None else verdicts.tasks[inside],
    )
    if not inside.any():
        return _nothing(size, kept, tr("no two answers won and lost against each other"))
    return _fit(kept, bounded, reference, position=position)


def _bounded(verdicts: PairVerdicts, size: int, reference: int) -> Bools:
    """Return the players that are linked to ``reference`` by wins in both directions, shape (M,)."""
    happened = verdicts.weights > 0
    up, down = happened & (verdicts.share > 0), happened & (verdicts.share < 1)
    winners = np.concatenate([verdicts.first[up], verdicts.second[down]])
    losers = np.concatenate([verdicts.second[up], verdicts.first[down]])
    reach: Bools = np.eye(size, dtype=np.bool_)
    reach[winners, losers] = True
    while True:
        further = np.asarray((reach.astype(np.float64) @ reach) > 0)
        if (further == reach).all():
            return np.asarray(reach[reference] & reach[:, reference])
        reach = further


@dataclass(frozen=True, slots=True, kw_only=True)
class _Design:
    """What the parameters are: columns of d for each verdict, the place last, and whether ties have a parameter."""

    columns: Floats
    wins: Floats
    losses: Floats
    ties: Floats
    has_ties: bool


def _fit(kept: PairVerdicts, bounded: Bools, reference: int, *, position: bool) -> BradleyTerry:
    players = [player for player in np.flatnonzero(bounded) if player != reference]
    place = {int(player): at for at, player in enumerate(players)}
    cells, inverse = np.unique(np.stack([kept.first, kept.second]), axis=1, return_inverse=True)
    columns = np.zeros((cells.shape[1], len(players) + 1))
    for row, (one, other) in enumerate(cells.T):
        if (at := place.get(int(one))) is not None:
            columns[row, at] += 1
        if (at := place.get(int(other))) is not None:
            columns[row, at] -= 1
    columns[:, -1] = 1
    if not position or np.linalg.matrix_rank(columns) < columns.shape[1]:
        columns, position = columns[:, :-1], False
    counts = np.zeros((3, len(columns)))
    for row, value in enumerate((1, 0, 0.5)):
        counts[row] = np.bincount(inverse, weights=kept.weights * (kept.share == value), minlength=len(columns))
    model = _Design(columns=columns, wins=counts[0], losses=counts[1], ties=counts[2], has_ties=counts[2].sum() > 0)
    found = _maximum(model)
    if found is None and position and len(np.unique(kept.share)) > 1:
        return _fit(kept, bounded, reference, position=False)
    if found is None:
        return _nothing(bounded.size, kept, tr("the verdicts follow the place of the answers alone"))
    bread = np.asarray(np.linalg.inv(_information(model, found)), dtype=np.float64)
    covariance, n_clusters = _covariance(kept, model, found, bread, inverse)
    strengths = np.where(bounded, 0.0, np.nan)
    strengths[players] = found[: len(players)]
    full = np.where(bounded[:, None] & bounded[None, :], 0.0, np.nan)
    full[np.ix_(players, players)] = covariance[: len(players), : len(players)]
    return BradleyTerry(
        strengths=strengths,
        covariance=full,
        position=float(found[len(players)]) if position else None,
        position_se=sqrt(covariance[len(players), len(players)]) if position else None,
        log_tie=float(found[-1]) if model.has_ties else None,
        df=None if n_clusters is None else max(1.0, n_clusters - 1.0),
        n_verdicts=float(kept.weights.sum()),
        n_clusters=n_clusters,
    )


def _chances(model: _Design, found: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the chances of a win, a loss and a tie in each cell."""
    n = model.columns.shape[1]
    d = model.columns @ found[:n]
    if not model.has_ties:
        win = expit(d)
        return win, 1 - win, np.zeros_like(d)
    logs = np.stack([d / 2, -d / 2, np.full_like(d, found[n])])
    odds = np.exp(logs - logs.max(axis=0))
    win, lose, tie = odds / odds.sum(axis=0)
    return win, lose, tie


def _gradient(model: _Design, found: Floats) -> Floats:
    win, lose, tie = _chances(model, found)
    total = model.wins + model.losses + model.ties
    along = (model.wins - model.losses - total * (win - lose)) / 2
    gradient = model.columns.T @ along
    return np.append(gradient, (model.ties - total * tie).sum()) if model.has_ties else np.asarray(gradient)


def _information(model: _Design, found: Floats) -> Floats:
    win, lose, tie = _chances(model, found)
    total = model.wins + model.losses + model.ties
    spread = ((win + lose) - (win - lose) ** 2) / 4
    inside = (model.columns * (total * spread)[:, None]).T @ model.columns
    if not model.has_ties:
        return np.asarray(inside)
    beside = model.columns.T @ (-total * tie * (win - lose) / 2)
    corner = (total * tie * (1 - tie)).sum()
    return np.block([[inside, beside[:, None]], [beside[None, :], np.array([[corner]])]])


def _likelihood(model: _Design, found: Floats) -> float:
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [
            np.where(count > 0, count * np.log(chance), 0.0).sum()
            for count, chance in zip((model.wins, model.losses, model.ties), _chances(model, found), strict=True)
        ]
    return float(sum(parts))


def _maximum(model: _Design) -> Floats | None:
    """Return the parameters of the highest likelihood, or None if they run away."""
    found = np.zeros(model.columns.shape[1] + model.has_ties)
    height, total = _likelihood(model, found), (model.wins + model.losses + model.ties).sum()
    for _ in range(_MOST_STEPS):
        information = _information(model, found)
        if np.linalg.eigvalsh(information)[0] < _LEAST * total:
            return None
        gradient = _gradient(model, found)
        if np.abs(gradient).max(initial=0.0) <= _CLOSE * total:
            return found
        step = np.linalg.solve(information, gradient)
        size = 1.0
        while size > _CLOSE and not (risen := _likelihood(model, found + size * step)) >= height - _CLOSE:
            size /= 2
        found, height = found + size * step, risen
    return None


def _covariance(
    kept: PairVerdicts, model: _Design, found: Floats, bread: Floats, inverse: Ints
) -> tuple[Floats, int | None]:
    """Return the covariance of the parameters, and how many tasks it rests on: None for that of the model itself."""
    if kept.tasks is None:
        return bread, None
    _, codes = np.unique(kept.tasks, return_inverse=True)
    n_clusters = int(codes.max()) + 1
    win, lose, tie = (chance[inverse] for chance in _chances(model, found))
    along = kept.weights * ((2 * kept.share - 1) - (win - lose)) / 2
    scores = np.zeros((n_clusters, found.size))
    n = model.columns.shape[1]
    for column in range(n):
        scores[:, column] = np.bincount(codes, weights=along * model.columns[inverse, column], minlength=n_clusters)
    if model.has_ties:
        residual = kept.weights * ((kept.share == 0.5) - tie)  # noqa: PLR2004 - a tie
        scores[:, n] = np.bincount(codes, weights=residual, minlength=n_clusters)
    meat = scores.T @ scores * (n_clusters / max(1, n_clusters - 1))
    return np.asarray(bread @ meat @ bread), n_clusters


def _nothing(size: int, kept: PairVerdicts, problem: Text) -> BradleyTerry:
    return BradleyTerry(
        strengths=np.full(size, np.nan),
        covariance=np.full((size, size), np.nan),
        position=None,
        position_se=None,
        log_tie=None,
        df=None,
        n_verdicts=float(kept.weights.sum()),
        n_clusters=None if kept.tasks is None else int(np.unique(kept.tasks).size),
        problem=problem,
    )
