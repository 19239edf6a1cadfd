# ruff: noqa: E501 - templates stand as they are published, in lines as long as theirs
"""What is learnt of a chat, mark by mark, for five families: the truth is written by hand, ⟦learnt⟧.

Every character is one token of this vocabulary and every mark of a family another, so that no code of ours or of
anybody else's is asked where a label belongs.
"""

import re
from typing import Any

import pytest
from tokenizers import Regex, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split
from transformers import PreTrainedTokenizerFast

from harness.models.hf.tokens import Encoder
from harness.templates import load_template
from harness.types import Message
from tests.models.hf.test_tokens import PUBLISHED
from tests.templates.chat_templates import GEMMA
from trainers.chat_format import with_arguments
from trainers.data.examples import Example
from trainers.encoding import IGNORED, SampleEncoder

MARKS = [
    *("<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>", "<start_of_turn>", "<end_of_turn>"),
    *("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
]
LLAMA_3 = (
    "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + "
    "message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}"
    "{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
QWEN_3 = """{%- set ns = namespace(last_query_index=messages|length - 1) %}
{%- for message in messages %}
    {%- if message.role == "user" %}{%- set ns.last_query_index = loop.index0 %}{%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.role != "assistant" %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- else %}
        {%- set reasoning_content = '' %}
        {%- if loop.index0 > ns.last_query_index and (loop.last or reasoning_content) %}
            {{- '<|im_start|>' + message.role + '\\n<think>\\n' + reasoning_content.strip('\\n') + '\\n</think>\\n\\n' + message.content.lstrip('\\n') }}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\\n' + message.content }}
        {%- endif %}
        {{- '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}"""
TALK = (
    Message(role="system", content="短く。"),
    Message(role="user", content="猫は?"),
    Message(role="assistant", content="静か。"),
)
FAMILIES = {  # template, mark that ends a turn, [of one question, of a conversation]
    "llm-jp": (
        PUBLISHED["llm-jp"],
        "</s>",
        "<s>\n\n### 指示:\n犬は?\n\n### 応答:\n⟦速い。\n</s>⟧",
        (
            "<s>以下は、タスクを説明する指示です。要求を適切に満たす応答を書きなさい。\n\n### 指示:\n猫は?\n\n### 応答:\n静か。</s>"
            "\n\n### 指示:\n犬は?\n\n### 応答:\n⟦速い。\n</s>⟧"
        ),
    ),
    "ChatML": (
        PUBLISHED["ChatML"],
        "<|im_end|>",
        "<|im_start|>user\n犬は?<|im_end|>\n<|im_start|>assistant\n⟦速い。\n<|im_end|>⟧",
        (
            "<|im_start|>system\n短く。<|im_end|>\n<|im_start|>user\n猫は?<|im_end|>\n<|im_start|>assistant\n静か。<|im_end|>\n"
            "<|im_start|>user\n犬は?<|im_end|>\n<|im_start|>assistant\n⟦速い。\n<|im_end|>⟧"
        ),
    ),
    "Llama 3": (
        LLAMA_3,
        "<|eot_id|>",
        (
            "<s><|start_header_id|>user<|end_header_id|>\n\n犬は?<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n⟦速い。<|eot_id|>⟧"
        ),
        (
            "<s><|start_header_id|>system<|end_header_id|>\n\n短く。<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n"
            "猫は?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n静か。<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>\n\n犬は?<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n⟦速い。<|eot_id|>⟧"
        ),
    ),
    "Gemma": (
        GEMMA,
        "<end_of_turn>",
        "<s><start_of_turn>user\n犬は?<end_of_turn>\n<start_of_turn>model\n⟦速い。<end_of_turn>⟧",
        (
            "<s><start_of_turn>user\n短く。\n\n猫は?<end_of_turn>\n<start_of_turn>model\n静か。<end_of_turn>\n"
            "<start_of_turn>user\n犬は?<end_of_turn>\n<start_of_turn>model\n⟦速い。<end_of_turn>⟧"
        ),
    ),
    "Qwen 3": (
        QWEN_3,
        "<|im_end|>",
        "<|im_start|>user\n犬は?<|im_end|>\n<|im_start|>assistant\n⟦<think>\n\n</think>\n\n速い。\n<|im_end|>⟧",
        (
            "<|im_start|>system\n短く。<|im_end|>\n<|im_start|>user\n猫は?<|im_end|>\n<|im_start|>assistant\n静か。<|im_end|>\n"
            "<|im_start|>user\n犬は?<|im_end|>\n<|im_start|>assistant\n⟦<think>\n\n</think>\n\n速い。\n<|im_end|>⟧"
        ),
    ),
    "Qwen 3 that does not think": (
        with_arguments(QWEN_3, {"enable_thinking": False}),
        "<|im_end|>",
        "<|im_start|>user\n犬は?<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n⟦速い。\n<|im_end|>⟧",
        (
            "<|im_start|>system\n短く。<|im_end|>\n<|im_start|>user\n猫は?<|im_end|>\n<|im_start|>assistant\n静か。<|im_end|>\n"
            "<|im_start|>user\n犬は?<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n⟦速い。\n<|im_end|>⟧"
        ),
    ),
}


@pytest.fixture(scope="module")
def characters() -> Any:
    """A tokenizer with a token for each character and each mark."""
    written = "".join(text for _, _, *texts in FAMILIES.values() for text in texts)
    vocabulary = dict.fromkeys([*MARKS, *sorted(set(written))])
    words = Tokenizer(WordLevel({token: number for number, token in enumerate(vocabulary)}, unk_token="<unk>"))
    words.pre_tokenizer = Split(Regex(r"[\s\S]"), "isolated")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, unk_token="<unk>", bos_token="<s>", eos_token="</s>", clean_up_tokenization_spaces=False
    )
    tokenizer.add_special_tokens({"additional_special_tokens": MARKS[3:]})
    return tokenizer


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_learnt_is_what_was_marked_by_hand(characters: Any, family: str) -> None:
    """Of one question and of a conversation: the prompt, and of the answer all up to the mark that ends its turn."""
    template, mark, *truths = FAMILIES[family]
    end = frozenset({characters.eos_token_id, characters.convert_tokens_to_ids(mark)})
    encoder = SampleEncoder(
        Encoder(characters, "base", template), load_template("chat.v2"),
        loss="completion_only", max_length=500, overlong="drop", end=end,
    )  # fmt: skip
    one = Example(where="one", inputs={"input": "犬は?"}, answer="速い。\n")
    talk = Example(where="talk", inputs={"input": "犬は?"}, answer="速い。\n", history=TALK)
    samples = encoder.encode_all([one, talk]).samples
    for truth, sample in zip(truths, samples, strict=True):
        tokens = characters.convert_ids_to_tokens(list(sample.ids))
        learnt = [label != IGNORED for label in sample.labels]
        assert labelled(truth) == list(zip(tokens, learnt, strict=True))
        assert [number for number, label in zip(sample.ids, sample.labels, strict=True) if label != IGNORED] == [
            label for label in sample.labels if label != IGNORED
        ]


def labelled(truth: str) -> list[tuple[str, bool]]:
    """Return the tokens of a text that was marked by hand, each with whether it is learnt."""
    pieces = re.findall("|".join(map(re.escape, MARKS)) + "|(?s:.)", truth)
    learnt, found = False, []
    for piece in pieces:
        if piece in "⟦⟧":
            learnt = piece == "⟦"
        else:
            found.append((piece, learnt))
    return found


def test_the_marking_itself_is_read_as_it_stands() -> None:
    """Marks are one token, and the brackets are none."""
    assert [("<s>", False), ("問", False), ("答", True), ("</s>", True)] == labelled("<s>問⟦答</s>⟧")
