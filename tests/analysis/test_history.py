"""The history of a ledger: which sets are told apart, in which order, and as of today."""

from dataclasses import replace

import numpy as np
import pytest

from harness.analysis.history import histories
from harness.ledger import Ledger, Reset, Seal, task_set
from harness.stats.tries import correct_over_tries
from harness.types import Sample
from tests.analysis.test_ledger import BASE, HALF, LEDGER, SAMPLES, SET, row


def test_the_figures_are_those_over_all_tries() -> None:
    """Difference, interval and p-value of the whole family; the baseline is no try."""
    [found] = histories(LEDGER)
    rng = np.tile([0.0, 1.0], 10)
    expected = correct_over_tries([rng, rng / 2])
    assert ["one", "two"] == [one.label for one in found.rows]
    assert [1, 2] == [one.place for one in found.rows]
    assert expected.p_values.tolist() == [one.p_value for one in found.rows]
    assert expected.low.tolist() == pytest.approx([one.low for one in found.rows])
    assert ["better", "better"] == [one.verdict for one in found.rows]
    assert np.mean(BASE) == pytest.approx(found.rows[0].baseline_mean)
    assert ("base", 20) == (found.rows[0].baseline, found.rows[0].n)
    assert found.best is not None
    assert "one" == found.best.label


def test_a_part_is_told_with_its_whole() -> None:
    """Tries on the first half are tries on the set; those on other tasks are a set of their own."""
    other = task_set("other", [Sample(id="x", inputs={"input": "別"})], "2026-11-03")
    part = row("three", 4, taskset=HALF.digest, scores=BASE[:10], task="half")
    more = row("four", 5, taskset=other.digest, scores=(3.0,), task="other")
    found = histories(Ledger(sets=(SET, HALF, other), rows=(*LEDGER.rows, part, more)))
    assert [("half", "twenty"), ("other",)] == [one.names for one in found]
    assert ["one", "two", "three"] == [one.label for one in found[0].rows]


def test_judges_are_apart() -> None:
    """Each with its own tries."""
    found = histories(replace(LEDGER, rows=(*LEDGER.rows, row("one", 4, judge="k", judge_name="k", role="alone"))))
    assert [("j", 2), ("k", 1)] == [(one.judge, len(one.rows)) for one in found]
    assert found[1].rows[0].difference is None
    assert "undecided" == found[1].rows[0].verdict
    assert found[1].best is None


def test_the_parts_of_a_sealed_set_are_apart() -> None:
    """Open and sealed each with its own tries, and what was tried on the whole before the seal with both."""
    rest = task_set("twenty", SAMPLES[10:], "2026-11-02")
    seal = Seal(
        taskset=SET.digest,
        name="twenty",
        date="2026-11-02",
        share=0.5,
        sealed=rest.items,
        opened=HALF.items,
        tries_before=1,
    )
    rows = (
        row("base", 1, role="baseline", baseline=None),
        row("early", 2),
        row("base", 3, role="baseline", baseline=None, taskset=HALF.digest, scores=BASE[:10]),
        row("open", 4, taskset=HALF.digest, scores=BASE[:10]),
        row("base", 5, role="baseline", baseline=None, taskset=rest.digest, scores=BASE[10:]),
        row("open", 6, taskset=rest.digest, scores=BASE[10:]),
    )
    found = histories(Ledger(sets=(SET, HALF, rest), rows=rows, seals=(seal,)))
    assert [("open", ["early", "open"]), ("sealed", ["early", "open"])] == [
        (one.part, [row.label for row in one.rows]) for one in found
    ]
    assert {(10, 1, 1, "2026-11-02")} == {(one.sealed, one.openings, one.tries_before, one.sealed_on) for one in found}


def test_a_sealed_set_that_was_only_used_whole() -> None:
    """Sealed after its boards, and nothing since."""
    seal = Seal(
        taskset=SET.digest, name="twenty", date="2026-11-02", share=0.5, sealed=SET.items[10:], opened=SET.items[:10],
        tries_before=2,
    )  # fmt: skip
    [found] = histories(replace(LEDGER, seals=(seal,)))
    assert ("all", 2) == (found.part, len(found.rows))


def test_resets_and_nothing() -> None:
    """A reset is told with its set; without tries there is no history."""
    reset = Reset(name="twenty", date="2026-11-01", tasksets=(SET.digest,), tries=3, openings=0)
    [found] = histories(replace(LEDGER, resets=(reset, replace(reset, tasksets=("other",)))))
    assert (reset,) == found.resets
    assert () == histories(Ledger()) == histories(Ledger(sets=(SET,), resets=(reset,)))
