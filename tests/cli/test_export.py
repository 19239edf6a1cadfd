"""`harness export`: which file it writes, and what it refuses."""

import csv
import json
import zipfile
from pathlib import Path

import pytest

from tests.conftest import RunCli


@pytest.fixture
def exported(run_cli: RunCli, task_file: Path) -> RunCli:
    """A run `r` of five answers by one judge."""
    ran = run_cli("eval", "--task", "five=five.jsonl", "--model", "echo", "--judge", "reference", "--run", "r")
    assert 0 == ran.code, ran.err
    return run_cli


def test_the_format_is_that_of_the_name_unless_it_is_said(exported: RunCli) -> None:
    """Parquet under the run's name without either; one line a row in JSON Lines."""
    assert "r.parquet: 5 rows\n" == exported("export", "r").out
    assert b"PAR1" == Path("r.parquet").read_bytes()[:4]
    assert "out.JSONL: 5 rows\n" == exported("export", "r", "--output", "out.JSONL").out
    assert {"echo"} == {
        json.loads(line)["model"] for line in Path("out.JSONL").read_text(encoding="utf-8").splitlines()
    }
    assert "rows.txt: 5 rows\n" == exported("export", "r", "--format", "csv", "--output", "rows.txt").out
    with Path("rows.txt").open(encoding="utf-8-sig", newline="") as file:
        assert ["0", "1", "2", "3", "4"] == [row["task_id"] for row in csv.DictReader(file)]


def test_a_bundle_is_a_zip_and_its_size_is_said(exported: RunCli) -> None:
    """All of the run in it."""
    ran = exported("export", "r", "--bundle", "r.zip")
    assert f"r.zip: {Path('r.zip').stat().st_size:,} bytes\n" == ran.out
    assert any(name.endswith("results.json") for name in zipfile.ZipFile("r.zip").namelist())


def test_a_bundle_is_named_after_its_run_unless_it_is_said(exported: RunCli) -> None:
    """As a table is; of a bundle, too."""
    ran = exported("export", "r", "--bundle")
    assert f"r.zip: {Path('r.zip').stat().st_size:,} bytes\n" == ran.out, ran.err
    again = exported("export", "r.zip", "--bundle", "--overwrite")
    assert (0, True) == (again.code, again.out.startswith("r.zip: ")), again.err


@pytest.mark.parametrize("arguments", [("--output", "notes.csv"), ("--format", "csv"), ("--bundle", "notes.zip")])
def test_a_file_that_is_there_stays_unless_it_may_go(exported: RunCli, arguments: tuple[str, ...]) -> None:
    """Named or not, table or bundle."""
    place = Path(arguments[1] if "." in arguments[1] else "r.csv")
    place.write_text("a day's work", encoding="utf-8")
    ran = exported("export", "r", *arguments)
    assert (1, "", True) == (ran.code, ran.out, f"{place}: the file is there already." in ran.err), ran.err
    assert "--overwrite" in ran.err
    assert "a day's work" == place.read_text(encoding="utf-8")
    assert 0 == exported("export", "r", *arguments, "--overwrite").code
    assert b"a day's work" != place.read_bytes()


def test_a_device_can_be_written_to_and_a_folder_is_called_one(exported: RunCli) -> None:
    """Nothing of either would be lost."""
    ran = exported("export", "r", "--format", "jsonl", "--output", "/dev/null")
    assert (0, "/dev/null: 5 rows\n") == (ran.code, ran.out), ran.err
    Path("kept.csv").mkdir()
    ran = exported("export", "r", "--output", "kept.csv")
    assert (1, False) == (ran.code, "--overwrite" in ran.err), ran.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nope"], 2, "No run named 'nope'"),
        (["r", "--output", "r.doc"], 2, "--output 'r.doc' ends like no format."),
        (["r", "--format", "xls"], 2, "'xls'"),
        (["r", "--bundle", "r.tar"], 2, "--bundle 'r.tar' does not end in .zip."),
        (["r", "--bundle", "r.zip", "--format", "csv"], 2, "--format and --output make a table of it"),
        (["r", "--output", "gone/r.csv"], 1, "gone/r.csv"),
    ],
)
def test_what_cannot_be_meant_writes_nothing(exported: RunCli, arguments: list[str], code: int, said: str) -> None:
    """And is said in a sentence."""
    before = set(Path().iterdir())
    ran = exported("export", *arguments)
    assert (code, "", True) == (ran.code, ran.out, said in ran.err), ran.err
    assert before == set(Path().iterdir())
