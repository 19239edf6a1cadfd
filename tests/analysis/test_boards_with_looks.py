"""Boards that were looked at on the way."""

from dataclasses import replace

import numpy as np
import pytest

from harness.analysis.board import Board
from harness.analysis.leaderboard import build_leaderboard
from harness.analysis.looks import at_look, board_looks
from harness.analysis.panel import PanelTable, panel_tables
from harness.analysis.scores import ScoreTable
from harness.engine.looks import Looks, stops
from harness.engine.plan import PlannedPanel
from harness.stats import paired_comparison
from harness.stats.sequential import sequential_p
from harness.types import LIKERT_5, RowKey
from harness.unscored import by_code
from reports.board_view import board_table, tag_table
from reports.wording import words
from tests.analysis.test_leaderboard import table

RNG = np.random.default_rng(6)
BASE = RNG.integers(1, 5, 80)
SCORES = {
    "base": BASE,
    "mine": np.clip(BASE + RNG.integers(-1, 3, 80), 1, 5),
    "same": np.clip(BASE + RNG.integers(-1, 2, 80), 1, 5),
}
ORDER = tuple(str(one) for one in RNG.permutation(80))
SHARES = [0.25, 0.5, 0.75, 1.0]


def looks(**stopped: int) -> Looks:
    found = Looks(kind="looks", sizes={"t": (20, 40, 60, 80)}, order={"t": ORDER}, reached=4)
    for model, look in stopped.items():
        found = replace(found, stops=(*found.stops, *stops("t", {RowKey(model=model, prompt="p")}, look)))
    return found


def scores(**stopped: int) -> ScoreTable:
    """Return the scores, without those of tasks that a stopped row was not asked."""
    found = {}
    for model, values in SCORES.items():
        seen = {int(one) for one in ORDER[: 20 * stopped.get(model, 4)]}
        found[model] = [int(value) if place in seen else None for place, value in enumerate(values)]
    return table(found)


def board(found: ScoreTable, looked: Looks | None) -> Board:
    return build_leaderboard("r", [found], {}, baseline="base", looks=looked).boards[0]


def test_the_p_value_is_that_of_the_design() -> None:
    """Of all looks so far, each by the exact sign-flip test of the tasks that it saw."""
    shown = board(scores(), looks())
    for comparison in shown.comparisons:
        mine = SCORES[comparison.candidate.model]
        history = []
        for size in (20, 40, 60, 80):
            seen = [int(one) for one in ORDER[:size]]
            history.append(paired_comparison(mine[seen], BASE[seen], LIKERT_5).p_value)
        expected = sequential_p([p for p in history if p is not None], SHARES)
        assert expected == pytest.approx(comparison.result.p_value)
        assert comparison.result.p_method == "O'Brien-Fleming, look 4 of 4"
    plain = board(scores(), None)
    for one, other in zip(shown.comparisons, plain.comparisons, strict=True):
        assert one.result.difference.value == other.result.difference.value
        assert one.result.difference.low < other.result.difference.low  # type: ignore[operator]


def test_what_a_stopped_row_was_not_asked_is_not_missing() -> None:
    """Its comparison is on what it saw; neither it nor its row says anything of missing scores."""
    shown = board(scores(mine=2), looks(mine=2))
    [mine, same] = shown.comparisons
    assert (40, 0, None) == (mine.result.n_pairs, mine.result.n_missing, mine.result.missing.caution)
    assert "O'Brien-Fleming, look 2 of 4" == mine.result.p_method
    assert 80 == same.result.n_pairs
    assert not shown.has_gaps
    assert not shown.unlike_gaps
    rows = {row.key.model: row for row in shown.rows}
    assert {"mine": 40, "same": 0, "base": 0} == {name: row.n_not_asked for name, row in rows.items()}
    assert {0} == {row.estimate.n_unscored for row in rows.values()}
    assert [{"code": "not_asked", "count": 40}] == by_code(rows["mine"].not_asked)
    assert {} == rows["same"].not_asked
    assert rows["mine"].worst_case.low == rows["mine"].estimate.low
    assert rows["mine"].worst_case.worst == rows["mine"].estimate.value
    assert shown.looks is not None
    assert ["mine"] == [stop.model for stop in shown.looks.stops]
    unlooked = board(scores(mine=2), None).comparisons[0]
    assert unlooked.result.missing.caution is not None


