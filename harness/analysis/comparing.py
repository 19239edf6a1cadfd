"""How the rows of one table are compared: as one set of tasks, as several joined by design, or by a panel. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.analysis.equating import equated_family, equated_ranks, is_equated
from harness.analysis.looks import board_looks, looked_family
from harness.analysis.panel import PanelDifference, PanelTable, panel_family, panel_ranks
from harness.analysis.scores import ScoreTable
from harness.analysis.strata import strata_of, stratified_family, stratified_ranks
from harness.engine.looks import Looks
from harness.stats import BoardPlan, Design, Family, FamilyComparison, RankSet, compare_family, plan_family, rank_sets


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A family of comparisons, what a panel adds to each (None: no panel), and what the tasks can tell apart."""

    family: FamilyComparison
    panel: Sequence[PanelDifference | None]
    plan: BoardPlan


def compare_rows(
    table: ScoreTable, design: Design, *, family: Family, baseline: int, looks: Looks | None = None
) -> Compared:
    """Return every row against row ``baseline``, or all pairs of rows; ``looks``: those that the run had."""
    found = _compare(table, design, family, baseline)
    if looks is None or board_looks(table, looks) is None:
        return found
    looked = looked_family(
        table,
        looks,
        found.family,
        lambda earlier: _compare(earlier, replace(design, clusters=earlier.clusters), family, baseline).family,
    )
    return replace(found, family=looked)


def _compare(table: ScoreTable, design: Design, family: Family, baseline: int) -> Compared:
    found = compare_family(table.scores, table.judge.scale, design, family=family, baseline=baseline, ends=table.ends)
    if isinstance(table, PanelTable):
        found, panel = panel_family(table, found)
        # More tasks alone do not take away what judges disagree on, so that no number of tasks is said.
        return Compared(family=found, panel=panel, plan=replace(plan_family(found), gains=()))
    if (sets := strata_of(table)) is not None:
        found = stratified_family(table, found, sets)
    found = equated_family(table, found)
    return Compared(family=found, panel=[None] * len(found.pairs), plan=plan_family(found))


def ranks_of(table: ScoreTable, design: Design) -> tuple[RankSet | None, ...]:
    """Return the ranks that each row may hold."""
    if isinstance(table, PanelTable):
        return panel_ranks(table, design)
    if is_equated(table):
        return equated_ranks(table, design)
    sets = strata_of(table)
    return rank_sets(table.scores, table.judge.scale, design) if sets is None else stratified_ranks(table, design, sets)
