"""Templates in a process of their own: the same texts as in this one, and a new process after one that was ended."""

import datetime as dt
from pathlib import Path

import pytest

from harness.sandbox.confined import ConfinedChat, ConfinedProgram, protections
from harness.sandbox.program import Program, TemplateFailure, TemplateSource, inspect

SOURCES = [TemplateSource(text="{{ a }}: {{ b }}\n{% include 'p.j2' %}"), TemplateSource(text="{{ a|upper }}")]
FILLINGS = [{"a": "x", "b": 1}, {"a": "日本\ud800", "b": [1, {"c": None}]}, {"a": "", "b": True}]


@pytest.fixture
def program(tmp_path: Path) -> ConfinedProgram:
    """Two sources that include a file."""
    (tmp_path / "p.j2").write_text("<{{ b }}>{{ c | default('') }}", encoding="utf-8")
    return ConfinedProgram(SOURCES, tmp_path)


def test_it_is_the_program_of_this_process(program: ConfinedProgram) -> None:
    """The same inspection, the same texts, values of every JSON kind."""
    parts = dict(program.inspection.parts)
    assert ["p.j2"] == list(parts)
    assert inspect(SOURCES, parts) == program.inspection
    assert Program(SOURCES, parts).render_all(FILLINGS) == program.render_all(FILLINGS)


def test_after_a_failure_it_goes_on(program: ConfinedProgram) -> None:
    """A prompt that cannot be filled ends that call alone."""
    with pytest.raises(TemplateFailure, match="'b' is undefined"):
        program.render_all([FILLINGS[0], {"a": "x"}])
    assert 3 == len(program.render_all(FILLINGS))


def test_a_process_that_is_gone_is_replaced(program: ConfinedProgram) -> None:
    """Whoever ended it."""
    program._child.end()
    assert 3 == len(program.render_all(FILLINGS))


def test_wrong_sources_are_told_like_in_this_process(tmp_path: Path) -> None:
    """With kind and line."""
    with pytest.raises(TemplateFailure) as caught:
        ConfinedProgram([TemplateSource(text="a\n{{ b", first_line=3)], tmp_path)
    assert ("syntax", 4) == (caught.value.kind, caught.value.line)
    with pytest.raises(TemplateFailure, match=r"includes 'gone\.j2', and there is no such file"):
        ConfinedProgram([TemplateSource(text="{% include 'gone.j2' %}")], tmp_path)


def test_a_chat_template_gets_its_messages_and_the_time() -> None:
    """Of the caller's clock."""
    chat = ConfinedChat("{{ strftime_now('%d') }}{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}")
    messages = [{"role": "user", "content": "はい"}]
    assert ["02<user>はい"] == chat.render_all([{"messages": messages}], dt.datetime(2026, 1, 2, tzinfo=dt.UTC))


def test_what_holds_here_has_a_name_each() -> None:
    """Each was tried; which of them hold is the machine's."""
    assert {"files", "limits", "network", "processes"} == set(protections())
