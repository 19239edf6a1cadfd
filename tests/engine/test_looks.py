"""In which order tasks are looked at, and who is asked what at each look."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from harness.engine.looks import (
    Stop,
    asked_at,
    asked_until,
    frozen_order,
    merged_looks,
    planned_looks,
    stopped_rows,
    stops,
)
from harness.errors import UsageError
from harness.types import PlannedTask, RenderedPrompt, Request, RowKey, Sample, Sampling

SAMPLES = tuple(Sample(id=str(n), inputs={"input": f"問い {n}"}) for n in range(100))
TASK = PlannedTask(name="t", samples=SAMPLES)


def request(model: str, sample_id: str) -> Request:
    return Request(
        key=f"{model} {sample_id}",
        task="t",
        sample_id=sample_id,
        model=model,
        prompt=None,
        repeat=0,
        rendered=RenderedPrompt(messages=()),
        sampling=Sampling(),
    )


REQUESTS = tuple(request(model, sample.id) for model in ("base", "mine") for sample in SAMPLES)


def test_the_order_goes_by_content() -> None:
    """It is the same however the file is ordered or the tasks are named, and is no order of the file."""
    order = frozen_order(SAMPLES)
    assert order == frozen_order(SAMPLES[::-1])
    renamed = [replace(sample, id=f"x{sample.id}") for sample in SAMPLES]
    assert [f"x{one}" for one in order] == list(frozen_order(renamed))
    assert abs(spearmanr(np.arange(100), [int(one) for one in order])[0]) < 0.3


def test_sets_are_dealt_in_their_shares() -> None:
    """Each look sees both sets of a joined task."""
    joined = [replace(sample, stratum="a" if int(sample.id) < 75 else "b") for sample in SAMPLES]
    first = frozen_order(joined)[:20]
    assert 15 == sum(int(one) < 75 for one in first)


def test_each_look_asks_what_is_new() -> None:
    """All looks together ask everything once, in plan order in the end."""
    looks = planned_looks([TASK], looks=4, halving=False)
    assert {"t": (25, 50, 75, 100)} == looks.sizes
    parts = [asked_at(REQUESTS, looks, look) for look in range(1, 5)]
    assert [50, 50, 50, 50] == list(map(len, parts))
    assert {one.key for one in REQUESTS} == {one.key for part in parts for one in part}
    assert REQUESTS == asked_until(REQUESTS, looks, 4)


def test_a_stopped_row_is_asked_no_more() -> None:
    """The others go on; what it was asked stays."""
    looks = planned_looks([TASK], looks=4, halving=False)
    mine = RowKey(model="mine", prompt=None)
    looks = replace(looks, stops=stops("t", {mine}, 2))
    assert (Stop(task="t", model="mine", prompt=None, look=2),) == looks.stops
    assert {mine} == stopped_rows(looks, "t")
    assert {"base"} == {one.model for one in asked_at(REQUESTS, looks, 3)}
    kept = asked_until(REQUESTS, looks, 4)
    assert {"base": 100, "mine": 50} == Counter(one.model for one in kept)
    assert looks.seen("t", 2) == {one.sample_id for one in kept if one.model == "mine"}


def test_halving_looks_at_a_quarter_and_a_half() -> None:
    """Then at all of them."""
    assert {"t": (25, 50, 100)} == planned_looks([TASK], looks=None, halving=True).sizes


def test_too_few_tasks() -> None:
    """A look at three tasks teaches nothing."""
    with pytest.raises(UsageError, match="12 tasks: too few to look at them 4 times"):
        planned_looks([replace(TASK, samples=SAMPLES[:12])], looks=4, halving=False)


def test_looks_of_merged_runs() -> None:
    """Of the same looks, the row that went furthest counts; a run without any stops nobody; unlike ones are none."""
    looks = planned_looks([TASK], looks=4, halving=False)
    rows = [RowKey(model=model, prompt=None) for model in ("base", "mine", "other")]
    one = replace(looks, stops=stops("t", {rows[0], rows[1]}, 2))
    two = replace(looks, stops=stops("t", {rows[2]}, 3))
    theirs = tuple(request(model, sample.id) for model in ("base", "other") for sample in SAMPLES)
    found = merged_looks([(REQUESTS, one), (theirs, two)])
    assert found is not None
    assert {("mine", 2), ("other", 3)} == {(stop.model, stop.look) for stop in found.stops}
    alone = merged_looks([(REQUESTS, one), (theirs, None)])
    assert alone is not None
    assert [("mine", 2)] == [(stop.model, stop.look) for stop in alone.stops]
    assert merged_looks([(REQUESTS, None)]) is None
    assert merged_looks([(REQUESTS, one), (theirs, planned_looks([TASK], looks=2, halving=False))]) is None
