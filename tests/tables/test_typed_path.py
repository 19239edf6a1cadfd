"""Columns and sheets named behind a path, as `answers.xlsx,output=回答,sheet=結果`."""

from pathlib import Path
from typing import Any

import pytest

from harness.errors import InputError, UnknownNameError, UsageError
from harness.tables import read_table
from harness.tables.typed_path import TypedPath, typed_path

ROLES = {"task_id": "task_id", "id": "task_id", "output": "output", "answer": "output"}


@pytest.mark.parametrize(
    ("text", "path", "columns"),
    [
        ("a.csv", "a.csv", {}),
        ("a.csv,output=b", "a.csv", {"output": "b"}),
        ("a.csv, answer = my text ,id=no", "a.csv", {"output": "my text", "task_id": "no"}),
        ("a.csv，output＝回答文、id＝番号", "a.csv", {"output": "回答文", "task_id": "番号"}),
        ("dir,x=y/a.csv", "dir,x=y/a.csv", {}),
        ("a=b.csv", "a=b.csv", {}),
        ("a.csv,output=a=b", "a.csv", {"output": "a=b"}),
    ],
)
def test_parts(text: str, path: str, columns: dict[str, str]) -> None:
    """What stands behind a comma with an equals sign names a column; wide signs count; folders may hold both."""
    roles = None if "x=y" in text else ROLES
    assert TypedPath(path=path, columns=columns) == typed_path(text, roles)


def test_a_file_of_this_name_is_this_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name with a comma and an equals sign stays usable."""
    monkeypatch.chdir(tmp_path)
    Path("a.csv,output=b").write_text("output\nx\n")
    assert TypedPath(path="a.csv,output=b") == typed_path("a.csv,output=b", ROLES)


def test_what_cannot_be_meant() -> None:
    """An unknown name gets the near one; one given twice, also under its other name, is refused."""
    with pytest.raises(UnknownNameError, match="'outptu'") as caught:
        typed_path("a.csv,outptu=b", ROLES)
    assert "Did you mean 'output'?" == caught.value.hint
    for text in ("a.csv,output=b,answer=c", "a.csv,output="):
        with pytest.raises(UsageError):
            typed_path(text, ROLES)


def read(path: str) -> list[dict[str, Any]]:
    return [dict(row.values) for row in read_table(path, roles=ROLES).rows]


def test_tables_under_other_names(tmp_path: Path) -> None:
    """The column is read under the name given; one that had the name makes way; identities differ."""
    path = tmp_path / "a.csv"
    path.write_text("番号,output,回答\n1,正解,わたしの答え\n", encoding="utf-8")
    typed = f"{path},output=回答,task_id=番号"
    assert [{"task_id": "1", "output": "わたしの答え"}] == read(typed)
    whole, view = read_table(path), read_table(typed, roles=ROLES)
    assert str(path) == view.path
    assert whole.sha256 != view.sha256 == read_table(f"{path},id=番号,answer=回答", roles=ROLES).sha256
    assert [{"番号": "1", "output": "わたしの答え"}] == read(f"{path},output=回答")
    slashed = tmp_path / "b.csv"
    slashed.write_text("質問/指示,回答\nx,y\n", encoding="utf-8")
    assert "y" == read(f"{slashed},output=回答,task_id=質問/指示")[0]["output"]
    with pytest.raises(InputError, match="no column '解答'") as caught:
        read(f"{path},output=解答")
    assert "The file's columns: 番号, output, 回答." == caught.value.hint
    with pytest.raises(InputError, match="only workbooks have sheets"):
        read(f"{path},sheet=x")
