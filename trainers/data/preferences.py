"""Judged answers to training prompts as data: pairs of a better and a worse answer, or the best answer of each prompt.

A judge that likes length teaches length: in pairs taken by score alone the better answer tends to be the longer one,
and preference tuning learns that first (Park et al., "Disentangling Length from Quality in Direct Preference
Optimization", 2024). So pairs are balanced: as many with a longer better answer as with a shorter one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

from trainers.data.judged_answers import JudgedAnswer, JudgedPrompt


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """Of two answers to one prompt the one with the higher score, and the other."""

    prompt: JudgedPrompt
    chosen: JudgedAnswer
    rejected: JudgedAnswer

    @property
    def gap(self) -> float:
        """Points between them, above 0."""
        return self.chosen.score - self.rejected.score

    @property
    def log_ratio(self) -> float:
        """The logarithm of the better answer's length over the worse one's, in characters: above 0, it is longer."""
        return math.log(len(self.chosen.text) / len(self.rejected.text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """What a set of pairs teaches about length; None without pairs.

    ``longer``: the share of pairs whose better answer is the longer one, equal lengths as half · ``ratio``: the
    geometric mean of the better answer's length over the worse one's.
    """

    longer: float | None
    ratio: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Pairs, in the order of the prompts, and what became of the other prompts and pairs.

    ``alone``: prompts with fewer than two answers that can be compared · ``close``: prompts whose answers are all less
    than the gap apart, ties among them · ``unbalanced``: pairs left out so that the others are balanced · ``before``:
    the lengths with those.
    """

    rows: tuple[Preference, ...]
    alone: int
    close: int
    unbalanced: int
    before: Lengths
    after: Lengths


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """The best answer of each prompt, in the order of the prompts.

    ``alone``: prompts without an answer that can be used · ``low``: prompts whose best answer has too low a score.
    """

    rows: tuple[tuple[JudgedPrompt, JudgedAnswer], ...]
    alone: int
    low: int


def choose_pairs(prompts: Sequence[JudgedPrompt], *, gap: float, per_prompt: int = 1, balance: bool = True) -> Pairs:
    """Return pairs of answers whose scores are at least ``gap`` (> 0, in points) apart, ``per_prompt`` at most of each.

    Of a prompt's pairs the widest apart comes first, and of those the nearest in length. An answer that was cut at the
    length limit is never the better one; a blank one is in no pair. With ``balance``, pairs are left out of the larger
    of the two groups, longer and shorter better answers, those with the most unlike lengths first, until both are of
    one size.
    """
    alone = close = 0
    rows: list[Preference] = []
    for prompt in prompts:
        usable = [answer for answer in prompt.answers if answer.text.strip()]
        if len(usable) < 2:  # noqa: PLR2004 - a pair
            alone += 1
            continue
        found = [
            Preference(prompt=prompt, chosen=better, rejected=worse)
            for one, other in combinations(usable, 2)
            for better, worse in [(one, other) if one.score > other.score else (other, one)]
            if better.score - worse.score >= gap and not better.cut
        ]
        close += not found
        rows += sorted(found, key=lambda pair: (-pair.gap, abs(pair.log_ratio)))[:per_prompt]
    kept = _balanced(rows) if balance else rows
    return Pairs(
        rows=tuple(kept),
        alone=alone,
        close=close,
        unbalanced=len(rows) - len(kept),
        before=lengths(rows),
        after=lengths(kept),
    )


def choose_best(prompts: Sequence[JudgedPrompt], *, least: float) -> Best:
    """Return each prompt's answer with the highest score, of at least ``least`` points; the first of equals.

    Blank answers and those that were cut at the length limit are left aside.
    """
    alone = low = 0
    rows = []
    for prompt in prompts:
        usable = [answer for answer in prompt.answers if answer.text.strip() and not answer.cut]
        if not usable:
            alone += 1
            continue
        best = max(usable, key=lambda answer: answer.score)
        if best.score < least:
            low += 1
        else:
            rows.append((prompt, best))
    return Best(rows=tuple(rows), alone=alone, low=low)


def lengths(pairs: Sequence[Preference]) -> Lengths:
    """Return what pairs teach about length.

    >>> lengths([])
    Lengths(longer=None, ratio=None)
    """
    if not pairs:
        return Lengths(longer=None, ratio=None)
    ratios = [pair.log_ratio for pair in pairs]
    longer = fmean(0.5 if ratio == 0 else float(ratio > 0) for ratio in ratios)
    return Lengths(longer=longer, ratio=math.exp(fmean(ratios)))


def _balanced(rows: Sequence[Preference]) -> list[Preference]:
    by_likeness = sorted(range(len(rows)), key=lambda place: abs(rows[place].log_ratio))
    longer = [place for place in by_likeness if rows[place].log_ratio > 0]
    shorter = [place for place in by_likeness if rows[place].log_ratio < 0]
    size = min(len(longer), len(shorter))
    kept = {*longer[:size], *shorter[:size], *(place for place in by_likeness if rows[place].log_ratio == 0)}
    return [row for place, row in enumerate(rows) if place in kept]
