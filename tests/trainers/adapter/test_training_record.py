"""The record of a training: written and read back, and compared with another training's."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.errors import InputError
from tests.trainers.adapter_folders import record_of
from trainers.adapter.adapter_folder import (
    check_same_run,
    refuse_occupied,
    save_record,
)
from trainers.adapter.training_record import DataFile, differences, read_record, record_text


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    """A record that cannot be read is an error with its path, not a new run over the old one."""
    (tmp_path / "training.json").write_text('{"schema": 1}')
    with pytest.raises(InputError, match=r"training\.json: base: "):
        refuse_occupied(tmp_path, resume=True)


OTHER_RUNS: list[tuple[dict[str, Any], list[str]]] = [
    ({"base": "llm-jp/llm-jp-3-1.8b"}, ["base was 'llm-jp/llm-jp-3-13b', now 'llm-jp/llm-jp-3-1.8b'"]),
    ({"base_digest": "0" * 40}, [f"base_digest was {'9f2c' * 10!r}, now {'0' * 40!r}"]),
    ({"recipe": {**record_of().recipe, "lora_r": 8}}, ["lora_r was 32, now 8"]),
    (
        {"recipe": {**record_of().recipe, "learning_rate": 5e-5, "lora_r": 8}},
        ["learning_rate was 0.0001, now 5e-05", "lora_r was 32, now 8"],
    ),
    ({"prompt": "plain.v1"}, ["prompt was 'course.v1', now 'plain.v1'"]),
    ({"data": (DataFile(name="new.json", sha256="ab" * 32, rows=1200),)}, ["the data was ichikara.json, more.jsonl"]),
    (
        {"data": tuple(replace(file, sha256="ef" * 32) for file in record_of().data)},
        ["the content of ichikara.json, more.jsonl changed"],
    ),
    ({"samples": 3}, ["samples was 1135, now 3"]),
    ({"dtype": "float16"}, ["dtype was 'bfloat16', now 'float16'"]),
]


@pytest.mark.parametrize(("changes", "expected"), OTHER_RUNS)
def test_another_run_is_refused_with_all_that_differs(
    tmp_path: Path, changes: dict[str, Any], expected: list[str]
) -> None:
    """Base, recipe, data and prompt decide the weights: each difference is named with both values."""
    save_record(tmp_path, record_of())
    now = record_of(**changes)
    assert expected == differences(record_of(), now)
    with pytest.raises(InputError) as caught:
        check_same_run(tmp_path, now)
    assert f"holds another run: {'; '.join(expected)}." in caught.value.message


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"device": "another GPU", "processes": 2, "command": "harness train --resume", "versions": {}, "outcome": None},
        {"recipe": {**record_of().recipe, "summary": "in other words"}, "recipe_name": "renamed"},
        {"recipe": {**record_of().recipe, "data_license": "CC0"}, "data_license": "CC0"},
        {"sources": {}, "changed": ()},
        {"recipe": {**record_of().recipe, "torch_compile": True, "dequantize": False}},
    ],
)
def test_what_changes_no_weight_may_differ(tmp_path: Path, changes: dict[str, Any]) -> None:
    """Another machine, another wording, another licence note, other arithmetic: the same run."""
    recipe = {**record_of().recipe, "torch_compile": False, "dequantize": "auto"}
    first = record_of(recipe=recipe) if "recipe" in changes else record_of()
    save_record(tmp_path, first)
    found = check_same_run(tmp_path, record_of(**changes))
    assert found is not None
    assert record_text(first) == record_text(found)


def test_no_run_is_no_difference(tmp_path: Path) -> None:
    """A new folder holds no run to compare with."""
    assert check_same_run(tmp_path, record_of()) is None


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Japanese text, numbers and None come back, finished or not."""
    for record in (record_of(), record_of(outcome=None, base_revision=None, command="学習 'x'")):
        save_record(tmp_path, record)
        found = read_record(tmp_path)
        assert found is not None
        assert (record_text(record), record.outcome) == (record_text(found), found.outcome)
    assert read_record(tmp_path / "nothing here") is None
