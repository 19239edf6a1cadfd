"""One comparison or mean about exactly the tasks of a known set: intervals, p-values and how they were made. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr  # noqa: TID253 - statistics of arrays

from harness.analysis.agreement import agreeing
from harness.locale import Text, tr
from harness.notices import Notice
from harness.stats import BoardPlan, Design, PairedComparison, holm
from harness.stats.arrays import bounded_interval, t_critical, tail_probability
from harness.stats.finite import FiniteMean, Within, finite_mean
from harness.stats.power import detectable_gap
from harness.types import Estimate, Scale


@dataclass(frozen=True, slots=True, kw_only=True)
class FiniteSet:
    """A set of ``size`` tasks of which ``n`` were asked, and the scale of the scores.

    ``looks``: at how many sizes its boards were seen, which errors are shared over (Bonferroni).
    """

    size: int
    n: int
    scale: Scale
    confidence: float
    looks: int = 1

    def mean_of(self, values: npt.NDArray[np.float64], within: Sequence[Within]) -> FiniteMean:
        """Return the mean of a score or a difference per task, NaN for none; ``within`` as in `finite_mean`."""
        known = int((~np.isnan(values)).sum())
        return finite_mean(values, within, share=min(1.0, known / max(1, self.size)))

    def interval(self, error: FiniteMean, n_comparisons: int = 1) -> tuple[float | None, float | None]:
        """Return the interval of a difference that holds for so many at once; None where no error was measured."""
        if error.se is None or error.df is None or error.mean is None:
            return None, None
        tail = tail_probability(self.confidence, n_comparisons) / self.looks
        half, span = float(t_critical(error.df, tail)) * error.se, self.scale.high - self.scale.low
        return max(-span, error.mean - half), min(span, error.mean + half)

    def estimate(self, before: Estimate, error: FiniteMean) -> Estimate:
        """Return a mean score with its interval in the place of that about new tasks."""
        low = high = None
        if error.se is not None and error.df is not None and error.mean is not None:
            half = float(t_critical(error.df, tail_probability(self.confidence))) * error.se
            low, high = bounded_interval(error.mean, half, self.scale)
        return replace(before, low=low, high=high, method=self.method(error))

    def p_value(self, error: FiniteMean) -> float | None:
        """Return the two-sided p-value of a difference; None where no error was measured."""
        if error.se is None or error.df is None or error.mean is None:
            return None
        return min(1.0, self.looks * float(2 * stdtr(error.df, -abs(error.mean) / error.se)))

    def compared(
        self,
        results: Sequence[PairedComparison],
        errors: Sequence[FiniteMean],
        *,
        n_family: int | None = None,
    ) -> list[tuple[PairedComparison, Estimate]]:
        """Return comparisons with these errors, each with its simultaneous interval before that agrees with p.

        Corrected together by Holm and Sidak; over ``n_family`` comparisons by Bonferroni and Sidak, where given.
        """
        p_values = [self.p_value(error) for error in errors]
        known = [p for p in p_values if p is not None]
        adjusted = iter(holm(known).tolist() if n_family is None else [min(1.0, n_family * p) for p in known])
        family = n_family or max(1, len(results))
        design, found = Design(confidence=self.confidence), []
        for result, error, p_value in zip(results, errors, p_values, strict=True):
            gap = None
            if error.se is not None and error.df is not None:
                gap = detectable_gap(error.se, error.df, error.n, design, n_comparisons=family * self.looks)
            own, joint = (
                replace(before, low=ends[0], high=ends[1], method=self.method(error))
                for before, ends in (
                    (result.difference, self.interval(error)),
                    (result.simultaneous, self.interval(error, family)),
                )
            )
            made = replace(
                result,
                difference=own,
                simultaneous=joint,
                p_value=p_value,
                p_adjusted=None if p_value is None else next(adjusted),
                p_method=self.method(error),
                spread=replace(result.spread, se=error.se, df=error.df),
                minimum_detectable=gap,
            )
            found.append((agreeing(made, self.confidence), joint))
        return found

    def plan(self, before: BoardPlan, results: Sequence[PairedComparison]) -> BoardPlan:
        """Return what such a set resolves: more tasks are no way to learn more of exactly these."""
        gaps = [one.minimum_detectable for one in results if one.minimum_detectable is not None]
        return replace(before, minimum_detectable=median(gaps) if gaps else None, gains=())

    def method(self, error: FiniteMean | None) -> Text:
        """Return how an interval was made, or why there is none."""
        if error is None or error.se is None:
            return tr("none: nothing that varies on these tasks was measured")
        if self.n >= self.size:
            return tr("t over repeats, these tasks")
        if error.has_repeats:
            return tr("t over {n} of {size} tasks and repeats, finite set", n=self.n, size=self.size)
        return tr("t over {n} of {size} tasks, finite set", n=self.n, size=self.size)

    def cautions(self, errors: Sequence[FiniteMean], *, answers: int, verdicts: int) -> list[Notice]:
        """Return what the intervals do not hold; ``answers`` to each task, and ``verdicts`` on each answer."""
        said: list[Notice] = []
        if not all(one.has_repeats for one in errors):
            if self.n >= self.size:
                said.append(
                    Notice(
                        "these_no_repeats",
                        tr(
                            "about exactly these tasks nothing varies but answers and verdicts, and no repeats "
                            "measured how much: there is no interval (--repeats, --judge-repeats)"
                        ),
                    )
                )
            else:
                said.append(
                    Notice(
                        "these_no_repeats",
                        tr("no repeats measured how answers and verdicts vary: it is not in the intervals"),
                    )
                )
        elif answers == 1 and verdicts > 1:
            said.append(
                Notice(
                    "these_answered_once",
                    tr("each task was answered once: intervals hold how verdicts vary, and not how answers do"),
                )
            )
        if self.n < self.size:
            said.append(
                Notice(
                    "these_drawn",
                    tr("{n} of {size} tasks are taken for a random draw from their set", n=self.n, size=self.size),
                )
            )
        return said
