"""The end of an evaluation: what the run had before stays."""

from pathlib import Path

from tests.conftest import RunCli, results_of

RUN = ("eval", "--task", "five=five.jsonl", "--model", "echo", "--judge", "rules", "--run", "r")


def test_fewer_judges_lose_no_column(run_cli: RunCli, task_file: Path) -> None:
    """A judge of the evaluation before stays on the board with its figures, and with the command that brought it."""
    run_cli(*RUN, "--judge", "reference")
    before = results_of(Path(), "r")["rows"]
    ran = run_cli(*RUN)
    assert (0, before) == (ran.code, results_of(Path(), "r")["rows"])
    ran = run_cli(*RUN[:-4], "--judge", "rules", "--run", "r", "--confidence", "0.9")
    assert ["rules", "reference"] == [row["judge"] for row in results_of(Path(), "r")["rows"]]
    [joined] = results_of(Path(), "r")["provenance"]["joined"]
    assert ("reference", True) == (joined["judge"], "--judge reference" in joined["command"])
    before = results_of(Path(), "r")["rows"]
    run_cli(*RUN[:-4], "--judge", "reference", "--run", "r", "--confidence", "0.9")
    assert before == results_of(Path(), "r")["rows"]
