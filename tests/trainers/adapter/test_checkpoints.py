"""Manifests of checkpoints: what they hold, and that no change of them or of a file goes unseen."""

import json
import os
import random
from pathlib import Path

import pytest

from harness.errors import HarnessError
from tests.trainers.adapter_folders import record_of
from trainers.adapter.checkpoints import CHECKPOINTS, MANIFEST, Cut, checkpoints_in, fault_of, read_manifest, seal

RUN = record_of(outcome=None)
CUT = Cut(tokens=512, recomputed=3, dequantized=True)
NAMES = (
    *("adapter_config.json", "adapter_model.safetensors", "optimizer.pt", "rng_state.pth"),
    *("scheduler.pt", "tally.json", "trainer_state.json"),
)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A sealed checkpoint of small files of random bytes."""
    folder = tmp_path / CHECKPOINTS / "checkpoint-12"
    folder.mkdir(parents=True)
    chance = random.Random(0)
    for name in NAMES:
        (folder / name).write_bytes(chance.randbytes(200))
    seal(folder, record_of(), CUT)
    return folder


def test_a_manifest_says_what_a_checkpoint_is_of(checkpoint: Path) -> None:
    """Step, run, cut, and every file; nothing of the machine, and no outcome."""
    manifest = read_manifest(checkpoint)
    assert (12, CUT) == (manifest.step, manifest.cut)
    assert sorted(NAMES) == sorted(manifest.files)
    assert (None, "", {}) == (manifest.run.outcome, manifest.run.command, manifest.run.versions)
    assert fault_of(checkpoint, RUN) is None
    assert not list(checkpoint.glob(".*"))


def test_digests_are_those_of_the_common_tool(checkpoint: Path) -> None:
    """SHA-256, as Python's own file_digest gives it."""
    import hashlib

    for name, found in read_manifest(checkpoint).files.items():
        with (checkpoint / name).open("rb") as file:
            assert hashlib.file_digest(file, "sha256").hexdigest() == found.sha256


def test_no_flipped_bit_of_a_manifest_goes_unseen(checkpoint: Path) -> None:
    """Every 61st of all bits, one at a time."""
    path = checkpoint / MANIFEST
    content = path.read_bytes()
    for bit in range(0, 8 * len(content), 61):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        assert fault_of(checkpoint, RUN) == f"{MANIFEST} is not as it was written", (bit, chr(damaged[bit // 8]))


@pytest.mark.parametrize("name", NAMES)
def test_no_flipped_bit_of_a_file_goes_unseen(name: str, checkpoint: Path) -> None:
    """Every 97th of all bits, one at a time."""
    content = (checkpoint / name).read_bytes()
    for bit in range(0, 8 * len(content), 97):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        (checkpoint / name).write_bytes(damaged)
        assert fault_of(checkpoint, RUN) == f"{name} is not as it was written (its SHA-256 differs)"


def test_kinds_and_sizes_are_looked_at_before_anything_is_read(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe among the last files is found before the first one is read."""
    (checkpoint / "trainer_state.json").unlink()
    os.mkfifo(checkpoint / "trainer_state.json")
    monkeypatch.setattr("trainers.adapter.checkpoints.sha256_of", lambda path: pytest.fail(f"{path} was read"))
    assert "trainer_state.json is a pipe or a device, not a file" == fault_of(checkpoint, RUN)


def test_a_file_that_was_not_there_when_it_was_sealed_is_missed(tmp_path: Path) -> None:
    """Without an optimizer's state the libraries would go on with a new one."""
    folder = tmp_path / CHECKPOINTS / "checkpoint-1"
    folder.mkdir(parents=True)
    for name in NAMES:
        if name != "optimizer.pt":
            (folder / name).write_bytes(b"x")
    seal(folder, RUN, CUT)
    assert f"{MANIFEST} lists no optimizer.pt" == fault_of(folder, RUN)


def test_a_manifest_of_a_later_version_is_refused_by_name(checkpoint: Path) -> None:
    """What this one does not know it does not take for nothing."""
    from harness.codec import digest

    content = json.loads((checkpoint / MANIFEST).read_text())
    del content["sha256"]
    content["schema"] = 2
    (checkpoint / MANIFEST).write_text(json.dumps(content | {"sha256": digest(content)}))
    with pytest.raises(HarnessError, match=r"manifest\.json: .*schema"):
        read_manifest(checkpoint)


def test_only_what_training_calls_so_is_a_checkpoint(tmp_path: Path) -> None:
    """In the order of steps, whatever the file system's."""
    for name in ("checkpoint-10", "checkpoint-9", "checkpoint-09", "checkpoint-0", "checkpoint-４", "checkpoint-1 (2)"):
        (tmp_path / CHECKPOINTS / name).mkdir(parents=True)
    assert ["checkpoint-9", "checkpoint-10"] == [path.name for path in checkpoints_in(tmp_path)]


def test_a_cut_is_said_in_words() -> None:
    """As the note of another plan has it."""
    assert "512 tokens at once, 3 layers recomputing, dequantized" == str(CUT)
    assert "2,048 tokens at once" == str(Cut(tokens=2048, recomputed=0, dequantized=False))
    assert "9 tokens at once, dequantized, fused kernels" == str(
        Cut(tokens=9, recomputed=0, dequantized=True, fused=True)
    )
