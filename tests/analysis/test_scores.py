"""Score tables: which verdict stands in which cell, what is missing and why, and what a score can be at most."""

from dataclasses import replace

import numpy as np
import pytest

from harness.analysis.scores import score_tables
from harness.engine.plan import PlannedJudge, PlannedModel, items_of, plan_requests
from harness.stats import score_interval
from harness.templates import load_template
from harness.types import LIKERT_5, Generation, PlannedTask, RowKey, Sample, Sampling, Verdict
from harness.unscored import by_code
from tests.analysis.tables import table

TASK = PlannedTask(name="t", samples=tuple(Sample(id=str(n), inputs={"input": f"q{n}"}) for n in range(3)))
JUDGE = PlannedJudge(name="j", fingerprint="j", scale=LIKERT_5, repeats=2)


def judged(scores: dict[tuple[str, str, int, int], Verdict]) -> list:
    """The tables of two models and two repeats; ``scores`` by model, sample, repeat and judge repeat."""
    requests = plan_requests(
        [TASK],
        [PlannedModel(label=label, fingerprint=label) for label in ("a", "b")],
        [load_template("plain.v1")],
        sampling=Sampling(temperature=1),
        repeats=2,
    )
    answers = {one.key: Generation(request_key=one.key, text=f"{one.key}") for one in requests if one.model == "a"}
    items = list(items_of([TASK], requests, answers, [JUDGE]))
    verdicts = {
        item.key: scores[place]
        for item in items
        if (place := (item.request.model, item.request.sample_id, item.request.repeat, item.judge_repeat)) in scores
    }
    return score_tables([TASK], [JUDGE], items, verdicts)


def test_each_verdict_stands_in_its_cell_and_each_gap_has_its_reason() -> None:
    """Rows in plan order; what was not judged and what was not answered are told apart."""
    [found] = judged({
        ("a", "0", 0, 0): Verdict.scored(5, version="m-1"),
        ("a", "0", 0, 1): Verdict.scored(4, version="m-1"),
        ("a", "1", 1, 0): Verdict.failed("server gone"),
        ("a", "2", 0, 0): Verdict.unscored("empty reply"),
    })  # fmt: skip
    assert ((2, 3, 2, 2), ("t", "j")) == (found.cells.shape, (found.task, found.judge.name))
    first, second = RowKey(model="a", prompt="plain.v1"), RowKey(model="b", prompt="plain.v1")
    assert (first, second) == found.rows
    assert (5, 4, 22) == (found.cells[0, 0, 0, 0], found.cells[0, 0, 0, 1], np.isnan(found.cells).sum())
    assert {"server gone": 1, "empty reply": 1, "not judged": 8} == found.reasons[first]
    assert {"no answer was generated": 12} == found.reasons[second]
    assert {"m-1"} == found.versions
    assert found.split is None


def test_scores_of_another_version_are_no_scores_of_this_judge() -> None:
    """The version that gave most of them is shown; what nobody was asked for fits all; the rest stands apart."""
    [found] = judged({
        ("a", "0", 0, 0): Verdict.scored(5, version="m-1"),
        ("a", "0", 0, 1): Verdict.scored(4, version="m-2"),
        ("a", "1", 0, 0): Verdict.scored(3, version="m-2"),
        ("a", "1", 0, 1): Verdict.scored(1, rationale="empty"),
        ("a", "2", 0, 0): Verdict.scored(2, raw="2"),
    })  # fmt: skip
    row = RowKey(model="a", prompt="plain.v1")
    assert [None, 4, 3, 1, None] == [
        None if np.isnan(cell) else cell
        for cell in (found.cells[0, 0, 0, 0], *found.cells[0, 0, 0, 1:], *found.cells[0, 1, 0], found.cells[0, 2, 0, 0])
    ]
    assert found.split is not None
    assert ("m-2", {"m-2": 2, "?": 1, "m-1": 1}, {row: 2}) == (found.split.shown, found.split.counts, found.split.held)
    assert {"m-1", "m-2"} == found.versions
    assert {"code": "other_version", "count": 2} in by_code(found.reasons[row])


def test_repeats_are_averaged_before_anything_else() -> None:
    """First over judge repeats, then over repeats: (5 + 4) / 2 and 2, not (5 + 4 + 2) / 3."""
    found = table(np.array([[[[5, 4], [2, np.nan]], [[np.nan, np.nan], [np.nan, np.nan]]]]))
    assert 3.25 == found.scores[0, 0]
    assert np.isnan(found.scores[0, 1])
    np.testing.assert_array_equal(found.scores[0], found.values(found.rows[0]))


def test_what_is_missing_could_be_anything_on_the_scale() -> None:
    """The ends are the score where nothing is missing, else what the missing verdicts allow."""
    found = table(np.array([[[[5, 4]], [[3, np.nan]], [[np.nan, np.nan]]]]))
    least, most = found.ends
    assert [4.5, 2, 1] == least[0].tolist()
    assert [4.5, 4, 5] == most[0].tolist()


def test_what_was_never_asked_for_is_not_missing() -> None:
    """A row with one repeat beside one with two."""
    [found] = judged(
        {("a", str(n), repeat, j): Verdict.scored(3) for n in range(3) for repeat in (0, 1) for j in (0, 1)}
    )
    assert found.planned is not None
    assert found.planned.all()
    only_once = found.planned.copy()
    only_once[0, :, 1] = False
    cells = found.cells.copy()
    cells[0, :, 1] = np.nan
    least, most = replace(found, cells=cells, planned=only_once).ends
    assert [3, 3, 3] == least[0].tolist() == most[0].tolist()


@pytest.mark.parametrize(
    ("names", "clusters"), [([None, None, None], None), (["a", None, "a"], ("a", None, "a"))]
)  # fmt: skip
def test_clusters_are_there_if_a_sample_names_one(names: list[str | None], clusters: tuple | None) -> None:
    """Else there are none, and every task stands alone."""
    assert clusters == table(np.ones((1, 3)), clusters=names).clusters


@pytest.mark.slow
def test_a_judges_own_noise_is_in_the_interval_and_repeats_average_it() -> None:
    """Two noisy verdicts on each of 60 answers: the interval holds the mean without noise in 95 % of the cases.

    Pooled as if they were 120 answers, it would in far fewer; and two verdicts make it narrower than one.
    """
    rng, held, pooled, narrower = np.random.default_rng(17), 0, 0, 0
    replicates = 600
    for _ in range(replicates):
        true = rng.choice([1.5, 2.5, 3.5, 4.5], p=[0.2, 0.3, 0.3, 0.2], size=60)
        cells = np.clip(np.rint(true[:, np.newaxis] + rng.normal(0, 0.8, (60, 2))), 1, 5)
        found = table(cells[np.newaxis, :, np.newaxis, :])
        both = score_interval(found.scores[0], LIKERT_5).estimate
        once = score_interval(cells[:, 0], LIKERT_5).estimate
        flat = score_interval(cells.ravel(), LIKERT_5).estimate
        held += both.low <= 3 <= both.high
        pooled += flat.low <= 3 <= flat.high
        narrower += both.high - both.low < once.high - once.low
    assert held / replicates >= 0.935
    assert pooled / replicates < 0.93
    assert narrower / replicates > 0.8
