"""What a rubric judge sends and how its reply is read. Pure: no clock, network, environment or randomness.

The reply grammar (`parse`), in words:

1. Thinking blocks (``<think>…</think>`` and the like) are not part of the reply; full-width ASCII reads as ASCII.
2. A *JSON score* is a JSON object, anywhere in the reply and fenced or not, with one of `LABELS` as a key.
   A *labelled verdict* is one of `LABELS` (in any case, words may stand before it), a colon, and a value on the same
   line: ``Score: 4``, ``最終スコア：4``, ``評価：[[4]]``, ``**Rating:** 4/5``. The last of all these is the verdict,
   and if that one is malformed or off the scale the reply is refused: an earlier one is never taken instead.
3. Where there is none, the reply is a value alone (``4``, ``４``, ``4/5``), or it names one number of points (``4点``).
4. A value is on the scale and on its steps; ``/M`` is allowed where M is the top of the scale.
5. The line of the verdict, and the last line, hold no two different numbers (a JSON object counts as its score).

Everything else is refused with the reason. A refused reply has no score; nothing is ever guessed.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from harness.types import LIKERT_5, Sample, Scale, Verdict

PARSER_VERSION = 1
"""Part of every rubric judge's fingerprint: a change of the grammar must not serve scores read by the old one."""

LABELS = ("score", "grade", "rating", "スコア", "評価点", "評価", "評点", "点数", "得点", "採点")
"""The words that make a JSON key or the words before a colon a verdict."""

_REASONS = ("reason", "rationale", "explanation", "comment", "理由", "根拠", "コメント")

_HIDDEN = "\ue000"  # stands for a character of a JSON object: neither a space nor part of a word
_ATTEMPTS = 500  # broken JSON objects in one reply; each costs a pass over the text

# Full-width ASCII, other spaces and other line ends, one character for one, so that positions stay the same.
_NARROW = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_NARROW |= dict.fromkeys((0x3000, 0xA0), ord(" ")) | dict.fromkeys((0x0B, 0x0C, 0x0D, 0x85, 0x2028, 0x2029), ord("\n"))

_TAG = re.compile(
    r"<(?P<close>/?)(?P<name>think|thinking|thought|thoughts|reasoning)>|\[(?P<end>/?)(?P<word>THINK)\]", re.IGNORECASE
)

_NUMBER = r"(?:0|[1-9][0-9]{0,5})(?:\.[0-9]{1,6})?"
_OBJECT = re.compile(r"\{\s*[\"}]")
_VALUE = re.compile(rf"\s*(?P<value>{_NUMBER})(?:\s*/\s*(?P<of>{_NUMBER}))?\s*")
_NUMERAL = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_FRACTION = re.compile(rf"(?<![0-9./])(?P<value>{_NUMBER})[ \t]?/[ \t]?(?P<of>{_NUMBER})(?![0-9./])")

_ASCII_LABELS = "|".join(label for label in LABELS if label.isascii())
_JAPANESE_LABELS = "|".join(label for label in LABELS if not label.isascii())
_LABEL = re.compile(
    rf"(?:(?<![A-Za-z\u00c0-\u024f])(?:{_ASCII_LABELS})|{_JAPANESE_LABELS})"
    r"(?P<before>[ \t*_】」』\"'`]*):(?=[^\w\n]*(?P<digit>\w?))",
    re.IGNORECASE,
)
_LABELLED = re.compile(
    rf"[ \t*_`]*(?P<open>\[{{0,2}})[ \t]*(?P<value>{_NUMBER})(?:[ \t]?/[ \t]?(?P<of>{_NUMBER}))?"
    r"(?:[ \t]*(?P<close>\]{1,2}))?[*_`]*(?P<rest>[^\n]{0,3})"
)
_GLUED = re.compile(r"[0-9A-Za-z%/+±^°]|[ \t]+[%/]|[.,][0-9]|点?半")
_BOUND = re.compile(
    r"(?:\b(?:max|maximum|min|minimum|highest|lowest|possible|perfect|full|passing)[ \t_-]*"
    r"|最高|最低|最大|最小|満点の?)$",
    re.IGNORECASE,
)
# Points of a verdict: not a range, a deduction (減点, マイナス), a full mark (満点) or a count of things (3点ある).
_POINTS = re.compile(
    rf"(?<![0-9A-Za-z.,/+\-−–~〜第])(?P<value>{_NUMBER})[ \t]?点(?![\u3400-\u9fff々あ]|[をの](?:減|引|マイ))"
)
_NOT_A_VERDICT = re.compile(r"(?:減点|マイナス|以下の|次の|下記の)[はを]?[ \t:]*$")

