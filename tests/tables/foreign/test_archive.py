"""ZIP files with Zstandard inside: what is unpacked is what was written, and bombs and damage are refused."""

import io
import zipfile

import pytest

from harness.errors import InputError
from harness.tables.files import SIZE_VARIABLE
from harness.tables.foreign.archive import Archive, member_names
from tests.tables.foreign.made_files import zstd_zip


def test_members_of_three_packings_are_read() -> None:
    """Stored, deflated and Zstandard."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("s", b"stored")
        archive.writestr("d", b"deflated" * 50, zipfile.ZIP_DEFLATED)
    assert (b"stored", b"deflated" * 50) == tuple(Archive(buffer.getvalue(), "a").read(name) for name in "sd")
    packed = zstd_zip({"samples/日本.json": b"x" * 5_000, "empty": b""})
    assert ["samples/日本.json", "empty"] == member_names(packed)
    assert (b"x" * 5_000, b"") == tuple(Archive(packed, "a").read(name) for name in member_names(packed))


def test_a_bomb_is_refused_by_what_it_declares_and_by_what_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that declares too much is not opened; one that declares little is left after one byte more than that."""
    bomb = b"\0" * 40_000_000
    monkeypatch.setenv(SIZE_VARIABLE, "1")
    with pytest.raises(InputError, match=r"larger than 4,000,000 bytes once unpacked \(40,000,000\)"):
        Archive(zstd_zip({"a": bomb}), "a")
    with pytest.raises(InputError, match="'a' is not what was written"):
        Archive(zstd_zip({"a": bomb}, {"a": 10}), "a").read("a")


def test_more_members_than_any_log_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each costs memory before it is read."""
    monkeypatch.setattr("harness.tables.foreign.archive._MOST_MEMBERS", 3)
    with pytest.raises(InputError, match="more than 3 members"):
        Archive(zstd_zip(dict.fromkeys("abcd", b"")), "a")


def test_every_truncation_and_every_flipped_byte_is_an_error_or_harmless() -> None:
    """What is read is what was written, whatever was done to the file; nothing else is raised than InputError."""
    members = {"header.json": b'{"a": 1}' * 20, "samples/0.json": b'{"b": 2}' * 20}
    whole = zstd_zip(members)
    broken = [whole[:end] for end in range(0, len(whole), 7)]
    for place in range(0, len(whole), 3):
        broken += [whole[:place] + bytes([whole[place] ^ flip]) + whole[place + 1 :] for flip in (1, 0x80)]
    n_refused = 0
    for data in broken:
        try:
            archive = Archive(data, "a")
            for name in archive.members:
                if name in members:
                    assert members[name] == archive.read(name)
        except InputError:
            n_refused += 1
    assert n_refused > len(broken) / 2


def test_locked_and_unknown_packings_are_refused() -> None:
    """A password, or bzip2."""
    data = bytearray(zstd_zip({"a": b"x"}))
    central = data.index(b"PK\x01\x02")
    for place, value in ((central + 8, 1), (central + 10, 12)):
        changed = data.copy()
        changed[place] = value
        with pytest.raises(InputError, match="'a' is locked, or packed in a way"):
            Archive(bytes(changed), "a").read("a")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused() -> None:
    """Which one counts would be a matter of the reader."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a", b"1")
        archive.writestr("a", b"2")
    with pytest.raises(InputError, match="one name"):
        Archive(buffer.getvalue(), "a")
