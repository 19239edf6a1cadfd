"""The beginning-of-sequence token, exactly once or exactly never, on two real kinds of tokenizer."""

import copy
import datetime as dt
import re
import time
from typing import Any

import pytest
from transformers import AutoTokenizer

from harness.errors import HarnessError
from harness.models.hf.sources import local_folder, resolve
from harness.models.hf.tokens import Encoder
from harness.types import BosPolicy, Message, PromptFormat, RenderedPrompt
from tests.patience import PATIENCE
from tests.templates import chat_templates as templates

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


PUBLISHED = {
    "ChatML": (
        "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + "
        "'\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
    ),
    "llm-jp": (
        "{{bos_token}}{% for message in messages %}{% if message['role'] == 'user' %}{{ '\\n\\n### 指示:\\n' + "
        "message['content'] }}{% elif message['role'] == 'system' %}"
        "{{ '以下は、タスクを説明する指示です。要求を適切に満たす応答を書きなさい。' }}"
        "{% elif message['role'] == 'assistant' %}{{ '\\n\\n### 応答:\\n' + message['content'] + eos_token }}"
        "{% endif %}{% if loop.last and add_generation_prompt %}{{ '\\n\\n### 応答:\\n' }}{% endif %}{% endfor %}"
    ),
    "Qwen": templates.CHATML,
    "Gemma": templates.GEMMA,
    "Llama 3": templates.LLAMA,
    "generation": (
        "{% for m in messages %}{% if loop.index > 9 %}{% break %}{% endif %}{% if m.role == 'assistant' %}"
        "{% generation %}{{ m.content }}{{ eos_token }}{% endgeneration %}{% else %}{{ m | tojson }}{% endif %}"
        "{% endfor %}"
    ),
}
TALK = (
    Message(role="user", content="「東京」は？\n  <b>&amp;'\"{{ x }}\n"),
    Message(role="assistant", content="はい。"),
    Message(role="user", content="なぜ？"),
)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_chat_template_gives_what_transformers_gives(llama_tokenizer: Any, name: str) -> None:
    """Published templates, asked for one prompt and for many at once."""
    tokenizer = copy.deepcopy(llama_tokenizer)
    tokenizer.chat_template = PUBLISHED[name]
    encoder = Encoder(tokenizer, "model")
    talks = [TALK[:1], TALK, (Message(role="system", content="短く。"), *TALK)]
    for talk in talks:
        turns = [{"role": message.role, "content": message.content} for message in talk]
        for awaiting in (True, False):
            expected = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=awaiting)
            assert expected == encoder.chat_text(talk, awaiting=awaiting)
    prompts = [RenderedPrompt(messages=talk, bos="never", format="chat") for talk in talks * 20]
    assert [encoder.encode(one) for one in prompts] == encoder.encode_all(prompts)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{% for i in range(10**5) %}{% for j in range(10**5) %}{% endfor %}{% endfor %}", "asks for too much"),
        ("{{ 'a' * 10**10 }}", "asks for too much"),
        ("{% for", "is no template"),
        ("{{ messages.nothing.at.all }}", "chat template of org/model"),
        ("{{ 1 + 'a' }}", "fails"),
        ("{{ ''.__class__.__mro__ }}", "chat template of org/model"),
    ],
)
def test_a_hostile_chat_template_is_one_sentence(llama_tokenizer: Any, template: str, message: str) -> None:
    """It ends within seconds, for many prompts as for one."""
    tokenizer = copy.deepcopy(llama_tokenizer)
    tokenizer.chat_template = template
    began = time.monotonic()
    results = Encoder(tokenizer, "org/model").encode_all([prompt("日本", "once", "chat")] * 50)
    assert time.monotonic() - began < PATIENCE
    assert 50 == len(results)
    for result in results:
        assert isinstance(result, HarnessError)
        assert re.search(message, result.message)
        assert "\n" not in result.message


def test_one_refused_conversation_leaves_the_others(llama_tokenizer: Any) -> None:
    """Each prompt is answered or refused for itself."""
    tokenizer = copy.deepcopy(llama_tokenizer)
    tokenizer.chat_template = "{% if 'x' in messages[0].content %}{{ raise_exception('no x') }}{% endif %}ok"
    texts = ["a", "x", "b", "xx"]
    results = Encoder(tokenizer, "model").encode_all([prompt(text, "once", "chat") for text in texts])
    assert [False, True, False, True] == [isinstance(result, HarnessError) for result in results]


def test_tokens_that_are_compared_with_another_day_hold_no_date_of_today(
    llama_tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A chat template that writes the date: the prompt has the run's, what a contract compares always the same one."""
    dated = copy.deepcopy(llama_tokenizer)
    dated.chat_template = "{{ strftime_now('%Y-%m-%d') }} {{ messages[0]['content'] }}"
    asked = prompt("はい", "never", "chat")

    def on(year: int) -> tuple[str, list[tuple[int, str]]]:
        encoder = Encoder(dated, "model")
        monkeypatch.setattr(encoder, "_now", dt.datetime(year, 5, 6))  # noqa: DTZ001
        return encoder.decode(encoder.encode(asked)), encoder.tokens(asked)

    (then, first), (today, second) = on(2031), on(2032)
    assert ("2031-05-06 はい", "2032-05-06 はい") == (then, today)
    assert first == second


def test_another_chat_template_writes_the_same_date(llama_tokenizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the run's beginning, whenever a model with a chat format of its own takes its turn."""
    encoder = Encoder(llama_tokenizer, "model")
    monkeypatch.setattr(encoder, "_now", dt.datetime(2031, 5, 6))  # noqa: DTZ001
    other = encoder.with_chat("{{ strftime_now('%Y-%m-%d') }}")
    assert "2031-05-06" == other.chat_text([Message(role="user", content="はい")], awaiting=True)
    assert (False, True, encoder) == (encoder.has_chat_template, other.has_chat_template, encoder.with_chat(None))
