"""Files as strangers leave them: read within their size, and refused in a sentence with the place."""

import os
from pathlib import Path

import pytest

from harness.errors import InputError
from harness.tables.files import (
    SIZE_VARIABLE,
    largest,
    line_of,
    nearby,
    read_bytes,
    read_text,
    read_toml,
    refuse_long_lines,
    refuse_nul,
    where_to_look,
)


def test_the_size_of_a_table_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """In megabytes; what is no number of them is refused by the variable's name."""
    monkeypatch.delenv(SIZE_VARIABLE, raising=False)
    assert 1_000_000_000 == largest()
    monkeypatch.setenv(SIZE_VARIABLE, " 2 ")
    assert 2_000_000 == largest()
    for wrong in ("0", "-1", "1.5", "ten", "１０"):
        monkeypatch.setenv(SIZE_VARIABLE, wrong)
        with pytest.raises(InputError, match=SIZE_VARIABLE):
            largest()


def test_a_file_is_read_to_its_limit_and_not_beyond(tmp_path: Path) -> None:
    """Exactly the limit is allowed; one byte more is not, with both numbers."""
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    assert b"12345" == read_bytes(path, most=5)
    with pytest.raises(InputError, match=r"larger than 4 bytes \(5\)"):
        read_bytes(path, most=4)


@pytest.mark.parametrize("kind", ["a folder", "a pipe", "a device"])
def test_what_is_no_file_is_named_and_not_opened(kind: str, tmp_path: Path) -> None:
    """A pipe without a writer would be waited for, a device read without end."""
    path = tmp_path / "odd"
    if kind == "a folder":
        path.mkdir()
    elif kind == "a pipe":
        os.mkfifo(path)
    else:
        path = Path("/dev/zero")
    with pytest.raises(InputError, match=f"this is {kind}, not a file"):
        read_bytes(path)


@pytest.mark.parametrize("name", ["a\0b", "x" * 300])
def test_a_name_that_no_system_takes_is_said(name: str, tmp_path: Path) -> None:
    """Not a traceback of the operating system."""
    with pytest.raises(InputError, match=r"cannot be read|no such file"):
        read_bytes(str(tmp_path / name))


def test_text_is_utf8_and_has_no_nul(tmp_path: Path) -> None:
    """With or without a byte order mark; the line of what is wrong is named."""
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbf\xe7\x8c\xab\n")
    assert "猫\n" == read_text(path)
    for data, message in ((b"a\nb\n\xff", r":3: byte 0xff is not UTF-8 text"), (b"a\n\0", r":2: a NUL")):
        path.write_bytes(data)
        with pytest.raises(InputError, match=message):
            read_text(path)
    refuse_nul("a\nb", "x")


@pytest.mark.parametrize(
    ("text", "message"),
    [("a = ", "not valid TOML"), ("a = 1\na = 2", "not valid TOML"), ("a = " + "[" * 5000, "not valid TOML"),
     ("a = 2026-02-31", "not valid TOML"), ("." * 1001 + " = 1", "more dots than any needs"),
     ("a = " + "9" * 5000, "not valid TOML")],
)  # fmt: skip
def test_toml_that_is_none_is_refused(text: str, message: str, tmp_path: Path) -> None:
    """Cut short, said twice, nested without end, no such day, a key of a thousand parts, endless digits."""
    path = tmp_path / "a.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_toml(path)
    path.write_text('[judges]\nname = "猫"\n', encoding="utf-8")
    assert {"judges": {"name": "猫"}} == read_toml(path)


def test_lines_have_a_length(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of what a table may hold; the line is named, and short ones before it do not matter."""
    monkeypatch.setenv(SIZE_VARIABLE, "1")
    refuse_long_lines(b"x" * 250_000 + b"\n" + b"y" * 250_000, "a")
    with pytest.raises(InputError, match=r"a:3: a line of more than 250,000 bytes"):
        refuse_long_lines(b"a\nb\n" + b"x" * 250_001 + b"\nc\n", "a")
    assert (1, 1, 2, 3) == tuple(line_of(b"a\nb\nc", place) for place in (0, 1, 2, 4))


def test_a_path_that_leads_nowhere_is_told_the_nearest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt folder in the middle, too, and backslashes as on Windows; nothing near is no hint."""
    (tmp_path / "adapters" / "mine").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert "Did you mean adapters/mine?" == nearby("adaptres/mine")
    assert "Did you mean adapter:adapters/mine?" == nearby("adapters\\mine", "adapter:")
    assert None is nearby("quite/another/place")


def test_where_a_path_was_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole path by the folder that is there, one of Windows by how paths look here, others by where they start."""
    monkeypatch.chdir(tmp_path)
    assert f"Relative paths start at {tmp_path}." == where_to_look("quite/another")
    assert f"There is {tmp_path}, but nothing of that name in it." == where_to_look(tmp_path / "quite" / "another")
    assert "That is a path of Windows" in where_to_look("C:\\Users\\me\\tasks.jsonl")
    assert "That is a path of Windows" in where_to_look("d:/tasks.jsonl")


def test_a_home_folder_that_nobody_has() -> None:
    """Said in our words, as Python's are English."""
    with pytest.raises(InputError, match="nobody of that name has a home folder here"):
        read_bytes("~nobody-of-that-name/a.csv")


def test_only_what_looks_misspelt_is_proposed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal endings make no two names alike, and another ending may be all that is wrong."""
    monkeypatch.chdir(tmp_path)
    for name in ("same.jsonl", "answers.csv", "tasks.jsonl", "t1.jsonl"):
        (tmp_path / name).touch()
    assert None is nearby("gone.jsonl")
    assert None is nearby("t2.jsonl")
    assert "Did you mean answers.csv?" == nearby("answers.jsonl")
    assert "Did you mean answers.csv?" == nearby("Answer.csv")
    assert "Did you mean tasks.jsonl?" == nearby("taks.jsonl")


def test_a_folder_is_not_proposed_for_a_file_nor_a_file_for_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However near its name: it would be refused in the next breath. On the way to a file folders do."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ratings").mkdir()
    (tmp_path / "ratings" / "kim.csv").touch()
    (tmp_path / "qlora.zip").touch()
    assert None is nearby("ratings.csv", wanted=Path.is_file)
    assert None is nearby("qlora", wanted=Path.is_dir)
    assert "Did you mean ratings?" == nearby("rating", wanted=Path.is_dir)
    assert "Did you mean ratings/kim.csv?" == nearby("ratngs/kim.csv", wanted=Path.is_file)
    assert f"Relative paths start at {tmp_path}." == where_to_look("qlora", wanted=Path.is_dir)
