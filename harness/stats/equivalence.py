"""Equal, or no worse: what a paired difference shows against a margin that was declared before looking.

"Not significantly different" says nothing about equality. Two one-sided tests do (TOST: Schuirmann 1987), and one of
them alone shows that a candidate is not worse by the margin or more.
"""

from dataclasses import dataclass
from typing import Literal

from scipy.special import stdtr

from harness.errors import StatisticsError
from harness.locale import tr
from harness.stats.arrays import check_confidence, t_critical

DecisionCode = Literal["better", "worse", "equal", "no_worse", "undecided"]

MARGIN_SHARE = 0.075
"""The default margin as a share of the scale: 0.3 on 1-5, where 100 tasks show it for 4 of 5 pairs that are equal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Equivalence:
    """What a difference shows against ±``margin``.

    ``p_above``: one-sided p of "not worse by the margin or more" · ``p_below``: of "not better by the margin or more" ·
    ``p_equal``: of both, their maximum · ``level``: what each p may be at most · ``low``, ``high``: the interval that
    lies within ±margin exactly when ``p_equal`` is at most ``level`` (at .05 the 90 % interval).
    """

    margin: float
    p_above: float
    p_below: float
    p_equal: float
    level: float
    low: float
    high: float

    @property
    def is_equal(self) -> bool:
        """Whether both tests pass."""
        return self.p_equal <= self.level

    @property
    def is_no_worse(self) -> bool:
        """Whether the test passes of "not worse by the margin or more"."""
        return self.p_above <= self.level


def equivalence(
    difference: float,
    se: float,
    df: float,
    *,
    margin: float,
    confidence: float = 0.95,
    level: float | None = None,
) -> Equivalence:
    """Return the two one-sided t tests of ``difference`` against ±``margin`` (> 0, in points).

    ``se`` (>= 0) is the standard error with ``df`` (> 0) degrees of freedom. With a standard error of 0 the p-values
    are 0 or 1, by the side on which the difference lies. ``level`` (0-0.5) of each test: 1 - ``confidence`` for a
    comparison alone (None); for one of several that shall hold at once the error probability that each has, two-sided,
    in its simultaneous interval (Sidak: 1 - confidence^(1/m)). A true difference lies beyond the margin on one side at
    most, so that no more is spent on each comparison.

    Raises:
        StatisticsError: a margin or degrees of freedom that are not positive, a negative standard error, or a level
            that is no probability below a half.

    >>> shown = equivalence(-0.05, 0.114, 19, margin=0.5)
    >>> round(shown.p_equal, 4), round(shown.low, 2), round(shown.high, 2)
    (0.0004, -0.25, 0.15)
    """
    if not margin > 0:
        raise StatisticsError(
            tr("The margin is {margin:g}: it must be positive.", margin=margin), hint=tr("On 1-5, 0.3 is usual.")
        )
    if not (df > 0 and se >= 0):
        raise StatisticsError(
            tr("A standard error of {se:g} with {df:g} degrees of freedom tests nothing.", se=se, df=df)
        )
    check_confidence(confidence)
    at = 1 - confidence if level is None else level
    if level is not None and not 0 < level < 0.5:  # noqa: PLR2004 - at a half every test passes
        raise StatisticsError(tr("A level of {level:g}: it lies between 0 and 0.5.", level=level))
    half = float(t_critical(df, 2 * at)) * se
    above, below = _upper_tail(difference + margin, se, df), _upper_tail(margin - difference, se, df)
    return Equivalence(
        margin=margin,
        p_above=above,
        p_below=below,
        p_equal=max(above, below),
        level=at,
        low=difference - half,
        high=difference + half,
    )


def _upper_tail(distance: float, se: float, df: float) -> float:
    if se == 0:
        return float(distance <= 0)
    return float(stdtr(df, -distance / se))


def decide(
    difference: float | None, p_value: float | None, shown: Equivalence | None, *, confidence: float = 0.95
) -> DecisionCode:
    """Return what a comparison shows, in one word.

    ``p_value`` is the two-sided one that counts for the claim (corrected over whatever family it belongs to), as the
    level of ``shown`` is. A difference that passes it is ``better`` or ``worse``, however small. Else ``equal`` if both
    one-sided tests pass, else ``no_worse`` if the first does, else ``undecided``: equality that is not shown is not
    claimed.

    >>> decide(0.4, 0.01, None), decide(-0.4, 0.01, None), decide(0.1, 0.4, None)
    ('better', 'worse', 'undecided')
    >>> decide(0.02, 0.8, equivalence(0.02, 0.1, 99, margin=0.3))
    'equal'
    >>> decide(0.2, 0.2, equivalence(0.2, 0.15, 99, margin=0.3))
    'no_worse'
    """
    alpha = 1 - confidence
    if difference is None:
        return "undecided"
    if p_value is not None and p_value <= alpha and difference != 0:
        return "better" if difference > 0 else "worse"
    if shown is None:
        return "undecided"
    if shown.is_equal:
        return "equal"
    return "no_worse" if shown.is_no_worse else "undecided"
