"""One number in its usual dress: the words and signs that may stand around a verdict, and nothing else.

A text is cut into tokens of a closed vocabulary. Brackets, quotation marks, emphasis, blanks and full stops are dress
and must pair; every other token has a *kind*, and the kinds in their order must be one of the shapes of `_SHAPE`:

====  =====================================================================================
kind  stands for
====  =====================================================================================
N     the number: ``4``, ``4.0``, ``四``
T     the top of the scale: ``/5``, ``out of 5``, ``5点満点中``, ``5段階評価で``
A     a label: ``スコア``, ``最終評価``, ``採点結果``, ``overall rating``
E     what joins a label and its number: ``:``, ``=``, ``は``, ``is``
R     whom the verdict is about: ``この回答は``
L     what leads to a verdict: ``よって``, ``Therefore``, ``I give it a``
U     the unit: ``点``, ``points``
C     the end of the sentence: ``です``, ``とします``, ``が妥当です``
====  =====================================================================================

A word outside the vocabulary ends the reading: ``5点ではない``, ``3点以上``, ``最高5点``, ``誤りが3点`` and
whatever else is said about a number are no verdicts because nobody has listed their words, not because somebody has.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from harness.locale import tr
from harness.types import Scale
from harness.unscored import Code, Unscored
from judges.rubric.folding import fold

LABELS = (
    *(
        "score",
        "grade",
        "rating",
        "verdict",
        "スコア",
        "評価点",
        "評価",
        "評点",
        "評定",
        "点数",
        "得点",
        "総合点",
        "採点",
        "判定",
    ),
)
"""The words that make a JSON key, or the words before a colon, a verdict, unless a rubric declares its own."""

NUMBER = r"(?:0|[1-9][0-9]{0,5})(?:\.[0-9]{1,6})?"
_LONGEST = 300  # characters of one number with all its dress
_KANJI = "一二三四五六七八九"

TOP = rf"""
    /\s*{NUMBER}(?:\s*点(?:満点)?)?(?![0-9.]*[0-9])
  | (?:out\ of|(?<=[0-9]\ )of)\s+(?:a\s+possible\s+)?{NUMBER}(?![0-9.]*[0-9])
  | {NUMBER}\s*点満点(?:中の?|で(?:評価(?:すると|して))?|のうち|として|の)?[、,]?
  | 満点\s*{NUMBER}\s*点(?:中|のうち)
  | {NUMBER}\s*点(?:中|のうち)
  | {NUMBER}\s*段階(?:評価)?(?:中|で|のうち|の)?[、,]?
  | {NUMBER}\s*点?\s*(?:から|[-~〜–])\s*{NUMBER}\s*点?の
    (?:{NUMBER}\s*段階|段階|尺度|スケール)(?:評価)?(?:中|で|のうち)?
  | (?:on\s+)?(?:an?|the)\s+scale\s+(?:of|from)\s+{NUMBER}\s*(?:to|[-~〜–])\s*{NUMBER}(?![0-9.]*[0-9])
  | (?:on\s+)?(?:an?|the)\s+{NUMBER}(?:\s*(?:to|[-~〜–])\s*{NUMBER})?(?:[-\ ]point)?\s+scale\b
"""
"""Phrases that name the top of a scale: the last number in each is the top, one before it the lowest value."""

_LEAD = r"""
    (?:よって|したがって|従って|ゆえに|故に|そのため|このため|以上(?:より|から|のことから|を踏まえて?|を踏まえると)
      |総合的に(?:見て|判断して|評価して)|総合して|総合すると|結論として)[、,]?
  | (?:therefore|thus|hence|so|overall|in\ conclusion)\b,?
  | i(?:'d|\ would|'ll|\ will)?\s+(?:give|rate|score|grade|assign)
    (?:\s+(?:it|(?:this|the)(?:\s+(?:answer|response))?))?\b
  | an?\s+(?:score|rating|grade)\s+of\b | (?:my|the|this|an?)\b
"""
_ABOUT = r"(?:この|本|当該)(?:回答|解答|応答|答案)[はを]"
_JOIN = r": | = | =>? | -> | [→⇒はがを] | \bis\b"
_UNIT = r"点 | (?:points?|pts?|stars?)\b"
_END = r"""
    です | である | だ(?!が|け) | とします | とする | と(?:評価|判定|判断|採点)(?:します|しました|する|した|いたします)
  | (?:に|と)(?:なります|なる) | にします | とさせていただきます | を(?:付け|つけ|与え)(?:ます|ました|る)
  | (?:が|は)?(?:妥当|適切|相当)(?:です|である|だ|と(?:考えます|考える|判断します|判断する|思います))?
  | と(?:考えます|思います)
"""
_PAIRS = {
    "(": ")", "[": "]", "【": "】", "〔": "〕", "〈": "〉", "《": "》",
    "「": "」", "『": "』", "“": "”", "‘": "’", '"': '"', "'": "'", "\\boxed{": "}",
}  # fmt: skip
_CLOSING_QUOTES = frozenset("」』”’\"'")

# Kinds in order. E is only allowed where a label or the top stands before it.
_KINDS = ("T", "N", "R", "L", "A", "C", "E", "U", "mark", "open", "close")
_SHAPE = re.compile(r"(?:L|R|AE?|TE?)*NU?T?U?C?")
_NEEDED = re.compile(r"[ATU]")  # a number about an answer is a verdict only with a label, a top or a unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A verdict, or a number that is none and why. ``labelled``: a label and its number are joined or bracketed."""

    value: float | None = None
    problem: str = ""
    labelled: bool = False
    rationale: str | None = None


def refusal(code: Code, problem: str) -> Reading:
    """Return the reading of what cannot be a verdict."""
    return Reading(problem=Unscored(code, problem))


