"""The lines between ``---`` at the top of a template: what it is for, and how its text becomes a prompt."""

import re
from collections.abc import Hashable, Mapping
from typing import Any

import yaml

from harness.errors import InputError, UnknownNameError
from harness.locale import tr

ROLES = ("system", "user", "assistant")
REPLIES = ("json", "number", "label")
"""The forms in which a rubric can ask for its verdict."""

_KEYS = {"name", "version", "purpose", "format", "bos", "system", "messages", "stop", "halves", "reply", "labels"}
_LONGEST_LABEL = 40
_LONGEST = 50_000  # characters: front matter is a few lines, with example turns a few pages


def split_front_matter(text: str, name: str) -> tuple[dict[str, Any], str, int]:
    r"""Return front matter, body, and the line on which the body begins.

    >>> split_front_matter("---\nbos: never\n---\n{{ input }}", "x.j2")
    ({'bos': 'never'}, '{{ input }}', 4)

    Raises:
        InputError: it is not closed, no YAML, or says what a template cannot say.
    """
    if not text.startswith("---\n"):
        return {}, text, 1
    head, separator, body = text[4:].partition("\n---\n")
    if not separator:
        raise InputError(tr("the front matter is not closed by a line '---'."), path=name)
    if len(head) > _LONGEST:
        raise InputError(tr("the front matter is longer than {longest:,} characters.", longest=_LONGEST), path=name)
    try:
        front = yaml.load(head, _Loader)  # noqa: S506 - a SafeLoader that refuses even more
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(
            tr("the front matter is not YAML: {error}.", error=error), path=name, hint=_quotes(head)
        ) from error
    if not isinstance(front, dict):
        raise InputError(tr("the front matter is not a list of 'key: value' lines."), path=name)
    _check(front, name)
    return front, body, head.count("\n") + 4


class _Loader(yaml.SafeLoader):
    """YAML without references: a few lines of them can stand for more text than memory holds."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("references (*name) are not allowed")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        if any(not isinstance(key, yaml.ScalarNode) for key, _ in node.value):
            raise yaml.YAMLError("a key is no plain text")
        return super().construct_mapping(node, deep=deep)


def _quotes(head: str) -> str | None:
    return tr("Put text that begins with {{ into quotes.") if ": {{" in head else None


def _check(front: Mapping[str, Any], name: str) -> None:
    for key in front:
        if key not in _KEYS:
            unknown = UnknownNameError(tr("front matter key"), str(key), _KEYS)
            raise InputError(unknown.message, path=name, hint=unknown.hint)
    for key, allowed in (("format", ("text", "chat")), ("bos", ("once", "never", "template")), ("reply", REPLIES)):
        if front.get(key, allowed[0]) not in allowed:
            raise InputError(
                tr("{key} is {front!r}; it can be {allowed}.", key=key, front=front[key], allowed=" or ".join(allowed)),
                path=name,
            )
    for key in ("name", "purpose", "system"):
        if not isinstance(front.get(key, ""), str):
            raise InputError(tr("{key} is not text.", key=key), path=name)
    stop = front.get("stop", [])
    if not isinstance(stop, list) or not all(isinstance(item, str) and item for item in stop):
        raise InputError(tr("stop must be a list of non-empty strings."), path=name)
    _check_labels(front, name)
    _check_bos(front, name)
    if "messages" in front:
        _check_messages(front, name)
    elif front.get("system") and front.get("format", "text") != "chat":
        raise InputError(
            tr("a system text needs format: chat (a text prompt has no roles)."),
            path=name,
            hint=tr("Write it into the body, or list messages: for chat models and keep the body for the others."),
        )


def _check_bos(front: Mapping[str, Any], name: str) -> None:
    if front.get("bos") == "template" and front.get("format") != "chat" and "messages" not in front:
        raise InputError(
            tr("bos: template needs format: chat (a text prompt meets no chat template)."),
            path=name,
            hint=tr("Write bos: once, or bos: never."),
        )


def _check_labels(front: Mapping[str, Any], name: str) -> None:
    """A label is a word or two that stand before a colon; they are needed where labels are asked for."""
    labels = front.get("labels")
    if (labels is not None) != (front.get("reply") == "label"):
        problem = tr("reply: label needs labels.") if labels is None else tr("labels are for reply: label.")
        raise InputError(problem, path=name, hint=tr('For example:\nreply: label\nlabels: ["スコア", "Score"]'))
    if labels is not None and (
        not isinstance(labels, list) or not labels or not all(_is_label(item) for item in labels)
    ):
        raise InputError(tr("labels must be a list of words, without colons and digits."), path=name)


def _is_label(item: object) -> bool:
    return (
        isinstance(item, str)
        and 0 < len(item) <= _LONGEST_LABEL
        and re.fullmatch(r"[^\W\d_]+(?: [^\W\d_]+)*", item) is not None
    )


def _check_messages(front: Mapping[str, Any], name: str) -> None:
    messages = front["messages"]
    if not isinstance(messages, list) or not messages or not all(_is_turn(turn) for turn in messages):
        raise InputError(
            tr("messages must be a list of turns, each one of {roles} and its text.", roles=", ".join(ROLES)),
            path=name,
            hint=tr('For example: - user: "{{ input }}"'),
        )
    if front.get("format", "chat") != "chat":
        raise InputError(
            tr("messages are for format: chat."), path=name, hint=tr("Leave format out: messages imply it.")
        )
    if front.get("system"):
        raise InputError(
            tr("system and messages are both given."), path=name, hint=tr("Make system the first of messages.")
        )
    roles = [role for turn in messages for role in turn]
    if "system" in roles[1:]:
        raise InputError(tr("a system message can only be the first."), path=name)
    if roles[-1] != "user":
        raise InputError(tr("the last message must be the user's: the model answers it."), path=name)


def _is_turn(turn: object) -> bool:
    return (
        isinstance(turn, dict)
        and len(turn) == 1
        and all(role in ROLES and isinstance(text, str) for role, text in turn.items())
    )
