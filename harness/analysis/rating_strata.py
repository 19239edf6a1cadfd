"""What tasks are to be drawn from for rating, by what the judges of a run have said of them. Pure.

People's and judges' gaps between models differ most on tasks on which the judges differ among themselves, or from
themselves when asked twice. Drawing more of those (Neyman's allocation) makes the anchored difference vary less; where
all compared models gave the very same answer, people need not be asked what differs.
"""

from collections.abc import Collection, Sequence
from itertools import combinations
from math import sqrt
from typing import Literal

import numpy as np
import numpy.typing as npt

from harness.analysis.judge_audit import comparable
from harness.analysis.scores import ScoreTable
from harness.human.choosing import DrawKind, Strata

STRATA = 4
"""Parts of about equal size; more gain little (Cochran 1977, section 5A.8)."""
SMALLEST = 8
"""Tasks that a part has at least."""

Basis = Literal["disagreement", "gaps", "nothing"]
"""What the parts are made by: how far judges differ, or how large the gap is that the one judge sees, or nothing."""

_Floats = npt.NDArray[np.float64]


def rating_strata(
    tables: Sequence[ScoreTable], *, baseline: str, same: Collection[str], kind: DrawKind
) -> tuple[Strata | None, Basis]:
    """Return the strata of one task set for a draw of this kind, and what they are made by; None for a simple draw.

    ``tables``: those of its judges, the primary one first; judges of people, and judges whose scores cannot be compared
    with the first's, are passed over. ``baseline``: a model label. ``same``: the tasks that all models answered alike.
    Half of each expected variance is what the judges show, half the same for all tasks, so that a wrong guess costs
    little (as the mixed sampling rule of Zrnic & Candes 2024, Active Statistical Inference).
    """
    usable = [table for table in tables if table.judge.kind != "human" and len(table.rows) > 1]
    if kind == "simple" or not usable:
        return None, "nothing"
    ids = [sample.id for sample in usable[0].samples]
    own = [table for table in usable if table is usable[0] or comparable(usable[0].judge, table.judge)]
    gaps = [_gaps(table, baseline) for table in own if table.rows == usable[0].rows]
    unsure = _unsure(gaps) if kind == "optimal" else None
    seen = _mean(gaps[0])
    order = seen if unsure is None else unsure
    differing = [place for place, one in enumerate(ids) if one not in same]
    ranked = sorted(differing, key=lambda place: (order[place], seen[place], place))
    n_parts = max(1, min(STRATA, len(ranked) // SMALLEST))
    parts = np.array_split(np.array(ranked, dtype=np.int64), n_parts)
    spreads = [1.0] * len(parts)
    if unsure is not None:
        average = float(np.mean(unsure[differing])) if differing else 0.0
        spreads = [sqrt((float(np.mean(unsure[part])) + average) / 2) for part in parts if len(part)]
    named = [tuple(ids[place] for place in sorted(part)) for part in parts if len(part)]
    if alike := tuple(one for one in ids if one in same):
        named.append(alike)
        spreads.append(0.0 if kind == "optimal" else 1.0)
    return Strata(parts=tuple(named), spreads=tuple(spreads)), "gaps" if unsure is None else "disagreement"


def _gaps(table: ScoreTable, baseline: str) -> _Floats:
    """Return candidates less the baseline, shape (candidates, tasks, judge repeats)."""
    base = next((place for place, row in enumerate(table.rows) if row.model == baseline), 0)
    first = table.cells[:, :, 0, :]
    return np.asarray(np.delete(first, base, axis=0) - first[base])


def _unsure(gaps: Sequence[_Floats]) -> _Floats | None:
    """Return the mean squared disagreement on each task's gaps, of judges and of repeats; None where nothing shows it.

    A task on which it is not known gets the average.
    """
    squares = [
        (first.mean(axis=2) - second.mean(axis=2)) ** 2 for first, second in combinations(gaps, 2)
    ] + [gap.var(axis=2, ddof=1) for gap in gaps if gap.shape[2] > 1]  # fmt: skip
    if not squares:
        return None
    found = np.ma.masked_invalid(np.concatenate(squares)).mean(axis=0)
    if np.ma.count(found) == 0 or float(found.max()) == 0:
        return None
    return np.asarray(found.filled(float(found.mean())), dtype=np.float64)


def _mean(gaps: _Floats) -> _Floats:
    """Return the mean gap of each task, 0 where none is known."""
    return np.asarray(np.ma.masked_invalid(gaps).mean(axis=(0, 2)).filled(0.0), dtype=np.float64)
