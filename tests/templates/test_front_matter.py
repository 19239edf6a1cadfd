"""Messages with roles, and the text that stands in for them where there is no chat template."""

from pathlib import Path

import pytest

from harness.errors import InputError
from harness.templates import load_template
from harness.types import Message, RenderedPrompt

FEW_SHOT = """---
messages:
  - system: "{{ tone }}に答えてください。"
  - user: 1たす1は？
  - assistant: 2です。
  - user: "{{ input }}"
---
### 指示
{{ input }}
### 回答
"""


def load(folder: Path, text: str) -> RenderedPrompt:
    path = folder / "turns.j2"
    path.write_text(text, encoding="utf-8")
    return load_template(str(path)).render({"input": "2たす2は？", "tone": "丁寧"})


def test_messages_are_the_chat_form_and_the_body_the_text_form(tmp_path: Path) -> None:
    """Every turn may use variables; their order and roles stay."""
    assert RenderedPrompt(
        messages=(
            Message(role="system", content="丁寧に答えてください。"),
            Message(role="user", content="1たす1は？"),
            Message(role="assistant", content="2です。"),
            Message(role="user", content="2たす2は？"),
        ),
        format="chat",
        text_form="### 指示\n2たす2は？\n### 回答\n",
    ) == load(tmp_path, FEW_SHOT)


def test_without_a_body_there_is_no_text_form(tmp_path: Path) -> None:
    """A tokenizer without chat template then has nothing to be given."""
    assert None is load(tmp_path, FEW_SHOT.partition("### 指示")[0]).text_form


def test_a_chat_template_with_a_body_alone_has_no_text_form(tmp_path: Path) -> None:
    """Its body is the user's message; chat.v1 is such a template."""
    rendered = load(tmp_path, '---\nformat: chat\nsystem: "{{ tone }}に。"\n---\n{{ input }}')
    assert [("system", "丁寧に。"), ("user", "2たす2は？")] == [(turn.role, turn.content) for turn in rendered.messages]
    assert None is load_template("chat.v1").render({"input": "x"}).text_form


@pytest.mark.parametrize(
    ("front", "message"),
    [
        ("bos: template", "bos: template needs format: chat"),
        ("messages: []", "a list of turns"),
        ("messages: {user: x}", "a list of turns"),
        ("messages: [{user: a, assistant: b}]", "a list of turns"),
        ("messages: [{robot: x}]", "one of system, user, assistant"),
        ("messages: [{user: 3}]", "a list of turns"),
        ("messages: [{user: a}, {system: b}, {user: c}]", "can only be the first"),
        ("messages: [{user: a}, {assistant: b}]", "the last message must be the user's"),
        ("format: text\nmessages: [{user: a}]", "messages are for format: chat"),
        ("format: chat\nsystem: a\nmessages: [{user: a}]", "system and messages are both given"),
        ("messages:\n - user: {{ input }}", "is no plain text"),
    ],
)
def test_wrong_turns_are_refused(tmp_path: Path, front: str, message: str) -> None:
    """Each with what is wrong in it."""
    with pytest.raises(InputError) as refused:
        load(tmp_path, f"---\n{front}\n---\n{{{{ input }}}}")
    assert message in refused.value.message


def test_a_failing_turn_names_the_variable(tmp_path: Path) -> None:
    """An undefined variable in a message is found like one in the body."""
    with pytest.raises(Exception, match="'tome' is undefined"):
        load(tmp_path, FEW_SHOT.replace("tone", "tome"))


def test_front_matter_sets_system_text_and_stop_strings(tmp_path: Path) -> None:
    """A chat template with a system text renders two messages."""
    path = tmp_path / "chat.j2"
    path.write_text("---\nformat: chat\nsystem: 丁寧に。\nstop: ['###']\n---\n{{ input }}")
    rendered = load_template(str(path)).render({"input": "問"})
    assert [("system", "丁寧に。"), ("user", "問")] == [(turn.role, turn.content) for turn in rendered.messages]
    assert ("###",) == rendered.stop


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("---\nbos: twice\n---\n{{ input }}", "bos is 'twice'; it can be once or never"),
        ("---\nreply: words\n---\n{{ input }}", "reply is 'words'; it can be json or number or label"),
        ("---\nreply: label\n---\n{{ input }}", "reply: label needs labels"),
        ("---\nreply: json\nlabels: [スコア]\n---\n{{ input }}", "labels are for reply: label"),
        ("---\nreply: label\nlabels: []\n---\n{{ input }}", "labels must be a list of words"),
        ("---\nreply: label\nlabels: スコア\n---\n{{ input }}", "labels must be a list of words"),
        ("---\nreply: label\nlabels: ['スコア：']\n---\n{{ input }}", "labels must be a list of words"),
        ("---\nreply: label\nlabels: [5]\n---\n{{ input }}", "labels must be a list of words"),
        ("---\nformt: chat\n---\n{{ input }}", "No front matter key named 'formt'"),
        ("---\nstop: END\n---\n{{ input }}", "stop must be a list"),
        ("---\nsystem: hi\n---\n{{ input }}", "a system text needs format: chat"),
        ("---\nbos: once\n{{ input }}", "not closed"),
        ("---\n[\n---\n{{ input }}", "not YAML"),
        ("---\n- a\n---\n{{ input }}", "not a list of 'key: value' lines"),
        ("{% for x in %}{{ input }}", "not a valid Jinja2 template"),
    ],
)
def test_wrong_templates_are_refused(tmp_path: Path, text: str, message: str) -> None:
    """Each wrong template is named with what is wrong in it."""
    path = tmp_path / "wrong.j2"
    path.write_text(text)
    with pytest.raises(InputError, match=r"wrong\.j2") as refused:
        load_template(str(path))
    assert message in refused.value.message
