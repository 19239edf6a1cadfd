"""`harness export`: every answer and verdict of a run as a table, in four formats."""

import csv
import json
from pathlib import Path

import openpyxl
import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from harness.runs.export import COLUMNS
from tests.conftest import RunCli

ANSWERS = ["東京です。", "=HYPERLINK(1)", "", None, "\ud800\x01 tail"]


@pytest.fixture
def exported(run_cli: RunCli, task_file: Path) -> RunCli:
    """A run `r` of two models with odd answers by two judges, one of which gives no score where there is no answer."""
    rows = [{"model": "m", "task_id": n, "output": text} for n, text in enumerate(ANSWERS)]
    rows += [{"model": "n", "task_id": n, "output": f"答え{n}"} for n in range(5)]
    Path("answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    ran = run_cli("eval", "--task", "five=five.jsonl", "--model", "outputs:answers.jsonl", "--judge", "rules",
                  "--judge", "reference", "--run", "r", "--max-unscored", "9")  # fmt: skip
    assert 0 == ran.code, ran.err
    return run_cli


def test_parquet_holds_every_verdict_with_its_type(exported: RunCli) -> None:
    """Two models, five tasks, two judges: twenty lines, typed, the missing answer without a score and with a reason."""
    ran = exported("export", "r")
    assert (0, "r.parquet: 20 rows\n") == (ran.code, ran.out), ran.err
    table = pq.read_table("r.parquet")
    assert COLUMNS.names == table.column_names
    assert [pa.float64(), pa.int32()] == [table.schema.field(name).type for name in ("score", "repeat")]
    rows = {(row["model"], row["task_id"], row["judge"]): row for row in table.to_pylist()}
    assert 20 == len(rows)
    assert (1.0, "checks") == tuple(rows["n", "2", "rules"][key] for key in ("score", "kind"))
    missing = rows["m", "3", "rules"]
    assert (None, None, "unscored") == tuple(missing[key] for key in ("answer", "score", "status"))
    assert missing["reason"]
    assert "" == rows["m", "2", "rules"]["answer"]


def test_scores_are_those_of_the_board(exported: RunCli) -> None:
    """The mean of the exported scores is the board's mean."""
    exported("export", "r", "--output", "r.jsonl")
    lines = [json.loads(line) for line in Path("r.jsonl").read_text(encoding="utf-8").splitlines()]
    board = json.loads(Path("runs/r/results.json").read_text(encoding="utf-8"))["rows"]
    for row in board:
        scores = [line["score"] for line in lines if (line["model"], line["judge"]) == (row["model"], row["judge"])]
        present = [score for score in scores if score is not None]
        assert row["mean"] == pytest.approx(sum(present) / len(present), abs=1e-12)
        assert row["n_unscored"] == len(scores) - len(present)


def test_sheets_run_no_formula_and_hold_odd_characters(exported: RunCli) -> None:
    """CSV and xlsx show an answer that looks like a formula as text; control characters make no broken file."""
    assert 0 == exported("export", "r", "--format", "csv").code
    assert 0 == exported("export", "r", "--format", "xlsx").code
    with Path("r.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    sheet = openpyxl.load_workbook("r.xlsx")["scores"]
    heads, *cells = list(sheet.iter_rows())
    names = [cell.value for cell in heads]
    assert COLUMNS.names == names
    assert 20 == len(lines) == len(cells)
    assert {"'=HYPERLINK(1)"} == {line["answer"] for line in lines if (line["model"], line["task_id"]) == ("m", "1")}
    answers = [row[names.index("answer")] for row in cells]
    assert {"s"} == {cell.data_type for cell in answers if cell.value}
    assert "?\ufffd tail" in {cell.value for cell in answers}
    assert {float, int} >= {type(row[names.index("score")].value) for row in cells} - {type(None)}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nope"], 2, "No run named 'nope'."),
        (
            ["r", "--output", "r.txt"],
            2,
            "'r.txt' ends like no format.\nHint: Name one: --format parquet|csv|xlsx|jsonl.",
        ),
        (["r", "--output", "no/such/folder.csv"], 1, "Cannot write no/such/folder.csv: no such file or folder."),
    ],
)
def test_wrong_names_are_named(exported: RunCli, arguments: list[str], code: int, message: str) -> None:
    """An unknown run, a format that is none, a folder that is not there."""
    ran = exported("export", *arguments)
    assert code == ran.code, ran.out
    assert message in ran.err
