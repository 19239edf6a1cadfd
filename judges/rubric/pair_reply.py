"""The verdict on two answers that a judge's reply holds, read only as the rubric asks for it.

The reply holds one JSON object with the key "verdict" (or 判定), at its top or one level deeper, and the value is A, B
or tie, in a closed list of spellings. Everything else is as for scores (`judges.rubric`): thoughts at the front are no
part of the reply, objects that differ, are broken, quoted, negated or shown as an example are refused, and so is prose
that claims a verdict: an answer that says "A wins" is at most quoted.
"""

from harness.locale import tr
from harness.pairs.answer_pair import FIRST, SECOND, TIE
from harness.types import Verdict
from harness.unscored import Unscored
from judges.rubric.dress import Reading, refusal
from judges.rubric.folding import fold
from judges.rubric.objects import Object
from judges.rubric.reply import read_json

PAIR_PARSER_VERSION = 1
KEYS = ("verdict", "判定")
_VALUES = {
    **dict.fromkeys(("a", "回答a", "answer a"), FIRST),
    **dict.fromkeys(("b", "回答b", "answer b"), SECOND),
    **dict.fromkeys(("tie", "引き分け", "同等", "draw"), TIE),
}
_DRESS = " \t[]*「」\"'."
_REASONS = ("reason", "理由")


def parse_pair(reply: str) -> Verdict:
    """Return the verdict that a reply holds: 1 for A, 0.5 for a tie, 0 for B; or an unscored one that says why not.

    >>> parse_pair('{"reason": "正確。", "verdict": "A"}').score, parse_pair('{"verdict": "tie"}').score
    (1.0, 0.5)
    >>> parse_pair("A wins").reason, parse_pair('{"verdict": "A"} {"verdict": "B"}').reason
    ('no JSON object with a verdict in the reply', 'the reply holds JSON objects with different verdicts')
    """
    return read_json(
        reply,
        read_verdict,
        nothing=Unscored("reply_no_json", tr("no JSON object with a verdict in the reply")),
        several=Unscored("reply_several", tr("the reply holds JSON objects with different verdicts")),
    )


def read_verdict(value: Object) -> Reading | None:
    """Return the verdict of an object; None if it has none."""
    found = [(owner, item) for owner in (value, *_inner(value)) for key, item in owner.pairs if _name(key) in KEYS]
    if not found:
        return None
    if len({id(owner) for owner, _ in found}) > 1:
        return refusal("reply_several", tr("the JSON object holds several verdicts, none of which is its own"))
    readings = {_VALUES.get(fold(item).strip(_DRESS)) if isinstance(item, str) else None for _, item in found}
    if None in readings:
        return refusal("reply_not_a_verdict", tr("the JSON verdict is none of A, B and tie"))
    if len(readings) > 1:
        return refusal("reply_double_key", tr("a key stands twice in the JSON object, with different values"))
    return Reading(value=readings.pop(), rationale=_reason(value))


def _inner(value: Object) -> list[Object]:
    inside: list[Object] = []
    for _, item in value.pairs:
        parts = item if isinstance(item, list) else [item]
        for part in parts:
            if isinstance(part, Object):
                inside += [part, *_inner(part)]
    return inside


def _name(key: str) -> str:
    return fold(key).strip()


def _reason(value: Object) -> str | None:
    return next(
        (text for owner in (value, *_inner(value)) for key, text in owner.pairs
         if _name(key) in _REASONS and isinstance(text, str)), None
    )  # fmt: skip
