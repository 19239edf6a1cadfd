"""A draw that grows: the old items stay, the new ones are rated once, and every task keeps its chance."""

from collections import Counter
from dataclasses import replace

import pytest

from harness.errors import RatingError
from harness.human.choosing import Strata
from harness.human.draw import Answers, Export, first_answers, key_document, read_key
from harness.human.growing import first_tags, grown, largest
from harness.types import RowKey
from tests.human.drawn_sheets import MODELS, SAMPLES, drawn, work

ROWS = tuple(RowKey(model=name, prompt=None) for name in MODELS)
IDS = [sample.id for sample in SAMPLES]
HALVES = {"t": Strata(parts=(tuple(IDS[:15]), tuple(IDS[15:])), spreads=(3.0, 1.0))}


def answers() -> Answers:
    return first_answers(*work(), ROWS)


def stored(export: Export) -> Export:
    return read_key(key_document(export))


def test_old_items_stay_and_new_ones_come_once() -> None:
    """Ten tasks of thirty, then eighteen: the first sixty items are as they were, eight tasks are new to each rater."""
    first = drawn(sample=10)
    more = grown(stored(first), answers(), sample=18)
    assert first.items == more.items[: len(first.items)]
    assert set(first.draw.chosen["t"]) < set(more.draw.chosen["t"])
    assert (18, first.draw.tag, (first.draw.tag, more.draw.tag)) == (
        len(more.draw.chosen["t"]), more.draw.extends, more.tags,
    )  # fmt: skip
    new = more.of("2", more.draw.tag)
    assert {item.sample_id for item in new} == set(more.draw.chosen["t"]) - set(first.draw.chosen["t"])
    assert len(more.items) == len({item.id for item in more.items})
    assert all(item.answer in more.texts for item in more.items)
    assert stored(more).draw == more.draw


def test_the_same_growth_is_the_same_draw() -> None:
    """Typed again it writes the same pages; as large as it is, nothing grows; in two steps it is another draw."""
    first = stored(drawn(sample=10))
    once, again = (grown(first, answers(), sample=18) for _ in range(2))
    assert (once.draw, once.items) == (again.draw, again.items)
    same = grown(stored(once), answers(), sample=18)
    assert (once.draw, once.items) == (same.draw, same.items)
    assert 30 == len(grown(first, answers(), sample=99).draw.chosen["t"])


def test_strata_stay_those_of_the_first_draw() -> None:
    """The rest is drawn from the strata that are there, since other ones would have unequal chances within."""
    requests, given = work()
    first = grown(stored(drawn(sample=4)), answers(), sample=12, strata=HALVES)
    other = {"t": Strata(parts=(tuple(IDS[::2]), tuple(IDS[1::2])), spreads=(1.0, 1.0))}
    second = grown(stored(first), first_answers(requests, given, ROWS), sample=16, strata=other)
    assert HALVES["t"] == first.draw.strata["t"] == second.draw.strata["t"]


def test_every_task_of_a_stratum_is_as_likely_in_the_grown_draw() -> None:
    """Over 250 seeds, given how many of a half are drawn: each of its tasks as often, within five standard errors."""
    seen: Counter[str] = Counter()
    drawn_of_half: Counter[bool] = Counter()
    given = answers()
    for seed in range(250):
        more = grown(drawn(sample=4, raters=1, seed=seed), given, sample=12, strata=HALVES)
        seen.update(more.draw.chosen["t"])
        drawn_of_half.update(one in HALVES["t"].parts[0] for one in more.draw.chosen["t"])
    assert drawn_of_half[True] > 2 * drawn_of_half[False]
    for half, part in ((True, HALVES["t"].parts[0]), (False, HALVES["t"].parts[1])):
        expected = drawn_of_half[half] / len(part)
        assert all(abs(seen[one] - expected) < 5 * expected**0.5 for one in part)


def test_a_run_that_was_changed_grows_nothing() -> None:
    """Another answer to a drawn task, or none any more to one that would be drawn."""
    first = drawn(sample=29)
    [last] = {*IDS} - {*first.draw.chosen["t"]}
    given = dict(answers())
    gone = {key: text for key, text in given.items() if key[1] != last}
    with pytest.raises(RatingError, match=f"no longer has the answers to t: {last}"):
        grown(first, gone, sample=30)
    with pytest.raises(RatingError, match="other answers now"):
        grown(first, {key: text + "." for key, text in given.items()}, sample=30)


def test_the_furthest_draw_of_a_family_is_found() -> None:
    """By any of its tags; of another family there is none."""
    first = drawn(sample=10)
    more = grown(first, answers(), sample=18)
    other = drawn(sample=10, seed=1)
    keys = [other, more, first]
    assert (more, more, other) == tuple(largest(keys, tag) for tag in (first.draw.tag, more.draw.tag, other.draw.tag))
    assert largest(keys, "zzzz") is None
    assert [other.draw.tag, first.draw.tag] == first_tags(keys)
    assert [] == first_tags([replace(other, items=())])
