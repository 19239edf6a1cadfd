"""Workbooks that we write: read back by openpyxl, by our own reader, and byte for byte."""

import io
import time
from pathlib import Path

import openpyxl
import pytest

from harness.tables import read_table
from harness.tables.workbook import workbook


def test_text_stays_text() -> None:
    """What looks like a formula is a string, a character that no workbook holds is replaced, numbers are numbers."""
    data = workbook({"s": [["a", "b"], ["=1+1", 2.5], ["x\x07y", None]]}, widths=[9, 30], wrapped=True)
    sheet = openpyxl.load_workbook(io.BytesIO(data))["s"]
    assert [("a", "b"), ("=1+1", 2.5), ("x\ufffdy", None)] == [tuple(row) for row in sheet.iter_rows(values_only=True)]
    assert "s" == sheet["A2"].data_type
    assert ("A2", 30.0) == (sheet.freeze_panes, sheet.column_dimensions["B"].width)


def test_equal_content_equal_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of saving leaves no trace."""
    first = workbook({"s": [["a"], [1]]})
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)
    assert first == workbook({"s": [["a"], [1]]})


def test_our_reader_reads_it(tmp_path: Path) -> None:
    """What was written comes back."""
    (tmp_path / "a.xlsx").write_bytes(workbook({"s": [["a", "b"], ["あ", 1], ["い", 2.5]]}))
    assert [{"a": "あ", "b": 1}, {"a": "い", "b": 2.5}] == [
        dict(row.values) for row in read_table(tmp_path / "a.xlsx").rows
    ]


def test_a_column_may_offer_its_values() -> None:
    """Of the first sheet alone, below its heading; without choices there are none."""
    rows = [["item", "score"], ["a", ""]]
    book = openpyxl.load_workbook(
        io.BytesIO(workbook({"one": rows, "two": rows}, choices={"score": ["1", "2"], "nowhere": ["3"]}))
    )
    [rule] = book["one"].data_validations.dataValidation
    assert ("list", '"1,2"', True) == (rule.type, rule.formula1, rule.showErrorMessage)
    assert "B2" in rule.sqref
    assert "A2" not in rule.sqref
    assert 0 == book["two"].data_validations.count
    assert 0 == openpyxl.load_workbook(io.BytesIO(workbook({"one": rows})))["one"].data_validations.count
