"""results.json as CSV, for a spreadsheet and for other tools."""

import csv
import io

from reports.results import results_csv, results_document
from tests.reports.conftest import small_report


def rows() -> tuple[dict, list[dict[str, str]]]:
    report = small_report()
    document = results_document(report.leaderboard, report.provenance, report.notices, cautions=["a caution"])
    return document, list(csv.DictReader(io.StringIO(results_csv(document))))


def test_csv_has_every_row_with_its_comparison() -> None:
    """Unrounded figures, the baseline's row without a comparison, and empty cells where there is nothing."""
    document, found = rows()
    assert len(document["rows"]) == len(found) == 6
    for row, cells in zip(document["rows"], found, strict=True):
        assert (row["model"], row["mean"], row["n"]) == (cells["model"], float(cells["mean"]), int(cells["n"]))
        compared = [
            one
            for one in document["comparisons"]
            if one["candidate"]["model"] == row["model"] and one["judge"] == row["judge"]
        ]
        assert [one["difference"] for one in compared] == ([float(cells["difference"])] if cells["difference"] else [])
    assert 2 == sum(cells["baseline_model"] == "" for cells in found)


def test_no_cell_is_a_formula() -> None:
    """A label that a spreadsheet would run is quoted; a negative figure is not."""
    document, _ = rows()
    document["rows"][0]["model"] = "=HYPERLINK(1)"
    document["rows"][0]["mean"] = -1.5
    first = next(csv.DictReader(io.StringIO(results_csv(document))))
    assert ("'=HYPERLINK(1)", "-1.5") == (first["model"], first["mean"])


def test_cautions_of_the_run_and_of_boards_are_told_apart() -> None:
    """A caution about the run as a whole names no judge."""
    document, _ = rows()
    assert {"task": None, "judge": None, "caution": "a caution"} == document["cautions"][0]
    assert "gemini:<x>|y" == document["cautions"][1]["judge"]
