"""Which pairs people see, and in which order."""

from collections import Counter

import pytest

from harness.codec import digest
from harness.errors import RatingError
from harness.human.pair_draw import PairExport, draw_pairs, pair_key_document, pair_key_name, read_pair_key
from harness.pairs.planned import PairOfRows
from harness.types import PlannedTask, RowKey, Sample

BASE, A, B = (RowKey(model=name, prompt=None) for name in ("base", "a", "b"))
PAIRS = (PairOfRows(candidate=A, opponent=BASE), PairOfRows(candidate=B, opponent=BASE))
TASK = PlannedTask(name="t", samples=tuple(Sample(id=str(n), inputs={"input": "x"}) for n in range(12)))
ANSWERS = {("t", str(n), row): f"{row.model}{n}" for n in range(12) for row in (BASE, A, B)}


def drawn(*, raters: int = 2, sample: int | None = None, seed: int = 0, answers: dict | None = None) -> PairExport:
    return draw_pairs(
        [TASK],
        ANSWERS if answers is None else answers,
        PAIRS,
        against="baseline",
        raters=[str(n + 1) for n in range(raters)],
        sample=sample,
        seed=seed,
    )


@pytest.mark.parametrize("raters", [1, 2, 5, 6])
def test_orders_are_balanced_over_each_rater_and_over_raters(raters: int) -> None:
    """Half of a rater's pairs show the candidate first; two raters in turn see each pair in both orders."""
    export = drawn(raters=raters)
    for number in range(raters):
        own = export.of(str(number + 1))
        assert len(own) == 24
        assert sum(item.second == BASE for item in own) == 12
    seen = Counter((item.sample_id, frozenset((item.first, item.second)), item.first) for item in export.items)
    for item in export.items:
        ends = frozenset((item.first, item.second))
        counts = [seen[item.sample_id, ends, row] for row in ends]
        assert abs(counts[0] - counts[1]) == raters % 2


def test_order_and_names_differ_between_raters_and_say_nothing() -> None:
    """No two raters go through the pairs alike, and no id is there twice."""
    export = drawn(raters=3)
    orders = [tuple((item.sample_id, item.first) for item in export.of(str(n + 1))) for n in range(3)]
    assert len(set(orders)) == 3
    assert len({item.id for item in export.items}) == len(export.items)
    assert all(item.id.startswith(export.tag) and item.id.isalpha() for item in export.items)


def test_the_same_arguments_give_the_same_draw() -> None:
    """Another seed gives another."""
    assert drawn(sample=5) == drawn(sample=5)
    assert drawn(sample=5).chosen != drawn(sample=5, seed=1).chosen
    assert len(drawn(sample=5).chosen["t"]) == 5


def test_equal_answers_are_not_shown_and_incomplete_tasks_not_drawn() -> None:
    """Nobody can prefer one of two that are the same."""
    answers = {**ANSWERS, ("t", "0", A): ANSWERS["t", "0", BASE]}
    del answers["t", "1", B]
    export = drawn(raters=1, answers=answers)
    assert "1" not in export.chosen["t"]
    assert [item for item in export.items if item.sample_id == "0" and A in {item.first, item.second}] == []
    assert len(export.items) == 21


def test_nothing_to_compare_is_an_error() -> None:
    """All answers equal, or more tasks than there are."""
    with pytest.raises(RatingError, match="differ"):
        drawn(answers=dict.fromkeys(ANSWERS, "same"))
    with pytest.raises(RatingError, match="13 tasks of t are to be drawn, but 12 of its 12"):
        drawn(sample=13)


def test_the_key_comes_back_without_the_texts() -> None:
    """Whose answers are whose stays with the run; the answers are there by their digests."""
    export = drawn()
    found = read_pair_key(pair_key_document(export))
    assert found.texts == {}
    assert (found.items, found.pairs, found.chosen, found.tag) == (
        export.items, export.pairs, export.chosen, export.tag,
    )  # fmt: skip
    assert found.items[0].answers[0] == digest(export.texts[found.items[0].answers[0]])
    assert pair_key_name("bcdfg") == "pair-key-bcdfg.json"
