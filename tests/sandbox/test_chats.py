"""Chat templates in the confined process: the same text as transformers, and none of a stranger's mischief."""

import datetime as dt
import json
import os
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from harness.sandbox.chats import render_chats
from harness.sandbox.confined import ConfinedChat
from harness.sandbox.program import TemplateFailure
from tests.patience import PATIENCE
from tests.templates.chat_templates import CHATML, GEMMA, HOSTILE, LLAMA, SMALL

NOW = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
EVERY = int(os.environ.get("HARNESS_CHAT_TEMPLATES", "18"))
"""How many of the 70 published templates are compared; set it higher for all."""
Render = Callable[..., list[str]]
USER = {"role": "user", "content": "日本の首都は？\n  <b>&amp;'\"\n"}
SYSTEM = {"role": "system", "content": "丁寧に。"}
ANSWER = {"role": "assistant", "content": "東京です。", "reasoning_content": None}
THOUGHT = {"role": "assistant", "content": "東京です。", "thinking": "首都を考える"}
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"type": "function", "function": {"name": "f", "arguments": {"b": [1, 2.5, None, True], "a": "あ"}}}
    ],
}
CONVERSATIONS = [[USER], [SYSTEM, USER], [USER, ANSWER, USER], [SYSTEM, USER, THOUGHT, USER], [USER, CALL, USER]]
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {}}}}}]
TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}


@pytest.fixture(scope="module")
def of_transformers() -> Iterator[Render]:
    """`render_jinja_template` of the installed transformers, at the same time of day."""
    module = pytest.importorskip("transformers.utils.chat_template_utils")

    class Clock(dt.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> dt.datetime:
            return NOW

    def render(
        template: str, conversations: list, *, special_tokens: dict, variables: dict, **options: Any
    ) -> list[str]:
        normalized = [[{k: v for k, v in m.items() if v is not None} for m in chat] for chat in conversations]
        texts, _ = module.render_jinja_template(
            conversations=normalized, chat_template=template, **options, **{**special_tokens, **variables}
        )
        return texts

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "datetime", Clock)
        yield render


@pytest.mark.parametrize("name", SMALL)
def test_the_text_is_that_of_transformers(of_transformers: Render, name: str) -> None:
    """Templates of the common families and each thing that the environment offers, with and without tools."""
    for conversation in CONVERSATIONS:
        for options in ({"add_generation_prompt": True}, {"add_generation_prompt": False, "tools": TOOLS}):
            given = {"special_tokens": TOKENS, "variables": {"enable_thinking": False}, **options}
            expected = outcome(of_transformers, SMALL[name], [conversation], **given)
            assert expected == outcome(render_chats, SMALL[name], [conversation], now=NOW, **given)


def published() -> dict[str, str]:
    """Return the chat templates that the installed trl ships: those of the Hub's common families."""
    spec = find_spec("trl")
    folder = Path(str(spec.origin)).parent / "chat_templates" if spec is not None else Path("none")
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.jinja"))}


def test_the_templates_of_real_models_give_the_text_of_transformers(of_transformers: Render) -> None:
    """Dozens of families, with tools, thoughts and calls, or the same refusal."""
    if not (found := published()):
        pytest.skip("trl is not installed, or ships no chat templates")
    texts = 0
    chosen = list(found)[:: max(1, len(found) // EVERY)]
    for name, template in ((name, found[name]) for name in chosen):
        for conversation in CONVERSATIONS:
            for options in ({"add_generation_prompt": True}, {"add_generation_prompt": False, "tools": TOOLS}):
                given = {"special_tokens": TOKENS, "variables": {"enable_thinking": False}, **options}
                expected = outcome(of_transformers, template, [conversation], **given)
                assert expected == outcome(render_chats, template, [conversation], now=NOW, **given), name
                texts += "user" in expected[0]
    assert texts > 5 * len(chosen)


def outcome(render: Render, *arguments: Any, **given: Any) -> list[str]:
    """Return the texts, or why there are none."""
    try:
        return render(*arguments, **given)
    except TemplateFailure as failure:
        return [failure.message.partition(": ")[2] if failure.kind == "failed" else failure.message]
    except Exception as error:  # noqa: BLE001 - whatever transformers raises
        return [str(error)]


def test_many_conversations_in_one_call_give_the_same(of_transformers: Render) -> None:
    """Each its own text, in order."""
    many = [[{"role": "user", "content": f"質問{number}"}] for number in range(300)]
    given = {"special_tokens": TOKENS, "variables": {}, "add_generation_prompt": True}
    for template in (CHATML, GEMMA, LLAMA):
        assert of_transformers(template, many, **given) == render_chats(template, many, now=NOW, **given)


def test_a_refusal_is_told_in_the_words_of_the_template() -> None:
    """`raise_exception` is no failure of ours: it says which messages the model cannot take."""
    with pytest.raises(TemplateFailure, match=r"^Conversation roles must alternate") as refused:
        render_chats(GEMMA, [[USER, USER]], now=NOW, special_tokens=TOKENS)
    assert "refused" == refused.value.kind
    assert 1 == len(render_chats(GEMMA, [[USER]], now=NOW, special_tokens=TOKENS))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_chat_template_ends_in_a_failure(name: str) -> None:
    """Soon, and the next template works."""
    began = time.monotonic()
    with pytest.raises(TemplateFailure) as refused:
        render_chats(HOSTILE[name], [[USER]], now=NOW)
    assert time.monotonic() - began < PATIENCE
    assert "0x" not in refused.value.message
    assert "root:" not in refused.value.message


def test_values_of_any_kind_reach_the_template_as_json() -> None:
    """Lone surrogates, large numbers and nested values come through; what JSON does not have is its text."""
    message = {"role": "user", "content": "\ud800 é", "n": 2**80, "path": Path("x"), "t": (1, 2)}
    template = "{{ messages[0].content }}|{{ messages[0].n }}|{{ messages[0].path }}|{{ messages[0].t }}"
    assert [f"\ud800 é|{2**80}|x|[1, 2]"] == render_chats(template, [[message]], now=NOW)


def test_thousands_of_conversations_take_seconds() -> None:
    """One process serves them all, and the next call."""
    chats = [[SYSTEM, {"role": "user", "content": f"{number}" * 100}] for number in range(2000)]
    began = time.monotonic()
    texts = render_chats(CHATML, chats, now=NOW, special_tokens=TOKENS)
    assert [f"{number}" * 100 in text for number, text in enumerate(texts)] == [True] * len(chats)
    assert time.monotonic() - began < PATIENCE
    assert json.dumps(texts) == json.dumps(render_chats(CHATML, chats, now=NOW, special_tokens=TOKENS))


def test_no_conversation_and_no_messages() -> None:
    """Nothing asked is nothing given; a conversation without messages is refused."""
    assert [] == render_chats(CHATML, [], now=NOW)
    with pytest.raises(TemplateFailure, match="without messages"):
        render_chats(CHATML, [[]], now=NOW)


def test_no_key_of_this_process_reaches_a_chat_template(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process is started without environment variables."""
    monkeypatch.setenv("HF_TOKEN", "hf_canary")
    chat = ConfinedChat("{{ messages }}")
    assert b"hf_canary" not in Path(f"/proc/{chat._child._process.pid}/environ").read_bytes()  # type: ignore[union-attr]
    assert os.environ["HF_TOKEN"] == "hf_canary"
