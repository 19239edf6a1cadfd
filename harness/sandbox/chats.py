"""Chat templates of strangers' tokenizers, rendered in the confined process."""

import datetime as dt
import functools
from collections.abc import Mapping, Sequence
from typing import Any

from harness.locale import tr
from harness.sandbox.confined import ConfinedChat
from harness.sandbox.program import TemplateFailure

_KEPT = 8  # templates whose processes stay: a board has a few tokenizers, each of which is asked thousands of times


def render_chats(
    template: str,
    conversations: Sequence[Sequence[Mapping[str, Any]]],
    *,
    now: dt.datetime,
    add_generation_prompt: bool = True,
    special_tokens: Mapping[str, str] | None = None,
    tools: Sequence[Mapping[str, Any]] | None = None,
    documents: Sequence[Mapping[str, Any]] | None = None,
    variables: Mapping[str, Any] | None = None,
) -> list[str]:
    """Return the text of each conversation, as ``apply_chat_template(…, tokenize=False)`` of transformers gives it.

    The template runs in a process with limits, without files and without a network. That process is kept for the next
    call with the same template.

    >>> render_chats("{{ bos_token }}{{ messages[0].content }}", [[{"role": "user", "content": "はい"}]],
    ...              now=dt.datetime(2026, 1, 1), special_tokens={"bos_token": "<s>"})
    ['<s>はい']

    Args:
        template: The Jinja2 text of the tokenizer's chat template.
        conversations: Messages with ``role``, ``content`` and whatever else the template reads; None values are left
            out.
        now: What ``strftime_now`` tells the template, so that a prompt does not change overnight.
        add_generation_prompt: Whether the text ends where the model's answer begins.
        special_tokens: ``bos_token``, ``eos_token`` and others by name, as in ``tokenizer.special_tokens_map``.
        tools: JSON schemas of functions.
        documents: Objects with title and text.
        variables: Further variables of the template, such as ``enable_thinking``; they win over special tokens.

    Raises:
        TemplateFailure: the template is none ("syntax"), refuses the messages ("refused", in its own words), asks for
            too much ("limit"), or fails ("undefined", "failed").
    """
    if not all(conversations):
        raise TemplateFailure("failed", tr("a conversation without messages"))
    shared = {
        "tools": tools,
        "documents": documents,
        "add_generation_prompt": add_generation_prompt,
        **(special_tokens or {}),
        **(variables or {}),
    }
    filled = [{"messages": [dict(message) for message in messages], **shared} for messages in conversations]
    return _program(template).render_all(filled, now)


@functools.lru_cache(maxsize=_KEPT)
def _program(template: str) -> ConfinedChat:
    return ConfinedChat(template)
