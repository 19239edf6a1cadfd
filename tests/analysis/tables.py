"""Score tables of given cells."""

from collections import Counter

import numpy as np

from harness.analysis.scores import ScoreTable
from harness.engine.plan import PlannedJudge
from harness.types import LIKERT_5, RowKey, Sample, Scale


def table(
    cells: np.ndarray, *, name: str = "j", kind: str = "quality", scale: Scale = LIKERT_5, clusters: list | None = None
) -> ScoreTable:
    """A table of these cells: (rows, samples), or with repeats behind."""
    cells = np.asarray(cells, dtype=float)
    cells = cells.reshape(cells.shape + (1,) * (4 - cells.ndim))
    names = clusters or [None] * cells.shape[1]
    samples = tuple(Sample(id=str(i), inputs={"input": "x"}, cluster=name) for i, name in enumerate(names))
    rows = tuple(RowKey(model=f"m{i}", prompt=None) for i in range(cells.shape[0]))
    return ScoreTable(
        task="t",
        judge=PlannedJudge(name=name, fingerprint=name, scale=scale, kind=kind),
        rows=rows,
        samples=samples,
        cells=cells,
        reasons={row: Counter() for row in rows},
        versions=frozenset(),
    )
