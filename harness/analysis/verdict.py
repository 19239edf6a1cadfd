"""What a comparison shows, in one word, and what it would take where it shows nothing. Pure."""

from dataclasses import dataclass
from math import ceil, sqrt

from scipy.special import stdtr  # noqa: TID253 - statistics of arrays

from harness.stats import Design, PairedComparison, required_n
from harness.stats.arrays import tail_probability
from harness.stats.equivalence import MARGIN_SHARE, DecisionCode, decide, equivalence
from harness.stats.replication import same_sign
from harness.types import Estimate, Scale

_LEAST = 1e-300
"""The error probability of an interval that is too long for floating point to tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonVerdict:
    """What a comparison shows against ±``margin`` points.

    ``code``: better or worse by the p-value that is corrected over the board, equal or no_worse by one-sided tests at
    the level that each comparison has in the board's simultaneous intervals, else undecided · ``same_sign``: the chance
    that as many new tasks give the difference the same sign · ``tasks_needed``: where it is undecided, the tasks on
    which it would no longer be with the design's power, if the true difference is the one seen · ``low``, ``high``: the
    interval that the word goes by, which is the simultaneous one, or for equal and no_worse that of the one-sided
    tests. None where nothing can be computed. ``is_no_worse``: that it is no worse by the margin is shown, whatever
    else is (a small difference may be surely worse and yet within the margin).
    """

    code: DecisionCode
    margin: float
    same_sign: float | None
    tasks_needed: int | None
    low: float | None
    high: float | None
    is_no_worse: bool


def default_margin(scale: Scale) -> float:
    """Return the margin within which two rows count as equal, where none was declared.

    >>> from harness.types import LIKERT_5
    >>> round(default_margin(LIKERT_5), 3)
    0.3
    """
    return MARGIN_SHARE * (scale.high - scale.low)


def margin_on(scale: Scale, margin: float | None, declared_on: Scale | None) -> float:
    """Return the margin of a board: one declared in points of another scale is the same share of this one.

    >>> from harness.types import LIKERT_5, UNIT
    >>> margin_on(LIKERT_5, 0.2, LIKERT_5), margin_on(UNIT, 0.2, LIKERT_5)
    (0.2, 0.05)
    """
    if margin is None:
        return default_margin(scale)
    declared = scale if declared_on is None else declared_on
    return margin if declared == scale else margin / (declared.high - declared.low) * (scale.high - scale.low)


def comparison_verdict(
    result: PairedComparison, design: Design, *, margin: float, n_comparisons: int = 1, joint: Estimate | None = None
) -> ComparisonVerdict:
    """Return what ``result`` shows, as one of ``n_comparisons`` that were corrected together.

    ``joint``: the interval that holds for all of them at once, whatever it holds them over (the board, looks, tries),
    as it was before it was made to agree with p (None: the result's own). Where all differences are the same there is
    no standard error: what shows equality then is the exact interval.
    """
    joint = joint or result.simultaneous
    found, confidence = result.difference, design.confidence
    if found.value is None or found.low is None or found.high is None or not result.spread.se or not result.spread.df:
        code = decide(found.value, result.p_adjusted, None, confidence=confidence)
        if code == "undecided" and joint.low is not None and joint.high is not None and joint.low >= -margin:
            code = "equal" if joint.high <= margin else "no_worse"
        by = joint if code in ("equal", "no_worse") else result.simultaneous
        return ComparisonVerdict(
            code=code,
            margin=margin,
            same_sign=None,
            tasks_needed=None,
            low=by.low,
            high=by.high,
            is_no_worse=joint.low is not None and joint.low >= -margin,
        )
    level = _joint_level(result, joint, design, n_comparisons)
    shown = equivalence(found.value, result.spread.se, result.spread.df, margin=margin, level=level)
    code = decide(found.value, result.p_adjusted, shown, confidence=confidence)
    interval = shown if code in ("equal", "no_worse") else result.simultaneous
    return ComparisonVerdict(
        code=code,
        margin=margin,
        same_sign=same_sign(found.value, result.spread.se, result.spread.df),
        tasks_needed=_tasks_needed(result, design, margin, n_comparisons, level) if code == "undecided" else None,
        low=interval.low,
        high=interval.high,
        is_no_worse=code == "better" or shown.is_no_worse,
    )


def _joint_level(result: PairedComparison, joint: Estimate, design: Design, n_comparisons: int) -> float:
    """Return the error probability, two-sided, that this comparison has in the interval that holds for all at once.

    It is read off the interval's length, cut by the ends of the scale or not; by Sidak where there is none.
    """
    value, se, df = result.difference.value, result.spread.se, result.spread.df
    if value is None or not se or not df or joint.low is None or joint.high is None:
        return tail_probability(design.confidence, n_comparisons)
    reach = max(joint.high - value, value - joint.low)
    return min(2 * float(stdtr(df, -reach / se)), 1 - design.confidence) or _LEAST


def _tasks_needed(
    result: PairedComparison, design: Design, margin: float, n_comparisons: int, level: float
) -> int | None:
    """Return the fewer of the tasks that would show the difference and those that would show it no worse."""
    difference, se, df = result.difference.value, result.spread.se, result.spread.df
    if difference is None or not se or not df:
        return None
    spread, share = se * sqrt(df + 1), result.n_pairs / (df + 1)
    needs = [
        required_n(difference, spread, power=design.power, confidence=design.confidence, n_comparisons=n_comparisons)
    ]
    one_sided = 1 - 2 * level
    # where the interval is so wide that its level is lost in rounding, no number of tasks shows that
    if difference > -margin and 0 < one_sided < 1 and design.power > 1 - one_sided:
        needs.append(required_n(difference + margin, spread, power=design.power, confidence=one_sided))
    known = [need for need in needs if need is not None]
    return ceil(min(known) * share) if known else None
