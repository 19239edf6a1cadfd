"""When judged answers end a training: by the words of the harness' own comparisons, and late rather than early. Pure.

Two reasons, both about checkpoints of this training alone (an adapter that is still worse than its base may get
better):

- *worse*: two evaluations in a row are each worse than an earlier checkpoint, by more than the margin;
- *no gain*: ``patience`` evaluations in a row are each equal to one checkpoint before them, or worse.

Words are those of a board: worse by corrected p-values, equal by one-sided tests within the margin. They are corrected
over all earlier checkpoints, and over every evaluation that is planned (Bonferroni): that a training of checkpoints
which are all worth the same ends as worse happens in at most 5 % of trainings. On few tasks nothing is ever equal or
worse, and training goes on to its end.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.analysis.agreement import agreeing
from harness.analysis.verdict import comparison_verdict
from harness.stats import Design, compare_pairs
from harness.stats.arrays import Floats
from harness.stats.equivalence import DecisionCode
from harness.types import Scale

IN_A_ROW = 2
_FEWEST = 2  # checkpoints: one to compare with


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Why a training ends: after ``count`` evaluations in a row, compared with the checkpoint in row ``place``."""

    reason: Literal["worse", "no_gain"]
    place: int
    count: int


def stop_after(
    scores: Floats,
    scale: Scale,
    *,
    planned: int,
    patience: int,
    margin: float,
    clusters: Sequence[Hashable | None] | None = None,
    confidence: float = 0.95,
) -> Stop | None:
    """Return why to stop after the last of some checkpoints, None to go on.

    ``scores`` (checkpoints, tasks), oldest first, NaN for none; ``planned``: how many checkpoints are evaluated in all;
    ``patience`` 0: never for lack of gain.

    >>> import numpy as np
    >>> from harness.types import UNIT
    >>> good, bad = np.tile([0.8, 1.0], 30), np.tile([0.0, 0.4], 30)
    >>> stop_after(np.stack([good, bad, bad]), UNIT, planned=5, patience=0, margin=0.075)
    Stop(reason='worse', place=0, count=2)
    """
    if len(scores) < _FEWEST:
        return None
    design = Design(clusters=clusters, confidence=1 - (1 - confidence) / max(1, planned - 1))
    latest = [_against_earlier(scores[:end], scale, design, margin) for end in _ends(len(scores), IN_A_ROW)]
    if len(latest) == IN_A_ROW and all(worse for _, worse in latest):
        return Stop(reason="worse", place=min(latest[-1][1]), count=IN_A_ROW)
    if patience and len(scores) > patience:
        place = len(scores) - patience - 1
        codes = [
            _against_earlier(scores[:end], scale, design, margin)[0][place] for end in _ends(len(scores), patience)
        ]
        if all(code in {"equal", "worse"} for code in codes):
            return Stop(reason="no_gain", place=place, count=patience)
    return None


def _ends(count: int, last: int) -> range:
    """Return how many checkpoints there were after each of the last evaluations that had one to compare with."""
    return range(max(_FEWEST, count - last + 1), count + 1)


def _against_earlier(
    scores: Floats, scale: Scale, design: Design, margin: float
) -> tuple[list[DecisionCode], list[int]]:
    """Return what the last checkpoint is against each earlier one, and those that it is worse than by the margin."""
    last = len(scores) - 1
    family = compare_pairs(scores, [(last, place) for place in range(last)], scale, design)
    codes: list[DecisionCode] = []
    worse = []
    for place, result in enumerate(family.comparisons):
        shown = agreeing(result, design.confidence)
        found = comparison_verdict(shown, design, margin=margin, n_comparisons=last, joint=result.simultaneous)
        codes.append(found.code)
        if found.code == "worse" and result.difference.value is not None and result.difference.value < -margin:
            worse.append(place)
    return codes, worse
