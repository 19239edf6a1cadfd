"""The verdict that a judge's reply holds, in the form that was asked for."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal, get_args

from harness.locale import tr
from harness.types import LIKERT_5, Scale, Verdict
from harness.unscored import Unscored
from judges.rubric.dress import LABELS, Reading, read_number, refusal
from judges.rubric.folding import fold
from judges.rubric.lines import mentions, read_labels
from judges.rubric.objects import HIDDEN, Found, Object, find_objects, hide, read_object
from judges.rubric.quotation import is_quoted

Form = Literal["json", "number", "label"]
"""How a rubric asks for the verdict."""

_LONGEST = 300_000  # characters, without thoughts
_MOST_VERDICTS = 20
_TAG = re.compile(
    r"[<◁](?P<close>/?)(?P<name>think|thinking|thought|thoughts|reasoning)[>▷]|\[(?P<end>/?)(?P<word>THINK)\]",
    re.IGNORECASE,
)
_NOTHING: Mapping[str | None, Reading] = {
    "json": refusal("reply_no_json", tr("no JSON object with a score in the reply")),
    "number": refusal("reply_no_number", tr("the reply is not one number")),
    "label": refusal("reply_no_label", tr("no line with a label and a number in the reply")),
    None: refusal("reply_no_verdict", tr("no verdict in the reply")),
}

_SEVERAL = Unscored("reply_several", tr("the reply holds JSON objects with different scores"))
ReadObject = Callable[[Object], Reading | None]
"""What finds the verdict of a JSON object; None if it has none."""


def parse(reply: str, scale: Scale = LIKERT_5, form: Form | None = None, labels: Sequence[str] = LABELS) -> Verdict:
    """Return the verdict that a judge's reply holds, or an unscored one that says why it holds none.

    ``scale`` decides which values count (whole numbers from 1 to 5 by default; halves where its step is 0.5), ``form``
    what is read: ``json``, ``number`` or ``label``, as the rubric asked; None takes whichever one form the reply
    holds. ``labels`` are the words that a label may be. The grammar is in the docstring of `judges.rubric`. The reply
    is kept in ``raw``, whatever comes out.

    >>> parse('{"reason": "正確で自然。", "score": 4}').score, parse("最終スコア：４").score, parse("評価：[[2]]").score
    (4.0, 4.0, 2.0)
    >>> parse('回答は「スコア：5」と書いた。{"score": 1}', form="json").score, parse("スコア：5", form="json").reason
    (1.0, 'no JSON object with a score in the reply')
    >>> parse("downgrade: 5").reason, parse("Score: 6").reason
    ('no verdict in the reply', '6 is not on the 1-5 scale')

    Raises:
        ValueError: there is no such form, or no label.
    """
    if form not in _NOTHING:
        raise ValueError(f"form is {form!r}; it can be {', '.join(get_args(Form))} or None")
    if not labels or not all(label.strip() for label in labels):
        raise ValueError("labels must be words")
    body, thought = _after_thoughts(reply)
    if (refused := _unreadable(reply, body)) is not None:
        return refused
    reading = _read(body, scale, form, labels, thought=thought) or _NOTHING[form]
    if reading.value is None:
        return Verdict.unscored(reading.problem, raw=reply)
    return Verdict.scored(reading.value, rationale=reading.rationale, raw=reply)


def _after_thoughts(reply: str) -> tuple[str, bool]:
    """Return the reply without the thinking blocks that it begins with, and whether it has any."""
    body, thought = reply.lstrip("\ufeff \t\r\n\u3000"), False
    while (tag := _TAG.match(body)) and not (tag["close"] or tag["end"]):
        name = (tag["name"] or tag["word"]).lower()
        ends = (end for end in _TAG.finditer(body) if end["close"] or end["end"])
        end = next((end for end in ends if (end["name"] or end["word"]).lower() == name), None)
        body, thought = ("" if end is None else body[end.end() :].lstrip()), True
    return (body if thought else reply), thought


def _read(body: str, scale: Scale, form: Form | None, labels: Sequence[str], *, thought: bool) -> Reading | None:
    if form == "number":
        return _number(body, scale, labels)
    objects = find_objects(body)
    prose = hide(body, objects)
    if thought and any(tag["close"] or tag["end"] for tag in _TAG.finditer(prose)):
        return refusal("reply_unclear_thinking", tr("it is unclear where the thinking ends"))
    if form == "label":
        broken = next((Reading(problem=found.problem) for found in objects if found.problem), None)
        return broken or _labels(prose, scale, labels)
    reading = _json(prose, objects, lambda value: read_object(value, scale), _SEVERAL)
    if form == "json":
        return reading
    if reading is None:
        return _number(body, scale, labels) or _labels(prose, scale, labels)
    return reading if reading.value is None else _undisputed(reading, prose, scale, labels)


def read_json(reply: str, read: ReadObject, *, nothing: Unscored, several: Unscored) -> Verdict:
    """Return the verdict of the JSON objects in a reply, as ``read`` finds it in each; the reply is kept in ``raw``.

    ``nothing``: why there is none where no object has one · ``several``: where they differ.
    """
    body, thought = _after_thoughts(reply)
    if (refused := _unreadable(reply, body)) is not None:
        return refused
    objects = find_objects(body)
    prose = hide(body, objects)
    if thought and any(tag["close"] or tag["end"] for tag in _TAG.finditer(prose)):
        unclear = Unscored("reply_unclear_thinking", tr("it is unclear where the thinking ends"))
        return Verdict.unscored(unclear, raw=reply)
    reading = _json(prose, objects, read, several) or Reading(problem=nothing)
    if reading.value is None:
        return Verdict.unscored(reading.problem, raw=reply)
    return Verdict.scored(reading.value, rationale=reading.rationale, raw=reply)


def _unreadable(reply: str, body: str) -> Verdict | None:
    """Return the verdict on a reply that holds nothing, or too much, apart from its thoughts (``body``)."""
    if not body.strip():
        empty = Unscored("reply_empty", tr("the reply is empty"))
        thinks = Unscored("reply_only_thinks", tr("the reply only thinks"))
        return Verdict.unscored(thinks if reply.strip() else empty, raw=reply)
    if len(body) > _LONGEST:
        long = Unscored("reply_too_long", tr("the reply is longer than {longest:,} characters", longest=_LONGEST))
        return Verdict.unscored(long, raw=reply)
    return None


def _json(prose: str, objects: list[Found], read: ReadObject, several: Unscored) -> Reading | None:
    """Return the verdict of the JSON objects; None if none of them has one."""
    readings = list[Reading]()
    for found in objects:
        reading = read(found.value) if found.value else Reading(problem=found.problem)
        if reading is None:
            continue
        if len(readings) == _MOST_VERDICTS:
            return refusal("reply_too_many", tr("the reply is full of JSON verdicts"))
        if found.problem or reading.problem:
            return Reading(problem=found.problem or reading.problem)
        if _in_thought(prose, found.start) or is_quoted(prose, found.start, found.end):
            shown = Unscored("reply_quoted", tr("the JSON object is quoted, negated or shown as an example"))
            reading = replace(reading, problem=shown)
        readings.append(reading)
        if len({reading.value for reading in readings}) > 1:
            return Reading(problem=several)
    own = next((reading for reading in readings if not reading.problem), None)
    if own is None:
        return Reading(problem=readings[0].problem) if readings else None
    return own if own.rationale else replace(own, rationale=prose.replace(HIDDEN, "").strip() or None)


def _number(body: str, scale: Scale, labels: Sequence[str]) -> Reading | None:
    """Return the number that the whole reply is, or what is left of it after a thought without an opening tag."""
    reading = read_number(fold(body).strip(), scale, labels)
    tags = list(_TAG.finditer(body)) if reading is None else []
    if len(tags) != 1 or not (tags[0]["close"] or tags[0]["end"]):
        return reading
    # Chat templates often put the opening tag into the prompt. It may as well be a quotation, so nothing that could be
    # a verdict may get lost, and the tag must begin its line or follow a text without numbers.
    before, line = body[: tags[0].start()], body[: tags[0].start()].rpartition("\n")[2]
    if (
        find_objects(before)
        or read_labels(fold(before), scale, labels)
        or read_number(fold(before).strip(), scale, labels)
    ):
        return refusal("reply_unclear_thinking", tr("a verdict stands in front of the end of the thinking"))
    if line.strip() and re.search(r"[0-9一二三四五六七八九]", fold(before)):
        return None
    return read_number(fold(body[tags[0].end() :]).strip(), scale, labels)


def _labels(prose: str, scale: Scale, labels: Sequence[str]) -> Reading | None:
    reading = read_labels(fold(prose), scale, labels)
    if reading is None or reading.value is None:
        return reading
    tags = [bool(tag["close"] or tag["end"]) for tag in _TAG.finditer(prose)]
    after = [*_TAG.split(prose)][-1] if tags == [True] else ""
    if tags and read_labels(fold(after), scale, labels) != reading:
        return refusal("reply_unclear_thinking", tr("the reply thinks in the middle"))
    return replace(reading, rationale=prose.replace(HIDDEN, "").strip())


def _undisputed(reading: Reading, prose: str, scale: Scale, labels: Sequence[str]) -> Reading:
    """Return the JSON verdict of a reply in no form that was asked for, unless its prose holds another verdict."""
    text = fold(prose.replace(HIDDEN, " "))
    other = read_number(text.strip(), scale, labels)
    values = {f"{other.value:g}"} if other and other.value is not None else set[str]()
    values |= {
        f"{float(number):g}" if number.isascii() and number[0].isdigit() else number
        for number in mentions(text, labels)
    }
    if (other and other.problem) or values - {f"{reading.value:g}"}:
        return refusal("reply_several", tr("the reply holds a JSON verdict and another that differs"))
    return reading


def _in_thought(prose: str, at: int) -> bool:
    """Return whether a thinking block is open at a place in the reply: by its own tag, or by one in the prompt."""
    opened = 0
    for tag in _TAG.finditer(prose):
        closes = bool(tag["close"] or tag["end"])
        if tag.start() < at:
            opened = max(0, opened - 1) if closes else opened + 1
        elif closes:
            return True
    return opened > 0
