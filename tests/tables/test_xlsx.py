"""Excel workbooks as tables: what a person sees in the cells is what is read, or it is said why not."""

import datetime as dt
import io
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.workbook import Workbook

from harness.errors import HarnessError, InputError, UnknownNameError
from harness.tables import read_table
from harness.tables.xlsx import is_workbook


def book(rows: list[list[Any]], title: str = "Sheet") -> Workbook:
    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(row)
    return made


def saved(folder: Path, made: Workbook, name: str = "a.xlsx") -> Path:
    made.save(folder / name)
    return folder / name


def values(path: str | Path) -> list[dict[str, Any]]:
    return [dict(row.values) for row in read_table(path).rows]


def refused(path: str | Path) -> HarnessError:
    with pytest.raises(HarnessError) as caught:
        read_table(path)
    return caught.value


def with_value(path: Path, cell: str, value: str) -> Path:
    """Put the value of a formula into a saved file, as a spreadsheet program does."""
    data = io.BytesIO(path.read_bytes())
    with zipfile.ZipFile(data) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                place = content.index(b"</f>", content.index(f'r="{cell}"'.encode()))
                rest = content[place:].replace(b"<v></v>", b"").replace(b"<v />", b"").replace(b"<v/>", b"")
                content = content[:place] + b"</f><v>" + value.encode() + b"</v>" + rest[len(b"</f>") :]
            new.writestr(name, content)
    return path


def test_cells_of_every_kind(tmp_path: Path) -> None:
    """Numbers stay numbers, numbers typed as text stay text, whole ones are whole, dates are text, blanks are None."""
    rows = [
        ["task_id", "a", "b"],
        [0.0, "4", 3.5],
        [1, None, dt.datetime(2026, 11, 26)],  # noqa: DTZ001 - sheets know no zones
        [2, "一行目\r\n二行目", dt.datetime(2026, 11, 26, 9, 30)],  # noqa: DTZ001
        [3, "'quoted", True],
    ]
    assert [
        {"task_id": 0, "a": "4", "b": 3.5},
        {"task_id": 1, "a": None, "b": "2026-11-26"},
        {"task_id": 2, "a": "一行目\n二行目", "b": "2026-11-26T09:30:00"},
        {"task_id": 3, "a": "'quoted", "b": True},
    ] == values(saved(tmp_path, book(rows)))


def test_lines_are_those_of_the_sheet(tmp_path: Path) -> None:
    """Empty rows above and between count, as the program numbers them; unnamed empty columns are left out."""
    path = saved(tmp_path, book([[], ["x", None, "y"], [1, None, 2], [], [3, None, 4]]))
    assert [(3, {"x": 1, "y": 2}), (5, {"x": 3, "y": 4})] == [
        (row.line, dict(row.values)) for row in read_table(path).rows
    ]


def test_merged_cells_belong_to_every_row(tmp_path: Path) -> None:
    """A name merged over several rows is the name of each; cells merged sideways are one cell."""
    made = book([["model", "score", "note"], ["甲", 1, "x"], [None, 2, None], ["乙", 3, None]])
    sheet = made["Sheet"]
    sheet.merge_cells("A2:A3")
    sheet.merge_cells("B4:C4")
    assert [("甲", 1), ("甲", 2), ("乙", 3)] == [(row["model"], row["score"]) for row in values(saved(tmp_path, made))]


def test_formulas_are_what_the_file_keeps_of_them(tmp_path: Path) -> None:
    """A formula that a program computed counts as its value; one that nobody computed is refused by its cell."""
    path = saved(tmp_path, book([["a", "b"], [1, "=A2*3"]]))
    error = refused(path)
    assert f"{path}:2: cell B2 is a formula whose value is not in the file" == error.message
    assert "save it" in str(error.hint)
    assert [{"a": 1, "b": 3}] == values(with_value(path, "B2", "3"))


def test_errors_are_told(tmp_path: Path) -> None:
    """`#N/A` in a cell is no value."""
    made = book([["a"], ["x"]])
    made["Sheet"]["A2"].value = "#N/A"
    assert "cell A2 holds the error #N/A" in str(refused(saved(tmp_path, made)))


def test_hidden_sheets_are_not_read_unless_named(tmp_path: Path) -> None:
    """One sheet that can be seen is the one; a hidden one is named where there is no other."""
    made = book([["a"], [1]], title="見える")
    hidden = made.create_sheet("作業用")
    hidden.append(["a"])
    hidden.append([2])
    hidden.sheet_state = "hidden"
    made.create_sheet("空")
    path = saved(tmp_path, made)
    assert [{"a": 1}] == values(path)
    assert [{"a": 2}] == values(f"{path},sheet=作業用")
    made["見える"].delete_rows(1, 2)
    error = refused(saved(tmp_path, made))
    assert f"A hidden one is read if it is named: {path},sheet=作業用" == error.hint


def test_several_sheets_must_be_chosen_from(tmp_path: Path) -> None:
    """Two sheets with content: which one is asked for, and a wrong name gets the near one."""
    made = book([["a"], [1]], title="run 1")
    made.create_sheet("run 2").append(["a"])
    path = saved(tmp_path, made)
    error = refused(path)
    assert (f"{path}: 2 sheets hold something: run 1, run 2", f"Say which: {path},sheet=run 1") == (
        error.message,
        error.hint,
    )
    wrong = refused(f"{path},sheet=run1")
    assert isinstance(wrong, UnknownNameError)
    assert "Did you mean 'run 1'?" == wrong.hint


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([["a", "a"], [1, 2]], "two columns are named 'a'"),
        ([["a", None], [1, "stray"]], "'stray' stands under no column name"),
        ([["a", "b"]], "the file has no rows"),
    ],
)
def test_odd_tables(tmp_path: Path, rows: list[list[Any]], says: str) -> None:
    """What would lose or mix up cells is refused."""
    assert says in str(refused(saved(tmp_path, book(rows))))


def test_what_is_no_workbook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other content under the name, a cut file, one that unpacks to too much, and another ZIP say what they are."""
    whole = saved(tmp_path, book([["a"], [1]])).read_bytes()
    wrong = tmp_path / "b.xlsx"
    wrong.write_bytes(b"a,b\n1,2\n")
    assert "not an Excel workbook that can be read" in str(refused(wrong))
    wrong.write_bytes(whole[:-200])
    assert "not an Excel workbook that can be read" in str(refused(wrong))
    other = tmp_path / "c.zip"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("a.csv", "a\n1\n")
    assert "this is a ZIP file" in str(refused(other))
    assert not is_workbook(other.read_bytes())
    assert is_workbook(whole)
    bomb = tmp_path / "d.xlsx"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b" " * 300_000)
    monkeypatch.setenv("HARNESS_MAX_FILE_MB", "1")
    assert isinstance(refused(bomb), InputError)
    assert "300,000 bytes once unpacked; a workbook may have 200,000" in str(refused(bomb))


def test_by_content(tmp_path: Path) -> None:
    """A workbook without its suffix is known by its content."""
    path = saved(tmp_path, book([["a"], [1]]))
    assert [{"a": 1}] == values(path.rename(tmp_path / "answers"))
