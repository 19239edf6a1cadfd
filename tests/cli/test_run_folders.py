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


def board() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path("runs/r").iterdir()}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (("--model", "two=echo"), "models echo there, echo, two here"),
        (("--limit", "3"), "limit none there, 3 here"),
        (("--prompt", "plain.v1"), "prompts course.v1 there, plain.v1 here"),
        (("--repeats", "2"), "repeats 1 there, 2 here"),
        (("--temperature", "0.5", "--seed", "4"), "temperature 0 there, 0.5 here; seed 0 there, 4 here"),
        (("--max-new-tokens", "9"), "max_new_tokens 512 there, 9 here"),
        (("--task", "more=more.jsonl"), "tasks five there, five, more here"),
    ],
)
@pytest.mark.parametrize("more", [(), ("--dry-run",), ("--overwrite",)], ids=["refused", "dry", "overwritten"])
def test_another_plan_does_not_take_a_runs_name(
    run_cli: RunCli, task_file: Path, changed: tuple[str, ...], said: str, more: tuple[str, ...]
) -> None:
    """Refused with what differs, before any work and without a change; --overwrite replaces it."""
    Path("more.jsonl").write_text('{"input": "もう一つ"}\n', encoding="utf-8")
    run_cli(*RUN)
    before = board()
    ran = run_cli(*RUN, *changed, *more)
    if "--overwrite" in more:
        assert (0, False) == (ran.code, before == board()), ran.err
        return
    assert (2, "") == (ran.code, ran.out)
    assert f"Error: Run 'r' has another plan: {said}." in ran.err
    assert "--overwrite" in ran.err
    assert before == board()


def test_tasks_or_templates_that_changed_are_another_plan(run_cli: RunCli, task_file: Path) -> None:
    """The same words on the command line, other content in the file."""
    Path("own.j2").write_text("{{ input }}", encoding="utf-8")
    arguments = (*RUN, "--prompt", "own.j2")
    run_cli(*arguments)
    Path("own.j2").write_text("{{ input }}!", encoding="utf-8")
    assert "prompt 'own.j2' has another text" in run_cli(*arguments).err
    Path("own.j2").write_text("{{ input }}", encoding="utf-8")
    task_file.write_text(task_file.read_text(encoding="utf-8").replace("質問", "問い"), encoding="utf-8")
    assert "task set 'five' has other content" in run_cli(*arguments).err


def test_the_same_plan_goes_on_whatever_else_changed(run_cli: RunCli, task_file: Path) -> None:
    """Another order of models, an idle seed, another baseline, confidence or judge ask no model anything else."""
    two = (*RUN, "--model", "two=echo")
    run_cli(*two)
    for more in (("--seed", "5"), ("--baseline", "two"), ("--confidence", "0.9"), ("--judge", "reference")):
        ran = run_cli(*two, *more)
        assert 0 == ran.code, ran.err
    turned = ("eval", "--task", "five=five.jsonl", "--model", "two=echo", "--model", "echo", "--judge", "rules")
    ran = run_cli(*turned, "--run", "r")
    assert 0 == ran.code, ran.err
    assert {"rules", "reference"} == {row["judge"] for row in results_of(Path(), "r")["rows"]}


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


def test_a_run_that_came_to_nothing_makes_way(run_cli: RunCli, task_file: Path, example_plugin: Path) -> None:
    """Without one score there is no board to lose."""
    nothing = ("eval", "--task", "five=five.jsonl", "--model", "dying:0", "--judge", "length", "--run", "r")
    assert 3 == run_cli(*nothing).code
    assert 0 == run_cli(*RUN).code
    assert 2 == run_cli(*nothing).code


@pytest.mark.parametrize("name", ["a/b", "../r", "..", ".", "", " ", "/tmp/r", "a\\b", "./r", ".hidden", "r/", "a\nb"])
@pytest.mark.parametrize("command", ["eval", "ab"])
def test_a_name_stays_in_the_runs_folder(run_cli: RunCli, task_file: Path, name: str, command: str) -> None:
    """No path is a name; nothing is made anywhere."""
    prompts = ("--prompt", "plain.v1", "--prompt", "course.v1")
    ran = run_cli(command, *RUN[1:-1], name, *prompts)
    assert (1, True) == (ran.code, "is no name for a run" in ran.err), ran.err
    assert ["five.jsonl"] == [path.name for path in Path().iterdir()]


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
