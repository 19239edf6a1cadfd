"""Run folders from the command line: long names on one line, and reports that stay out of other runs."""

from pathlib import Path

from tests.conftest import RunCli, results_of

RUN = ("eval", "--task", "five=five.jsonl", "--model", "echo", "--judge", "rules", "--run", "r")


def test_names_of_any_length_and_content_stay_on_one_line(run_cli: RunCli, task_file: Path) -> None:
    """A label of 5,000 characters with line breaks is one short cell of `ls runs`."""
    label = "ラ\nベ|ル" * 1000
    ran = run_cli(*RUN, "--model", f"{label}=echo")
    assert 0 == ran.code, ran.err
    assert label in {row["model"] for row in results_of(Path(), "r")["rows"]}
    lines = run_cli("ls", "runs").out.splitlines()
    assert 4 == len(lines)
    assert max(map(len, lines)) < 200


def board() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path("runs/r").iterdir()}


def test_a_report_stays_out_of_other_runs(run_cli: RunCli, task_file: Path) -> None:
    """Neither another run's folder nor, with a part of the run, its own is where a report may go."""
    run_cli(*RUN, "--judge", "reference")
    run_cli(*RUN[:-1], "other")
    before = board()
    for arguments in (
        ("other", "--format", "all", "--output", "runs/r"),
        ("r", "other", "--format", "json", "--output", "runs/r"),
        ("r", "--judge", "rules", "--format", "all"),
        ("r", "--baseline", "echo", "--format", "json", "--output", "runs/r"),
    ):
        ran = run_cli("report", *arguments)
        assert (2, "") == (ran.code, ran.out)
        assert "--output DIR" in ran.err
    assert before == board()
    assert 0 == run_cli("report", "r", "--judge", "rules", "--format", "all", "--output", "elsewhere").code
