"""An adapter's folder: who may use it, what is whole in it, and that nothing of anybody's is ever lost."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import HarnessError, InputError
from tests.trainers.adapter_folders import record_of
from trainers.adapter.adapter_folder import (
    check_same_run,
    check_weights,
    claimed,
    move_in,
    refuse_occupied,
    rewind_log,
    save_record,
)
from trainers.adapter.checkpoints import CHECKPOINTS, Cut, last_checkpoint, seal
from trainers.adapter.files import write_whole
from trainers.adapter.training_record import LOG, WEIGHTS, read_log

HOLD = """
import sys
from pathlib import Path
from trainers.adapter.adapter_folder import claimed
with claimed(Path(sys.argv[1])):
    print("mine", flush=True)
    sys.stdin.readline()
"""


def checkpoint(folder: Path, name: str, *, complete: bool = True) -> Path:
    """Make a checkpoint with a file in it."""
    path = folder / CHECKPOINTS / name
    path.mkdir(parents=True)
    (path / "optimizer.pt").write_bytes(b"optimizer")
    if complete:
        for item in ("adapter_config.json", "adapter_model.safetensors", "scheduler.pt", "trainer_state.json"):
            (path / item).write_text(item)
        (path / "tally.json").write_text("{}")
        seal(path, record_of(outcome=None), Cut(tokens=1, recomputed=0, dequantized=False))
    return path


def test_a_folder_belongs_to_one_process(tmp_path: Path) -> None:
    """While another process holds it, the message names it; once that one is gone it is free, without a trace."""
    folder = tmp_path / "new" / "adapter"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert "mine\n" == other.stdout.readline()
        with pytest.raises(HarnessError, match=f"Another process is training into {folder}"), claimed(folder):
            pytest.fail("two processes hold one folder")
        other.communicate("\n")
    assert 0 == other.returncode
    with claimed(folder):
        assert folder.is_dir()
    assert [] == list(folder.iterdir())


def test_a_killed_holder_leaves_the_folder_free(tmp_path: Path) -> None:
    """What a killed process leaves behind is no obstacle: neither for the claim nor as somebody's file."""
    folder = tmp_path / "adapter"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        other.kill()
    (folder / ".training.json.part").write_text("{")
    refuse_occupied(folder, resume=False)
    with claimed(folder):
        save_record(folder, record_of())
    assert ["training.json"] == [item.name for item in folder.iterdir()]


@pytest.mark.parametrize("below", ["", "adapter", "deep/adapter"])
def test_a_path_that_is_or_lies_below_a_file_is_refused(tmp_path: Path, below: str) -> None:
    """Not even root can write there; the file stays as it is."""
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(HarnessError) as caught, claimed(file / below):
        pytest.fail("claimed a file")
    assert (str(file / below) in caught.value.message, "--output" in str(caught.value.hint)) == (True, True)
    assert "mine" == file.read_text()


def test_a_folder_that_may_not_be_written_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No right to create it: the system's own words, the path and the next step."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(HarnessError, match="cannot be written: permission denied") as caught, claimed(tmp_path / "a"):
        pytest.fail("claimed what may not be written")
    assert "Choose an --output that you may write to." == caught.value.hint


def test_a_new_or_empty_folder_is_taken(tmp_path: Path) -> None:
    """Nothing there, an empty folder, and no folder above it: all can be trained into."""
    (tmp_path / "empty").mkdir()
    for name in ("empty", "new", "further/new"):
        refuse_occupied(tmp_path / name, resume=False)
    assert ["empty"] == [item.name for item in tmp_path.iterdir()]


@pytest.mark.parametrize("output", ["file", "file/below", "file/far/below"])
def test_what_lies_below_a_file_is_refused_by_the_files_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str
) -> None:
    """Before data is read, also for a relative path."""
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("mine")
    for folder in (Path(output), tmp_path / output):
        with pytest.raises(InputError, match="file: not a folder") as caught:
            refuse_occupied(folder, resume=True)
        assert "Choose another --output." == caught.value.hint


