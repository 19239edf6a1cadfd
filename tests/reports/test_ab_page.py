"""The A/B tab: every table of the test, bars where differences are, and the way from a cell to its answer."""

from reports.ab_page import ab_pages
from reports.payload import ab_data, page_rows
from reports.wording import words
from tests.reports.conftest import ab_report


def test_the_tab_has_means_effects_and_interactions() -> None:
    """In words and tables; the intervals that hold for all have a bar each."""
    report = ab_report()
    [page] = ab_pages(report.ab, words("en"))
    assert "mine is better than plain.v1" in page.verdict
    assert ["Effect of the prompt, averaged over models", "Effect of the prompt on each model",
            "Does the effect depend on the model?"] == [found.title for found in page.effects]  # fmt: skip
    for found in page.effects:
        [column] = [column for column in found.table.columns if column.key == "simultaneous"]
        assert all(cell.bar.startswith("<svg ") for cell in column.cells)


def test_the_matrix_finds_the_row_of_every_cell() -> None:
    """By model and prompt; a row that the page does not have is -1, and a judge that it does not have is left out."""
    report = ab_report()
    rows = page_rows(report)
    [found] = ab_data(report.ab, ["two dozen"], ["judge"], rows)
    for model, places in zip(found["models"], found["cells"], strict=True):
        assert [(model, prompt) for prompt in found["prompts"]] == [
            (rows[place].model, rows[place].prompt) for place in places
        ]
    [partly] = ab_data(report.ab, ["two dozen"], ["judge"], rows[:2])
    assert [[0, 1, -1], [-1, -1, -1]] == partly["cells"]
    assert [] == ab_data(report.ab, ["two dozen"], ["another"], rows)
