"""Charts of a board: which there are, what their tables say, and that no name breaks out of the picture."""

from xml.etree import ElementTree as ET

import numpy as np
import pytest

from harness.analysis.leaderboard import build_leaderboard
from reports.charts import MOST_COLUMNS, Figure, figures
from reports.run_view import Report
from reports.wording import LANGUAGES, Language, words
from tests.analysis.tables import table
from tests.reports.conftest import SCORES, hostile_report, small_report


def drawn(report: Report, language: Language = "en") -> list[Figure]:
    """The charts of the first board."""
    return figures(report.leaderboard.boards[0], report.tables[0], words(language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_board_has_two_charts_with_words(language: Language) -> None:
    """Scores given, and the tasks; each with title and caption. Means and differences are bars of the table."""
    found = drawn(small_report(), language)
    assert ["bars", "heat"] == [figure.kind for figure in found]
    assert all(figure.title and figure.caption for figure in found)


def test_every_chart_is_a_picture_whatever_the_names() -> None:
    """Well-formed XML, and no element that could act."""
    for figure in drawn(hostile_report()):
        tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(str(figure.svg)).iter()}
        assert tags <= {"svg", "title", "g", "line", "text", "tspan", "rect", "circle", "path", "image", "polygon"}


def test_the_table_of_scores_given_counts_them() -> None:
    """As shares of what was scored, a row a model, best first."""
    [bars] = [figure for figure in drawn(small_report()) if figure.kind == "bars"]
    rows = {row[0].split(" · ")[0]: row[1:] for row in bars.table}
    given = SCORES["base"]
    expected = [f"{given.count(level) / len(given):.0%}" for level in (1, 2, 3, 4, 5)]
    [base] = [cells for name, cells in rows.items() if name.startswith("base")]
    assert expected == [cell.replace(" ", "").replace("\u202f", "") for cell in base]


def test_the_table_of_tasks_has_their_means() -> None:
    """Over the models that have a score there, with their number."""
    [heat] = [figure for figure in drawn(small_report()) if figure.kind == "heat"]
    assert [str(place) for place in range(8)] == [row[0] for row in heat.table]
    for place, (_, mean, count) in enumerate(heat.table):
        there = [scores[place] for scores in SCORES.values() if scores[place] is not None]
        assert (f"{np.mean(there):.2f}", str(len(there))) == (mean, count)


def test_many_tasks_are_cut_aloud() -> None:
    """A heat map shows the first of them, and says so."""
    rng = np.random.default_rng(1)
    one = table(rng.integers(1, 6, (1, MOST_COLUMNS + 1)).astype(float))
    [board] = build_leaderboard("r", [one], {}, baseline="m0").boards
    found = figures(board, one, words("en"))
    assert (MOST_COLUMNS, True) == (len(found[-1].table), f"{MOST_COLUMNS + 1}" in found[-1].caption)
