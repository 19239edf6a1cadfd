"""What is tried, as it is typed: folders by what they hold, names, files; and which set a file is a copy of."""

import json
from pathlib import Path

import pytest

from harness.cli.try_subject import TV, Subject, find_subject, label_of, model_spec, task_spec
from harness.errors import InputError
from harness.specs import Config

OPTIONS = {"quantization": None, "dtype": None}


def test_a_folder_is_what_it_holds(workplace: Path) -> None:
    """An adapter's, a whole model's, one file of either."""
    for name, files in (
        ("mine", ["adapter_config.json", "config.json"]),
        ("whole", ["config.json"]),
        ("x", ["m.gguf"]),
    ):
        Path(name).mkdir()
        for file in files:
            Path(name, file).write_text("{}", encoding="utf-8")
    Path("a.jsonl").write_text("{}", encoding="utf-8")
    assert "adapter:mine" == model_spec("mine") == model_spec("mine/adapter_config.json")
    assert ["hf:whole", "gguf:x/m.gguf", "outputs:a.jsonl"] == [
        model_spec(text) for text in ("whole", "x\\m.gguf", "a.jsonl")
    ]


@pytest.mark.parametrize("text", ["adapter:a/b", "embedded:gemma-3-270m", "echo:", "openai:gpt-x"])
def test_a_spec_stays_what_it_is(text: str, workplace: Path) -> None:
    """Whatever lies around."""
    assert text == model_spec(text)


def test_what_is_neither_here_nor_a_name_is_told_the_nearest(workplace: Path) -> None:
    """A misspelt folder is no name on the Hub."""
    Path("adapters/mine").mkdir(parents=True)
    assert "adapter:someone/mine" == model_spec("someone/mine")
    with pytest.raises(InputError) as caught:
        model_spec("adapters/mnie")
    assert "Did you mean adapters/mine?" == caught.value.hint
    with pytest.raises(InputError, match="no such adapter"):
        model_spec("no name at all")


@pytest.mark.parametrize(
    ("spec", "label"),
    [("adapter:out/mine/", "mine"), ("adapter:me/tuned@v2", "tuned"), ("hf:a/b c", "b-c"),
     ("adapter:base", "base-tried"), ("adapter:実験1", "実験1"), ("echo", "echo")],
)  # fmt: skip
def test_labels_say_which_it_is(spec: str, label: str) -> None:
    """And never take the baseline's."""
    assert label == label_of(spec)


def test_what_is_no_adapter_is_compared_with_what_is_named(workplace: Path) -> None:
    """Else with nothing, and that is said; the baseline comes first."""
    alone = find_subject("hf:a/b", Config(), base=None, prompt=None, options=OPTIONS)
    assert (None, ("b=hf:a/b",)) == (alone.base, alone.models)
    assert ["There is nothing to compare it with; --base SPEC names what it was made from."] == list(alone.notes)
    both = find_subject("hf:a/b", Config(), base="hf:x", prompt="plain.v1", options=OPTIONS)
    assert (("base", "b=hf:a/b"), "plain.v1", ()) == (both.models, both.prompt, both.notes)
    assert ("base", "a=adapter:x") == Subject(label="a", spec="adapter:x", base="hf:y").models


def rows(path: str, keys: list[str], ids: range = range(100)) -> str:
    """Write a file of so many tasks."""
    lines = [json.dumps({key: number if key == "task_id" else f"{key}{number}" for key in keys}) for number in ids]
    Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_known_sets_are_known_by_their_content(workplace: Path) -> None:
    """The competition's: ids 0 to 99 and instructions alone; another file is named after itself."""
    tv = rows("a.jsonl", ["task_id", "input"])
    elyza = rows("b.jsonl", ["input", "output", "eval_aspect"])
    assert [f"{TV}=a.jsonl", "elyza-tasks-100=b.jsonl"] == [task_spec(tv), task_spec(elyza)]
    for path in (
        rows("from-one.jsonl", ["task_id", "input"], range(1, 101)),
        rows("few.jsonl", ["task_id", "input"], range(99)),
        rows("more.jsonl", ["task_id", "input", "tags"]),
    ):
        assert f"{Path(path).stem}={path}" == task_spec(path)


def test_a_task_that_is_not_there(workplace: Path) -> None:
    """Names of sets stay; a file is told its nearest."""
    assert ["bundled:ja-mini", "x=gone.jsonl", "elyza-tasks-100"] == [
        task_spec(text) for text in (None, "x=gone.jsonl", "elyza-tasks-100")
    ]
    rows("mine.jsonl", ["input"], range(3))
    with pytest.raises(InputError, match="no such task file") as caught:
        task_spec("mien.jsonl")
    assert "Did you mean mine.jsonl?" == caught.value.hint
