"""The folder of a run after something else than this version has written to it."""

from pathlib import Path

import pytest

from tests.conftest import RunCli, results_of

RUN = ("eval", "--task", "five=five.jsonl", "--model", "echo", "--judge", "rules", "--run", "r")
FOREIGN = [b"", b"{", b"[]", b"{}", b'{"schema": 1}', b'{"schema": 2, "rows": []}', b"null", b"\xff"]


@pytest.mark.parametrize("content", FOREIGN)
def test_a_manifest_that_cannot_be_used_is_said_and_written_anew(
    run_cli: RunCli, task_file: Path, content: bytes
) -> None:
    """`compare` names the file, `ls runs` lists the other runs, and the evaluation mends it without any new answer."""
    run_cli(*RUN)
    run_cli(*RUN[:-1], "other")
    manifest = Path("runs/r/manifest.json")
    manifest.write_bytes(content)
    ran = run_cli("compare", "r")
    assert (1, "") == (ran.code, ran.out)
    assert f"Error: {manifest}: " in ran.err
    assert "defect" not in ran.err
    listed = run_cli("ls", "runs")
    assert 0 == listed.code, listed.err
    assert "| r     | cannot be read" in listed.out
    assert "| other | 20" in listed.out
    assert "No run named 'othr'" in run_cli("compare", "othr").err
    ran = run_cli(*RUN)
    assert 0 == ran.code, ran.err
    assert "0 answers generated, 0 judged anew" in ran.err
    assert 0 == run_cli("compare", "r").code


@pytest.mark.parametrize("content", FOREIGN)
def test_results_that_cannot_be_used_are_written_anew(run_cli: RunCli, task_file: Path, content: bytes) -> None:
    """`ls runs` goes on, and the evaluation writes the same results.json as before."""
    run_cli(*RUN)
    before = results_of(Path(), "r")["rows"]
    Path("runs/r/results.json").write_bytes(content)
    listed = run_cli("ls", "runs")
    assert 0 == listed.code, listed.err
    assert "cannot be read" in listed.out
    assert 0 == run_cli(*RUN).code
    assert before == results_of(Path(), "r")["rows"]


def test_a_folder_in_the_place_of_a_file_is_said(run_cli: RunCli, task_file: Path) -> None:
    """A sentence with the path, no traceback and no word of a defect."""
    Path("runs/r/manifest.json").mkdir(parents=True)
    for arguments in (RUN, ("compare", "r")):
        ran = run_cli(*arguments)
        assert 1 == ran.code
        assert "runs/r/manifest.json" in ran.err
        assert "defect" not in ran.err


def test_the_current_folder_is_a_path(run_cli: RunCli, task_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`harness compare .` inside a run's folder, and its report is named as the folder."""
    run_cli(*RUN)
    monkeypatch.chdir("runs/r")
    ran = run_cli("compare", ".")
    assert 0 == ran.code, ran.err
    assert ran.out.startswith("# Comparisons: r\n")


def test_names_of_any_length_and_content_stay_on_one_line(run_cli: RunCli, task_file: Path) -> None:
    """A label of 5,000 characters with line breaks is one short cell of `ls runs`."""
    label = "ラ\nベ|ル" * 1000
    ran = run_cli(*RUN, "--model", f"{label}=echo")
    assert 0 == ran.code, ran.err
    assert label in {row["model"] for row in results_of(Path(), "r")["rows"]}
    lines = run_cli("ls", "runs").out.splitlines()
    assert 4 == len(lines)
    assert max(map(len, lines)) < 200
