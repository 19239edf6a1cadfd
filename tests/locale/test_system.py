"""What the system says of files, in the language; its own errors are asked for, not made up."""

import errno
import socket
import sqlite3
from pathlib import Path

import pytest

from harness.locale import Text, in_language
from harness.locale.system import database_said, network_said, system_said


def provoked(folder: Path, code: int) -> OSError:
    """Return an error as the system raises it."""
    file = folder / "file"
    file.touch()
    ways = {
        errno.ENOENT: (folder / "none").read_bytes,
        errno.EISDIR: folder.read_bytes,
        errno.ENOTDIR: (file / "x").read_bytes,
        errno.EEXIST: folder.mkdir,
        errno.ENOTEMPTY: folder.rmdir,
        errno.ENAMETOOLONG: (folder / ("x" * 300)).touch,
    }
    with pytest.raises(OSError, match=r"\[Errno \d+\]") as caught:
        ways[code]()
    assert code == caught.value.errno
    return caught.value


@pytest.mark.parametrize(
    "code", [errno.ENOENT, errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ENOTEMPTY, errno.ENAMETOOLONG]
)
def test_what_the_system_says_is_a_message(tmp_path: Path, code: int) -> None:
    """With a translation."""
    said = system_said(provoked(tmp_path, code))
    assert isinstance(said, Text)
    assert in_language(said, "ja") != said


def test_what_has_no_words_stays() -> None:
    """As the system says it, or as the error was made."""
    assert system_said(OSError(errno.EXDEV, "Invalid cross-device link")) == "Invalid cross-device link"
    assert system_said(OSError("gone")) == "gone"


def test_what_sqlite_says_is_a_message(tmp_path: Path) -> None:
    """Of a file that is no database, and of a folder."""
    (tmp_path / "x").write_bytes(b"no database" * 100)
    for path in (tmp_path / "x", tmp_path):
        with pytest.raises(sqlite3.Error) as caught:
            sqlite3.connect(path).execute("SELECT * FROM sqlite_master")
        said = database_said(str(caught.value))
        assert isinstance(said, Text)
        assert in_language(said, "ja") != said
    assert database_said("disk is on fire") == "disk is on fire"


def test_what_a_connection_says_is_a_message() -> None:
    """Of a name that nobody has, and of a port at which nobody listens."""
    for place in (("nobody.invalid", 80), ("127.0.0.1", 9)):
        with pytest.raises(OSError, match=r"\[Errno -?\d+\]") as caught:
            socket.create_connection(place, 2)
        said = network_said(f"ConnectError: {caught.value}")
        assert isinstance(said, Text)
        assert in_language(said, "ja") != said
    assert network_said("the line is on fire") == "the line is on fire"
