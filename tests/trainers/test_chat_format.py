"""A chat template from a file, with arguments: written as transformers writes it, the same in training and after."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError, InputError, TemplateError, UsageError
from harness.models.hf.tokens import Encoder
from harness.templates import load_template
from harness.types import Message
from tests.templates.chat_templates import CHATML, GEMMA, LLAMA
from tests.trainers.test_encoding import variant
from trainers.chat_format import chat_encoder, with_arguments
from trainers.recipe import Recipe

TALK = [("user", "猫は？"), ("assistant", "静か。"), ("user", "　犬は？\n")]
TALKS = {True: TALK, False: [*TALK, ("assistant", "速い。")]}
EDGES = (
    "\n  {% if style is defined %}\n{{ style }}\n  {% endif %}\n{% for m in messages %}{{ m.content }}\n{% endfor %}"
)
ASSIGNS = (
    "{%- set style = style | default('plain') %}{% macro turn(m) %}{{ style }}:{{ m.content }}{% endmacro %}"
    "{% for m in messages %}{{ turn(m) }}|{% endfor %}"
)


@pytest.fixture
def formatted(llama_tokenizer: Any, tmp_path: Path) -> Callable[..., Encoder]:
    """Return a function that gives a recipe's encoder for a base whose tokenizer has ``own`` as chat template."""

    def make(
        template: str | bytes | None = None, *, prompt: str = "chat.v2", own: str | None = None, **arguments: Any
    ) -> Encoder:
        path = ""
        if template is not None:
            path = str(tmp_path / "mine.jinja")
            Path(path).write_bytes(template if isinstance(template, bytes) else template.encode())
        recipe = Recipe(chat_template_path=path, chat_template_kwargs=arguments)
        base = Encoder(variant(llama_tokenizer, chat_template=own), "base")
        return chat_encoder(base, load_template(prompt), recipe, None)

    return make


@pytest.mark.parametrize(
    ("template", "arguments"),
    [
        (CHATML, {}),
        (CHATML, {"enable_thinking": False}),
        (CHATML, {"enable_thinking": True}),
        (GEMMA, {"bos_token": "<始>"}),
        (LLAMA, {"date_string": '26 Jul \'24 "x" {{ a }} \\n 改行\n終'}),
        (EDGES, {"style": [1, -2.5, 1e-07, {"a": "あ", "b": [True, False]}]}),
        (EDGES, {}),
        (ASSIGNS, {"style": "短く"}),
        (ASSIGNS, {}),
    ],
)
def test_chats_are_written_as_transformers_writes_them(
    formatted: Callable[..., Encoder], llama_tokenizer: Any, template: str, arguments: dict[str, Any]
) -> None:
    """Oracle: apply_chat_template with the file's text and the arguments, byte for byte, and with the written text."""
    encoder = formatted(template, **arguments)
    for awaiting, talk in TALKS.items():
        turns = [{"role": role, "content": content} for role, content in talk]
        asked = {"tokenize": False, "add_generation_prompt": awaiting}
        expected = llama_tokenizer.apply_chat_template(turns, chat_template=template, **asked, **arguments)
        messages = [Message(role=role, content=content) for role, content in talk]  # type: ignore[arg-type]
        assert expected == encoder.chat_text(messages, awaiting=awaiting)
        assert expected == llama_tokenizer.apply_chat_template(turns, chat_template=encoder.chat_template, **asked)


def test_arguments_go_to_the_bases_own_template(formatted: Callable[..., Encoder]) -> None:
    """Without a file the base's own template gets them; its text is not lost."""
    encoder = formatted(own=CHATML, enable_thinking=False)
    assert with_arguments(CHATML, {"enable_thinking": False}) == encoder.chat_template
    text = encoder.chat_text([Message(role="user", content="問")], awaiting=True)
    assert "<|im_start|>user\n問<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n" == text


def test_nothing_asked_is_nothing_changed(formatted: Callable[..., Encoder]) -> None:
    """The base's own template counts, also for a text prompt, and no contract names another."""
    assert [None, None] == [formatted(own=CHATML, prompt=name).chat_template for name in ("chat.v2", "course.v1")]


def test_line_ends_of_windows_are_those_of_every_system(formatted: Callable[..., Encoder]) -> None:
    """As transformers reads chat_template.jinja; a byte order mark is no text."""
    encoder = formatted(b"\xef\xbb\xbf" + GEMMA.replace("\n", "\r\n").encode())
    assert GEMMA == encoder.chat_template


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"template": CHATML, "prompt": "course.v1"}, UsageError, "chat_template_path is for chats, and course.v1"),
        ({"own": CHATML, "prompt": "course.v1", "enable_thinking": True}, UsageError, "chat_template_kwargs is for"),
        ({"enable_thinking": True}, UsageError, "the tokenizer of base has none"),
        ({"template": CHATML, "enable_thoughts": True}, TemplateError, "does not use the argument enable_thoughts"),
        ({"template": CHATML + "{# style #} style", "style": 1}, TemplateError, "does not use the argument style"),
        ({"template": CHATML, "messages": []}, UsageError, "'messages' cannot be an argument"),
        ({"template": CHATML, "a b": 1}, UsageError, "'a b' cannot be an argument"),
        ({"template": CHATML, "enable_thinking": float("nan")}, UsageError, "enable_thinking takes a number"),
        ({"template": "{% for %}"}, TemplateError, "The chat template of mine.jinja is no template"),
        ({"template": "{{ raise_exception('いいえ') }}"}, TemplateError, "mine.jinja refuses the messages: いいえ"),
        ({"template": "{{ messages[0].missing.part }}"}, TemplateError, "The chat template of mine.jinja fails"),
        ({"template": "{% for m in messages %}{{ m.role }}{% endfor %}"}, TemplateError, "leaves out what is said"),
        ({"template": " \n"}, InputError, "the chat template is empty"),
        ({"template": b"\xff\xfe"}, InputError, "not UTF-8"),
    ],
)
def test_what_cannot_be_a_chat_format_is_refused(
    formatted: Callable[..., Encoder], given: dict[str, Any], error: type[HarnessError], message: str
) -> None:
    """Before any data is encoded, with what is wrong and where."""
    with pytest.raises(error, match=message):
        formatted(**given)


def test_a_missing_file_is_named(llama_tokenizer: Any, tmp_path: Path) -> None:
    """With what would be one."""
    recipe = Recipe(chat_template_path=str(tmp_path / "none.jinja"))
    with pytest.raises(InputError, match="no such chat template") as caught:
        chat_encoder(Encoder(llama_tokenizer, "base"), load_template("chat.v2"), recipe, None)
    assert "none.jinja" in str(caught.value)
