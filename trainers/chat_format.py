"""The chat format of a training: the base's own chat template, or one from a file, with arguments written into it.

Arguments become lines at the top of the template, so that one text says everything: the prompt contract keeps it, and
`chat_template.jinja` in the adapter's folder gives servers and transformers the same prompts without any argument.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, InputError, TemplateError, UsageError
from harness.locale import tr
from harness.models.hf.tokens import Encoder, has_own_way
from harness.tables.files import read_text
from harness.templates import Template
from harness.templates.contract import ANSWER, PROBE, make_contract, read_contract
from harness.types import Message, PromptContract
from trainers.adapter.training_record import CHAT_TEMPLATE
from trainers.encoding import SampleEncoder
from trainers.recipe import Recipe
from trainers.start import Start

_RESERVED = {"messages", "add_generation_prompt"}
_LARGEST = 1_000_000  # bytes of a chat template: the longest on the Hub have some tens of thousands
_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
_CODE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


def chat_encoder(encoder: Encoder, template: Template, recipe: Recipe, start: Start | None) -> Encoder:
    """Return a base's encoder with the chat template that a recipe asks for, or the adapter that it goes on from.

    Raises:
        UsageError: the prompt is no chat, or an argument cannot be one.
        InputError: the file is not there or not readable.
        TemplateError: the template fails, does not write what is said, or does not ask for an argument.
    """
    path, given = recipe.chat_template_path, recipe.chat_template_kwargs
    if not path and not given:
        contract = read_contract(start.adapter.contract_folder) if start else None
        return encoder.with_chat(contract.chat_template if contract else None)
    key = "chat_template_path" if path else "chat_template_kwargs"
    if template.format != "chat":
        raise UsageError(
            tr("{key} is for chats, and {name} is a text prompt.", key=key, name=template.name),
            hint=tr("Take a chat prompt, for example --set prompt=chat.v2, or leave {key} out.", key=key),
        )
    name = Path(path).name if path else encoder.name
    text = _read(path) if path else _own(encoder)
    for argument, value in given.items():
        _check_argument(argument, value, text, name)
    made = encoder.with_chat(with_arguments(text, given), name)
    _check_rendering(made, name)
    return made


def contract_of(samples: SampleEncoder) -> PromptContract:
    """Return the prompt contract of samples as they are encoded.

    Raises:
        HarnessError: the template cannot be filled with text alone, or the prompt cannot be encoded.
    """
    return make_contract(
        samples.template,
        tokens=samples.encoder.tokens,
        answer_tokens=samples.answer_tokens,
        chat_template=samples.encoder.chat_template,
    )


def with_arguments(template: str, arguments: Mapping[str, Any]) -> str:
    r"""Return a chat template that has arguments at its top: its text is that of the template called with them.

    >>> with_arguments("{{ enable_thinking }}", {"enable_thinking": False})
    '{% set enable_thinking = false %}\n{{ enable_thinking }}'
    """
    # A line each: chat templates are rendered with trim_blocks, which takes exactly this line end away.
    lines = [f"{{% set {name} = {_literal(value)} %}}\n" for name, value in arguments.items()]
    return "".join([*lines, template])


def sha256_of_text(template: str | None) -> str | None:
    """Return the identity of a chat template, None where there is none."""
    return None if template is None else hashlib.sha256(template.encode()).hexdigest()


def _read(path: str) -> str:
    file = Path(path).expanduser()
    if not file.exists():
        raise InputError(
            tr("no such chat template."),
            path=path,
            hint=tr("Give a file with the Jinja2 text of a chat template, such as {name}.", name=CHAT_TEMPLATE),
        )
    text = read_text(file, most=_LARGEST).replace("\r\n", "\n")
    if not text.strip():
        raise InputError(tr("the chat template is empty."), path=path)
    return text


def _own(encoder: Encoder) -> str:
    if has_own_way(encoder.tokenizer):
        raise UsageError(
            tr("The tokenizer of {name} writes chats by code of its own, which takes no arguments here.",
               name=encoder.name),
            hint=tr("Give it a template: --set chat_template_path=FILE"),
        )  # fmt: skip
    if not encoder.has_chat_template:
        raise UsageError(
            tr(
                "chat_template_kwargs are for a chat template, and the tokenizer of {name} has none.", name=encoder.name
            ),
            hint=tr("Give it one: --set chat_template_path=FILE"),
        )
    return str(encoder.tokenizer.get_chat_template())


def _check_argument(name: str, value: object, template: str, where: str) -> None:
    if not name.isidentifier() or name in _RESERVED:
        raise UsageError(
            tr("chat_template_kwargs: {name!r} cannot be an argument.", name=name),
            hint=tr("Messages come from the data; arguments have names such as enable_thinking."),
        )
    if not _is_plain(value):
        raise UsageError(
            tr("chat_template_kwargs: {name} takes a number, a text, true, false or a list of them (got {value!r}).",
               name=name, value=value)
        )  # fmt: skip
    code = " ".join(_CODE.findall(_COMMENT.sub("", template)))
    if re.search(rf"\b{re.escape(name)}\b", code) is None:
        raise TemplateError(
            tr("The chat template of {where} does not use the argument {name}.", where=where, name=name),
            hint=tr("Leave it out, or write it as the template does."),
        )


def _check_rendering(encoder: Encoder, where: str) -> None:
    """Render a made-up question, alone and answered: what is wrong is to be found before data is read with it."""
    asked = [Message(role="user", content=PROBE)]
    try:
        texts = {
            PROBE: encoder.chat_text(asked, awaiting=True),
            ANSWER: encoder.chat_text([*asked, Message(role="assistant", content=ANSWER)], awaiting=False),
        }
    except HarnessError as error:
        raise TemplateError(
            error.message, hint=tr("It is rendered as transformers does; see docs/training.md, Chat templates.")
        ) from error
    for said, text in texts.items():
        if said not in text:
            raise TemplateError(
                tr("The chat template of {where} leaves out what is said: {said!r} became {text!r}.",
                   where=where, said=said, text=text),
                hint=tr("It has to write message.content for users and assistants."),
            )  # fmt: skip


def _is_plain(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _is_plain(one) for key, one in value.items())
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value))


def _literal(value: object) -> str:
    """Return a value as Jinja2 writes it, which for these types is as JSON does."""
    return json.dumps(value, ensure_ascii=False)
