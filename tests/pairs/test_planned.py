"""Which rows meet."""

import pytest

from harness.errors import UsageError
from harness.pairs.planned import ALL, BASELINE, rows_that_meet
from harness.types import RowKey

BASE, A, B = (RowKey(model=name, prompt=None) for name in ("base", "a", "b"))


def met(rows: list[RowKey], against: str, anchors: tuple[RowKey, ...] = ()) -> list[tuple[str, str]]:
    found = rows_that_meet(rows, against, baseline="base", anchors=anchors)
    return [(pair.candidate.model, pair.opponent.model) for pair in found]


def test_against_the_baseline_wherever_it_stands() -> None:
    """Every other row meets it once."""
    assert met([A, BASE, B], BASELINE) == [("a", "base"), ("b", "base")]


def test_a_baseline_under_several_prompts_is_its_first_row() -> None:
    """As on a board: its other prompts are candidates."""
    rows = [RowKey(model=model, prompt=prompt) for model in ("base", "a") for prompt in ("p", "q")]
    found = rows_that_meet(rows, BASELINE, baseline="base")
    assert {pair.opponent for pair in found} == {rows[0]}
    assert [pair.candidate for pair in found] == rows[1:]


def test_all_meet_once() -> None:
    """Three rows are three pairs, and nobody meets themselves."""
    assert met([BASE, A, B], ALL) == [("a", "base"), ("b", "base"), ("b", "a")]


def test_every_row_meets_every_anchor() -> None:
    """The rows do not meet each other."""
    anchors = (RowKey(model="x@old", prompt=None), RowKey(model="y@old", prompt=None))
    assert met([BASE, A], "anchors:old", anchors) == [
        ("base", "x@old"), ("base", "y@old"), ("a", "x@old"), ("a", "y@old"),
    ]  # fmt: skip


def test_one_row_alone_meets_nobody() -> None:
    """The message says what there is, and what to do."""
    with pytest.raises(UsageError, match="one row, 'base'") as refused:
        met([BASE], ALL)
    assert "anchors:RUN" in str(refused.value.hint)
