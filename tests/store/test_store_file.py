"""The file of a store: folders of any name, and media that nobody can write."""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from harness.errors import StoreError
from harness.store.database import store_exists
from harness.store.store import Store
from harness.store.store_file import store_file
from harness.types import Generation
from tests.conftest import ROOT, RunCli, results_of

NAMES = [
    "proj?1", "what?mode=memory&cache=shared", "?", "a%20c", "a%41", "%", "100%", "x#y", "with two  spaces",
    "日本語のフォルダ", "~", ":memory:", "file:x", "back\\slash\\s", "C:\\proj", "q'uo\"te", "semi;colon", "a&b=c",
    "+plus", "[brackets]", "*",
    "new\nline",
]  # fmt: skip
ROW = Generation(request_key="a", text="答え")
RUN = ("eval", "--task", "five=five.jsonl", "--model", "echo", "--judge", "rules", "--run", "r")


def files_under(folder: Path) -> dict[str, int]:
    """Return every file with its size."""
    return {str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", ["path", "absolute url", "relative url", "relative path"])
def test_a_folder_of_any_name_holds_its_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, form: str
) -> None:
    """The file lies in that folder and nowhere else, and the URL that a manifest records finds it again."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / name
    written = {
        "path": f"{folder}/s.sqlite",
        "absolute url": f"sqlite:///{folder}/s.sqlite",
        "relative url": f"sqlite:///./{name}/s.sqlite",
        "relative path": f"./{name}/s.sqlite",
    }[form]
    with Store(written) as store:
        store.write(generations=[ROW])
        recorded = store.url
    assert [f"{name}/s.sqlite"] == list(files_under(tmp_path))
    assert store_exists(written)
    assert folder / "s.sqlite" == store_file(recorded)
    for url in (written, recorded):
        for read_only in (False, True):
            with Store(url, read_only=read_only) as again:
                assert {"a": ROW} == again.generations(["a"])
    assert [f"{name}/s.sqlite"] == list(files_under(tmp_path))


def test_a_store_that_was_cut_short_as_it_was_made_is_made_again(
    tmp_path: Path, run_cli: RunCli, task_file: Path
) -> None:
    """By a full disk or a limit for files, after SQLite's first page: no table is there, and nothing is lost."""
    bare = tmp_path / "bare.sqlite"
    with closing(sqlite3.connect(bare)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    assert 0 < bare.stat().st_size
    assert not store_exists(str(bare))
    ran = run_cli("eval", "--task", "five=five.jsonl", "--model", "echo", "--judge", "rules", "--store", str(bare))
    assert 0 == ran.code, ran.err
    assert store_exists(str(bare))
    with closing(sqlite3.connect(other := tmp_path / "other.sqlite")) as connection:
        connection.execute("CREATE TABLE mine (a)")
    assert store_exists(str(other))


def test_two_folders_that_decode_alike_are_two_stores(tmp_path: Path) -> None:
    """`a%41` and `aA` never share a row."""
    for name in ("a%41", "aA"):
        with Store(f"sqlite:///{tmp_path}/{name}/s.sqlite") as store:
            assert {} == store.generations(["a"])
            store.write(generations=[ROW])


@pytest.mark.parametrize("name", ["proj?1", "a%20c", "a%41", "x#y", "日 本", "~", ":memory:", "b\\c"])
def test_a_run_in_a_folder_of_any_name_is_reported_and_resumed(
    run_cli: RunCli, task_file: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """`eval` and `report` inside the folder, and nothing is written beside it."""
    folder = task_file.parent / name
    folder.mkdir()
    shutil.copy(task_file, folder)
    monkeypatch.chdir(folder)
    assert 0 == run_cli(*RUN).code
    assert (folder / "runs/store.sqlite").is_file()
    assert {name, task_file.name} == {path.name for path in task_file.parent.iterdir()}
    assert 0 == run_cli("report", "r").code
    assert "0 answers generated, 0 judged anew" in run_cli(*RUN).err


def test_a_tilde_is_the_home_folder_and_a_dot_before_it_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a shell; the home of nobody stays a name."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert tmp_path / "home/s.sqlite" == store_file("~/s.sqlite") == store_file("sqlite:///~/s.sqlite")
    assert Path("~/s.sqlite") == store_file("./~/s.sqlite")
    assert Path("~no-such-user-here/s") == store_file("~no-such-user-here/s")


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://", "sqlite:///", "sqlite:///:memory:", ":memory:", "sqlite://runs/store.sqlite", "sqlite:/x/y://z",
        "mysql+pymysql://me:secret@host/db", "file:///x/store.sqlite", "nonsense://x", "", " ",
        "a\0b", "sqlite:///store.sqlite?mode=ro", "sqlite:///x/s.sqlite?uri=true&timeout=5",
    ],
)  # fmt: skip
def test_what_is_no_store_is_refused_in_a_sentence(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is made, no password is shown, and the hint says how a store is written."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError) as refused:
        Store(url)
    assert "sqlite:///PATH" in str(refused.value.hint)
    assert "secret" not in str(refused.value)
    assert [] == list(tmp_path.iterdir())


def test_a_device_a_pipe_and_a_socket_are_no_store(tmp_path: Path) -> None:
    """Each is refused at once."""
    os.mkfifo(tmp_path / "pipe")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "s"))
    for path in ("/dev/zero", "/dev/null", str(tmp_path / "pipe"), str(tmp_path / "s")):
        for read_only in (False, True):
            with pytest.raises(StoreError, match="not a file"):
                Store(path, read_only=read_only)
    server.close()


