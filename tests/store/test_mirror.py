"""The copy of a store on another medium: taken in again, never torn, and never in the way of the work."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from harness.errors import StoreError
from harness.locale import Text
from harness.store import mirror
from harness.store.mirror import BEFORE, COPY, back_up, mirrored_store, take_in
from harness.store.store import Store
from harness.types import Generation, Judgement, Verdict
from tests.conftest import ROOT, RunCli, results_of

RUN = ("eval", "--task", "five=five.jsonl", "--model", "echo", "--judge", "rules", "--run", "r")


def answer(key: str, text: str | None = "答え") -> Generation:
    return Generation(request_key=key, text=text, error=None if text else "server gone")


def verdict(key: str, score: int | None) -> Judgement:
    said = Verdict.unscored("no number") if score is None else Verdict.scored(score)
    return Judgement(key=key, request_key="a", judge="j", judge_fingerprint="f", repeat=0, verdict=said)


class Told(list[str]):
    def __call__(self, text: Text) -> None:
        self.append(str(text))


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    return tmp_path / "drive" / "ja-harness"


def rows(path: Path) -> dict[str, Generation]:
    with Store(str(path), read_only=True) as store:
        return store.generations(["a", "b", "c"])


def test_a_lost_machine_costs_nothing(tmp_path: Path, drive: Path) -> None:
    """What one machine wrote, another takes in, whose store is not even there."""
    told = Told()
    with mirrored_store(str(tmp_path / "one/s.sqlite"), str(drive), tell=told) as store:
        store.write(generations=[answer("a")], judgements=[verdict("v", 4)])
    shutil.rmtree(tmp_path / "one")
    with mirrored_store(str(tmp_path / "two/s.sqlite"), str(drive), tell=told) as store:
        assert {"a": answer("a")} == store.generations(["a"])
        assert verdict("v", 4) == store.judgements(["v"])["v"]
    assert [f"2 rows were taken from {drive / COPY}."] == told


def test_both_may_have_grown(tmp_path: Path, drive: Path) -> None:
    """Rows of the store and of the copy end up in both; a success replaces a failure, on either side, and stays."""
    told = Told()
    with mirrored_store(str(tmp_path / "one.sqlite"), str(drive), tell=told) as store:
        store.write(generations=[answer("a"), answer("b", None), answer("c", "初")], judgements=[verdict("v", 2)])
    with Store(str(tmp_path / "two.sqlite")) as store:
        store.write(
            generations=[answer("a", None), answer("b", "成功"), answer("c", "別")], judgements=[verdict("v", None)]
        )
    with mirrored_store(str(tmp_path / "two.sqlite"), str(drive), tell=told) as store:
        assert 2 == store.judgements(["v"])["v"].verdict.score
    expected = {"a": answer("a"), "b": answer("b", "成功"), "c": answer("c", "別")}
    assert expected == rows(tmp_path / "two.sqlite") == rows(drive / COPY)


@pytest.mark.parametrize("damage", [b"", b"SQLite format 3\0", None])
def test_a_torn_copy_is_told_and_the_one_before_it_taken(tmp_path: Path, drive: Path, damage: bytes | None) -> None:
    """Empty, cut in the middle, or gone between the two renames."""
    told = Told()
    with Store(str(tmp_path / "s.sqlite")) as store:
        store.write(generations=[answer("a")])
        back_up(tmp_path / "s.sqlite", drive)
        store.write(generations=[answer("b")])
        back_up(tmp_path / "s.sqlite", drive)
    if damage is None:
        (drive / COPY).unlink()
    else:
        (drive / COPY).write_bytes(damage or (drive / COPY).read_bytes()[:9000])
    with Store(str(tmp_path / "new.sqlite")) as store:
        assert 1 == take_in(store, drive, tell=told)
        assert {"a"} == set(store.generations(["a", "b"]))
    assert told == ([] if damage is None else [f"{drive / COPY} is not whole; the copy before it is taken."])


def test_the_copy_is_one_whole_file_while_others_write(tmp_path: Path, drive: Path) -> None:
    """Every copy that is made while rows arrive is a store with all rows up to some moment, and needs no log."""
    path = tmp_path / "s.sqlite"
    ended = threading.Event()

    def write() -> None:
        with Store(str(path)) as store:
            for number in range(10_000):
                if ended.is_set():
                    return
                store.write(generations=[answer(f"{number:05}")])

    Store(str(path)).close()
    writer = threading.Thread(target=write)
    writer.start()
    counts = []
    try:
        for _ in range(5):
            back_up(path, drive)
            with closing(sqlite3.connect(f"{(drive / COPY).as_uri()}?immutable=1", uri=True)) as copy:
                keys = [key for (key,) in copy.execute("SELECT request_key FROM generation ORDER BY 1")]
            assert [f"{number:05}" for number in range(len(keys))] == keys
            counts.append(len(keys))
    finally:
        ended.set()
        writer.join()
    assert counts == sorted(counts)
    assert {COPY, BEFORE} == {file.name for file in drive.iterdir()}
    assert not list(tmp_path.glob(".copy-*"))


def test_a_medium_that_fails_ends_nothing_and_is_told_once(
    tmp_path: Path, drive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A drive that gives back other bytes: the last copy stays, the work goes on, and then it is copied again."""
    told = Told()
    with mirrored_store(str(tmp_path / "s.sqlite"), str(drive), tell=told) as store:
        store.write(generations=[answer("a")])
    before = (drive / COPY).read_bytes()
    real = mirror._digest
    monkeypatch.setattr(mirror, "_digest", lambda path: real(path) + path.suffix)
    with mirrored_store(str(tmp_path / "s.sqlite"), str(drive), tell=told, every=0.01) as store:
        store.write(generations=[answer("b")])
        _wait_for(lambda: told)
        assert before == (drive / COPY).read_bytes()
        monkeypatch.setattr(mirror, "_digest", real)
        _wait_for(lambda: len(told) > 1)
    assert ["gave back other bytes" in told[0], "again" in told[-1]] == [True, True]
    assert {"a", "b"} == set(rows(drive / COPY))


