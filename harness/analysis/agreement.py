"""A simultaneous interval that says what the p-value beside it says. Pure."""

from dataclasses import replace

from harness.locale import tr
from harness.stats import PairedComparison
from harness.types import Estimate


def agreeing(result: PairedComparison, confidence: float) -> PairedComparison:
    """Return a comparison whose simultaneous interval has 0 inside only if p_adjusted shows no sign, else outside.

    A step-down test (Holm, max-T) shows more signs than the interval that holds for all comparisons at once, and signs
    are flipped where the interval has Student's t. Where the test shows a sign and the interval holds 0 inside, the
    interval ends at 0 (Guilbaud 2008; Strassburger & Bretz 2008): no more than the sign is shown. Where the test shows
    none and the interval lies beside 0, it is widened up to 0. All others stay as they are.
    """
    found, p_value, value = result.simultaneous, result.p_adjusted, result.difference.value
    if found.low is None or found.high is None or p_value is None or value is None:
        return result
    low, high = found.low, found.high
    if p_value <= 1 - confidence and value != 0:
        low, high = (max(low, 0.0), high) if value > 0 else (low, min(high, 0.0))
    else:
        low, high = min(low, 0.0), max(high, 0.0)
    return result if (low, high) == (found.low, found.high) else replace(result, simultaneous=_ended(found, low, high))


def _ended(found: Estimate, low: float, high: float) -> Estimate:
    return replace(found, low=low, high=high, method=tr("{method}, up to 0 as its p-value has it", method=found.method))