_Pairs = tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A JSON score or a labelled verdict: where it stands, and its value or what is wrong with it."""

    start: int
    end: int
    value: float | None
    problem: str = ""
    rationale: str | None = None


def fence(answer: str) -> str:
    """Return a word that ``answer`` does not contain, to fence it with.

    It is taken from the sha256 of the answer itself, so that an answer cannot hold its own fence.

    >>> fence("東京です。")
    '12f65e5446d4'
    """
    digest = hashlib.sha256(answer.encode("utf-8", "surrogatepass")).hexdigest()
    while digest[:12] in answer:  # practically never: it would need a fixed point of sha256
        digest = hashlib.sha256(digest.encode()).hexdigest()
    return digest[:12]


def variables(sample: Sample, answer: str, scale: Scale = LIKERT_5) -> dict[str, Any]:
    """Return what a rubric template may use: input, reference, criteria, answer, scale and fence.

    >>> sorted(variables(Sample(id="0", inputs={"input": "1+1は？"}), "2"))
    ['answer', 'criteria', 'fence', 'input', 'reference', 'scale']
    """
    return {
        "input": sample.input,
        "reference": sample.reference,
        "criteria": sample.criteria,
        "answer": answer,
        "scale": scale,
        "fence": fence(answer),
    }


def parse(reply: str, scale: Scale = LIKERT_5) -> Verdict:
    """Return the verdict that a judge's reply holds, or an unscored one that says why it holds none.

    ``scale`` decides which values count (whole numbers from 1 to 5 by default; halves where its step is 0.5).
    The grammar is in this module's docstring. The reply is kept in ``raw``, whatever comes out.

    >>> parse('{"reason": "正確で自然。", "score": 4}').score, parse("最終スコア：４").score, parse("評価：[[2]]").score
    (4.0, 4.0, 2.0)
    >>> parse("downgrade: 5").reason, parse("Score: 6").reason
    ('no verdict in the reply', '6 is not on the 1-5 scale')
    """
    body = _without_thoughts(reply)
    if not body.strip():
        return Verdict.unscored("the reply is empty" if not reply.strip() else "the reply only thinks", raw=reply)
    found = list(_json_scores(body, scale))
    text = _masked(body.translate(_NARROW), found)
    found = [item for item in found if item.value is not None or item.problem]
    verdict = max([*found, *_labelled(text, scale)], key=lambda item: item.start, default=None)
    verdict = verdict or _alone(text, scale) or _points(text, scale)
    if verdict is None:
        return Verdict.unscored("no verdict in the reply", raw=reply)
    problem = verdict.problem or _two_values(text, found, verdict, scale)
    if problem or verdict.value is None:
        return Verdict.unscored(problem, raw=reply)
    rationale = verdict.rationale or (None if _VALUE.fullmatch(text) else body.strip())
    return Verdict.scored(verdict.value, rationale=rationale, raw=reply)


def _without_thoughts(reply: str) -> str:
    """Return the reply without its thinking blocks; a block that never ends takes everything after it along."""
    stripped = reply.strip()
    if stripped.startswith("{") and _decoded(stripped, 0)[1] == len(stripped):
        return reply  # a reply that is one JSON object may quote such tags
    kept, position, thinking = list[str](), 0, ""  # thinking: the name of the open tag
    for tag in _TAG.finditer(reply):
        closes, name = bool(tag["close"] or tag["end"]), (tag["name"] or tag["word"]).lower()
        if thinking and not (closes and name == thinking):
            continue
        if closes and not thinking:
            kept = []  # chat templates often put the opening tag into the prompt: all before it was thought
        elif not closes:
            kept.append(reply[position : tag.start()])
        thinking, position = "" if closes else name, tag.end()
    return "\n".join(kept if thinking else [*kept, reply[position:]])


def _decoded(text: str, start: int) -> tuple[_Pairs | None, int]:
    """Return the JSON object at ``start`` as pairs (numbers as written) and its end, or None and ``start``."""
    try:
        value, end = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None, start
    return value, end


# Pairs instead of a mapping show a key that stands twice; numbers stay text, so that 4e0 or 1e999 is no numeral.
_DECODER = json.JSONDecoder(object_pairs_hook=tuple, parse_int=str, parse_float=str, parse_constant=str, strict=False)


def _json_scores(body: str, scale: Scale) -> Iterator[_Found]:
    """Yield every outermost JSON object; one without a score has neither value nor problem."""
    position, broken = 0, 0
    while (opening := _OBJECT.search(body, position)) and broken < _ATTEMPTS:
        start = opening.start()
        pairs, end = _decoded(body, start)
        if pairs is None:
            position, broken = start + 1, broken + 1
            continue
        keyed = [(key.translate(_NARROW).strip().casefold(), value) for key, value in pairs]
        scores = [_json_value(value, scale) for key, value in keyed if key in LABELS]
        reasons = (value for key, value in keyed if key in _REASONS and isinstance(value, str))
        if not scores:
            yield _Found(start=start, end=end, value=None)
        elif len(set(scores)) > 1:
            yield _Found(start=start, end=end, value=None, problem="the JSON object holds two different scores")
        else:
            value, problem = scores[0]
            yield _Found(start=start, end=end, value=value, problem=problem, rationale=next(reasons, None))
        position = end
    if opening:
        yield _Found(start=len(body), end=len(body), value=None, problem="the reply is full of broken JSON")


def _json_value(value: object, scale: Scale) -> tuple[float | None, str]:
    whole = _VALUE.fullmatch(value.translate(_NARROW)) if isinstance(value, str) else None
    if whole is None:
        return None, "the JSON score is not a number on the scale"
    return _on_scale(whole, scale)


def _on_scale(match: re.Match[str], scale: Scale) -> tuple[float | None, str]:
    """Return a matched value and no problem, or None and what is wrong with it."""
    value, of = float(match["value"]), match["of"] if "of" in match.re.groupindex else None
    if of is not None and float(of) != scale.high:
        return None, f"{match['value']}/{of} is not on the {scale} scale"
    if not scale.allows(value):
        return None, f"{match['value']} is not on the {scale} scale"
    return value, ""


def _masked(text: str, objects: list[_Found]) -> str:
    """Return the text with JSON objects blanked out, so that nothing inside them is read as prose."""
    parts, position = [], 0
    for item in objects:
        parts += [text[position : item.start], _HIDDEN * (item.end - item.start)]
        position = item.end
    return "".join([*parts, text[position:]])


def _labelled(text: str, scale: Scale) -> Iterator[_Found]:
    for label in _LABEL.finditer(text):
        digit = label["digit"]
        if not digit or unicodedata.category(digit)[0] != "N":
            continue  # a heading such as 評価：良い回答
        shown = text[label.start() : label.end() + 12].replace(_HIDDEN, "").strip()
        value, problem = None, f"the last label has no plain value after it: {shown!r}"
        labelled = _LABELLED.match(text, label.end())
        if _BOUND.search(text, max(0, label.start() - 20), label.start()):
            problem = "the last label names an end of the scale, not a verdict"
        elif labelled and not set(label["before"]) & set("\"'`"):
            closed = labelled["open"] == (labelled["close"] or "").replace("]", "[")
            if closed and not _GLUED.match(labelled["rest"]) and not _is_fraction_sign(labelled["rest"][:1]):
                value, problem = _on_scale(labelled, scale)
        yield _Found(start=label.start(), end=label.end(), value=value, problem=problem)


def _is_fraction_sign(character: str) -> bool:
    return bool(character) and unicodedata.category(character)[0] == "N"


def _alone(text: str, scale: Scale) -> _Found | None:
    """Return the value that is the whole reply."""
    whole = _VALUE.fullmatch(text)
    if whole is None:
        bare = text.strip()
        if re.fullmatch(r"[0-9]+", bare):
            return _Found(start=0, end=len(text), value=None, problem=f"{bare[:20]} is not on the {scale} scale")
        return None
    value, problem = _on_scale(whole, scale)
    return _Found(start=whole.start("value"), end=whole.end(), value=value, problem=problem)


def _points(text: str, scale: Scale) -> _Found | None:
    """Return the one number of points (``4点``) that the reply names."""
    matches = [
        match
        for match in _POINTS.finditer(text)
        if not _NOT_A_VERDICT.search(text, max(0, match.start() - 12), match.start())
    ]
    if not matches:
        return None
    last = matches[-1]
    if len({float(match["value"]) for match in matches}) > 1:
        return _Found(start=last.start(), end=last.end(), value=None, problem="the reply names different points")
    value, problem = _on_scale(last, scale)
    return _Found(start=last.start(), end=last.end(), value=value, problem=problem)


def _two_values(text: str, objects: list[_Found], verdict: _Found, scale: Scale) -> str:
    """Return what is wrong if the verdict's line or the last line holds two different numbers, else nothing."""
    words = re.search(r"\w\W*\Z", text)
    last = max([words.start() if words else 0, *(item.start for item in objects)])
    for position in (verdict.start, last):
        start, end = text.rfind("\n", 0, position) + 1, text.find("\n", position)
        end = end if end >= 0 else len(text)
        inside = [item for item in objects if start <= item.start < end]
        bad = next((item.problem for item in inside if item.problem), "")
        if bad:
            return f"one line holds a verdict and another that is none: {bad}"
        numbers = sorted(_numbers(text[start:end], scale) | {item.value for item in inside if item.value is not None})
        if len(numbers) > 1:
            return "one line holds different values: " + " and ".join(f"{number:g}" for number in numbers[:3])
    return ""


def _numbers(line: str, scale: Scale) -> set[float]:
    """Return the numbers on a line; ``4/5`` on a 1-5 scale is one number."""
    line = _FRACTION.sub(lambda match: match["value"] if float(match["of"]) == scale.high else match[0], line)
    return {float(numeral) for numeral in _NUMERAL.findall(line)}