def test_a_drive_that_is_not_there_ends_nothing(tmp_path: Path) -> None:
    """A file lies where the folder should be: told, with where the store is whole."""
    (tmp_path / "drive").write_text("no folder", encoding="utf-8")
    told = Told()
    with mirrored_store(str(tmp_path / "s.sqlite"), str(tmp_path / "drive"), tell=told) as store:
        store.write(generations=[answer("a")])
    assert str(tmp_path / "s.sqlite") in told[-1]
    assert {"a"} == set(rows(tmp_path / "s.sqlite"))


def test_what_is_no_store_is_refused_and_left_alone(tmp_path: Path, drive: Path) -> None:
    """Another program's database, and a store of a version to come."""
    drive.mkdir(parents=True)
    with closing(sqlite3.connect(drive / COPY)) as other:
        other.execute("CREATE TABLE mine (x)")
        other.commit()
    with (
        pytest.raises(StoreError, match="not a store"),
        mirrored_store(str(tmp_path / "s.sqlite"), str(drive), tell=Told()),
    ):
        pass
    (drive / COPY).unlink()
    Store(str(drive / COPY)).close()
    with closing(sqlite3.connect(drive / COPY)) as newer:
        newer.execute("UPDATE meta SET value = '99'")
        newer.commit()
    with (
        pytest.raises(StoreError, match="schema 99"),
        mirrored_store(str(tmp_path / "s.sqlite"), str(drive), tell=Told()),
    ):
        pass


def test_a_store_of_an_earlier_version_is_taken_in(tmp_path: Path, drive: Path) -> None:
    """It has no checksums."""
    with Store(str(tmp_path / "s.sqlite")) as store:
        store.write(generations=[answer("a")])
        back_up(tmp_path / "s.sqlite", drive)
    with closing(sqlite3.connect(drive / COPY)) as old:
        old.execute("ALTER TABLE generation DROP COLUMN checksum")
        old.commit()
    with Store(str(tmp_path / "new.sqlite")) as store:
        assert 1 == take_in(store, drive, tell=Told())
        assert {"a": answer("a")} == store.generations(["a"])


def test_the_store_s_own_folder_is_refused(tmp_path: Path) -> None:
    """The copy would take the store's own name."""
    with (
        pytest.raises(StoreError, match="own folder"),
        mirrored_store(str(tmp_path / COPY), f"{tmp_path}/", tell=Told()),
    ):
        pass


@pytest.mark.parametrize("configured", ["environment", "harness.toml"])
def test_a_command_goes_on_on_a_new_machine(
    run_cli: RunCli, task_file: Path, drive: Path, monkeypatch: pytest.MonkeyPatch, configured: str
) -> None:
    """The folder runs/ is gone; the same command generates and judges nothing anew, and the board is the same."""
    if configured == "environment":
        monkeypatch.setenv("HARNESS_STORE_MIRROR", str(drive))
    else:
        Path("harness.toml").write_text(f'store_mirror = "{drive.as_posix()}"\n', encoding="utf-8")
    assert 0 == run_cli(*RUN).code
    first = results_of(Path(), "r")["rows"]
    shutil.rmtree("runs")
    again = run_cli(*RUN)
    assert "0 answers generated, 0 judged anew" in again.err
    assert f"rows were taken from {drive / COPY}" in again.err
    assert first == results_of(Path(), "r")["rows"]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills a process")
def test_what_was_copied_before_a_kill_is_there(tmp_path: Path, drive: Path) -> None:
    """A process that copies as often as it can is killed at any moment: the medium holds a whole copy."""
    script = (
        "import sys\nfrom harness.store.mirror import mirrored_store\nfrom harness.types import Generation\n"
        "with mirrored_store(sys.argv[1], sys.argv[2], tell=print, every=0.001) as store:\n"
        "    for number in range(1_000_000):\n"
        "        store.write(generations=[Generation(request_key=f'{number:07}', text='x' * 500)])\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "s.sqlite"), str(drive)]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        _wait_for((drive / BEFORE).exists)
    finally:
        process.kill()
        process.wait()
    with Store(str(tmp_path / "new.sqlite")) as store:
        taken = take_in(store, drive, tell=Told())
        assert taken
        assert taken == len(store.generations([f"{number:07}" for number in range(taken)]))


def _wait_for(condition: object) -> None:
    deadline = time.monotonic() + 60
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.005)
