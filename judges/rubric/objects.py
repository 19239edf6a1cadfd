"""JSON objects in a reply, read as people write them, and the one score that they hold.

Beside strict JSON this takes a comma before a closing bracket, full-width colons and commas, line ends and stray
backslashes in strings, and values without quotation marks (``4点``, ``４``). An object that begins and is none (cut
off, or with quotation marks that are not escaped) cannot be told from what it quotes, so it makes a reply unreadable.
"""

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from harness.locale import tr
from harness.types import Scale
from harness.unscored import Unscored
from judges.rubric.dress import LABELS, NUMBER, TOP, Reading, labels_pattern, read_number, refusal, wrong_top
from judges.rubric.folding import fold

HIDDEN = "\ue000"
"""Stands for a character of a JSON object that has been read: neither a space nor part of a word."""

_MAY_BE_WORDS = ("評価", "判定", "評定", "採点", "verdict")  # {"verdict": "correct", "score": 4}
_REASONS = ("reason", "rationale", "explanation", "comment", "理由", "根拠", "コメント")
_MOST_OBJECTS = 1_000
_DEEPEST = 30
_LONGEST_NOTE = 60  # characters of a value that is more than prose

_BRACE = re.compile(r"\{\s*(?P<object>[\"}])|[{}]")
_SPACE = re.compile(r"\s*")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*+)"', re.DOTALL)
_BARE = re.compile(r"[^\s\[\]{}\",，:：][^\[\]{}\",，\n]*")
_STRAY = re.compile(r"((?:\\[\"\\/bfnrtu])*)\\(?![\"\\/bfnrtu])")  # a backslash that escapes nothing
_LABEL = re.compile(labels_pattern(LABELS))
_OTHER_TOP = re.compile(TOP, re.VERBOSE)
# A key that says how far the scale reaches, and keys whose numbers have nothing to do with the scale.
_TOP_KEY = re.compile(r"max|outof|scale|range|full|denominator|total|^of$|満点|最高|上限|尺度|段階|分母")
_OTHER_KEY = re.compile(r"id$|confidence|確信|信頼|time|token|length|count|文字数|index|version")


@dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    """A JSON object as its pairs, so that a key that stands twice can be seen; numbers are kept as written."""

    pairs: tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An outermost object and where it stands; ``problem`` if what stands there is no object or cannot count."""

    start: int
    end: int
    value: Object | None = None
    problem: str = ""


class _BrokenError(ValueError):
    pass


def find_objects(text: str) -> list[Found]:
    """Return the outermost JSON objects of a text, in order; the last has a problem if the search had to end there.

    >>> [(found.start, found.end) for found in find_objects('a {"b": 1,} c {"d": {}}')]
    [(2, 11), (14, 23)]
    >>> find_objects('{"score": 4, "reason": "cut o')[0].problem
    'a JSON object is broken'
    """
    found = list[Found]()
    position, depth = 0, 0
    while brace := _BRACE.search(text, position):
        position = brace.end()
        if brace["object"] is None:
            depth = depth + 1 if brace.group() == "{" else max(0, depth - 1)
            continue
        if len(found) == _MOST_OBJECTS:
            full = Unscored("reply_too_many", tr("the reply is full of JSON objects"))
            return [*found, Found(start=brace.start(), end=len(text), problem=full)]
        try:
            value, position = _object(text, brace.start(), 0)
        except _BrokenError:
            broken = Unscored("reply_broken_json", tr("a JSON object is broken"))
            return [*found, Found(start=brace.start(), end=len(text), problem=broken)]
        problem = Unscored("reply_broken_json", tr("a JSON object stands in other braces")) if depth else ""
        found.append(Found(start=brace.start(), end=position, value=value, problem=problem))
    return found


def hide(text: str, objects: list[Found]) -> str:
    """Return the text with JSON objects blanked out, so that nothing inside them is read as prose."""
    parts, position = list[str](), 0
    for found in objects:
        parts += [text[position : found.start], HIDDEN * (found.end - found.start)]
        position = found.end
    return "".join([*parts, text[position:]])


def _skip(text: str, at: int) -> tuple[int, str]:
    space = _SPACE.match(text, at)
    at = space.end() if space else at
    return at, fold(text[at : at + 1])


def _object(text: str, at: int, depth: int) -> tuple[Object, int]:
    pairs = list[tuple[str, Any]]()
    at, sign = _skip(text, at + 1)
    while sign != "}":
        key, at = _string(text, at)
        at, sign = _skip(text, at)
        if sign != ":":
            raise _BrokenError
        value, at = _value(text, at + 1, depth + 1)
        pairs.append((key, value))
        at, sign = _after_item(text, at, "}")
    return Object(pairs=tuple(pairs)), at + 1


def _list(text: str, at: int, depth: int) -> tuple[list[object], int]:
    items = list[object]()
    at, sign = _skip(text, at + 1)
    while sign != "]":
        value, at = _value(text, at, depth + 1)
        items.append(value)
        at, sign = _after_item(text, at, "]")
    return items, at + 1


def _after_item(text: str, at: int, closer: str) -> tuple[int, str]:
    """Return where the next item or the end is, and the sign there."""
    at, sign = _skip(text, at)
    if sign == ",":
        return _skip(text, at + 1)
    if sign != closer:
        raise _BrokenError
    return at, sign


def _value(text: str, at: int, depth: int) -> tuple[Any, int]:
    at, sign = _skip(text, at)
    if depth > _DEEPEST:
        raise _BrokenError
    if sign == "{":
        return _object(text, at, depth)
    if sign == "[":
        return _list(text, at, depth)
    if sign == '"':
        return _string(text, at)
    bare = _BARE.match(text, at)
    if bare is None:
        raise _BrokenError
    return bare.group().strip(), bare.end()


def _string(text: str, at: int) -> tuple[str, int]:
    string = _STRING.match(text, at)
    if string is None:
        raise _BrokenError
    inside = string[1]
    if "\\" in inside:
        with contextlib.suppress(ValueError):  # an odd escape stays as it is written
            inside = json.loads('"' + _STRAY.sub(r"\1\\\\", inside) + '"', strict=False)
    return inside, string.end()


def read_object(value: Object, scale: Scale) -> Reading | None:
    """Return the score of an object, at its top or one level deeper; None if it has none.

    >>> from harness.types import LIKERT_5
    >>> def read(text):
    ...     return read_object(find_objects(text)[0].value, LIKERT_5)
    >>> read('{"score": 4,}').value, read('{"a": {"評価": "4点"}}').value
    (4.0, 4.0)
    >>> read('{"score": 4, "max": 10}').problem
    'the JSON object names another scale'
    """
    labelled = list(_labelled(value, 0))
    if not labelled:
        return None
    if problem := _ambiguity(value, labelled, scale):
        return Reading(problem=problem)
    readings = [_read_score(score, scale) for _, _, score in labelled]
    wrong = next((reading for reading in readings if reading.problem), None)
    if wrong is None and len({reading.value for reading in readings}) > 1:
        return refusal("reply_several", tr("the JSON object holds two different scores"))
    return wrong or Reading(value=readings[0].value, rationale=_reason(value))


def _ambiguity(value: Object, labelled: list[tuple[int, Object, object]], scale: Scale) -> str:
    """Return why it is unclear what the scores of an object mean, if it is."""
    nearest = min(depth for depth, _, _ in labelled)
    owners = {id(owner) for depth, owner, _ in labelled if depth == nearest}
    if nearest > 1 or len(owners) > 1:
        return Unscored("reply_several", tr("the JSON object holds several scores, none of which is its own"))
    if _repeats(value):
        return Unscored("reply_double_key", tr("a key stands twice in the JSON object, with different values"))
    if _names_another_scale(value, scale):
        return Unscored("reply_other_scale", tr("the JSON object names another scale"))
    return ""


def _labelled(value: object, depth: int) -> Iterator[tuple[int, Object, object]]:
    """Yield how deep each score stands, its object and what stands there; a label with words only is a comment."""
    if isinstance(value, list):
        for item in value:
            yield from _labelled(item, depth + 1)
    if not isinstance(value, Object):
        return
    for key, item in value.pairs:
        name = fold(key).strip()
        if _LABEL.fullmatch(name) and not (name in _MAY_BE_WORDS and _is_comment(item)):
            yield depth, value, item
        yield from _labelled(item, depth + 1)


def _is_comment(item: object) -> bool:
    if isinstance(item, Object):
        return True
    return isinstance(item, str) and len(item) > 1 and not re.search(r"[0-9一二三四五六七八九十点]", fold(item))


def _read_score(score: object, scale: Scale) -> Reading:
    reading = read_number(fold(score).strip(), scale, ()) if isinstance(score, str) else None
    return reading or refusal("reply_not_a_number", tr("the JSON score is not a number on the scale"))


def _reason(value: Object) -> str | None:
    pairs = [*value.pairs, *(pair for _, item in value.pairs if isinstance(item, Object) for pair in item.pairs)]
    return next((text for key, text in pairs if fold(key).strip() in _REASONS and isinstance(text, str)), None)


def _repeats(value: object) -> bool:
    if isinstance(value, list):
        return any(_repeats(item) for item in value)
    if not isinstance(value, Object):
        return False
    seen = dict[str, object]()
    return any(seen.setdefault(fold(key).strip(), item) != item or _repeats(item) for key, item in value.pairs)


def _names_another_scale(value: object, scale: Scale) -> bool:
    """Return whether a key or a value beside the score says that the scale has another top."""
    if isinstance(value, list):
        return any(_names_another_scale(item, scale) for item in value)
    pairs = value.pairs if isinstance(value, Object) else ()
    named = [(re.sub(r"[\s_-]", "", fold(key)), item) for key, item in pairs]
    return any(
        _names_another_scale(item, scale) if isinstance(item, Object) else _says_another_top(name, item, scale)
        for name, item in named
        if name not in _REASONS and not _LABEL.fullmatch(name)
    )


def _says_another_top(name: str, item: object, scale: Scale) -> bool:
    said = fold(" ".join(str(part) for part in item) if isinstance(item, list) else str(item)).strip()
    if len(said) > _LONGEST_NOTE:
        return False  # prose
    if any(wrong_top(top.group(), scale) for top in _OTHER_TOP.finditer(said)):
        return True
    numbers = [float(number) for number in re.findall(NUMBER, said)]
    if not numbers or max(numbers) == scale.high:
        return False
    alone = re.fullmatch(NUMBER, said) is not None and numbers[0] > scale.high and not _OTHER_KEY.search(name)
    return alone or _TOP_KEY.search(name) is not None
