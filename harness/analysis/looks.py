"""Comparisons on a board that was looked at on the way: p-values and intervals that hold whenever one stopped. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from harness.analysis.panel import PanelTable, panel_table
from harness.analysis.scores import ScoreTable
from harness.engine.looks import Kind, Looks, Stop
from harness.engine.plan import PlannedPanel
from harness.locale import tr
from harness.stats import Design, FamilyComparison, PairedComparison
from harness.stats.arrays import number, t_critical
from harness.stats.multiplicity import holm
from harness.stats.power import detectable_gap
from harness.stats.sequential import look_tail, sequential_p
from harness.types import Estimate

Compare = Callable[[ScoreTable], FamilyComparison]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardLooks:
    """What a board's looks were.

    ``reached``: the last one that there was so far · ``stops``: the rows that were stopped before the last of all.
    """

    kind: Kind
    sizes: tuple[int, ...]
    reached: int
    stops: tuple[Stop, ...]


def board_looks(table: ScoreTable, looks: Looks | None) -> BoardLooks | None:
    """Return the looks at one board; None where there was only the one at the end."""
    if looks is None or table.task not in looks.sizes or len(looks.sizes[table.task]) < 2:  # noqa: PLR2004
        return None
    sizes = looks.sizes[table.task]
    here = tuple(stop for stop in looks.stops if stop.task == table.task and stop.look < len(sizes))
    return BoardLooks(kind=looks.kind, sizes=sizes, reached=min(looks.reached, len(sizes)), stops=here)


def asked_cells(table: ScoreTable, looks: Looks | None) -> npt.NDArray[np.bool_]:
    """Return which tasks each row was asked, shape (rows, samples): of a row that a look stopped not those after it.

    What was never asked, since it was settled or fell behind, is not missing: why it is not there has nothing to do
    with what its score would have been beyond what the looks' own figures allow for.
    """
    asked = np.ones((len(table.rows), len(table.samples)), dtype=np.bool_)
    if looks is None or board_looks(table, looks) is None:
        return asked
    for place, row in enumerate(table.rows):
        seen = looks.seen(table.task, looks.last(table.task, row))
        asked[place] = [sample.id in seen for sample in table.samples]
    return asked | ~np.isnan(table.scores)


def at_look(table: ScoreTable, looks: Looks, look: int) -> ScoreTable:
    """Return a table of the tasks alone that one look, counted from 1, saw: what was not asked yet is not missing.

    A panel is standardised over what that look saw, as it was when the look decided.
    """
    if isinstance(table, PanelTable):
        panel = PlannedPanel(name=table.judge.name, members=tuple(member.judge for member in table.members))
        return panel_table(panel, [at_look(member, looks, look) for member in table.given])
    seen = looks.seen(table.task, look)
    kept = np.array([sample.id in seen for sample in table.samples], dtype=np.bool_)
    return replace(
        table,
        samples=tuple(sample for sample in table.samples if sample.id in seen),
        cells=table.cells[:, kept],
        planned=None if table.planned is None else table.planned[:, kept],
        split=None if table.split is None else table.split.of_tasks(kept),
    )


def looked_family(table: ScoreTable, looks: Looks, found: FamilyComparison, compare: Compare) -> FamilyComparison:
    """Return a family of comparisons as the design with looks has them; ``found`` is what all scores say.

    ``compare`` makes the same comparisons of another table. p-values are those of O'Brien-Fleming looks, adjusted by
    Holm; intervals are repeated confidence intervals at the last look that a comparison had.
    """
    sizes = looks.sizes[table.task]
    shares = [size / sizes[-1] for size in sizes]
    earlier = [compare(at_look(table, looks, look)) for look in range(1, len(sizes))]
    lasts = [
        min(looks.last(table.task, table.rows[candidate]), looks.last(table.task, table.rows[against]))
        for candidate, against in found.pairs
    ]
    # A row that was stopped is compared on what it was asked; the rest is not missing.
    results = [
        (found if last == len(sizes) else earlier[last - 1]).comparisons[place] for place, last in enumerate(lasts)
    ]
    p_values = np.full(len(found.pairs), np.nan)
    for place, (result, last) in enumerate(zip(results, lasts, strict=True)):
        if result.p_value is not None:
            on_the_way = [one.comparisons[place].p_value for one in earlier[: last - 1]]
            history = [1.0 if p is None else p for p in on_the_way]
            p_values[place] = sequential_p([*history, result.p_value], shares)
    known = ~np.isnan(p_values)
    adjusted = np.full(len(found.pairs), np.nan)
    adjusted[known] = holm(p_values[known])
    span = table.judge.scale.high - table.judge.scale.low
    return replace(
        found,
        comparisons=tuple(
            _looked(result, found.design, shares, last, p=(p_values[place], adjusted[place]), n=len(lasts), span=span)
            for place, (result, last) in enumerate(zip(results, lasts, strict=True))
        ),
    )


def _looked(
    result: PairedComparison,
    design: Design,
    shares: list[float],
    last: int,
    *,
    p: tuple[float, float],
    n: int,
    span: float,
) -> PairedComparison:
    said = replace(
        result,
        p_value=number(p[0]),
        p_adjusted=number(p[1]),
        p_method=tr("O'Brien-Fleming, look {last} of {looks}", last=last, looks=len(shares)),
    )
    se, df, value = result.spread.se, result.spread.df, result.difference.value
    if not se or not df or value is None:
        return said

    def estimate(before: Estimate, confidence: float) -> Estimate:
        half = float(t_critical(df, look_tail(last, shares, confidence=confidence))) * se
        method = tr("repeated interval, look {last} of {looks}", last=last, looks=len(shares))
        return replace(before, low=max(value - half, -span), high=min(value + half, span), method=method)

    return replace(
        said,
        difference=estimate(result.difference, design.confidence),
        simultaneous=estimate(result.simultaneous, design.confidence ** (1 / max(1, n))),
        minimum_detectable=detectable_gap(se, df, result.n_pairs, design, n_comparisons=n),
    )
