"""What is said of a panel: its members with their figures, and nothing of any other judge."""

from dataclasses import replace

import pytest

from harness.analysis.leaderboard import build_leaderboard
from reports.panel_text import panel_note, panels_section
from reports.wording import LANGUAGES, Language, words
from tests.analysis.test_panel import BASE, MINE, named, panel_of
from tests.reports.conftest import small_report


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_member_is_named_with_its_mean(language: Language) -> None:
    """And what a judge who was not asked would say of the largest difference."""
    panel = panel_of(*(named(name, {"base": BASE, "mine": MINE}) for name in ("first", "second", "third")))
    [board] = build_leaderboard("r", [panel], {}, baseline="base").boards
    note = panel_note(board, 0.95, words(language))
    mean = (sum(BASE) + sum(MINE)) / 24
    assert all(name in note for name in ("first", "second", "third", f"{mean:.2f}"))
    [section] = panels_section((board,))
    assert [pytest.approx(mean)] * 3 == [member["mean"] for member in section["members"]]
    assert "mine" in note
    less = replace(board, comparisons=())
    assert "mine" not in panel_note(less, 0.95, words(language))


def test_a_single_judge_has_no_note() -> None:
    """And no section."""
    boards = small_report().leaderboard.boards
    assert ([""] * len(boards), []) == ([panel_note(one, 0.95, words("en")) for one in boards], panels_section(boards))
