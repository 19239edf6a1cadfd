"""Included files: .j2 files of the template's own folder, whatever way a name takes."""

from pathlib import Path

import pytest

from harness.sandbox.parts import read_part
from harness.sandbox.program import MAX_SOURCE, TemplateFailure


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A template's folder, with a secret beside it."""
    inside = tmp_path / "own"
    (inside / "deep").mkdir(parents=True)
    (tmp_path / "secret.j2").write_text("secret", encoding="utf-8")
    (inside / "part.j2").write_bytes(b"\xef\xbb\xbfone\r\ntwo\n")
    (inside / "deep" / "part.j2").write_text("deep", encoding="utf-8")
    return inside


def test_the_text_of_a_part(folder: Path) -> None:
    """Without a byte order mark, with plain line ends; in a folder below, too."""
    assert ("one\ntwo\n", "deep") == (read_part("part.j2", folder, None), read_part("deep/part.j2", folder, None))


@pytest.mark.parametrize(
    "name", ["../secret.j2", "/etc/passwd", "deep/../../secret.j2", "part.txt", ".hidden.j2", "", "a\\b.j2", "//x.j2"]
)
def test_no_name_leads_out_of_the_folder(folder: Path, name: str) -> None:
    """Nor to a file of another kind."""
    with pytest.raises(TemplateFailure, match=r"only \.j2 files in the template's own folder"):
        read_part(name, folder, "part.j2")


def test_no_link_leads_out_of_the_folder(folder: Path) -> None:
    """Neither a linked file nor a linked folder."""
    (folder / "link.j2").symlink_to(folder.parent / "secret.j2")
    (folder / "up").symlink_to(folder.parent)
    for name in ("link.j2", "up/secret.j2"):
        with pytest.raises(TemplateFailure, match="own folder"):
            read_part(name, folder, None)


def test_what_is_no_such_file_is_said_with_who_includes_it(folder: Path) -> None:
    """A name that is not there, a folder, a file too large, bytes that are no text."""
    (folder / "folder.j2").mkdir()
    (folder / "large.j2").write_text("x" * (MAX_SOURCE + 1), encoding="utf-8")
    (folder / "bytes.j2").write_bytes(b"\xff\xfe\xfd")
    for name, message in (("gone.j2", "no such file"), ("folder.j2", "no such file"), ("large.j2", "holds more than"),
                          ("bytes.j2", "cannot be read")):  # fmt: skip
        with pytest.raises(TemplateFailure, match=f"included file 'part.j2': includes '{name}'.*{message}"):
            read_part(name, folder, "part.j2")
