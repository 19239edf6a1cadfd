"""The sha256 of whole files, taken once: what changed is always seen, and a damaged memory costs time only."""

import hashlib
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import InputError
from harness.models.hf import digests
from harness.models.hf.digests import content_digest, weights_digest


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[int]:
    """Count how often a file is read, with a cache of one's own in which everything has settled."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(digests, "_SETTLED", -1)
    counted: list[int] = []
    plain = hashlib.file_digest

    def counting(*arguments: object) -> object:
        counted.append(1)
        return plain(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(digests.hashlib, "file_digest", counting)
    return counted


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Weights, as far as a digest is concerned."""
    path = tmp_path / "model.safetensors"
    path.write_bytes(bytes(range(256)) * 40_000)
    return path


def test_it_is_the_sha256_of_all_of_it_taken_once(file: Path, reads: list[int]) -> None:
    """A link and a second call read nothing."""
    expected = hashlib.sha256(file.read_bytes()).hexdigest()
    link = file.with_name("link.safetensors")
    link.symlink_to(file)
    assert [expected] * 3 == [weights_digest(path) for path in (file, file, link)]
    assert 1 == len(reads)


def test_several_files_are_one_after_the_other(file: Path, reads: list[int]) -> None:
    """What an adapter's identity always was; their order counts, and none is read twice."""
    config = file.with_name("adapter_config.json")
    config.write_text('{"r": 16}')
    digest = weights_digest(config, file)
    assert digest == content_digest([config, file]) != weights_digest(file, config)
    assert 4 == len(reads)
    assert digest == weights_digest(config, file)
    assert 4 == len(reads)


@pytest.mark.parametrize("which", [0, 1])
def test_a_change_in_any_of_several_files_is_seen(file: Path, reads: list[int], which: int) -> None:
    """Also where its size stays."""
    files = (file.with_name("config.json"), file)
    files[0].write_text("x" * 6_000_000)
    before = weights_digest(*files)
    _patched_with_its_old_times(files[which])
    assert weights_digest(*files) == content_digest(files) != before


def _patched(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.seek(5_000_001)
        opened.write(b"!")


def _patched_with_its_old_times(file: Path) -> None:
    before = file.stat()
    _patched(file)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert before.st_mtime_ns == file.stat().st_mtime_ns


def _replaced_with_its_old_times(file: Path) -> None:
    before, other = file.stat(), file.with_name("other")
    other.write_bytes(file.read_bytes()[::-1])
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(file)


def _longer(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"!")


@pytest.mark.parametrize("change", [_patched, _patched_with_its_old_times, _replaced_with_its_old_times, _longer])
def test_one_changed_byte_is_seen(file: Path, reads: list[int], change: Callable[[Path], None]) -> None:
    """Wherever it is, and whatever the file's times are set back to."""
    before = weights_digest(file)
    change(file)
    assert hashlib.sha256(file.read_bytes()).hexdigest() == weights_digest(file) != before
    assert 2 == len(reads)


def test_a_file_that_changed_just_now_is_not_remembered(
    file: Path, reads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two changes within one tick of a file system's clock leave equal times."""
    monkeypatch.setattr(digests, "_SETTLED", 10**12)
    assert weights_digest(file) == weights_digest(file)
    assert 2 == len(reads)


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", "null", "[" * 100_000, '{"path": 1}', "digest", "\x00" * 50], ids=lambda text: text[:9]
)
def test_a_damaged_memory_is_no_error(file: Path, reads: list[int], damage: str) -> None:
    """It is written anew."""
    first = weights_digest(file)
    (entry,) = (file.parent / "cache" / "digests").iterdir()
    if damage == "digest":
        damage = json.dumps(json.loads(entry.read_text(encoding="utf-8")) | {"sha256": "z" * 64})
    entry.write_text(damage, encoding="utf-8")
    assert first == weights_digest(file) == weights_digest(file)
    assert 2 == len(reads)


def test_a_memory_that_cannot_be_written_is_no_error(
    file: Path, reads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The digest is taken each time."""
    monkeypatch.setenv("HARNESS_CACHE", str(file))
    assert weights_digest(file) == weights_digest(file)
    assert 2 == len(reads)


def test_many_at_once(file: Path, reads: list[int]) -> None:
    """Everyone gets the right one, and nothing half written is left."""
    expected = hashlib.sha256(file.read_bytes()).hexdigest()
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(weights_digest(file))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [expected] * 8 == found
    assert 1 == len(list((file.parent / "cache" / "digests").iterdir()))


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    """A pipe would wait, a device never end."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name, message in (("pipe", "regular"), ("zero", "regular"), ("none", "cannot be read"), (".", "regular")):
        with pytest.raises(InputError, match=message):
            weights_digest(tmp_path / name)
        with pytest.raises(InputError, match=message):
            content_digest([tmp_path / name])