def labels_pattern(labels: Sequence[str]) -> str:
    """Return a pattern of the labels, folded, with the words that often stand before and after them."""
    words = "|".join(re.escape(fold(label)) for label in sorted(labels, key=len, reverse=True))
    whose = r"(?:(?:この|本|当該)?(?:回答|解答|応答|答案)(?:の|に対する|への))?"
    which = r"(?:(?:最終|総合|全体)(?:的な)?の?|(?:final|overall)[ _-]?)?"
    return rf"(?<![a-z\u00c0-\u024f]){whose}{which}(?:{words})(?:結果)?(?![a-z])"


@lru_cache(maxsize=64)
def _vocabulary(labels: tuple[str, ...]) -> re.Pattern[str]:
    label = labels_pattern(labels) if labels else r"(?!)"
    openers = "|".join(re.escape(opener) for opener in _PAIRS)
    closers = "|".join(re.escape(closer) for closer in dict.fromkeys(_PAIRS.values()))
    return re.compile(
        rf"""
        (?P<tag><(?P<slash>/?)(?P<name>{label})>)
      | (?P<T>{TOP})
      | (?P<N>(?<![0-9a-z.]){NUMBER}(?![0-9]|\.[0-9])
          | (?<![{_KANJI}十百千万〇])[{_KANJI}十](?![{_KANJI}十百千万〇つ]))
      | (?P<A>{label}) | (?P<R>{_ABOUT}) | (?P<L>{_LEAD}) | (?P<C>{_END}) | (?P<E>{_JOIN}) | (?P<U>{_UNIT})
      | (?P<mark>\s+ | ```(?:[a-z]*\n)? | \*+ | [_`■●◆▼▶・•] | \#+(?=\s) | -(?=\s+[^\s0-9])
          | 。 | \.(?!\.) | !+(?=\W*\Z) | \$(?=\\boxed) | (?<=\}})\$)
      | (?P<open>{openers}) | (?P<close>{closers})
        """,
        re.VERBOSE,
    )


def read_number(text: str, scale: Scale, labels: Sequence[str] = LABELS) -> Reading | None:
    """Return what a folded text says if it is one number in its dress; None if it is anything else.

    >>> from harness.types import LIKERT_5
    >>> [read_number(fold(text), LIKERT_5).value for text in ("【評価】④", "5点満点中4点です。", "**4** out of 5")]
    [4.0, 4.0, 4.0]
    >>> read_number("5点ではない", LIKERT_5) is None, read_number("4/10", LIKERT_5).problem
    (True, '4/10 is not on the 1-5 scale')
    """
    tokens = _tokens(text, tuple(labels)) if len(text) <= _LONGEST else None
    if tokens is None:
        return None
    kinds, numbers, tops, labelled = "", list[str](), list[str](), False
    closing = list[tuple[str, int]]()  # what closes each open bracket, and how many kinds stood before it
    for kind, shown, closer in tokens:
        if closing and closing[-1][0] == shown and kind in {"open", "close"}:
            inside = kinds[closing.pop()[1] :]
            if "A" in inside and shown in _CLOSING_QUOTES:
                return None  # a quoted label is somebody else's verdict
            labelled = labelled or inside in {"A", "T"} or shown.startswith("</")
        elif kind == "close":
            return None
        elif kind == "open":
            closing.append((closer, len(kinds)))
        else:
            kinds += kind
            numbers += [shown] if kind == "N" else []
            tops += [shown] if kind == "T" else []
    if closing or not _SHAPE.fullmatch(kinds) or ("R" in kinds and not _NEEDED.search(kinds)):
        return None
    return _on_scale(numbers[0], tops, scale, labelled=labelled or "AE" in kinds)


def _tokens(text: str, labels: tuple[str, ...]) -> list[tuple[str, str, str]] | None:
    """Return kind, text and, for an opening bracket, what closes it; None if a word is not in the vocabulary."""
    vocabulary, position = _vocabulary(labels), 0
    tokens = list[tuple[str, str, str]]()
    while position < len(text):
        token = vocabulary.match(text, position)
        if token is None:
            return None
        position, kind = token.end(), _kind(token)
        if kind != "mark":
            tokens.append((kind, token.group(), _closer(token) if kind == "open" else ""))
    return tokens


def _kind(token: re.Match[str]) -> str:
    if token["tag"] is not None:
        return "close" if token["slash"] else "open"
    return next(kind for kind in _KINDS if token[kind] is not None)


def _closer(token: re.Match[str]) -> str:
    return f"</{token['name']}>" if token["tag"] is not None else _PAIRS[token.group()]


def _on_scale(number: str, tops: list[str], scale: Scale, *, labelled: bool) -> Reading:
    for top in tops:
        if problem := wrong_top(top, scale):
            shown = number + problem.replace(" ", "") if top.startswith("/") else problem
            return Reading(problem=_off_scale(shown, scale), labelled=labelled)
    value = float(_KANJI.index(number) + 1 if number in _KANJI else 10 if number == "十" else number)
    if not scale.allows(value):
        return Reading(problem=_off_scale(f"{value:g}", scale), labelled=labelled)
    return Reading(value=value, labelled=labelled)


def _off_scale(shown: str, scale: Scale) -> Unscored:
    return Unscored("reply_off_scale", tr("{shown} is not on the {scale} scale", shown=shown, scale=str(scale)))


def wrong_top(phrase: str, scale: Scale) -> str:
    """Return what a phrase about the top of a scale says if it is another scale's, else nothing."""
    numbers = [float(numeral) for numeral in re.findall(NUMBER, phrase)]
    other = numbers[-1] != scale.high or (numbers[0] not in {scale.low, scale.high})
    return phrase.strip() if other else ""
