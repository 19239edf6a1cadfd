"""Options as they are typed: long and wide dashes, wide letters; what is no option stays as it is."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cli.typed import plain_option, typed_command


@pytest.mark.parametrize("dashes", ["--", "—", "–", "――", "－－", "ーー", "−−", "—–", "-－"])
@pytest.mark.parametrize("name", ["model", "ｍｏｄｅｌ", "judge-repeats", "judge－repeats"])
def test_an_option_with_other_dashes_is_one(dashes: str, name: str) -> None:
    """Whatever stands after its sign is the value's."""
    plain = "model" if name[-1] in "lｌ" else "judge-repeats"
    assert f"--{plain}" == plain_option(f"{dashes}{name}")
    assert f"--{plain}=a＝答え—b" == plain_option(f"{dashes}{name}＝a＝答え—b")


@pytest.mark.parametrize("argument", ["-h", "－h", "‐h", "−ｈ"])
def test_one_short_dash_is_one_hyphen(argument: str) -> None:
    """A short option stays short."""
    assert "-h" == plain_option(argument)


@pytest.mark.parametrize("argument", ["—答え", "ーー", "--", "-", "", "a—b", "—1", "答え＝b", "ｅｃｈｏ", "——model x"])
def test_what_is_no_option_stays(argument: str) -> None:
    """Text that starts with a dash, numbers, names and values."""
    assert argument == plain_option(argument)


@given(st.from_regex(r"--?[a-z][a-z-]*(=.*)?", fullmatch=True))
def test_what_is_typed_in_ascii_never_changes(argument: str) -> None:
    """However odd the value."""
    assert argument == plain_option(argument)


def test_the_command_on_record_is_one_that_a_shell_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rerun and whoever copies it read it without knowing of wide dashes."""
    monkeypatch.setattr(sys, "argv", ["harness", "eval", "－－ｍｏｄｅｌ", "ｅｃｈｏ", "—task＝mine=a.jsonl"])
    assert "harness eval --model 'ｅｃｈｏ' --task=mine=a.jsonl" == typed_command()
