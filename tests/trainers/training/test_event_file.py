"""Event files for TensorBoard: the figures of the log, read back by the library's own messages and checksums."""

import struct
from pathlib import Path
from typing import Any

import pytest

from harness.installation import MissingExtraError
from tests.trainers.training.conftest import Workbench, rows
from trainers.recipe import Recipe
from trainers.training import event_file
from trainers.training.event_file import EventFile, check_reporting

SETTINGS: dict[str, Any] = {"heldout": 4, "eval_steps": 1, "max_steps": 3}


def events(folder: Path) -> list[Any]:
    """Return the events of all files, oldest first; lengths and contents are checked by their CRCs."""
    from tensorboardX.crc32c import crc32c  # type: ignore[import-untyped,import-not-found,unused-ignore]
    from tensorboardX.proto.event_pb2 import Event  # type: ignore[import-untyped,import-not-found,unused-ignore]

    def masked(data: bytes) -> int:
        crc: int = crc32c(data)
        return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF

    found = []
    for path in sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns):
        content = path.read_bytes()
        while content:
            head, (length, check) = content[:8], struct.unpack("<QI", content[:12])
            data, (sum_of_data,) = content[12 : 12 + length], struct.unpack("<I", content[12 + length : 16 + length])
            assert (masked(head), masked(data)) == (check, sum_of_data)
            found.append(Event.FromString(data))
            content = content[16 + length :]
    return found


def figures(folder: Path) -> list[tuple[int, str, float]]:
    """Return step, name and value of each figure."""
    return [(event.step, value.tag, value.simple_value) for event in events(folder) for value in event.summary.value]


def test_the_figures_of_the_log_are_in_the_event_file(bench: Workbench, tmp_path: Path) -> None:
    """Each of them once, at its step; the adapter is, byte for byte, that of a training that reports to nobody."""
    pytest.importorskip("tensorboardX")
    reported = bench.train(tmp_path / "a", report_to="tensorboard", **SETTINGS)
    silent = bench.train(tmp_path / "b", **SETTINGS)
    logged = rows(tmp_path / "a")
    expected = [(row["step"], "train/loss", row["loss"]) for row in logged if "loss" in row]
    expected += [(row["step"], "train/learning_rate", row["learning_rate"]) for row in logged if "loss" in row]
    expected += [(row["step"], "train/tokens_per_second", row["tokens_per_second"]) for row in logged if "loss" in row]
    expected += [(row["step"], "heldout/loss", row["heldout_loss"]) for row in logged if "heldout_loss" in row]
    written = [figure for figure in figures(tmp_path / "a" / "tensorboard") if figure[1] in {e[1] for e in expected}]
    assert sorted(expected) == [(*figure[:2], pytest.approx(figure[2], rel=1e-6)) for figure in sorted(written)]
    assert {0, 1, 2, 3} == {step for step, name, _ in written if name == "heldout/loss"}
    assert silent.outcome.weights_sha256 == reported.outcome.weights_sha256
    assert not (tmp_path / "b" / "tensorboard").exists()


def test_a_board_while_training_is_among_them(tmp_path: Path) -> None:
    """The mean with its interval; words are no figures, and a row without figures leaves no file."""
    pytest.importorskip("tensorboardX")
    file = EventFile(tmp_path / "tensorboard", print)
    file.write({"step": 0, "event": "..."})
    assert not (tmp_path / "tensorboard").exists()
    file.write(
        {"step": 4, "judged": 3.5, "judged_low": 3.25, "judged_high": None, "judge": "rules", "verdict": "equal"}
    )
    assert [(4, "judged/mean", 3.5), (4, "judged/low", 3.25)] == figures(tmp_path / "tensorboard")


def test_a_resumed_training_voids_what_it_does_anew(tmp_path: Path) -> None:
    """By the event that TensorBoard itself goes by: what was written of later steps is not shown twice."""
    pytest.importorskip("tensorboardX")
    for after, value in ((0, 9.0), (2, 5.0)):
        file = EventFile(tmp_path / "tensorboard", print)
        file.go_on(after)
        file.write({"step": 3, "loss": value})
    begun = [
        (event.step, event.session_log.status)
        for event in events(tmp_path / "tensorboard")
        if event.HasField("session_log")
    ]
    assert [(3, 1)] == begun  # SessionLog.START


def test_a_full_disk_costs_figures_and_not_the_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said once, not at every row."""
    writer = pytest.importorskip("tensorboardX.event_file_writer")

    def full(_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer.EventsWriter, "flush", full)
    said: list[str] = []
    file = EventFile(tmp_path / "tensorboard", said.append)
    for step in (1, 2):
        file.write({"step": step, "loss": 1.0})
    assert ["  tensorboard cannot be written: no space left on the device; training goes on"] == said


def test_what_is_not_installed_is_said_before_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command; who reports to nobody needs nothing."""
    monkeypatch.setattr(event_file, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match="log for TensorBoard") as caught:
        check_reporting(Recipe(report_to="tensorboard"))
    assert "[tensorboard]" in str(caught.value.hint)
    check_reporting(Recipe())
