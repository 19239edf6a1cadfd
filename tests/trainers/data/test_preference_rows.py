"""Preferences read from files: every shape that people have them in, and why a row is left out."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError
from trainers.data.examples import Examples
from trainers.data.preference_rows import read_preferences


def read(tmp_path: Path, rows: list[dict[str, Any]], **options: Any) -> Examples:
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return read_preferences([str(path)], **options)


def said(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


TEXTS = {"prompt": "挨拶を一つ", "chosen": "おはよう", "rejected": "む"}


@pytest.mark.parametrize(
    "row",
    [
        TEXTS,
        {"instruction": "挨拶を一つ", "chosen": "おはよう", "rejected": "む", "score": 4},
        {
            "prompt": [said("user", "挨拶を一つ")],
            "chosen": [said("assistant", "おはよう")],
            "rejected": [said("assistant", "む")],
        },
        {
            "chosen": [said("user", "挨拶を一つ"), said("assistant", "おはよう")],
            "rejected": [said("user", "挨拶を一つ"), said("assistant", "む")],
        },
        {
            "prompt": "挨拶を一つ",
            "chosen": [said("user", "挨拶を一つ"), said("assistant", "おはよう")],
            "rejected": [said("user", "挨拶を一つ"), said("assistant", "む")],
        },
    ],
)
def test_shapes(tmp_path: Path, row: dict[str, Any]) -> None:
    """Texts, messages, whole conversations, and a prompt that the conversations repeat."""
    better, worse = read(tmp_path, [row]).examples
    assert ("挨拶を一つ", "おはよう", "む") == (better.inputs["input"], better.answer, worse.answer)
    assert ((), (), True) == (better.history, worse.history, better.where == worse.where)
    assert better.inputs == worse.inputs


def test_earlier_turns(tmp_path: Path) -> None:
    """What stands before the question is history, a system message first."""
    before = [said("system", "短く"), said("user", "やあ"), said("assistant", "はい"), said("user", "晴れ？")]
    row = {"chosen": [*before, said("assistant", "晴れ")], "rejected": [*before, said("assistant", "さあ")]}
    better, worse = read(tmp_path, [row]).examples
    assert ["system", "user", "assistant"] == [turn.role for turn in better.history]
    assert ("晴れ？", better.history) == (worse.inputs["input"], worse.history)


def test_other_names(tmp_path: Path) -> None:
    """By --columns; what is left over rides along for the template."""
    row = {"問い": "挨拶を一つ", "win": "おはよう", "lose": "む", "topic": "朝"}
    better, _ = read(tmp_path, [row], columns={"input": "問い", "chosen": "win", "rejected": "lose"}).examples
    assert {"input": "挨拶を一つ", "topic": "朝"} == better.inputs


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (TEXTS | {"rejected": "おはよう "}, "the better and the worse answer are the same"),
        (TEXTS | {"chosen": " "}, "chosen is blank"),
        (TEXTS | {"rejected": None}, "rejected is missing"),
        (TEXTS | {"prompt": ""}, "prompt is blank"),
        (TEXTS | {"chosen": 3}, "chosen is not text: "),
        (TEXTS | {"chosen": [said("user", "挨拶を一つ")]}, "chosen ends with a user turn, so there is no answer"),
        (TEXTS | {"chosen": [said("assistant", " ")]}, "chosen is blank"),
        (TEXTS | {"rejected": "む\0"}, "holds a NUL character"),
        (
            TEXTS | {"chosen": [said("user", "別の問い"), said("assistant", "おはよう")]},
            "the two conversations differ before their last turn",
        ),
        (TEXTS, "same as"),
    ],
)
def test_bad_rows(tmp_path: Path, row: dict[str, Any], why: str) -> None:
    """Each is named with its line, and the others are read; with ``strict`` it is an error."""
    found = read(tmp_path, [TEXTS, row])
    [bad] = found.bad
    assert (2, f"{tmp_path}/pairs.jsonl:2") == (len(found.examples), bad.where)
    assert why in bad.why
    assert (2, 1) == (found.files[0].rows, found.files[0].bad)
    with pytest.raises(HarnessError, match="1 of 2 rows cannot be used"):
        read(tmp_path, [TEXTS, row], strict=True)


def test_no_pair_at_all(tmp_path: Path) -> None:
    """No usable row, and columns that hold no preferences."""
    with pytest.raises(HarnessError, match="None of the 1 rows can be used"):
        read(tmp_path, [TEXTS | {"chosen": ""}])
    with pytest.raises(HarnessError, match="no column for the better answer") as error:
        read(tmp_path, [{"text": "a", "output": "b"}])
    assert "--columns chosen=NAME" in str(error.value.hint)
