"""Panels: whose scores they average, what they leave unscored, and how sure they are."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from harness.analysis.leaderboard import build_leaderboard
from harness.analysis.panel import PanelTable, judge_tables, panel_tables
from harness.analysis.scores import ScoreTable
from harness.engine.plan import PlannedPanel
from harness.types import Scale
from tests.analysis.test_leaderboard import table

PANEL = PlannedPanel(name="panel:a,b", members=("a", "b"))
BASE = [3, 2, 4, 3, 2, 4, 1, 3, 4, 2, 3, 2]
MINE = [4, 3, 4, 4, 2, 5, 2, 3, 5, 2, 4, 3]


def named(name: str, scores: dict[str, Sequence[float | None]]) -> ScoreTable:
    built = table(scores)
    return replace(built, judge=replace(built.judge, name=name, fingerprint=name))


def panel_of(*members: ScoreTable) -> PanelTable:
    [found] = panel_tables(list(members), [PlannedPanel(name="p", members=tuple(one.judge.name for one in members))])
    return found


def test_a_strict_and_a_lenient_judge_weigh_the_same() -> None:
    """Moved and stretched to a common level and spread: judges that differ by both alone make a panel like each."""
    one = named("a", {"base": BASE, "mine": MINE})
    half = {row: [1 + 0.5 * (score - 1) for score in scores] for row, scores in (("base", BASE), ("mine", MINE))}
    other = replace(
        named("b", {"base": BASE, "mine": MINE}), cells=np.array([half["base"], half["mine"]])[..., None, None]
    )
    found = panel_of(one, other)
    ranks = [np.argsort(np.argsort(rows.ravel())) for rows in (one.scores, found.scores)]
    assert np.corrcoef(one.scores.ravel(), found.scores.ravel())[0, 1] == pytest.approx(1.0)
    assert (ranks[0] == ranks[1]).all()
    assert found.sd == pytest.approx(0.75 * one.scores.std())
    assert found.mean == pytest.approx(np.mean([one.scores.mean(), np.mean([*half["base"], *half["mine"]])]))


def test_scales_of_other_ends_are_brought_to_the_first() -> None:
    """A judge from 0 to 100 beside one from 1 to 5: the panel speaks from 1 to 5."""
    one = named("a", {"base": BASE, "mine": MINE})
    wide = replace(one, judge=replace(one.judge, name="b", scale=Scale(low=0, high=100)), cells=(one.cells - 1) * 25)
    found = panel_of(one, wide)
    assert found.scores == pytest.approx(one.scores)
    assert (found.judge.scale.low, found.judge.scale.high) == (1, 5)


def test_an_answer_that_one_member_left_unscored_is_unscored() -> None:
    """The reason names the member, and it counts for no other figure."""
    lacking = [*MINE[:-1], None]
    found = panel_of(named("a", {"base": BASE, "mine": MINE}), named("b", {"base": BASE, "mine": lacking}))
    assert np.isnan(found.scores[1, -1])
    assert not np.isnan(found.scores[0, -1])
    assert [{}, {"not scored by b": 1}] == [dict(counted) for counted in found.reasons.values()]
    assert (0, 1) == tuple(member.n_unscored for member in found.members)


def test_a_member_without_spread_cannot_be_standardised() -> None:
    """Nothing is invented: the panel has no score, and says why."""
    found = panel_of(named("a", {"base": BASE, "mine": MINE}), named("b", {"base": [3] * 12, "mine": [3] * 12}))
    assert np.isnan(found.scores).all()
    assert {"a member of the panel gave all answers the same score": 12} == dict(found.reasons[found.rows[0]])


def test_the_difference_is_the_mean_of_the_members() -> None:
    """It is that of the panel's scores, its error holds the disagreement, and ranks go by the same intervals."""
    worse = [max(1, score - 2) for score in BASE]
    one = named("a", {"base": BASE, "mine": MINE})
    other = named("b", {"base": MINE, "mine": worse})  # of the opposite opinion
    found = panel_of(one, other)
    [*_, board] = build_leaderboard("r", [one, other, found], {}, baseline="base").boards
    [comparison] = board.comparisons
    assert comparison.panel is not None
    assert comparison.result.difference.value == pytest.approx(
        np.mean([x for x in comparison.panel.by_member if x is not None])
    )
    assert comparison.result.difference.value == pytest.approx(float((found.scores[1] - found.scores[0]).mean()))
    assert comparison.panel.by_member[0] > 0 > comparison.panel.by_member[1]  # type: ignore[operator]
    assert comparison.result.p_adjusted is not None
    assert comparison.result.p_adjusted > 0.3
    assert "undecided" == comparison.verdict.code
    assert {(1, 2)} == {(row.rank.low, row.rank.high) for row in board.rows if row.rank is not None}
    assert ("a", "b") == tuple(member.judge for member in board.members)


def test_members_that_agree_decide() -> None:
    """Two judges with one opinion find what each of them finds."""
    noisy = [score + (place % 3 == 0) for place, score in enumerate(BASE)]
    better = [min(5, score + 1 + (place % 4 == 0)) for place, score in enumerate(BASE)]
    best = [min(5, score + 1 + (place % 5 == 0)) for place, score in enumerate(noisy)]
    found = panel_of(named("a", {"base": BASE, "mine": better}), named("b", {"base": noisy, "mine": best}))
    [board] = build_leaderboard("r", [found], {}, baseline="base").boards
    assert "better" == board.comparisons[0].verdict.code


def test_rows_that_never_differ_predict_nothing() -> None:
    """No spread at all is no certainty about another judge."""
    one = named("a", {"base": BASE, "mine": BASE})
    found = panel_of(one, replace(one, judge=replace(one.judge, name="b", fingerprint="b")))
    [board] = build_leaderboard("r", [found], {}, baseline="base").boards
    panel = board.comparisons[0].panel
    assert panel is not None
    assert (None, None) == (panel.low, panel.high)
    assert (0.0, 0.0) == panel.by_member


def test_members_missing_here_make_no_panel_and_judges_are_told_apart() -> None:
    """A panel needs all its judges; cards of judges are about judges."""
    one = named("a", {"base": BASE, "mine": MINE})
    assert [] == panel_tables([one], [PANEL])
    found = panel_of(one, replace(one, judge=replace(one.judge, name="b")))
    assert [one] == judge_tables([one, found])
