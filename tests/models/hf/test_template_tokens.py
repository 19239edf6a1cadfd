"""The token ids of every published task template, on a real tokenizer and on a Llama-type one: golden files."""

import json
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from harness.errors import HarnessError
from harness.models.hf.sources import local_folder, resolve
from harness.models.hf.tokens import Encoder
from harness.templates import load_template, template_names
from harness.types import Message, RenderedPrompt

GOLDEN = Path(__file__).parent / "golden" / "template_tokens.json"
INPUT = "日本の首都はどこですか？"
# The layout of Llama 2's chat template, which writes a BOS of its own.
CHAT = (
    "{% for m in messages %}{% if m['role'] == 'user' %}{{ bos_token + '[INST] ' + m['content'] + ' [/INST]' }}"
    "{% else %}{{ ' ' + m['content'] + ' ' + eos_token }}{% endif %}{% endfor %}"
)


@pytest.fixture(scope="module", params=["embedded", "llama"])
def named(request: pytest.FixtureRequest) -> tuple[str, Any]:
    """Each tokenizer with its name in the golden file."""
    if request.param == "llama":
        return "llama", request.getfixturevalue("llama_tokenizer")
    return "embedded", AutoTokenizer.from_pretrained(local_folder(resolve(request.getfixturevalue("embedded"))))


def encode(tokenizer: Any, rendered: RenderedPrompt) -> list[list[Any]]:
    """Return ids with their texts, by the chat template where the prompt wants one."""
    kept = tokenizer.chat_template
    tokenizer.chat_template = CHAT if rendered.format == "chat" else kept
    try:
        return [list(token) for token in Encoder(tokenizer, "model").tokens(rendered)]
    finally:
        tokenizer.chat_template = kept


@pytest.mark.parametrize("template", template_names("tasks"))
def test_token_ids_are_the_golden_ones(named: tuple[str, Any], template: str) -> None:
    """A change of template, encoder or tokenizer library that moves one id is seen here."""
    name, tokenizer = named
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))[name][template]
    assert golden == encode(tokenizer, load_template(template).render({"input": INPUT}))


@pytest.mark.parametrize("template", template_names("tasks"))
def test_bos_is_there_as_declared(named: tuple[str, Any], template: str) -> None:
    """Once at the front, or nowhere, as the chat template here; the golden file agrees."""
    name, tokenizer = named
    rendered = load_template(template).render({"input": INPUT})
    for tokens in (encode(tokenizer, rendered), json.loads(GOLDEN.read_text(encoding="utf-8"))[name][template]):
        ids = [number for number, _ in tokens]
        assert int(rendered.bos != "never") == ids.count(tokenizer.bos_token_id)
        assert (rendered.bos != "never") == (ids[0] == tokenizer.bos_token_id)


def test_the_text_form_is_used_where_there_is_no_chat_template(named: tuple[str, Any]) -> None:
    """Messages with a text form become exactly the text form's ids; with a chat template they do not."""
    _, tokenizer = named
    course = load_template("course.v1").render({"input": INPUT})
    both = RenderedPrompt(
        messages=(Message(role="user", content=INPUT),), format="chat", bos="once", text_form=course.text
    )
    encoder = Encoder(tokenizer, "model")
    assert encoder.encode(course) == encoder.encode(both)
    assert "[INST]" in "".join(text for _, text in encode(tokenizer, both))


def test_without_a_text_form_the_missing_chat_template_is_an_error(named: tuple[str, Any]) -> None:
    """chat.v1 on a base model's tokenizer: whose template is missing, and what to use instead."""
    with pytest.raises(HarnessError, match="tokenizer of base/model has no chat template") as refused:
        Encoder(named[1], "base/model").encode(load_template("chat.v1").render({"input": INPUT}))
    assert "course.v1" in str(refused.value.hint)
