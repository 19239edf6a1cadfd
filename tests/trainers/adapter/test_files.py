"""Files are read where they are files, and within their size; `write_whole` is tested with the folders it writes to."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import HarnessError
from trainers.adapter.files import read_plain


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    """Up to the last byte that is allowed."""
    (tmp_path / "a").write_bytes(b"12345")
    assert b"12345" == read_plain(tmp_path / "a", most=5)
    with pytest.raises(HarnessError, match="a has more than 4 bytes"):
        read_plain(tmp_path / "a", most=4)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.symlink_to("/dev/zero"), "a is a link, not a file"),
        (lambda path: path.symlink_to("b"), "a is a link, not a file"),
        (os.mkfifo, "a is a pipe or a device, not a file"),
        (Path.mkdir, "a is a folder, not a file"),
        (lambda _: None, "a is missing"),
    ],
)
def test_what_is_no_file_is_not_opened(make: Callable[[Path], object], said: str, tmp_path: Path) -> None:
    """It is named in words."""
    make(tmp_path / "a")
    with pytest.raises(HarnessError, match=said):
        read_plain(tmp_path / "a", most=5)


def test_a_path_through_a_file_is_said(tmp_path: Path) -> None:
    """With the system's own words."""
    (tmp_path / "a").write_text("")
    with pytest.raises(HarnessError, match="b cannot be read: a part of its path is no folder"):
        read_plain(tmp_path / "a" / "b", most=5)
