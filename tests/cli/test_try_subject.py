"""What is tried, on which tasks: recognised by what files hold."""

import json
from pathlib import Path

import pytest

from harness.cli.try_subject import label_of, model_spec, task_spec
from harness.errors import InputError, UsageError


def written(path: Path, rows: list[dict]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def test_known_sets_are_known_by_their_content(tmp_path: Path) -> None:
    """The competition's file, ELYZA-tasks-100, and files that only look like them."""
    tv = [{"task_id": number, "input": f"q{number}"} for number in range(100)]
    elyza = [{"input": f"q{number}", "output": "a", "eval_aspect": "c"} for number in range(100)]
    for rows, name in (
        (tv, "elyza-tasks-100-tv"),
        (tv[:99], "any"),
        ([row | {"task_id": row["task_id"] + 1} for row in tv], "any"),
        ([row | {"output": "a"} for row in tv], "any"),
        (elyza, "elyza-tasks-100"),
    ):
        path = written(tmp_path / "any.jsonl", rows)
        assert f"{name}={path}" == task_spec(path)


@pytest.mark.parametrize("name", ["bundled:ja-mini", "elyza-tasks-100", "mine=a.jsonl"])
def test_names_stay(name: str) -> None:
    """Sets that are there, and specs as for --task."""
    assert name == task_spec(name)


def test_folders_say_what_they_are(tmp_path: Path) -> None:
    """An adapter, a whole model, a file inside an adapter; a name like the Hub's; nothing."""
    for folder, file in (("one", "adapter_config.json"), ("two", "config.json")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / file).write_text("{}")
    one, two = tmp_path / "one", tmp_path / "two"
    assert [f"adapter:{one}", f"hf:{two}", f"adapter:{one}"] == [
        model_spec(str(path)) for path in (one, two, one / "adapter_config.json")
    ]
    assert "adapter:me/mine@v1" == model_spec("me/mine@v1")
    with pytest.raises(UsageError, match="'adapter:' names nothing after the colon"):
        model_spec("adapter:")
    with pytest.raises(InputError) as caught:
        model_spec(str(tmp_path / "on"))
    assert f"Did you mean {one}?" == caught.value.hint


def test_a_label_is_never_the_baselines() -> None:
    """Nor holds it signs that specs are made of."""
    assert ["base-tried", "a-b", "v2"] == [label_of(spec) for spec in ("adapter:x/base", "adapter:a=b", "adapter:v2/")]
