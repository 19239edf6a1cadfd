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

    def encode(self, prompt: RenderedPrompt) -> list[int]:
        """Return the ids of a prompt.

        Raises:
            HarnessError: the prompt wants a chat template and the tokenizer has none, or the template refuses it.
        """
        ids = self._chat(prompt) if prompt.format == "chat" else self._text(prompt)
        bos = self.tokenizer.bos_token_id
        if bos is None:
            return ids
        start = next((index for index, token in enumerate(ids) if token != bos), len(ids))
        return [bos, *ids[start:]] if prompt.bos == "once" else ids[start:]

    def decode(self, ids: list[int]) -> str:
        """Return the text of generated ids, without special tokens."""
        return str(self.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def _text(self, prompt: RenderedPrompt) -> list[int]:
        return list(self.tokenizer(prompt.text, add_special_tokens=False)["input_ids"])

    def _chat(self, prompt: RenderedPrompt) -> list[int]:
        if not self.tokenizer.chat_template:
            raise HarnessError(
                f"The tokenizer of {self._name} has no chat template.",
                hint="Use a text prompt, for example --prompt course.v1.",
            )
        messages = [{"role": message.role, "content": message.content} for message in prompt.messages]
        try:
            text = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        except TemplateError as error:
            raise HarnessError(f"The chat template of {self._name} refuses the messages: {error}") from error
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])
