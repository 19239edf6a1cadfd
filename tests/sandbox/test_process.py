"""The confined process as its parent sees it: what it answers is looked at before it is used."""

import sys
from pathlib import Path

import pytest

from harness.locale import in_language, tr
from harness.locale.facts import fact_of
from harness.sandbox import process
from harness.sandbox.process import ConfinedProcess, said
from harness.sandbox.program import TemplateFailure

JUNK = {
    "no JSON": "printf 'hello\\n'",
    "another type": "printf '[1]\\n'",
    "nested without end": "head -c 300000 /dev/zero | tr '\\0' '['; echo",
    "a failure that is none": "printf '{\"failure\": 3}\\n'",
    "texts that are none": "printf '{\"texts\": [1]}\\n'",
    "too many texts": 'printf \'{"texts": ["a", "b"]}\\n\'',
    "no texts": "printf '{}\\n'",
    "half a line": "printf '{\"texts\"'",
    "nothing": "exit 7",
    "a line without end": "cat /dev/zero",
}


@pytest.mark.parametrize("name", JUNK)
def test_an_answer_that_is_none_is_a_failure(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever stands in for the process: one failure, soon, in little memory, and no process left."""
    script = tmp_path / "python"
    script.write_text(f"#!/bin/sh\n{JUNK[name]}\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    monkeypatch.setattr(process, "_ANSWER", 1_000_000)
    child = ConfinedProcess()
    with pytest.raises(TemplateFailure):
        list(child.render([{"input": "x"}], 1))
    child.end()
    assert not child.is_alive


def test_a_message_travels_with_its_values() -> None:
    """So that it can be said in Japanese; what is not in the catalogue is text, whatever places it has."""
    told = said(fact_of(tr("included file {name!r}: {said}", name="a.j2", said=tr("nested too deeply"))))
    assert "読み込んだファイル「a.j2」: 入れ子が深すぎます" == in_language(told, "ja")
    forged = {"code": "{a:>999999999}", "values": {"a": "x"}, "text": "as it is"}
    assert "as it is" == said(forged)
    nested = {"code": "nested too deeply", "values": {"a": forged}, "text": "as it is, too"}
    assert "as it is, too" == said(nested)
    assert "words" == said("words")


def test_many_prompts_go_in_several_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """By their number and by their size; each answer belongs to its prompt."""
    monkeypatch.setattr(process, "_PROMPTS", 7)
    monkeypatch.setattr(process, "MAX_REQUEST", 20_000)
    child = ConfinedProcess()
    child.ask({"sources": [{"text": "{{ input }}", "first_line": 1}], "parts": {}})
    given = [str(number) * (1 + number % 5 * 800) for number in range(50)]
    assert given == [text for [text] in child.render([{"input": text} for text in given], 1)]
    with pytest.raises(TemplateFailure, match="of variables for one prompt"):
        list(child.render([{"input": "x" * 20_000}], 1))
    child.end()


def test_a_process_that_has_worked_long_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the kernel's limit on its computing ends it in the middle of a prompt."""
    child = ConfinedProcess()
    child.ask({"chat": "{{ messages }}"})
    assert child.is_alive
    monkeypatch.setattr(process, "_BUSY_SECONDS", 0.0)
    assert not child.is_alive
    child.end()
