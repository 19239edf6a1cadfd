"""How many labels are missing, and which tasks are proposed next: counted by hand and by brute force."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from harness.human.choosing import Strata
from harness.human.draw import Export, draw_items, rating_of
from harness.human.ratings import Rating, read_score
from harness.human.remaining import items_of, remaining
from harness.types import LIKERT_5, RowKey
from tests.human.drawn_sheets import MODELS, TASK, drawn, work


def rated(export: Export, places: set[int], rater: str = "1") -> list[Rating]:
    items = export.of(rater)
    return [rating_of(items[place], read_score(3, LIKERT_5), line=place) for place in sorted(places)]


def test_the_labels_that_an_interval_lacks_are_counted() -> None:
    """Twenty of 30 tasks with three models each, one of them with a shared answer at most: nothing rated yet."""
    export = drawn(sample=24)
    [one] = remaining(export, [])
    items = export.of("1")
    costs = sorted(sum(item.sample_id == task for item in items) for task in export.draw.chosen["t"])
    assert (24, 0, 20) == (one.chosen, one.rated, one.needed)
    assert (sum(costs[:20]), len(items)) == (one.labels, one.labels_all)
    [none] = remaining(export, rated(export, set(range(len(items)))))
    assert (24, 0, 0, ()) == (none.rated, none.labels, none.labels_all, none.next)


def test_a_small_draw_gives_no_interval() -> None:
    export = drawn(sample=10)
    [one] = remaining(export, [])
    assert (None, 0, len(export.of("1"))) == (one.needed, one.labels, one.labels_all)


@given(st.sets(st.integers(0, 59)))
def test_no_cheaper_way_leads_to_an_interval(places: set[int]) -> None:
    """By brute force over which tasks are left out: of 22 tasks two may stay unrated."""
    export = drawn(sample=22)
    ratings = rated(export, {place for place in places if place < len(export.of("1"))})
    [one] = remaining(export, ratings)
    done = {rating.drawn.id for rating in ratings}
    cost = dict.fromkeys(export.draw.chosen["t"], 0)
    for item in export.of("1"):
        cost[item.sample_id] += item.id not in done
    cheapest = min(sum(cost.values()) - cost[a] - cost[b] for a, b in combinations(cost, 2))
    assert cheapest == one.labels
    assert {task for task, open_ in cost.items() if open_} == set(one.next)


def test_another_raters_score_counts() -> None:
    """An answer is rated when anybody has scored it; the same answer on another page needs none."""
    export = drawn(sample=24)
    everything = rated(export, set(range(len(export.of("2")))), rater="2")
    assert 0 == remaining(export, everything)[0].labels_all


def test_the_proposal_is_spread_over_the_judges_gaps() -> None:
    """Of every four tasks proposed, one is from each quarter of all tasks by the judge's gap."""
    export = drawn(sample=24)
    gaps = {str(n): float(n) for n in range(30)}
    [one] = remaining(export, [], {"t": gaps})
    quarters = [int(gaps[task]) * 4 // 30 for task in one.next]
    assert sorted(one.next) == sorted(export.draw.chosen["t"])
    fewest = min(quarters.count(part) for part in range(4))
    for size in range(4, 4 * fewest + 1, 4):
        counts = [quarters[:size].count(part) for part in range(4)]
        assert max(counts) - min(counts) <= 1


def test_begun_tasks_come_first_and_skipped_ones_last() -> None:
    """A task with one answer left is next; a rater is not sent back to what they skipped."""
    export = drawn(sample=24)
    items = export.of("1")
    begun = items[0].sample_id
    skipped = items[-1]
    ratings = [
        *rated(export, {0}),
        rating_of(skipped, read_score(None, LIKERT_5), line=9, skip="cannot_judge"),
    ]
    [one] = remaining(export, ratings)
    assert (begun, skipped.sample_id) == (one.next[0], one.next[-1])
    places = items_of(export, "1", "t", [begun, skipped.sample_id], ratings)
    assert [place for place, item in enumerate(items, 1) if item.sample_id in {begun, skipped.sample_id}][
        1:-1
    ] == places


def test_a_draw_from_strata_needs_two_tasks_of_each() -> None:
    """By brute force over which tasks are left out; the proposal goes round the strata as they were drawn."""
    ids = [str(n) for n in range(30)]
    strata = {"t": Strata(parts=(tuple(ids[:26]), tuple(ids[26:])), spreads=(1.0, 0.0))}
    requests, answers = work()
    rows = [RowKey(model=name, prompt=None) for name in MODELS]
    export = draw_items([TASK], requests, answers, rows=rows, raters=1, sample=22, strata=strata)
    small = {one for one in export.draw.chosen["t"] if one in ids[26:]}
    assert 2 == len(small)
    items = export.of("1")
    done = {place for place, item in enumerate(items) if item.sample_id not in small}
    [one] = remaining(export, rated(export, done))
    assert (20, 20, 6) == (one.rated, one.needed, one.labels)
    [one] = remaining(export, [])
    cost = {task: sum(item.sample_id == task for item in items) for task in export.draw.chosen["t"]}
    assert sum(cost.values()) - max(cost[a] + cost[b] for a, b in combinations(set(cost) - small, 2)) == one.labels
    assert small <= set(one.next[:14])
