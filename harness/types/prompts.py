"""A prompt as a model gets it, and what an adapter keeps of the one that it was trained with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Role = Literal["system", "user", "assistant"]
PromptFormat = Literal["text", "chat"]
BosPolicy = Literal["once", "never", "template"]
"""How often BOS stands at a prompt's front; "template": as the chat template writes it, once before a text form."""
TokenPolicy = Literal["once", "never", "template", "after every answer"]

_STRICT = {"extra": "forbid"}  # for records that are read from files: a misspelt key is an error


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedPrompt:
    """A template filled with one sample: what a backend turns into token ids or an API call.

    ``format="text"``: ``messages`` is one user message whose content is the whole prompt, to be tokenised as it stands.
    ``format="chat"``: the tokenizer's or the server's own chat template is applied to ``messages``.
    ``bos`` says how often the beginning-of-sequence token stands at the front, whatever the tokenizer's default is.
    ``stop``: strings that end the answer (they are not part of it).
    ``text_form``: what a tokenizer without a chat template gets instead of ``messages``; None if there is no such form.
    """

    messages: tuple[Message, ...]
    format: PromptFormat = "text"
    bos: BosPolicy = "once"
    stop: tuple[str, ...] = ()
    text_form: str | None = None

    @property
    def text(self) -> str:
        """The contents of all messages, one after the other, for backends and checks that want plain text."""
        return "\n".join(message.content for message in self.messages)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecialToken:
    """Where training put a special token. ``token`` and ``id`` are None where the tokenizer has none."""

    __pydantic_config__ = _STRICT
    policy: TokenPolicy
    token: str | None
    id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One made-up sample as training encoded it: the prompt's ids with their texts, and an answer's with EOS last.

    A further probe of a contract has no answer.
    """

    __pydantic_config__ = _STRICT
    inputs: Mapping[str, str]
    rendered: RenderedPrompt
    prompt_ids: tuple[int, ...]
    prompt_tokens: tuple[str, ...]
    answer: str = ""
    answer_ids: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.prompt_ids or len(self.prompt_ids) != len(self.prompt_tokens):
            raise ValueError(f"{len(self.prompt_ids)} prompt_ids with {len(self.prompt_tokens)} prompt_tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptContract:
    """What prompt an adapter was trained with: its template as it was then, and the tokens that it made of probes.

    ``further`` probes hold instructions of other kinds, which a template may treat otherwise (none in schema 1).
    ``template`` is its name or path as typed, ``template_sha256`` covers ``template_text`` and what it includes.
    ``chat_template`` is the Jinja2 text that wrote messages in place of the base's own; None: that one (schema 3 has
    such a text).
    """

    __pydantic_config__ = _STRICT
    schema: Literal[1, 2, 3]
    template: str
    template_sha256: str
    template_text: str
    bos: SpecialToken
    eos: SpecialToken
    probe: Probe
    further: tuple[Probe, ...] = ()
    chat_template: str | None = None

    def __post_init__(self) -> None:
        if self.eos.id is None or self.probe.answer_ids[-1:] != (self.eos.id,):
            raise ValueError(f"answer_ids do not end with the EOS token, {self.eos.id}")

    @property
    def format(self) -> PromptFormat:
        """Whether training's prompt was one text or messages with roles."""
        return self.probe.rendered.format
