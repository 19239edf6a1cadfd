"""The folder of a run, whatever else has written to it."""

import threading
from pathlib import Path

import pytest

from harness.errors import HarnessError, InputError, UnwritableError
from harness.runs.folder import RunFolder, new_run, run_folders
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


@pytest.mark.parametrize("name", ["a/b", "../r", "..", ".", "", " ", "/tmp/r", "a\\b", "./r", ".hidden", "r/", "a\nb"])
@pytest.mark.parametrize("command", ["eval", "ab"])
def test_a_name_stays_in_the_runs_folder(run_cli: RunCli, task_file: Path, name: str, command: str) -> None:
    """No path is a name; nothing is made anywhere."""
    prompts = ("--prompt", "plain.v1", "--prompt", "course.v1")
    ran = run_cli(command, *RUN[1:-1], name, *prompts)
    assert (1, True) == (ran.code, "is no name for a run" in ran.err), ran.err
    assert ["five.jsonl"] == [path.name for path in Path().iterdir()]


def test_a_name_is_under_runs_and_a_path_is_itself(tmp_path: Path) -> None:
    """Whatever a path looks like."""
    assert (Path("runs/demo"), "demo") == (RunFolder("runs", "demo").path, RunFolder("runs", "demo").name)
    elsewhere = RunFolder("runs", str(tmp_path / "other"))
    assert (tmp_path / "other", "other") == (elsewhere.path, elsewhere.name)


@pytest.mark.parametrize("name", ["", "  ", ".hidden", "a/b", "a\\b", "..", "a\nb", "\x1b[31m"])
def test_a_new_run_has_a_name_and_no_path(name: str) -> None:
    """What would leave the folder, be hidden in it or steer a terminal is refused."""
    with pytest.raises(HarnessError, match="is no name for a run"):
        new_run("runs", name)
    assert "実験 1" == new_run("runs", "実験 1").name


def test_a_file_is_replaced_whole_and_left_alone_where_nothing_changed(tmp_path: Path) -> None:
    """No half of one is left behind, whatever happens; lone surrogates become question marks."""
    folder = RunFolder("", str(tmp_path / "r"))
    folder.create()
    folder.write("a.md", "one")
    before = (tmp_path / "r/a.md").stat()
    folder.write("a.md", "one")
    assert before.st_mtime_ns == (tmp_path / "r/a.md").stat().st_mtime_ns
    folder.write("a.md", "two \ud800")
    assert ("two ?", ["a.md"]) == (folder.read("a.md"), [path.name for path in (tmp_path / "r").iterdir()])
    folder.remove("a.md")
    folder.remove("a.md")
    assert (None, False) == (folder.read("a.md"), folder.holds("a.md"))


def test_what_is_no_number_is_not_written(tmp_path: Path) -> None:
    """A results.json with NaN in it is no JSON: better no file."""
    folder = RunFolder("", str(tmp_path))
    with pytest.raises(ValueError, match="Out of range float"):
        folder.write_json("a.json", {"mean": float("nan")})
    assert not folder.holds("a.json")


def test_a_folder_that_cannot_be_made_is_found_out_first(tmp_path: Path) -> None:
    """A file stands in its place."""
    (tmp_path / "runs").write_text("x", encoding="utf-8")
    with pytest.raises(UnwritableError, match="Cannot write"):
        RunFolder(str(tmp_path / "runs"), "r").create()


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "not valid JSON"), ("[]", "not a JSON object"), ('{"schema": 9}', "schema"), ('{"schema": 2}', "missing")],
)
def test_results_are_what_a_version_of_ours_writes(tmp_path: Path, text: str, message: str) -> None:
    """Else their file is named, and a manifest like this counts as none where it is written anew."""
    folder = RunFolder("", str(tmp_path))
    folder.write("results.json", text)
    folder.write("manifest.json", text)
    with pytest.raises(InputError, match=message):
        folder.results()
    with pytest.raises(InputError):
        folder.manifest()
    assert (None, False) == (folder.previous(), folder.is_complete())


def test_runs_are_found_by_their_manifests(tmp_path: Path) -> None:
    """Those that cannot be read come first; a folder without one is no run, and no folder holds none."""
    for name in ("a", "b"):
        RunFolder(str(tmp_path), name).create()
    RunFolder(str(tmp_path), "b").write("manifest.json", "{}")
    assert ["b"] == [folder.name for folder in run_folders(str(tmp_path))]
    assert [] == run_folders(str(tmp_path / "nowhere"))


def test_only_one_process_writes_at_a_time(tmp_path: Path) -> None:
    """The other one waits; the lock is beside the folder, which it does not make."""
    folder = RunFolder("", str(tmp_path / "r"))
    order: list[str] = []

    def second() -> None:
        with RunFolder("", str(tmp_path / "r")).lock():
            order.append("second")

    with folder.lock():
        waiting = threading.Thread(target=second)
        waiting.start()
        waiting.join(0.2)
        order.append("first")
    waiting.join(20)
    assert (["first", "second"], False) == (order, (tmp_path / "r").exists())
