"""Tables by their content: which format, what is said of files that hold none, and how fast."""

import hashlib
import os
from pathlib import Path

import pytest

from harness.tables import read_table, sha256_of
from tests.tables.written_files import refused, values, written


class TestFiles:
    def test_missing_file_suggests_a_neighbour(self, tmp_path: Path) -> None:
        """A file that is not there is named, with the nearest name beside it."""
        written(tmp_path, "answers.jsonl", "{}")
        error = refused(tmp_path / "answer.jsonl")
        assert "no such file" in str(error)
        assert f"Did you mean {tmp_path / 'answers.jsonl'}?" == error.hint

    def test_missing_folder(self, tmp_path: Path) -> None:
        """Where there is no neighbour, the hint says what is there of a whole path."""
        assert f"There is {tmp_path}, but" in str(refused(tmp_path / "none" / "a.jsonl").hint)

    def test_folder(self, tmp_path: Path) -> None:
        """A folder is no file."""
        assert "this is a folder" in str(refused(tmp_path))

    def test_no_permission(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A file that may not be read says so (simulated: the tests may run as root)."""

        def deny(*_: object) -> int:
            raise PermissionError(13, "Permission denied")

        path = written(tmp_path, "a.jsonl", "{}")
        monkeypatch.setattr(os, "open", deny)
        assert "no permission" in str(refused(path))

    @pytest.mark.parametrize("name", ["a\x00b.jsonl", "x" * 300 + ".jsonl"])
    def test_impossible_names(self, name: str) -> None:
        """A name that the file system refuses is an input error, too."""
        assert "cannot be read" in str(refused(Path(name)))

    @pytest.mark.parametrize("content", [b"", b" \r\n\n", b"\xef\xbb\xbf"])
    @pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.parquet", "a"])
    def test_empty_file(self, tmp_path: Path, name: str, content: bytes) -> None:
        """An empty file is called empty, whatever its format."""
        assert "the file is empty" in str(refused(written(tmp_path, name, content)))

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (b"PK\x03\x04....", "this is a ZIP file"),
            (b"\x1f\x8b....", "a gzip file"),
            (b"just some words\n", "neither JSON, CSV, Parquet nor a workbook"),
            (b"abc\x81", "byte 0x81 is not UTF-8 text"),
            (b"[]", "the file has no rows"),
        ],
    )
    def test_other_content(self, tmp_path: Path, content: bytes, says: str) -> None:
        """What is no table is refused by what it is."""
        assert says in str(refused(written(tmp_path, "a.bin", content)))

    def test_home_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """`outputs:~/a.jsonl` works though a shell does not expand a tilde there."""
        monkeypatch.setenv("HOME", str(tmp_path))
        written(tmp_path, "a.jsonl", '{"a": 1}')
        assert values(Path("~/a.jsonl")) == [{"a": 1}]

    def test_sha256_is_of_the_bytes(self, tmp_path: Path) -> None:
        """The hash is the one that `sha256sum` prints."""
        path = written(tmp_path, "a.jsonl", '{"a": 1}\r\n')
        expected = hashlib.sha256(b'{"a": 1}\r\n').hexdigest()
        assert expected == sha256_of(path) == read_table(path).sha256

    def test_columns_in_order_of_appearance(self, tmp_path: Path) -> None:
        """Rows may have different columns; the table knows them all."""
        assert read_table(written(tmp_path, "a.jsonl", '{"b":1}{"a":1,"b":2}')).columns == ("b", "a")
