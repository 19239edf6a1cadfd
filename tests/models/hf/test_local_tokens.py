"""The beginning-of-sequence token, exactly once or exactly never, on two real kinds of tokenizer."""

from typing import Any

import pytest
from transformers import AutoTokenizer

from harness.errors import HarnessError
from harness.models.hf.sources import local_folder, resolve
from harness.models.hf.tokens import Encoder
from harness.types import BosPolicy, Message, PromptFormat, RenderedPrompt

COURSE = "### 指示\n日本の首都はどこですか？\n### 回答\n"
CHAT = (
    "{% for m in messages %}{{ bos_token }}<{{ m['role'] }}>{{ m['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def prompt(text: str, bos: BosPolicy, form: PromptFormat = "text") -> RenderedPrompt:
    """Return a rendered prompt of one message."""
    return RenderedPrompt(messages=(Message(role="user", content=text),), bos=bos, format=form)


@pytest.fixture(scope="module", params=["llama", "embedded"])
def tokenizer(request: pytest.FixtureRequest) -> Any:
    """Two tokenizers that both add a BOS by themselves: SentencePiece-style BPE, and the embedded model's."""
    if request.param == "llama":
        return request.getfixturevalue("llama_tokenizer")
    return AutoTokenizer.from_pretrained(local_folder(resolve(request.getfixturevalue("embedded"))))


@pytest.mark.parametrize("written", [0, 1, 2])
def test_once_is_once_and_never_is_never(tokenizer: Any, written: int) -> None:
    """Whatever the tokenizer adds and however many a template already wrote."""
    encoder = Encoder(tokenizer, "model")
    text = tokenizer.bos_token * written + COURSE
    plain = tokenizer(COURSE, add_special_tokens=False)["input_ids"]
    assert [tokenizer.bos_token_id, *plain] == encoder.encode(prompt(text, "once"))
    assert plain == encoder.encode(prompt(text, "never"))
    assert tokenizer.bos_token_id == tokenizer(COURSE)["input_ids"][0]  # what it would have done by itself


def test_nothing_is_added_at_the_end(tokenizer: Any) -> None:
    """No end token and no token_type_ids: the prompt is to be continued."""
    ids = Encoder(tokenizer, "model").encode(prompt(COURSE, "once"))
    assert tokenizer.eos_token_id not in ids
    assert all(isinstance(token, int) for token in ids)


def test_ids_decode_to_the_prompt(tokenizer: Any) -> None:
    """Encoding loses nothing, and special tokens are not shown."""
    encoder = Encoder(tokenizer, "model")
    assert COURSE == encoder.decode(encoder.encode(prompt(COURSE, "once")))


@pytest.mark.parametrize(("bos", "expected"), [("once", 1), ("never", 0)])
def test_a_chat_template_that_writes_bos_does_not_double_it(tokenizer: Any, bos: BosPolicy, expected: int) -> None:
    """The tokenizer's own chat template is applied, with the opening of the answer."""
    encoder = Encoder(tokenizer, "model")
    kept = tokenizer.chat_template
    tokenizer.chat_template = CHAT
    try:
        ids = encoder.encode(prompt("日本", bos, "chat"))
    finally:
        tokenizer.chat_template = kept
    assert expected == ids.count(tokenizer.bos_token_id)
    assert "<user>日本<assistant>" == encoder.decode(ids)


def test_a_missing_chat_template_is_named(tokenizer: Any) -> None:
    """The message says whose, and what to use instead."""
    with pytest.raises(HarnessError, match="tokenizer of org/model has no chat template") as caught:
        Encoder(tokenizer, "org/model").encode(prompt("日本", "once", "chat"))
    assert "course.v1" in str(caught.value.hint)


def test_a_chat_template_that_refuses_is_quoted(llama_tokenizer: Any) -> None:
    """Some templates refuse a system message; the user sees the template's own words."""
    llama_tokenizer.chat_template = "{{ raise_exception('System role not supported') }}"
    try:
        with pytest.raises(HarnessError, match="System role not supported"):
            Encoder(llama_tokenizer, "model").encode(prompt("日本", "once", "chat"))
    finally:
        llama_tokenizer.chat_template = None


def test_a_tokenizer_without_bos_adds_none(llama_tokenizer: Any) -> None:
    """Qwen has no such token: "once" cannot mean anything there."""
    without = type(llama_tokenizer)(tokenizer_object=llama_tokenizer.backend_tokenizer, eos_token="</s>")
    encoder = Encoder(without, "model")
    assert not encoder.has_bos
    assert without(COURSE, add_special_tokens=False)["input_ids"] == encoder.encode(prompt(COURSE, "once"))
