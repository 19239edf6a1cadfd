"""Specs as people type them: one parser, wide signs and letters, home folders, and paths without a backend."""

from pathlib import Path

import pytest

from harness.errors import UnknownNameError, UsageError
from harness.specs import Config, SplitSpec, parse_judge, parse_model, parse_task, split_spec
from tests.conftest import RunCli


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("echo", (None, "echo", None)),
        ("base", (None, "base", None)),
        ("mine=adapter:./a", ("mine", "adapter", "./a")),
        ("adapter:org/name@9f2c", (None, "adapter", "org/name@9f2c")),
        ("hf:./a@b/c", (None, "hf", "./a@b/c")),
        ("outputs:a=b.jsonl", (None, "outputs", "a=b.jsonl")),
        ("x=outputs:C:\\me\\a.jsonl", ("x", "outputs", "C:\\me\\a.jsonl")),
        ("私の=outputs:答え：一.jsonl", ("私の", "outputs", "答え：一.jsonl")),
        ("ｅｃｈｏ", (None, "echo", None)),
        ("Ａ＝ｏｕｔｐｕｔｓ：ａ.jsonl", ("Ａ", "outputs", "ａ.jsonl")),
        ("openai：qwen3:8b", (None, "openai", "qwen3:8b")),
        ("adapter:～/a", (None, "adapter", "~/a")),
        ("adapter:〜/a", (None, "adapter", "~/a")),
        ("adapter:", (None, "adapter", "")),
        ("=echo", ("", "echo", None)),
        (" x = echo ", ("x", "echo", None)),
    ],
)
def test_a_spec_is_taken_apart_at_its_first_signs(text: str, parts: tuple[str | None, str, str | None]) -> None:
    """Wide signs count; label and target stay as they are, whatever they hold."""
    label, backend, target = parts
    assert SplitSpec(label=label, backend=backend, target=target) == split_spec(text)


def test_a_wide_spec_is_the_plain_one() -> None:
    """The same label, and so the same row and run name."""
    assert parse_model("echo", Config()) == parse_model("ｅｃｈｏ", Config())
    assert parse_judge("rules", Config()) == parse_judge("ｒｕｌｅｓ", Config())
    assert parse_judge("openai:a=b:c", Config()).option == "a=b:c"


@pytest.mark.parametrize("text", ["", "=", "=echo", "x=", "：", "＝"])
def test_an_empty_spec_is_refused(text: str) -> None:
    """With how it is written."""
    with pytest.raises(UsageError, match="is empty"):
        parse_model(text, Config())


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("./anadapter", "adapter:./anadapter"),
        ("anadapter", "adapter:anadapter"),
        (".\\anadapter", "adapter:./anadapter"),
        ("mine=./anadapter", "adapter:./anadapter"),
        ("./amodel", "hf:./amodel"),
        ("answers.jsonl", "outputs:answers.jsonl"),
        ("weights.gguf", "gguf:weights.gguf"),
    ],
)
def test_a_path_without_a_backend_is_told_which(workplace: Path, text: str, meant: str) -> None:
    """By what lies there."""
    for folder, file in (("anadapter", "adapter_config.json"), ("amodel", "config.json")):
        Path(folder).mkdir()
        Path(folder, file).write_text("{}")
    Path("answers.jsonl").write_text("{}")
    Path("weights.gguf").write_text("GGUF")
    with pytest.raises(UnknownNameError) as refused:
        parse_model(text, Config())
    assert f"Did you mean {meant}?" == refused.value.hint


def test_a_misspelt_backend_is_told_the_nearest() -> None:
    """As before."""
    with pytest.raises(UnknownNameError) as refused:
        parse_model("adaptr:./x", Config())
    assert "Did you mean 'adapter'?" == refused.value.hint


@pytest.mark.parametrize(
    ("model", "meant"),
    [
        ("outputs:answres.jsonl", "answers.jsonl"),
        ("outputs:.\\answers.jsonl", "./answers.jsonl"),
        ("outputs:foldre/more.jsonl", "folder/more.jsonl"),
    ],
)
def test_a_path_that_leads_nowhere_is_told_the_nearest(
    run_cli: RunCli, task_file: Path, model: str, meant: str
) -> None:
    """Misspelt in any part, or written with backslashes."""
    Path("folder").mkdir()
    for place in ("answers.jsonl", "folder/more.jsonl"):
        Path(place).write_text('{"task_id": 0, "output": "答え"}\n', encoding="utf-8")
    ran = run_cli("eval", "--task", "five=five.jsonl", "--model", model, "--judge", "rules")
    assert 1 == ran.code
    assert f"Did you mean {meant}?" in ran.err


def test_the_home_folder_stands_after_a_colon_too(
    run_cli: RunCli, task_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shell does not expand it there."""
    Path("home").mkdir()
    monkeypatch.setenv("HOME", str(Path("home").resolve()))
    Path("home/answers.jsonl").write_text('{"task_id": 0, "output": "答え"}\n', encoding="utf-8")
    for target in ("~/answers.jsonl", "～/answers.jsonl"):
        ran = run_cli("eval", "--task", "five=~/../five.jsonl", "--model", f"m=outputs:{target}", "--judge", "rules",
                      "--max-unscored", "9", "--run", "r")  # fmt: skip
        assert 0 == ran.code, ran.err


def test_dashes_of_typesetting_and_wide_letters_are_options(run_cli: RunCli, task_file: Path) -> None:
    """The same command as in plain ASCII."""
    ran = run_cli("eval", "—task", "five=five.jsonl", "－－ｍｏｄｅｌ", "ｅｃｈｏ", "––judge＝rules", "ーーrun", "r")
    assert 0 == ran.code, ran.err
    assert Path("runs/r/results.json").is_file()


def test_a_task_is_taken_apart_in_the_same_way(workplace: Path) -> None:
    """Wide signs and a wide tilde count, in the name nothing changes."""
    for text in ("私の=~/t.jsonl", "私の＝～/t.jsonl", " 私の = ~/t.jsonl"):
        assert ("私の", "~/t.jsonl") == ((task := parse_task(text, Config())).name, task.source)
    for text in ("", "=t.jsonl", "＝t.jsonl", "t=", "t＝"):
        with pytest.raises(UsageError, match="lacks a name or a path"):
            parse_task(text, Config())
    Path("t.jsonl").write_text("{}")
    with pytest.raises(UsageError, match="is a path without a name") as refused:
        parse_task("t.jsonl", Config())
    assert "Give it a name: --task t=t.jsonl" == refused.value.hint


def test_an_engine_is_a_setting_of_local_models_alone_and_only_where_it_was_chosen() -> None:
    """Runs that name none keep their names; a flag wins over the file."""
    of_the_file = Config(engine="vllm", models={"hf": {"max_batch_rows": 4}})
    assert {"max_batch_rows": 4, "engine": "vllm"} == parse_model("hf:org/name", of_the_file).settings
    assert {"max_batch_rows": 4, "engine": "hf"} == parse_model("hf:org/name", of_the_file, engine="hf").settings
    assert {} == parse_model("echo", of_the_file).settings
    assert {} == parse_model("hf:org/name", Config()).settings
