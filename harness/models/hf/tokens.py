"""From a rendered prompt to token ids: the beginning-of-sequence token exactly once or exactly never.

A chat template is a program that a stranger wrote. It runs in the confined process, which gives the text that
transformers gives; a tokenizer whose class has a way of its own (none that is a template) is asked itself.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jinja2 import TemplateError as JinjaError
from transformers import PreTrainedTokenizerBase

from harness.errors import HarnessError, TemplateError
from harness.locale import tr
from harness.sandbox.chats import render_chats
from harness.sandbox.program import TemplateFailure
from harness.types import Message, RenderedPrompt

Turns = Sequence[Mapping[str, str]]
_ANY_DAY = dt.datetime(2026, 1, 1)  # noqa: DTZ001 - as a clock on the wall shows it
_REFUSED = {
    "refused": tr("refuses the messages"),
    "limit": tr("asks for too much"),
    "syntax": tr("is no template"),
}


class Encoder:
    """Turns prompts into ids with one tokenizer, and ids back into text.

    Whatever a tokenizer adds by itself is ignored: the prompt's ``bos`` decides. Only ids are passed on, so a
    tokenizer's ``token_type_ids`` never reach a model that does not know them.
    ``chat_template``: Jinja2 text in place of the tokenizer's own template, None for that one.
    """

    def __init__(self, tokenizer: Any, name: str, chat_template: str | None = None) -> None:  # noqa: ANN401 - untyped
        self.tokenizer = tokenizer
        self.chat_template = chat_template
        self.name = name
        # Some templates write today's date: all prompts of a run have that of its beginning.
        self._now = dt.datetime.now().astimezone().replace(tzinfo=None)

    @property
    def has_bos(self) -> bool:
        """Whether the tokenizer knows a beginning-of-sequence token; some (Qwen) do not."""
        return self.tokenizer.bos_token_id is not None

    @property
    def has_chat_template(self) -> bool:
        """Whether the tokenizer says how messages become text; base models' often do not."""
        return bool(self.chat_template or self.tokenizer.chat_template)

    def with_chat(self, template: str | None, name: str | None = None) -> "Encoder":
        """Return this encoder with another chat template, from a place of that name; None leaves it as it is."""
        if template is None:
            return self
        other = Encoder(self.tokenizer, name or self.name, template)
        other._now = self._now
        return other

    def encode(self, prompt: RenderedPrompt) -> list[int]:
        """Return the ids of a prompt: of its messages, or without a chat template of its text form.

        Raises:
            HarnessError: the prompt wants a chat template, the tokenizer has none and the prompt no text form; or the
                chat template refuses the messages.
        """
        (ids,) = self.encode_all([prompt])
        if isinstance(ids, HarnessError):
            raise ids
        return ids

    def encode_all(
        self, prompts: Sequence[RenderedPrompt], *, now: dt.datetime | None = None
    ) -> list[list[int] | HarnessError]:
        """Return for each prompt what `encode` returns or raises; chat templates are asked once for all of them."""
        chats = [prompt for prompt in prompts if self._is_chat(prompt)]
        texts = iter(self._chat_texts([_turns(prompt.messages) for prompt in chats], now=now))
        return [self._ids(prompt, next(texts) if self._is_chat(prompt) else self._text(prompt)) for prompt in prompts]

    def chat_text(self, messages: Sequence[Message], *, awaiting: bool) -> str:
        """Return messages as the chat template writes them; ``awaiting``: up to where the model's answer begins.

        Raises:
            HarnessError: the chat template refuses the messages, or takes too much time or memory.
        """
        (text,) = self._chat_texts([_turns(messages)], awaiting=awaiting)
        if isinstance(text, HarnessError):
            raise text
        return text

    def tokens(self, prompt: RenderedPrompt) -> list[tuple[int, str]]:
        """Return the ids of a prompt, each with its text, special tokens by their names.

        A date that the chat template writes is always the same one: what is compared with another day's tokens must not
        differ by it.

        Raises:
            HarnessError: as `encode`.
        """
        (ids,) = self.encode_all([prompt], now=_ANY_DAY)
        if isinstance(ids, HarnessError):
            raise ids
        return [(token, self._shown(token)) for token in ids]

    def decode(self, ids: list[int]) -> str:
        """Return the text of generated ids, without special tokens."""
        return str(self.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def _shown(self, token: int) -> str:
        """Return a token's text, or its name in the vocabulary where it is a part of a character or a blank."""
        text = str(self.tokenizer.decode([token]))
        return text if text and "\ufffd" not in text else str(self.tokenizer.convert_ids_to_tokens(token))

    def _is_chat(self, prompt: RenderedPrompt) -> bool:
        return prompt.format == "chat" and self.has_chat_template

    def _ids(self, prompt: RenderedPrompt, text: str | HarnessError) -> list[int] | HarnessError:
        if isinstance(text, HarnessError):
            return text
        ids = list(self.tokenizer(text, add_special_tokens=False)["input_ids"])
        bos = self.tokenizer.bos_token_id
        if bos is None or (prompt.bos == "template" and self._is_chat(prompt)):
            return ids
        start = next((index for index, token in enumerate(ids) if token != bos), len(ids))
        return ids[start:] if prompt.bos == "never" else [bos, *ids[start:]]

    def _text(self, prompt: RenderedPrompt) -> str | HarnessError:
        if prompt.format != "chat":
            return prompt.text
        if prompt.text_form is None:
            return TemplateError(
                tr("The tokenizer of {name} has no chat template.", name=self.name),
                hint=tr("Use a text prompt, for example course.v1, or give yours a text form."),
            )
        return prompt.text_form

    def _chat_texts(
        self, conversations: Sequence[Turns], *, awaiting: bool = True, now: dt.datetime | None = None
    ) -> list[str | HarnessError]:
        """Return the text of each conversation, or why there is none."""
        if not conversations:
            return []
        try:
            return [*self._rendered(conversations, awaiting=awaiting, now=now or self._now)]
        except (TemplateFailure, JinjaError, ValueError) as error:
            is_one = len(conversations) == 1
            if is_one or getattr(error, "kind", None) in {"syntax", "limit"}:  # each alone would take as long again
                return [self._refusal(error)] * len(conversations)
        return [text for turns in conversations for text in self._chat_texts([turns], awaiting=awaiting, now=now)]

    def _rendered(self, conversations: Sequence[Turns], *, awaiting: bool, now: dt.datetime) -> Iterator[str]:
        tokenizer = self.tokenizer
        if self.chat_template is None and has_own_way(tokenizer):
            for turns in conversations:
                yield str(tokenizer.apply_chat_template(list(turns), tokenize=False, add_generation_prompt=awaiting))
            return
        yield from render_chats(
            self.chat_template or tokenizer.get_chat_template(),
            conversations,
            now=now,
            add_generation_prompt=awaiting,
            special_tokens=tokenizer.special_tokens_map,
        )

    def _refusal(self, error: Exception) -> HarnessError:
        said = getattr(error, "message", None) or str(error)
        does = _REFUSED.get(getattr(error, "kind", "refused"), tr("fails"))
        return TemplateError(tr("The chat template of {name} {does}: {error}", name=self.name, does=does, error=said))


def has_own_way(tokenizer: Any) -> bool:  # noqa: ANN401 - transformers is untyped
    """Return whether a tokenizer's class writes chats by code of its own, which is no template."""
    return type(tokenizer).apply_chat_template is not PreTrainedTokenizerBase.apply_chat_template


def _turns(messages: Sequence[Message]) -> Turns:
    return [{"role": message.role, "content": message.content} for message in messages]
