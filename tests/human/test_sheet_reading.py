"""What a filled sheet may say, whatever a spreadsheet has done to it."""

import csv
import io
from pathlib import Path

import pytest

from harness.errors import InputError
from harness.human.draw import sheet_text
from harness.human.sheet_reading import read_sheets
from harness.tables import read_table
from harness.types import Scale
from tests.human.drawn_sheets import BY_ID, drawn, fill, read


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_what_spreadsheets_do_to_a_sheet(tmp_path: Path, encoding: str, delimiter: str) -> None:
    """Other encodings, delimiters and letter cases, moved and added columns, empty lines: the same ratings."""
    export = drawn()
    rows = list(csv.DictReader(io.StringIO(sheet_text(export, "1", BY_ID).removeprefix("\ufeff"))))
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow([" Score ", "ANSWER", "ＩＴＥＭ", "Comment", "メモ", ""])
    for row in rows:
        writer.writerow(["４" if row["task"].endswith("1") else "4.0", row["answer"], row["item"].upper(), "", "x", ""])
    writer.writerow(["", "", "", "", "", ""])
    (tmp_path / "s.csv").write_bytes(text.getvalue().encode(encoding))
    assert {4.0} == {rating.score for rating in read(export, tmp_path / "s.csv")}


@pytest.mark.parametrize(
    ("score", "message"),
    [
        ("6", r"s\.csv:3: score 6 of item '\w+' is outside the 1-5 scale"),
        ("0", r"s\.csv:3: score 0 of item"),
        ("3.5", r"s\.csv:3: score 3\.5 of item '\w+' lies between two steps of the 1-5 scale, 1 apart"),
        ("３．５点", r"s\.csv:3: score 3\.5 of item '\w+' lies between two steps"),
        ("６点", r"s\.csv:3: score 6 of item '\w+' is outside the 1-5 scale"),
        ("4/5", r"s\.csv:3: score '4/5' of item '\w+' is not a number"),
        ("良い", r"s\.csv:3: score '良い' of item '\w+' is not a number"),
        ("4月5日", r"s\.csv:3: score '4月5日'"),
        ("nan", r"s\.csv:3: score 'nan'"),
    ],
)
def test_a_score_that_cannot_be_is_refused_by_file_line_and_value(tmp_path: Path, score: str, message: str) -> None:
    """Nothing is rounded, guessed or left out."""
    export = drawn()
    item = export.of("1")[1].id
    with pytest.raises(InputError, match=message):
        read(export, fill(export, "1", tmp_path / "s.csv", 3, **{item: score}))


def test_items_that_do_not_belong_are_refused(tmp_path: Path) -> None:
    """Unknown, of another export, twice in one file, twice in two files, not there: each with its place."""
    export = drawn()
    path = fill(export, "1", tmp_path / "s.csv")
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    ids = [item.id for item in export.of("1")]

    def sheet(*changed: str) -> Path:
        (tmp_path / "x.csv").write_text("\n".join(changed), encoding="utf-8")
        return tmp_path / "x.csv"

    with pytest.raises(InputError, match=rf"x\.csv:2: no item '{export.draw.tag}zzzzzz' was exported"):
        read(export, sheet(lines[0], lines[1].replace(ids[0], export.draw.tag + "zzzzzz"), *lines[2:]))
    with pytest.raises(InputError, match=r"x\.csv:2: item '\w+' is not of this export") as other:
        read(export, sheet(lines[0], lines[1].replace(ids[0], "zzzzzzzzzz"), *lines[2:]))
    assert "another run" in str(other.value.hint)
    with pytest.raises(InputError, match=rf"a second score for item '{ids[0]}', after .*x\.csv:2"):
        read(export, sheet(*lines, lines[1]))
    with pytest.raises(InputError, match=rf"a second score for item '{ids[0]}', after .*s\.csv:2"):
        read(export, path, sheet(*lines))
    with pytest.raises(InputError, match=rf"1 of the {len(ids)} items of rater 1 are missing: {ids[0]}"):
        read(export, sheet(lines[0], *lines[2:]))
    with pytest.raises(InputError, match="a row without an item id"):
        read(export, sheet(lines[0], lines[1].replace(ids[0], ""), *lines[2:]))
    with pytest.raises(InputError, match="no column 'score'"):
        read(export, sheet(lines[0].replace("score", "points"), *lines[1:]))


def test_a_sheet_without_any_score_is_refused(tmp_path: Path) -> None:
    """Nobody has filled it yet."""
    export = drawn()
    with pytest.raises(InputError, match="every score is blank"):
        read(export, fill(export, "1", tmp_path / "s.csv", ""))


def test_half_points_where_the_scale_has_them(tmp_path: Path) -> None:
    """3.5 is a score on a scale in halves; 3.25 is none."""
    export = drawn()
    halves = Scale(low=1, high=5, step=0.5)
    tables = [read_table(fill(export, "1", tmp_path / "s.csv", "３．５"))]
    assert {3.5} == {rating.score for rating in read_sheets(tables, export, scale=halves)}
    with pytest.raises(InputError, match=r"score 3\.25 of item '\w+' lies between two steps of .*, 0.5 apart"):
        read_sheets([read_table(fill(export, "1", tmp_path / "s.csv", "3.25"))], export, scale=halves)
