"""results.json as CSV, for a spreadsheet and for other tools."""

import csv
import io

from harness.locale import LANGUAGES, tr
from harness.notices import Notice
from reports.results import results_csv, results_document
from reports.wording import words
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
    first, second, *_ = [notice for notice in document["notices"] if notice["severity"] == "caution"]
    assert ("a caution", None, None) == (first["text"], first["task"], first["judge"])
    assert "gemini:<x>|y" == second["judge"]


def test_every_section_has_its_place() -> None:
    """The names of schema 2; what a run does not have is null or empty, and an A/B section is there if it has one."""
    document, _ = rows()
    assert 2 == document["schema"]
    assert {"schema", "run", "tasks", "primary", "rows", "comparisons", "audit", "ledger", "notices", "provenance"} <= {
        *document
    }
    assert "ab" not in document
    report = small_report()
    assert [] == results_document(report.leaderboard, report.provenance, ab=[])["ab"]


def test_a_notice_has_a_code_that_no_language_changes() -> None:
    """The key of a report's words, or a notice's own with its values; a text that has none is "other"."""
    report = small_report()
    cautions = [words(language)("caution.versions", packages="numpy") for language in LANGUAGES]
    notes = [Notice("slow_judge", tr("Judge {name!r} was slow.", name="x")), "as a plugin said it"]
    made = results_document(report.leaderboard, report.provenance, notes, cautions=cautions)["notices"]
    assert [
        ("slow_judge", "note", {"name": "x"}, "Judge 'x' was slow."),
        ("other", "note", {}, "as a plugin said it"),
        ("caution.versions", "caution", {"packages": "numpy"}, str(cautions[0])),
        ("caution.versions", "caution", {"packages": "numpy"}, str(cautions[1])),
    ] == [(one["code"], one["severity"], one["values"], one["text"]) for one in made[:4]]


def test_why_verdicts_are_missing_is_counted_by_code() -> None:
    """Each code with its number and nothing else: no path, no line and no words get into the file."""
    document, _ = rows()
    row = next(row for row in document["rows"] if row["n_unscored"])
    assert row["unscored_reasons"]
    assert all({"code", "count"} == set(reason) for reason in row["unscored_reasons"])
    assert all(reason["code"].isidentifier() and reason["count"] > 0 for reason in row["unscored_reasons"])
