"""How a judge's scores moved between two of its versions, by answers that both have scored. Pure."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from harness.stats import Design, paired_comparison
from harness.stats.equating import Equating
from harness.types import Estimate, Scale


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """Two versions of a judge on the same answers.

    ``difference``: new - old, over answers, with an interval that knows which belong to one task · ``shown``: the
    version whose scale boards keep · ``equating``: how scores of the other are put on it, None where they are not.
    """

    judge: str
    old: str
    new: str
    shown: str
    date: str
    old_mean: float | None
    new_mean: float | None
    difference: Estimate
    equating: Equating | None


def drift(
    old: Sequence[float], new: Sequence[float], tasks: Sequence[Hashable], scale: Scale, *, confidence: float = 0.95
) -> tuple[float | None, float | None, Estimate]:
    """Return the means of old and new scores of the same answers, and their difference; ``tasks``: of each answer.

    >>> from harness.types import LIKERT_5
    >>> found = drift([3, 4, 5, 2, 3, 4], [4, 4, 5, 3, 4, 4], [*"abcdef"], LIKERT_5)
    >>> found[0], found[1], found[2].value
    (3.5, 4.0, 0.5)
    """
    found = paired_comparison(new, old, scale, Design(clusters=list(tasks), confidence=confidence)).difference
    n = len(old)
    return (sum(old) / n, sum(new) / n, found) if n else (None, None, found)
