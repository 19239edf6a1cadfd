"""A verdict on a line of its own: a declared label and its number (``スコア：4``), with prose on other lines."""

import re
from collections.abc import Sequence
from functools import lru_cache

from harness.locale import tr
from harness.types import Scale
from judges.rubric.dress import TOP, Reading, labels_pattern, read_number, refusal, wrong_top
from judges.rubric.quotation import FENCE, is_enclosed, is_quoted

_MOST_LABELS = 50
_LONGEST_LINE = 300
_KANJI = "一二三四五六七八九十"
# A number of things is no verdict: 3つ, 2箇所, 4文字. (Stars, 4つ星, are.)
_COUNTED = r"[ \t]*(?:つ(?!星)|個|件|箇所|[かカヶヵ]所|ヵ所|文|行|回|人|名|年|月|日|時|字|語|段落|種類|例|割|%|分)"
_ANY_NUMBER = re.compile(rf"[0-9]+(?:\.[0-9]+)?(?!{_COUNTED}|[0-9])|[{_KANJI}](?=[ \t]*点)")
_ANY_TOP = re.compile(TOP, re.VERBOSE)
_WHOLE_FENCE = re.compile(r"\s*```[\w-]*\n(?P<inside>[^`]*)```\s*")


@lru_cache(maxsize=64)
def _mention(labels: tuple[str, ...]) -> re.Pattern[str]:
    """Return a pattern of a label that is followed by a number, however they are joined."""
    dress = r"[ \t*_`\[\]()（）【】「」『』\"']*"
    return re.compile(
        rf"{labels_pattern(labels)}{dress}(?::|=|は|が|を|\bis\b|->|→|⇒)?{dress}"
        rf"(?P<number>[-+−~<>≤≥]?[0-9]+(?:\.[0-9]+)?(?!{_COUNTED}|[0-9]|[ \t]*点満点|[ \t]*段階)"
        rf"|[{_KANJI}](?!{_COUNTED}))"
    )


def read_labels(text: str, scale: Scale, labels: Sequence[str]) -> Reading | None:
    r"""Return the verdict of the label lines in a folded text; None if no label stands beside a number.

    The label stands once (twice if both say the same), alone on its line, and is the judge's own. A label beside a
    number anywhere else makes it unclear which counts, unless it is quoted before the verdict. After the verdict no
    number may stand that could be a second one.

    >>> from harness.types import LIKERT_5
    >>> read_labels("誤りが3点ある。\nスコア:2", LIKERT_5, ("スコア",)).value
    2.0
    >>> read_labels("スコア:4\nやはり3点", LIKERT_5, ("スコア",)).problem
    'a number stands after the verdict'
    """
    if whole := _WHOLE_FENCE.fullmatch(text):
        text = whole["inside"]
    verdicts, elsewhere = list[Reading](), list[tuple[int, int]]()
    spans = list[tuple[int, int]]()  # the lines of the verdicts
    for count, found in enumerate(_mention(tuple(labels)).finditer(text)):
        if count == _MOST_LABELS:
            return refusal("reply_too_many", tr("the reply is full of labels"))
        start, end = _line(text, found.start())
        reading = read_number(text[start:end], scale, labels) if end - start <= _LONGEST_LINE else None
        if reading is None or not reading.labelled:
            elsewhere.append(found.span())
        elif (start, end) not in spans:
            if _in_fence(text, start) or is_quoted(text, start, end):
                return refusal("reply_quoted", tr("the label line is quoted, negated or shown as an example"))
            verdicts.append(reading)
            spans.append((start, end))
    if not verdicts:
        if not elsewhere:
            return None
        return refusal("reply_label_in_prose", tr("a label and its number are not alone on their line"))
    return _one(text, scale, verdicts, spans, elsewhere)


def _one(
    text: str, scale: Scale, verdicts: list[Reading], spans: list[tuple[int, int]], elsewhere: list[tuple[int, int]]
) -> Reading:
    wrong = next((reading for reading in verdicts if reading.problem), None)
    if wrong:
        return wrong
    if len({reading.value for reading in verdicts}) > 1:
        shown = " and ".join(f"{reading.value:g}" for reading in verdicts[:3])
        return refusal("reply_several", tr("the reply holds verdicts that differ: {shown}", shown=shown))
    if any(start > spans[0][0] or not is_enclosed(text, start, end) for start, end in elsewhere):
        return refusal("reply_label_in_prose", tr("a label and its number stand in the prose, too"))
    rest = "\n".join(text[one[1] : other[0]] for one, other in zip(spans, [*spans[1:], (len(text), 0)], strict=True))
    rest = _ANY_TOP.sub(lambda top: top.group() if wrong_top(top.group(), scale) else " ", rest)
    if _ANY_NUMBER.search(rest):
        return refusal("reply_number_after", tr("a number stands after the verdict"))
    return verdicts[0]


def mentions(text: str, labels: Sequence[str]) -> list[str]:
    """Return the numbers that stand beside a label in a folded text and are not in quotation marks."""
    found = [match for _, match in zip(range(_MOST_LABELS), _mention(tuple(labels)).finditer(text), strict=False)]
    return [match["number"] for match in found if not is_enclosed(text, *match.span())]


def _line(text: str, at: int) -> tuple[int, int]:
    end = text.find("\n", at)
    return text.rfind("\n", 0, at) + 1, len(text) if end < 0 else end


def _in_fence(text: str, at: int) -> bool:
    return sum(1 for _ in FENCE.finditer(text, 0, at)) % 2 == 1
