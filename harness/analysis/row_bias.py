"""Whether one judge favours a row of a board, by the measure of another judge. Pure."""

from dataclasses import dataclass

import numpy as np

from harness.analysis.scores import ScoreTable
from harness.stats import Design, score_interval
from harness.stats.arrays import number, shared_clusters, tail_probability
from harness.stats.pairs import pair_moments
from harness.stats.power import detectable_gap
from harness.types import Estimate, RowKey


@dataclass(frozen=True, slots=True, kw_only=True)
class RowBias:
    """By how much the first judge favours one row over the others, compared with the second judge.

    ``detectable``: the true bias that would show here in 80 % of such runs (None: nothing to go by).
    """

    row: RowKey
    bias: Estimate
    detectable: float | None = None

    @property
    def is_clear(self) -> bool:
        """Whether the simultaneous interval excludes 0."""
        return self.bias.low is not None and self.bias.high is not None and not self.bias.low <= 0 <= self.bias.high


def row_bias(first: ScoreTable, second: ScoreTable, *, confidence: float = 0.95) -> tuple[RowBias, ...]:
    """Return, for each row, how much better the first judge treats it than the others, compared with the second.

    Per task: (first - second) of the row, less the mean of that over all rows; then a mean over tasks with its
    interval, Sidak-corrected over the rows. Only tasks with both scores of every row count. One row: nothing to say.
    """
    if len(first.rows) == 1:
        return ()
    gaps = first.scores - second.scores
    contrasts = gaps - gaps.mean(axis=0)  # NaN where any row lacks a score
    n_rows = len(first.rows)
    design = Design(clusters=first.clusters, confidence=1 - tail_probability(confidence, n_rows))
    # One comparison of each contrast with nothing, for its standard error.
    table = np.vstack([contrasts, np.zeros_like(contrasts[:1])])
    codes = shared_clusters(first.clusters, table.shape[1])
    pairs = np.array([(row, n_rows) for row in range(n_rows)], dtype=np.int64)
    spread = pair_moments(table, pairs, None, codes)
    whole = Design(clusters=first.clusters, confidence=confidence)
    return tuple(
        RowBias(
            row=row,
            bias=score_interval(values, design=design).estimate,
            detectable=detectable_gap(
                number(spread.se[place]), float(spread.df[place]), int(spread.units[place]), whole, n_comparisons=n_rows
            ),
        )
        for place, (row, values) in enumerate(zip(first.rows, contrasts, strict=True))
    )
