"""Which language a command speaks: that of the flag, the configuration, or the environment, in this order."""

from pathlib import Path

import pytest

from harness.cli.options import chosen_language
from tests.conftest import RunCli


@pytest.mark.parametrize(
    ("arguments", "toml", "environment", "language"),
    [
        ([], "", "en", "en"),
        ([], "", "ja", "ja"),
        ([], 'lang = "ja"', "en", "ja"),
        ([], 'lang = "en"', "ja", "en"),
        (["--lang", "ja", "ls"], 'lang = "en"', "en", "ja"),
        (["ls", "--lang=ja"], 'lang = "en"', "en", "ja"),
        (["ls", "models", "--lang", "en"], 'lang = "ja"', "ja", "en"),
        (["ls", "--lang"], "", "ja", "ja"),
        (["--lang", "fr"], "", "ja", "ja"),
        ([], "lang = 3", "ja", "ja"),
        ([], "no TOML", "ja", "ja"),
        (["ls", "--config", "other.toml"], 'lang = "en"', "en", "ja"),
    ],
)
def test_the_language_of_a_command(
    arguments: list[str], toml: str, environment: str, language: str, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is wrong with the arguments or the configuration: its error has to be told in some language."""
    monkeypatch.setenv("HARNESS_LANG", environment)
    (workplace / "harness.toml").write_text(toml)
    (workplace / "other.toml").write_text('lang = "ja"')
    assert language == chosen_language(arguments)


@pytest.mark.parametrize("arguments", [("--lang", "ja", "ls", "models"), ("ls", "models", "--lang", "ja")])
def test_every_command_takes_the_language(arguments: tuple[str, ...], run_cli: RunCli) -> None:
    """Before its name and after."""
    assert 0 == run_cli(*arguments).code


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "--task-idd"), "'--task-idd' というオプションはありません。もしかして: "),
        (("show",), "引数が足りません: 'RUN'。\n"),
        (("show", "demo"), "必須のオプションがありません: '--task-id'。\n"),
        (("ls",), "'。次から選んでください"),
        (("eval", "--limit", "0"), "0 は範囲 x>=1 の外です。"),
        (("report", "demo", "--format", "docx"), "選べるのは 'md', 'html'"),
        (("eval", "--temperature", "nan"), "有限の数ではありません"),
        (("evall",), "コマンド「evall」はありません。"),
    ],
)
def test_wrong_arguments_are_told_in_the_language(arguments: tuple[str, ...], said: str, run_cli: RunCli) -> None:
    """By click, and by the program; the next command in this process speaks English again."""
    ended = run_cli("--lang", "ja", *arguments)
    assert 2 == ended.code
    assert said in ended.err
    assert "Error:" not in ended.err
    assert "エラー" not in run_cli(*arguments).err
