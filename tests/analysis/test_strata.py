"""Boards of several sets under one name."""

from dataclasses import replace

import numpy as np
import pytest

from harness.analysis.comparing import compare_rows, ranks_of
from harness.analysis.leaderboard import build_leaderboard
from harness.analysis.panel import panel_tables
from harness.analysis.scores import ScoreTable
from harness.analysis.strata import strata_of
from harness.engine.plan import PlannedPanel
from harness.stats import Design, sidak_t_critical
from harness.stats.stratified import stratified_moments
from tests.analysis.test_leaderboard import table

RNG = np.random.default_rng(4)
SETS = np.repeat([0, 1], 30)


def joined(shift: int = 2, *, clusters: bool = False) -> ScoreTable:
    """Return two rows on a set where the candidate is much better and one where it is not."""
    base = RNG.integers(1, 4, 60)
    mine = np.clip(base + np.where(SETS == 0, shift, 0) + RNG.integers(-1, 2, 60), 1, 5)
    built = table({"base": base.tolist(), "mine": mine.tolist()})
    samples = tuple(
        replace(sample, stratum=f"s{SETS[place]}", cluster=str(place // 4) if clusters else None)
        for place, sample in enumerate(built.samples)
    )
    return replace(built, samples=samples)


def test_means_and_differences_are_stratified() -> None:
    """Figures of the board are those of the formula, and say so."""
    found = joined()
    [board] = build_leaderboard("r", [found], {}, baseline="base").boards
    [comparison] = board.comparisons
    moments = stratified_moments(found.scores[1:] - found.scores[:1], SETS)
    assert comparison.result.difference.value == pytest.approx(moments.mean[0])
    assert comparison.result.spread.se == pytest.approx(moments.se[0])
    half = sidak_t_critical(1, moments.df[0]) * moments.se[0]
    assert comparison.result.simultaneous.high == pytest.approx(moments.mean[0] + half)
    assert "paired t, stratified over 2 sets" == comparison.result.difference.method
    assert all("stratified over 2 sets" in row.estimate.method for row in board.rows)
    plain = replace(found, samples=tuple(replace(sample, stratum=None) for sample in found.samples))
    [other] = build_leaderboard("r", [plain], {}, baseline="base").boards
    assert (comparison.result.p_value or 0) < (other.comparisons[0].result.p_value or 0)


def test_clusters_take_the_place_of_strata() -> None:
    """Their error is the wider one."""
    assert strata_of(joined(clusters=True)) is None
    assert strata_of(joined()) is not None


def test_a_panel_is_stratified_too() -> None:
    """The part of the tasks in its error is that of strata."""
    one = joined()
    members = [replace(one, judge=replace(one.judge, name=name)) for name in ("a", "b")]
    [found] = panel_tables(members, [PlannedPanel(name="p", members=("a", "b"))])
    compared = compare_rows(found, Design(), family="baseline", baseline=0)
    alone = compare_rows(one, Design(), family="baseline", baseline=0)
    assert alone.family.comparisons[0].spread.se == pytest.approx(compared.family.comparisons[0].spread.se)
    assert () == compared.plan.gains
    assert ranks_of(one, Design()) == ranks_of(found, Design())
