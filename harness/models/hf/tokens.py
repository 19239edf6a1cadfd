"""From a rendered prompt to token ids: the beginning-of-sequence token exactly once or exactly never."""

from typing import Any

from jinja2 import TemplateError

from harness.errors import HarnessError
from harness.types import RenderedPrompt


class Encoder:
    """Turns prompts into ids with one tokenizer, and ids back into text.

    Whatever a tokenizer adds by itself is ignored: the prompt's ``bos`` decides. Only ids are passed on, so a
    tokenizer's ``token_type_ids`` never reach a model that does not know them.
    """

    def __init__(self, tokenizer: Any, name: str) -> None:  # noqa: ANN401 - transformers is untyped
        self.tokenizer = tokenizer
        self._name = name

    @property
    def has_bos(self) -> bool:
        """Whether the tokenizer knows a beginning-of-sequence token; some (Qwen) do not."""
        return self.tokenizer.bos_token_id is not None

    @property
    def has_chat_template(self) -> bool:
        """Whether the tokenizer says how messages become text; base models' often do not."""
        return bool(self.tokenizer.chat_template)

    def encode(self, prompt: RenderedPrompt) -> list[int]:
        """Return the ids of a prompt: of its messages, or without a chat template of its text form.

        Raises:
            HarnessError: the prompt wants a chat template, the tokenizer has none and the prompt no text form; or the
                chat template refuses the messages.
        """
        ids = self._chat(prompt) if prompt.format == "chat" and self.has_chat_template else self._text(prompt)
        bos = self.tokenizer.bos_token_id
        if bos is None:
            return ids
        start = next((index for index, token in enumerate(ids) if token != bos), len(ids))
        return [bos, *ids[start:]] if prompt.bos == "once" else ids[start:]

    def tokens(self, prompt: RenderedPrompt) -> list[tuple[int, str]]:
        """Return the ids of a prompt, each with its text, special tokens by their names.

        Raises:
            HarnessError: as `encode`.
        """
        return [(token, self._shown(token)) for token in self.encode(prompt)]

    def decode(self, ids: list[int]) -> str:
        """Return the text of generated ids, without special tokens."""
        return str(self.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def _shown(self, token: int) -> str:
        """Return a token's text, or its name in the vocabulary where it is a part of a character or a blank."""
        text = str(self.tokenizer.decode([token]))
        return text if text and "\ufffd" not in text else str(self.tokenizer.convert_ids_to_tokens(token))

    def _text(self, prompt: RenderedPrompt) -> list[int]:
        text = prompt.text
        if prompt.format == "chat":
            if prompt.text_form is None:
                raise HarnessError(
                    f"The tokenizer of {self._name} has no chat template.",
                    hint="Use a text prompt, for example course.v1, or give yours a text form.",
                )
            text = prompt.text_form
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def _chat(self, prompt: RenderedPrompt) -> list[int]:
        messages = [{"role": message.role, "content": message.content} for message in prompt.messages]
        try:
            text = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        except TemplateError as error:
            raise HarnessError(f"The chat template of {self._name} refuses the messages: {error}") from error
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])
