"""Conversations: a list of turns becomes the last question, its answer and what went before."""

from collections.abc import Mapping
from typing import NamedTuple

from harness.tables import parse_json, shorten
from harness.types import Message, Role

_ROLES: Mapping[str, Role] = {
    "system": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
}
_KEYS = (("role", "content"), ("from", "value"))
_A: Mapping[Role, str] = {"system": "a system", "user": "a user", "assistant": "an assistant"}


class Conversation(NamedTuple):
    """The last exchange of a conversation, and the turns before it (a system message first, if there is one)."""

    history: tuple[Message, ...]
    input: str
    answer: str


def conversation(cell: object) -> Conversation:
    """Return the conversation that a cell holds: a list of turns, or that list as JSON text.

    A turn has ``role`` and ``content`` (system, user, assistant), or ``from`` and ``value`` (system, human, gpt). After
    a system message, if there is one, user and assistant take turns; the assistant has the last word, and that is the
    answer. A blank system message counts as none.

    >>> talk = [{"from": "human", "value": "やあ"}, {"from": "gpt", "value": "はい。"}]
    >>> conversation(talk)
    Conversation(history=(), input='やあ', answer='はい。')

    Raises:
        ValueError: the cell is no such conversation; says why.
    """
    turns = [_message(number, turn) for number, turn in enumerate(_turns(cell), start=1)]
    system = turns[:1] if turns[0].role == "system" else []
    spoken = turns[len(system) :]
    for number, turn in enumerate(spoken):
        expected: Role = "assistant" if number % 2 else "user"
        where = f"turn {number + len(system) + 1}"
        if turn.role != expected:
            raise ValueError(f"{where} is {_A[turn.role]} turn where {_A[expected]} turn is expected")
        if not turn.content.strip():
            raise ValueError(f"{where} is blank")
    if not spoken:
        raise ValueError("a conversation without a user turn")
    if len(spoken) % 2:
        raise ValueError("the conversation ends with a user turn, so there is no answer to learn")
    history = (*(message for message in system if message.content.strip()), *spoken[:-2])
    return Conversation(history=history, input=spoken[-2].content, answer=spoken[-1].content)


def _turns(cell: object) -> list[object]:
    if isinstance(cell, str) and cell.strip():
        try:
            cell = parse_json(cell)
        except ValueError as error:
            raise ValueError(f"the conversation is not JSON ({error}): {shorten(cell)}") from None
    if cell is None or cell in ("", []):
        raise ValueError("no conversation")
    if not isinstance(cell, list):
        raise ValueError(f"the conversation is not a list of turns: {shorten(cell)}")  # noqa: TRY004 - every bad cell is a ValueError here
    return cell


def _message(number: int, turn: object) -> Message:
    keys = next((keys for keys in _KEYS if isinstance(turn, Mapping) and turn.get(keys[0]) is not None), None)
    if keys is None or not isinstance(turn, Mapping):
        raise ValueError(f"turn {number} has neither role and content nor from and value: {shorten(turn)}")
    name, content = (turn.get(key) for key in keys)
    if not isinstance(name, str) or name not in _ROLES:
        raise ValueError(f"turn {number} is by {shorten(name)}; known: {', '.join(_ROLES)}")
    if not isinstance(content, str):
        raise ValueError(f"turn {number} is not text: {shorten(content)}")  # noqa: TRY004 - likewise
    return Message(role=_ROLES[name], content=content)