def test_what_a_stopped_row_lacks_of_what_it_was_asked_is_missing() -> None:
    """Three of its 40: unscored and bounded as such, on the 40 alone."""
    found = scores(mine=2)
    place = [row.model for row in found.rows].index("mine")
    for one in ORDER[:3]:
        found.cells[place, int(one)] = np.nan
    shown = board(found, looks(mine=2))
    row = next(row for row in shown.rows if row.key.model == "mine")
    assert (37, 3, 40) == (row.estimate.n, row.estimate.n_unscored, row.n_not_asked)
    assert row.has_gaps
    known = [int(SCORES["mine"][int(one)]) for one in ORDER[3:40]]
    assert (sum(known) + 3) / 40 == pytest.approx(row.worst_case.worst)
    assert (sum(known) + 15) / 40 == pytest.approx(row.worst_case.best)
    assert 3 == shown.comparisons[0].result.missing.candidate


def test_means_by_tag_count_what_was_asked() -> None:
    """A tag on every second task."""
    found = scores(mine=2)
    tagged = tuple(
        replace(sample, tags=("even",) if place % 2 == 0 else ()) for place, sample in enumerate(found.samples)
    )
    shown = board(replace(found, samples=tagged), looks(mine=2))
    row = next(row for row in shown.rows if row.key.model == "mine")
    asked = sum(int(one) % 2 == 0 for one in ORDER[:40])
    assert [(asked, 0)] == [(tag.estimate.n, tag.estimate.n_unscored) for tag in row.tags]
    table_of_tags = tag_table(shown, words("en"))
    assert table_of_tags is not None
    assert "even (40)" == table_of_tags.columns[-1].title


def test_the_board_says_what_was_not_asked() -> None:
    """In a column of its own, beside the mean that places go by; no worst case, which is about missing scores."""
    stopped, whole = (board_table(one, 0.95, words("en")) for one in
                      (board(scores(mine=2), looks(mine=2)), board(scores(), looks())))  # fmt: skip
    titles = [column.title for column in stopped.columns]
    assert {"not asked", "comparable mean"} <= set(titles)
    assert not any("worst" in title for title in titles)
    assert sorted(["40", "0", "0"]) == sorted(cell.text for cell in stopped.columns[titles.index("not asked")].cells)
    assert not {"not asked", "comparable mean"} & {column.title for column in whole.columns}


def test_a_panel_is_looked_at_like_a_judge() -> None:
    """Each look has the members' scores of its tasks alone."""
    first = scores()
    members = [replace(first, judge=replace(first.judge, name=name)) for name in ("a", "b")]
    [found] = panel_tables(members, [PlannedPanel(name="p", members=("a", "b"))])
    part = at_look(found, looks(), 2)
    assert (2, 3, 40) == part.by_member.shape  # type: ignore[attr-defined]
    assert {sample.id for sample in part.samples} == set(ORDER[:40])
    [comparison, _] = board(found, looks()).comparisons
    assert "repeated interval, look 4 of 4" == comparison.result.difference.method


def test_a_panel_is_standardised_at_each_look_as_it_was_then() -> None:
    """The final board counts the p-value that the look decided by, not one of scores that nobody had yet."""
    rng = np.random.default_rng(8)
    first = scores()
    second = replace(first, cells=np.clip(first.cells + rng.integers(-1, 2, first.cells.shape), 1, 5))
    second.cells[:, [int(one) for one in ORDER[40:]]] = 5.0  # what comes later stretches this judge's scores
    panel = PlannedPanel(name="p", members=("a", "b"))
    members = [replace(one, judge=replace(one.judge, name=name)) for one, name in ((first, "a"), (second, "b"))]
    [whole] = panel_tables(members, [panel])
    [then] = panel_tables([at_look(one, looks(), 2) for one in members], [panel])
    again = at_look(whole, looks(), 2)
    assert isinstance(again, PanelTable)
    assert np.array_equal(then.by_member, again.by_member)
    assert whole.sd != pytest.approx(again.sd)


def test_one_look_is_none() -> None:
    """A board that was only looked at in the end, or of another task set."""
    assert board_looks(scores(), None) is None
    assert board_looks(scores(), replace(looks(), sizes={"t": (80,)})) is None
    assert board_looks(scores(), replace(looks(), sizes={"other": (40, 80)})) is None
