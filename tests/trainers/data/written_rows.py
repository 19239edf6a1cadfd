"""Rows written to a file and read as examples, and why a row is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import InputError
from trainers.data.examples import Examples, read_examples


def write(path: Path, rows: list[Any]) -> str:
    """Write rows as a JSON array, one value a line (JSONL if the name says so), and return the path."""
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    text = "\n".join(lines) + "\n" if path.suffix == ".jsonl" else "[\n" + ",\n".join(lines) + "\n]\n"
    path.write_text(text, encoding="utf-8")
    return str(path)


def read(folder: Path, *rows: Any, columns: dict[str, str] | None = None) -> Examples:
    return read_examples([write(folder / "train.json", list(rows))], columns=columns)


def refused(folder: Path, *rows: Any, columns: dict[str, str] | None = None) -> InputError:
    with pytest.raises(InputError) as caught:
        read(folder, *rows, columns=columns)
    return caught.value


def why(folder: Path, row: Any, *, good: dict[str, Any] | None = None) -> str:
    """Return why a row is bad, beside one that is good."""
    [bad] = read(folder, good or {"text": "問い", "output": "答え"}, row).bad
    assert f"{folder / 'train.json'}:3" == bad.where
    return bad.why
