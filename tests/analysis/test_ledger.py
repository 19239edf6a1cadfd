"""Every try on a task set as one family: which differences, in which order, and what is sealed."""

from dataclasses import replace

import numpy as np
import pytest

from harness.analysis.ledger import OwnBoard, board_ledger, seal_state, shrunken_gains, tries_family
from harness.ledger import Ledger, LedgerRow, Seal, task_set
from harness.stats.spending import spend_over_tries
from harness.stats.tries import correct_over_tries, shrink_gains
from harness.types import RowKey, Sample

SAMPLES = [Sample(id=str(n), inputs={"input": f"質問{n}"}) for n in range(20)]
SET = task_set("twenty", SAMPLES, "2026-11-01")
HALF = task_set("twenty", SAMPLES[:10], "2026-11-02")
BASE = tuple(float(score) for score in np.random.default_rng(1).integers(1, 5, 20))


def row(candidate: str, number: int, gain: float = 0.0, **fields: object) -> LedgerRow:
    """A candidate that has a gain over the baseline on every second task."""
    scores = tuple(score + gain * (place % 2) for place, score in enumerate(BASE))
    known = {"number": number, "taskset": SET.digest, "judge": "j", "judge_name": "j", "candidate": candidate,
             "answers": f"answers of {candidate}", "task": "twenty",
             "label": candidate, "prompt": "p", "run": "r", "date": "2026-11-01",
             "role": "candidate", "baseline": "base", "scores": scores}  # fmt: skip
    return LedgerRow(**known | fields)  # type: ignore[arg-type]


LEDGER = Ledger(
    sets=(SET,), rows=(row("base", 1, role="baseline", baseline=None), row("one", 2, 1.0), row("two", 3, 0.5))
)


def test_each_try_is_its_difference_to_the_baseline() -> None:
    """In the order they came; what others are compared with is none."""
    family = tries_family(LEDGER, [SET], "j")
    assert ["one", "two"] == [one.row.candidate for one in family.tries]
    assert [10.0, 5.0] == [float(differences.sum()) for differences in family.differences]
    first = family.tries[0]
    assert first.means is not None
    assert (20, pytest.approx(0.5)) == (first.n, first.means[0] - first.means[1])
    assert (0, 1, None) == (family.place("one", ""), family.place("new", "answers of two"), family.place("x", "y"))
    assert () == tries_family(LEDGER, [SET], "another judge").tries


def test_a_part_of_the_set_belongs_to_the_family() -> None:
    """Its tries have differences on their own tasks alone; missing scores are no difference."""
    scores = tuple(None if place == 0 else 4.0 for place in range(10))
    part = row("three", 4, taskset=HALF.digest, scores=scores)
    family = tries_family(Ledger(sets=(SET, HALF), rows=(*LEDGER.rows, part)), [SET, HALF], "j")
    assert (3, 20) == family.differences.shape
    known = ~np.isnan(family.differences[2])
    assert (9, family.tries[2].n) == (known.sum(), known.sum())


def own(*candidates: str) -> OwnBoard:
    """A board of candidates against the baseline."""
    return OwnBoard(
        task="twenty", judge="j", judge_key="j", taskset=SET, baseline="base", content="c",
        candidates={RowKey(model=name, prompt="p"): (name, f"answers of {name}") for name in candidates},
    )  # fmt: skip


def test_a_board_that_holds_every_try_needs_no_other_correction() -> None:
    """A later one is corrected over all of them, as the statistics do it."""
    whole = board_ledger(LEDGER, own("one", "two"), confidence=0.95, date="2026-11-03")
    assert (2, 0, None, [None, None]) == (whole.tries, whole.earlier, whole.luck, [one.p_value for one in whole.rows])
    second = board_ledger(LEDGER, own("two"), confidence=0.95, date="2026-11-03")
    corrected = spend_over_tries(tries_family(LEDGER, [SET], "j").differences, boards=["r", "r"])
    [only] = second.rows
    assert (2, 1, 2) == (second.tries, second.earlier, only.place)
    assert (corrected.p_values[1], corrected.low[1], corrected.high[1]) == (only.p_value, only.low, only.high)
    assert second.luck is not None


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        (SET.items[:5], ("sealed", 5, 1)),
        (SET.items[5:9], ("open", 5, 1)),
        (SET.items, ("all", 5, 1)),
        (("other",), ("all", 0, 0)),
    ],
)
def test_which_part_of_a_sealed_set_tasks_are(items: tuple[str, ...], expected: tuple[str, int, int]) -> None:
    """And for how many candidates the sealed part was opened."""
    seal = Seal(taskset=SET.digest, name="twenty", date="2026-11-01", share=0.25, sealed=SET.items[:5],
                opened=SET.items[5:], tries_before=0)  # fmt: skip
    inside = task_set(
        "sealed", [sample for sample in SAMPLES if task_set("", [sample], "").items[0] in seal.sealed], ""
    )
    rows = (row("one", 1, taskset=inside.digest, scores=BASE[:5]),)
    assert expected == seal_state(Ledger(sets=(SET, inside), rows=rows, seals=(seal,)), items)


def test_gains_are_drawn_in_where_their_errors_are_known() -> None:
    """By the statistics' own rule; a try without differences has none."""
    rng = np.random.default_rng(4)
    differences = rng.normal(0.3, 1, (4, 30)).round()
    differences[3] = np.nan
    found = correct_over_tries(differences)
    gains = shrunken_gains(found)
    errors = (found.high - found.low)[:3] / 2 / found.critical[:3]
    assert None is gains[3]
    expected = shrink_gains(found.differences[:3], errors)
    assert expected is not None
    assert list(expected.gains) == pytest.approx(gains[:3])


@pytest.mark.filterwarnings("error")
def test_gains_of_tries_without_spread_are_not_drawn_in() -> None:
    """All differences equal, or so few tasks that the interval has no end: no error to draw in by, and no warning."""
    constant = correct_over_tries(np.full((4, 30), 0.5))
    assert [None] * 4 == shrunken_gains(constant)
    endless = np.full(4, np.inf)
    assert [None] * 4 == shrunken_gains(replace(constant, low=-endless, high=endless, critical=endless))