def test_a_folder_without_the_right_to_write_is_refused_before_data_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The nearest folder that is there decides. Root may write anywhere, so the system's answer is played."""
    asked = []

    def access(path: Path, mode: int) -> bool:
        asked.append((path, mode))
        return False

    monkeypatch.setattr(os, "access", access)
    with pytest.raises(InputError, match=f"{tmp_path}: cannot be written"):
        refuse_occupied(tmp_path / "new" / "adapter", resume=False)
    assert [(tmp_path, os.W_OK | os.X_OK)] == asked


@pytest.mark.parametrize("resume", [False, True])
def test_a_file_or_a_folder_with_other_files_is_refused(tmp_path: Path, resume: bool) -> None:
    """Whatever it is, it is not ours to write into: the first names are given."""
    for name in "dcba":
        (tmp_path / name).write_text("mine")
    with pytest.raises(InputError, match=r"holds other files \(a, b, c, …\)\."):
        refuse_occupied(tmp_path, resume=resume)
    with pytest.raises(InputError, match="not a folder"):
        refuse_occupied(tmp_path / "a", resume=resume)


def test_a_folder_that_holds_a_run_is_taken_only_to_resume(tmp_path: Path) -> None:
    """A finished and an unfinished run are told apart, and only the latter is offered to go on."""
    save_record(tmp_path, record_of())
    with pytest.raises(InputError, match="holds a finished run") as finished:
        refuse_occupied(tmp_path, resume=False)
    assert "--resume" not in str(finished.value.hint)
    save_record(tmp_path, record_of(outcome=None))
    checkpoint(tmp_path, "checkpoint-3")
    with pytest.raises(InputError, match="holds a run that was not finished") as unfinished:
        refuse_occupied(tmp_path, resume=False)
    assert "--resume" in str(unfinished.value.hint)
    refuse_occupied(tmp_path, resume=True)


@pytest.mark.parametrize("resume", [False, True])
def test_a_run_that_came_to_nothing_makes_way(tmp_path: Path, resume: bool) -> None:
    """Without an outcome, an adapter and a whole checkpoint there is nothing to lose: another run takes the folder."""
    save_record(tmp_path, record_of(outcome=None))
    (tmp_path / LOG).write_text('{"step": 1, "loss": 2}\n')
    (tmp_path / ".saving").mkdir()
    cut = checkpoint(tmp_path, "checkpoint-3", complete=False)
    now = record_of(outcome=None, recipe={**record_of().recipe, "lora_r": 8})
    refuse_occupied(tmp_path, resume=resume)
    assert check_same_run(tmp_path, now) is None
    assert (None, False) == (last_checkpoint(tmp_path, record_of(outcome=None), print), cut.exists())
    checkpoint(tmp_path, "checkpoint-3")
    with pytest.raises(InputError, match="lora_r was 32, now 8"):
        check_same_run(tmp_path, now)


@pytest.mark.parametrize("name", ["notes.txt", "README.md"])
def test_a_run_that_came_to_nothing_does_not_open_a_folder_with_other_files(tmp_path: Path, name: str) -> None:
    """What a person put there stays a reason to stop."""
    save_record(tmp_path, record_of(outcome=None))
    (tmp_path / name).write_text("mine")
    with pytest.raises(InputError, match=f"holds other files \\({name}\\)"):
        refuse_occupied(tmp_path, resume=False)


def test_an_adapter_without_its_record_of_the_end_is_not_run_over(tmp_path: Path) -> None:
    """A kill between the last file and the record: what was trained stays."""
    save_record(tmp_path, record_of(outcome=None))
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(InputError, match="holds a run that was not finished"):
        refuse_occupied(tmp_path, resume=False)


def test_the_newest_whole_checkpoint_is_gone_on_from(tmp_path: Path) -> None:
    """By its number, not its name; what was cut off is removed, and what is not ours stays."""
    nine = checkpoint(tmp_path, "checkpoint-9")
    ten = checkpoint(tmp_path, "checkpoint-10")
    cut = checkpoint(tmp_path, "checkpoint-11", complete=False)
    copies = [checkpoint(tmp_path, name, complete=False) for name in ("checkpoint-best", "checkpoint-9 (copy)")]
    assert ten == last_checkpoint(tmp_path, record_of(outcome=None), print)
    assert [True, True, False] == [path.exists() for path in (nine, ten, cut)]
    assert [True, True] == [path.exists() for path in copies]


