"""The score that a judge model expects: the mean of the digits by their probabilities, where its verdict stands.

That is G-Eval's score (Liu et al. 2023, arXiv:2303.16634). What the model would rather have written there is the mass
outside. It tells nothing of the score, so the mean is over the digits alone, and beyond a share there is none.
"""

import re
from collections.abc import Mapping, Sequence

from harness.errors import UsageError
from harness.locale import tr
from harness.templates import Template
from harness.types import LIKERT_5, Scale, Verdict
from harness.unscored import Unscored

METHOD = 1
"""Part of fingerprints: raised when the same probabilities would give another score."""
SCALE = Scale(low=LIKERT_5.low, high=LIKERT_5.high)
"""1 to 5 like the rubrics' own, with every value between: an expected score is on no step."""
WORDS = tuple(f"{value}" for value in range(int(LIKERT_5.low), int(LIKERT_5.high) + 1))
_WIDE = str.maketrans("０１２３４５６７８９", "0123456789")
_KEY = re.compile(r'"score"\s*:\s*"?')


def check_form(rubric: Template) -> None:
    """Raise UsageError if a rubric's verdicts do not stand at one digit.

    Raises:
        UsageError: it asks for a line with a label, or gives half points.
    """
    if rubric.meta.get("reply", "json") == "label":
        raise UsageError(
            tr("Rubric {rubric} asks for a line with a label, where no expected score is read.", rubric=rubric.name),
            hint=tr("Take a rubric that asks for JSON or for the number alone, such as digits.v1."),
        )
    if rubric.meta.get("halves"):
        raise UsageError(
            tr("Rubric {rubric} gives half points, which are no single digit.", rubric=rubric.name),
            hint=tr("Take one with whole points from 1 to 5: expected scores lie between them anyway."),
        )


def expected_score(probabilities: Mapping[str, float]) -> float:
    """Return the mean of scores by their probabilities, which need not add up to 1.

    >>> expected_score({"1": 0.0, "2": 0.0, "3": 0.25, "4": 0.5, "5": 0.0})
    3.6666666666666665

    Raises:
        ZeroDivisionError: all are 0.
    """
    mean = sum(float(word) * share for word, share in probabilities.items()) / sum(probabilities.values())
    return min(max(mean, SCALE.low), SCALE.high)  # rounding errors


def weighed(probabilities: Mapping[str, float], *, most_outside: float, reason: str | None = None) -> Verdict:
    """Return the verdict that the digits' probabilities give, or an unscored one if too much lies outside them.

    ``reason``: the model's own, which the verdict shows in front of the probabilities.

    >>> weighed({"1": 0.0, "2": 0.0, "3": 0.25, "4": 0.5, "5": 0.0}, most_outside=0.25).rationale
    'P(1)=0.000 P(2)=0.000 P(3)=0.250 P(4)=0.500 P(5)=0.000 P(other)=0.250'
    """
    inside = sum(probabilities.values())
    outside = max(0.0, 1 - inside)
    if outside > most_outside or not inside:
        said = tr(
            "{outside:.1%} of the probability lies outside the scores 1 to 5; at most {most:.1%} may (most_outside)",
            outside=outside,
            most=most_outside,
        )
        return Verdict.unscored(Unscored("mass_outside", said))
    shares = " ".join(f"P({word})={value:.3f}" for word, value in probabilities.items())
    shown = f"{shares} P(other)={outside:.3f}"
    return Verdict.scored(expected_score(probabilities), rationale=f"{reason} {shown}" if reason else shown)


def word_of(token: str) -> str | None:
    """Return the digit of the scale that a token is, None if it is none.

    >>> word_of(" 4"), word_of("４"), word_of("4点"), word_of("7")
    ('4', '4', None, None)
    """
    bare = token.strip().translate(_WIDE)
    return bare if bare in WORDS else None


def place_of(tokens: Sequence[str], *, is_json: bool) -> int | None:
    """Return which token of a reply is its score; None where that is not plain.

    In JSON the one behind the last key "score", else the only digit that there is.

    >>> place_of(['{"', "score", '":', " ", "4", "}"], is_json=True), place_of(["4", "/", "5"], is_json=False)
    (4, None)
    """
    digits = [index for index, token in enumerate(tokens) if word_of(token)]
    if not is_json:
        return digits[0] if len(digits) == 1 else None
    keys = list(_KEY.finditer("".join(tokens)))
    behind = len(keys[-1].group()) + keys[-1].start() if keys else None
    begins = 0
    for index, token in enumerate(tokens):
        begins += len(token)
        if behind is not None and begins > behind:
            return index if index in digits else None
    return None
