"""What a board says of a judge that changed."""

from dataclasses import replace

import numpy as np
import pytest

from harness.analysis.board import Board
from harness.analysis.judge_versions import Swap, VersionSplit
from harness.analysis.leaderboard import build_leaderboard
from harness.stats.equating import equate
from harness.types import LIKERT_5, RowKey
from reports.versions import version_cautions
from reports.wording import words
from tests.analysis.tables import table


@pytest.fixture
def board() -> Board:
    """Two rows on ten tasks."""
    built = table(np.random.default_rng(2).integers(1, 6, (2, 10)))
    return build_leaderboard("r", [built], {}, baseline="m0").boards[0]


def split(**changed: object) -> VersionSplit:
    """Two versions, of which the second is held apart."""
    held = {RowKey(model="m1", prompt=None): 4}
    return replace(VersionSplit(shown="m-1", counts={"m-1": 16, "m-2": 4}, held=held, scale=LIKERT_5), **changed)


def test_one_version_is_nothing_to_say(board: Board) -> None:
    """Most boards."""
    assert [] == version_cautions(board, words("en"))


@pytest.mark.parametrize("language", ["en", "ja"])
def test_what_is_held_apart_is_said_with_the_ways_out(board: Board, language: str) -> None:
    """Which versions, how many scores, whose, and both commands; a stable code."""
    [said] = version_cautions(replace(board, split=split()), words(language))
    assert "versions.held" == said.code
    for part in ("m-1 16", "m-2 4", "m1", "--anchors", "--rejudge"):
        assert part in said


@pytest.mark.parametrize("language", ["en", "ja"])
def test_what_is_equated_is_said_with_its_error(board: Board, language: str) -> None:
    """By how many answers, and what the middle of the scale becomes."""
    old = np.tile([2.0, 3.0, 4.0, 5.0], 10)
    swap = Swap(old="m-1", new="m-2", equating=equate(old - 1, old))
    equated = np.zeros((2, 10, 1, 1), dtype=bool)
    equated[1, :4] = True
    [said] = version_cautions(replace(board, split=split(held={}, equated=equated, swap=swap)), words(language))
    assert ("versions.equated", 4, 40) == (said.code, said.values["count"], said.values["anchors"])
    assert ("3", "4.00", "0.00") == (said.values["score"], said.values["value"], said.values["error"])