def test_reading_makes_nothing(tmp_path: Path) -> None:
    """A store that is not there is not made, an empty file and a foreign database stay what they are."""
    with pytest.raises(StoreError, match="There is no store at"):
        Store(str(tmp_path / "gone" / "s.sqlite"), read_only=True)
    assert [] == list(tmp_path.iterdir())
    (tmp_path / "empty").touch()
    with sqlite3.connect(tmp_path / "foreign") as other:
        other.execute("CREATE TABLE x (y)")
    other.close()
    before = files_under(tmp_path)
    for name in ("empty", "foreign"):
        with pytest.raises(StoreError, match="not a store of ja-harness"):
            Store(str(tmp_path / name), read_only=True)
    assert before == files_under(tmp_path)


def test_a_store_opened_for_reading_refuses_to_write(tmp_path: Path) -> None:
    """The refusal is SQLite's, so that no way leads around it."""
    with Store(str(tmp_path / "s")) as store:
        store.write(generations=[ROW])
    with Store(str(tmp_path / "s"), read_only=True) as store, pytest.raises(StoreError, match="cannot be written"):
        store.write(generations=[Generation(request_key="b", text="x")])


def test_a_reader_sees_what_a_writer_has_just_written(tmp_path: Path) -> None:
    """Opening for reading is no snapshot of the file: the write-ahead log counts."""
    with Store(str(tmp_path / "s")) as writer, Store(str(tmp_path / "s"), read_only=True) as reader:
        writer.write(generations=[ROW])
        assert {"a": ROW} == reader.generations(["a"])


def test_what_a_killed_writer_left_is_read_where_nothing_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy without the shared index, as on a disc: rows that are only in the write-ahead log are not lost."""
    source, disc = tmp_path / "source", tmp_path / "disc"
    disc.mkdir()
    with Store(str(source / "s")) as writer:
        writer.write(generations=[ROW])
        for suffix in ("", "-wal"):
            shutil.copy(f"{source}/s{suffix}", disc)
    before = files_under(disc)
    assert before["s-wal"] > 0
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr("harness.store.store_file._works", lambda _connect: False)
    with Store(str(disc / "s"), read_only=True) as reader:
        assert {"a": ROW} == reader.generations(["a"])
    assert before == files_under(disc)


MAIN = """
import contextlib, io, json, sys
from harness.cli import main
ran = []
for arguments in json.loads(sys.argv[1]):
    sys.argv, out, err, code = ["harness", *arguments], io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main.main()
        except SystemExit as stop:
            code = stop.code or 0
    ran.append([code, out.getvalue(), err.getvalue()])
