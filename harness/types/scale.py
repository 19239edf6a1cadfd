"""What numbers a judge may give."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The values a judge may give: ``low`` to ``high``, in whole ``step``s, or any value between if ``step`` is None.

    >>> LIKERT_5.allows(4), LIKERT_5.allows(4.5), LIKERT_5.allows(6), UNIT.allows(0.37)
    (True, False, False, True)
    >>> Scale(low=0, high=1, step=0.1).allows(0.3)
    True
    """

    low: float
    high: float
    step: float | None = None

    def covers(self, value: float) -> bool:
        """Return whether ``value`` lies between the ends (a mean of several raters need not be on a step)."""
        return self.low <= value <= self.high

    def allows(self, value: float) -> bool:
        """Return whether one verdict may have this value: between the ends and on a step."""
        if not self.covers(value):
            return False
        if self.step is None:
            return True
        steps = (value - self.low) / self.step
        return math.isclose(steps, round(steps), abs_tol=1e-9)  # a step of 0.1 is no binary fraction

    @property
    def is_pass_fail(self) -> bool:
        """Whether only the two ends can occur, so that a mean is a pass rate."""
        return self.step is not None and self.high - self.low == self.step

    def __str__(self) -> str:
        return f"{self.low:g}-{self.high:g}"


LIKERT_5 = Scale(low=1, high=5, step=1)
UNIT = Scale(low=0, high=1)
PASS_FAIL = Scale(low=0, high=1, step=1)
PERCENT = Scale(low=0, high=100)