def test_there_may_be_no_whole_checkpoint(tmp_path: Path) -> None:
    """None before the first one, and none if the only one was cut off."""
    assert last_checkpoint(tmp_path, record_of(outcome=None), print) is None
    checkpoint(tmp_path, "checkpoint-3", complete=False)
    assert last_checkpoint(tmp_path, record_of(outcome=None), print) is None
    assert [] == list((tmp_path / CHECKPOINTS).iterdir())


def test_weights_are_those_of_their_record(tmp_path: Path) -> None:
    """Where the record has their digest; earlier ones have none, and adapters from elsewhere no record."""
    check_weights(tmp_path)
    (tmp_path / WEIGHTS).write_bytes(b"weights")
    outcome = record_of().outcome
    assert outcome is not None
    save_record(tmp_path, record_of(outcome=replace(outcome, weights_sha256=None)))
    check_weights(tmp_path)
    known = "9b0ab39a6f2cb3eaeb0b3fa87b24c3c4b1d9fb7b6b5a2d3e1c0c5a4d6f0e7b11"
    save_record(tmp_path, record_of(outcome=replace(outcome, weights_sha256=known)))
    with pytest.raises(InputError, match=r"adapter_model\.safetensors is not as training wrote it"):
        check_weights(tmp_path)
    (tmp_path / WEIGHTS).unlink()
    with pytest.raises(InputError, match=r"adapter_model\.safetensors is missing"):
        check_weights(tmp_path)


@pytest.mark.parametrize(
    "tail", [b"", b'{"step": 7, "lo', b'{"step": 7, "event": "\xe8\xb5', b"\x00\x00\x00\x00", b"{"]
)
def test_the_log_is_rewound_to_a_step(tmp_path: Path, tail: bytes) -> None:
    """Rows after the step go, with whatever a kill left of the last line, even half a character."""
    rows = [{"step": step, "loss": 2.5 - step / 10} for step in range(1, 7)]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / LOG).write_bytes(text.encode() + tail)
    assert rows == read_log(tmp_path)
    rewind_log(tmp_path, 4)
    assert rows[:4] == [json.loads(line) for line in (tmp_path / LOG).read_text("utf-8").splitlines()]
    rewind_log(tmp_path, -1)
    assert b"" == (tmp_path / LOG).read_bytes()


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function after whose call every fsync finds the disk full."""

    def fill() -> None:
        def refuse(_: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "fsync", refuse)

    return fill


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, full_disk: Callable[[], None]) -> None:
    """On a full disk the old file stays to the byte, the half-written one goes, and the message says what to do."""
    path = tmp_path / "training.json"
    write_whole(path, "old")
    full_disk()
    with pytest.raises(
        HarnessError, match=r"training\.json cannot be written: no space left on the device\."
    ) as caught:
        write_whole(path, b"new" * 1000)
    assert "Make room, then run the same command with --resume." == caught.value.hint
    assert (["training.json"], "old") == ([item.name for item in tmp_path.iterdir()], path.read_text())


def test_a_file_that_cannot_be_written_for_another_reason_asks_for_no_room(tmp_path: Path) -> None:
    """A folder that is gone is not a full disk."""
    with pytest.raises(HarnessError, match="no such file or folder") as caught:
        write_whole(tmp_path / "gone" / "training.json", "new")
    assert "room" not in str(caught.value.hint)


def test_files_move_in_with_the_one_that_makes_an_adapter_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut off at any file, there is no adapter_config.json yet, so half an adapter is never taken for one."""
    work, folder = tmp_path / "work", tmp_path / "adapter"
    work.mkdir()
    folder.mkdir()
    names = ["adapter_config.json", "adapter_model.safetensors", "tokenizer.json"]
    for name in names:
        (work / name).write_text(name)
    moved: list[str] = []
    replace_file = Path.replace

    def watch(self: Path, target: Path) -> Path:
        moved.append(self.name)
        return replace_file(self, target)

    monkeypatch.setattr(Path, "replace", watch)
    move_in(work, folder, last="adapter_config.json")
    assert (names, "adapter_config.json") == (sorted(moved), moved[-1])
    assert names == sorted(item.name for item in folder.iterdir())
    assert not work.exists()