print(json.dumps(ran))
"""
READ_ONLY = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"'
COMMANDS = [
    ("report", "r"), ("report", "r", "--format", "json"), ("report", "r", "--format", "csv"),
    ("show", "r", "--task-id", "0"), ("compare", "r"), ("ls", "runs"), ("audit", "r"),
    ("report", "r", "--format", "html", "--output", "/OUT"),
]  # fmt: skip


def on_read_only_mount(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in ``folder`` while it is mounted so that not even root can write there."""
    inside = ["unshare", "-m", "sh", "-c", READ_ONLY, "sh", str(folder)]
    return subprocess.run(
        [*inside, "env", f"--chdir={folder}", f"PYTHONPATH={ROOT}", *command],
        check=False, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


@pytest.fixture
def can_mount(tmp_path: Path) -> None:
    """Skip where a folder cannot be mounted read-only: for root, taking away rights changes nothing."""
    if shutil.which("unshare") is None or on_read_only_mount(tmp_path, "true").returncode:
        pytest.skip("mounting a folder read-only is not permitted here")
    assert 0 != on_read_only_mount(tmp_path, "touch", "x").returncode


def test_read_only_media_are_reported_from(
    can_mount: None, run_cli: RunCli, task_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run folder and store on a mount that nobody can write: every command that only reads works as before."""
    place = task_file.parent / "a disc?%41"
    place.mkdir()
    shutil.copy(task_file, place)
    monkeypatch.chdir(place)
    assert 0 == run_cli(*RUN).code
    expected = [run_cli(*command).out for command in COMMANDS if "/OUT" not in command]
    monkeypatch.chdir(task_file.parent)
    before, out = files_under(place), task_file.parent / "out"
    out.mkdir()
    commands = [[str(out) if argument == "/OUT" else argument for argument in command] for command in COMMANDS]
    ran = on_read_only_mount(place, sys.executable, "-c", MAIN, json.dumps(commands))
    told = json.loads(ran.stdout)
    assert [0] * len(COMMANDS) == [code for code, _, _ in told], told
    assert expected == [text for command, (_, text, _) in zip(COMMANDS, told, strict=True) if "/OUT" not in command]
    assert (out / "report.html").is_file()
    assert before == files_under(place)
    assert results_of(place, "r")["rows"]


WRITING = [
    ("report", "r", "--format", "html"), ("judge", "r", "--judge", "reference"), (*RUN[:-1], "other"),
    ("rate", "export", "r"), ("export", "r"), (*RUN, "--overwrite"),
]  # fmt: skip


def test_commands_that_write_say_so_on_read_only_media(can_mount: None, run_cli: RunCli, task_file: Path) -> None:
    """One sentence that names the place, no traceback, and nothing is lost."""
    assert 0 == run_cli(*RUN).code
    before = files_under(task_file.parent)
    ran = on_read_only_mount(task_file.parent, sys.executable, "-c", MAIN, json.dumps(WRITING))
    for command, (code, out, err) in zip(WRITING, json.loads(ran.stdout), strict=True):
        assert 1 == code, (command, out, err)
        assert "Error: " in err, (command, err)
        assert "defect" not in err, (command, err)
        assert "Traceback" not in err, (command, err)
    assert before == files_under(task_file.parent)


def test_a_killed_run_is_read_from_a_read_only_mount(can_mount: None, tmp_path: Path) -> None:
    """With the log and the index that a killed process leaves, and with the log alone."""
    code = (
        "import os; from harness.store.store import Store; from harness.types import Generation\n"
        "s = Store('s'); s.write(generations=[Generation(request_key='a', text='x')]); os._exit(9)"
    )
    read = "from harness.store.store import Store; print(list(Store('s', read_only=True).generations(['a'])))"
    subprocess.run([sys.executable, "-c", code], check=False, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)})
    before = files_under(tmp_path)
    assert before["s-wal"] > 0
    assert "['a']\n" == on_read_only_mount(tmp_path, sys.executable, "-c", read).stdout
    (tmp_path / "s-shm").unlink()
    ran = on_read_only_mount(tmp_path, sys.executable, "-c", read)
    assert "['a']\n" == ran.stdout, ran.stderr
    assert before.keys() - {"s-shm"} == files_under(tmp_path).keys()


def test_writing_to_read_only_media_says_where(can_mount: None, tmp_path: Path) -> None:
    """A sentence with the store's path instead of a traceback."""
    with Store(str(tmp_path / "s")) as store:
        store.write(generations=[ROW])
    code = (
        "from harness.store.store import Store; from harness.errors import StoreError\n"
        "try:\n Store('s')\nexcept StoreError as error:\n print(error)"
    )
    ran = on_read_only_mount(tmp_path, sys.executable, "-c", code)
    assert f"The store {tmp_path}/s cannot be written" in ran.stdout, ran.stderr
