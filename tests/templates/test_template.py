"""Templates: what they render to, byte by byte, and how wrong ones are refused."""

from pathlib import Path

import pytest

from harness.errors import HarnessError, UnknownNameError
from harness.templates import load_template, template_names
from harness.types import Message


def test_the_course_prompt_is_the_one_adapters_were_trained_on() -> None:
    """The text given in the course: no missing newline, no extra one, BOS once."""
    rendered = load_template("course.v1").render({"input": "仕事の熱意を取り戻す方法を5つ。"})
    assert (Message(role="user", content="### 指示\n仕事の熱意を取り戻す方法を5つ。\n### 回答\n"),) == rendered.messages
    assert ("text", "once") == (rendered.format, rendered.bos)


def test_the_plain_course_template_has_the_same_text_and_no_bos() -> None:
    """course-nobos.v1 differs from course.v1 in the BOS policy alone."""
    with_bos, without = (load_template(name).render({"input": "x"}) for name in ("course.v1", "course-nobos.v1"))
    assert with_bos.messages == without.messages
    assert "never" == without.bos


def test_the_chat_prompt_is_the_instruction_alone() -> None:
    """chat.v1 adds nothing to the instruction, not even a newline: the tokenizer's template does."""
    rendered = load_template("chat.v1").render({"input": "x"})
    assert ("chat", "x") == (rendered.format, rendered.text)


@pytest.mark.parametrize("name", template_names("tasks"))
def test_every_shipped_template_renders_and_keeps_the_instruction(name: str) -> None:
    """Braces and percent signs in an instruction are text, not template."""
    tricky = "{{ 7*7 }} {% raw %} # 指示\n%s"
    assert tricky in load_template(name).render({"input": tricky}).text


def test_a_file_needs_no_front_matter_and_may_use_any_column(tmp_path: Path) -> None:
    """Columns of the task file besides `input` are variables too."""
    path = tmp_path / "mine.j2"
    path.write_bytes(b"{{ level }}: {{ input }}\r\n")
    template = load_template(str(path))
    assert "3: 問\n" == template.render({"input": "問", "level": 3}).text
    assert str(path) == template.name


def test_templates_cannot_reach_into_python(tmp_path: Path) -> None:
    """The sandbox refuses the classic way out."""
    path = tmp_path / "escape.j2"
    path.write_text("{{ input.__class__.__mro__[1].__subclasses__() }}")
    with pytest.raises(HarnessError, match="the sandbox refuses it"):
        load_template(str(path)).render({"input": "x"})


def test_a_reference_is_no_prompt_variable() -> None:
    """A prompt that could see the reference answer would leak it: samples offer their inputs only."""
    with pytest.raises(UnknownNameError, match="No prompt named 'course'"):
        load_template("course")
