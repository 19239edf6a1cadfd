"""When judged answers end a training: clear cases, none too early, and a rate that a null keeps."""

import numpy as np
import pytest

from harness.types import LIKERT_5, UNIT
from trainers.evaluations.stopping import Stop, stop_after

RNG = np.random.default_rng(0)
GOOD, BAD = 0.8 + 0.1 * RNG.random(60), 0.3 + 0.1 * RNG.random(60)
SIMILAR = [0.8 + 0.1 * RNG.random(60) for _ in range(5)]


def stop(*rows: np.ndarray, patience: int = 0, margin: float = 0.075, planned: int = 8) -> Stop | None:
    """Return why to stop after these checkpoints."""
    return stop_after(np.stack(rows), UNIT, planned=planned, patience=patience, margin=margin)


def test_worse_twice_in_a_row() -> None:
    """Than an earlier checkpoint; once is not enough, nor twice with a good one between."""
    assert stop(GOOD) is None
    assert stop(GOOD, BAD) is None
    assert stop(GOOD, BAD, GOOD, BAD) is None
    assert Stop(reason="worse", place=0, count=2) == stop(GOOD, BAD, BAD)
    assert Stop(reason="worse", place=1, count=2) == stop(BAD, GOOD, BAD, BAD)
    assert stop(BAD, BAD, GOOD, GOOD) is None


def test_within_the_margin_is_not_worse() -> None:
    """Surely lower by 0.05, and a margin of 0.075."""
    assert stop(GOOD, GOOD - 0.05, GOOD - 0.05) is None
    assert stop(GOOD, GOOD - 0.05, GOOD - 0.05, margin=0.02) is not None


def test_no_gain() -> None:
    """So many in a row that are equal to the one before them; 0 never stops."""
    assert Stop(reason="no_gain", place=0, count=3) == stop(*SIMILAR[:4], patience=3)
    assert stop(*SIMILAR[:3], patience=3) is None
    assert stop(*SIMILAR, patience=0) is None
    assert stop(BAD, *SIMILAR[:3], patience=3) is None  # the first of them gained
    assert Stop(reason="no_gain", place=1, count=3) == stop(BAD, *SIMILAR[:4], patience=3)


def test_few_tasks_decide_nothing() -> None:
    """Neither equal nor worse is shown by five tasks, whatever they look like."""
    few = RNG.choice([0.0, 1.0], (5, 5))
    assert stop(*few, patience=2) is None


def test_scores_that_are_missing_do_not_end_a_training() -> None:
    """Checkpoints without any score."""
    assert stop(GOOD, np.full(60, np.nan), np.full(60, np.nan), patience=1) is None


def test_equal_checkpoints_rarely_end_as_worse() -> None:
    """In at most 5 % of trainings: of 15 with six checkpoints that are worth the same, at most two (generous)."""
    rng, ended = np.random.default_rng(1), 0
    for _ in range(15):
        scores = np.clip(np.rint(3 + rng.normal(size=40) + rng.normal(size=(6, 40))), 1, 5)
        said = (
            stop_after(scores[:count], LIKERT_5, planned=6, patience=0, margin=1e-9)
            for count in range(2, len(scores) + 1)
        )
        ended += any(said)
    assert ended <= 2


@pytest.mark.parametrize("clusters", [None, [f"c{place // 3}" for place in range(60)]])
def test_with_clusters(clusters: list[str] | None) -> None:
    """Tasks that belong together are taken whole."""
    found = stop_after(np.stack([GOOD, BAD, BAD]), UNIT, planned=5, patience=0, margin=0.075, clusters=clusters)
    assert Stop(reason="worse", place=0, count=2) == found
