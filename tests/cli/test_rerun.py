"""`harness rerun`: by which names a run is found, under which name it is made again, and what it leaves alone."""

from pathlib import Path

import pytest

from tests.conftest import RunCli


@pytest.fixture
def finished(run_cli: RunCli, task_file: Path) -> RunCli:
    """A run `r` of five answers by one judge."""
    ran = run_cli("eval", "--task", "five=five.jsonl", "--model", "echo", "--judge", "reference", "--run", "r")
    assert 0 == ran.code, ran.err
    return run_cli


def test_the_rerun_has_a_name_of_its_own(finished: RunCli) -> None:
    """Its own unless one is given; the run that was there stays."""
    before = Path("runs/r/results.json").read_bytes()
    assert 0 == finished("rerun", "r").code
    assert 0 == finished("rerun", "runs/r/manifest.json", "--run", "again").code
    assert {"r", "r-rerun", "again"} == {path.name for path in Path("runs").iterdir() if path.is_dir()}
    assert before == Path("runs/r/results.json").read_bytes()


def test_fresh_asks_for_everything_in_a_store_of_its_own(finished: RunCli) -> None:
    """The shared store gets nothing of it."""
    ran = finished("rerun", "r", "--fresh")
    assert "5 answers generated, 5 judged anew" in ran.err
    assert Path("runs/r-rerun/rerun.sqlite").exists()
    assert "0 answers generated, 0 judged anew" in finished("rerun", "r").err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nope"], 2, "No run named 'nope'"),
        (["runs"], 2, "No run named 'runs'"),
        (["r", "--run", "a/b"], 1, "is no name for a run"),
        (["r", "--max-cost", "0"], 2, "--max-cost"),
        ([], 2, "MANIFEST"),
    ],
)
def test_what_cannot_be_meant_makes_nothing(finished: RunCli, arguments: list[str], code: int, said: str) -> None:
    """Said before anything is done."""
    ran = finished("rerun", *arguments)
    assert (code, True) == (ran.code, said in ran.err), ran.err
    assert ["r"] == [path.name for path in Path("runs").iterdir() if path.is_dir()]


def test_a_folder_without_a_finished_run_is_said(finished: RunCli) -> None:
    """It is there, and holds nothing to compare with."""
    Path("runs/r/results.json").unlink()
    ran = finished("rerun", "r")
    assert (1, True) == (ran.code, "runs/r holds no finished run." in ran.err)
