"""Blind sheets: what is drawn, and what a rater sees."""

import csv
import io
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import HarnessError
from harness.human.draw import (
    COLUMNS,
    cell,
    draw_items,
    key_document,
    read_key,
    sheet_text,
)
from harness.human.sheets import SheetRatings
from harness.types import LIKERT_5, Generation, PlannedTask, RowKey
from tests.human.drawn_sheets import BY_ID, MODELS, SAMPLES, drawn, fill, read, work


def test_every_model_is_rated_on_the_same_tasks_by_every_rater() -> None:
    """Ten tasks, three models, two raters: sixty items, fewer only where two models said the very same."""
    export = drawn()
    chosen = set(export.draw.chosen["t"])
    assert 10 == len(chosen)
    same = 1 if "7" in chosen else 0
    for rater in ("1", "2"):
        rated = Counter((item.sample_id, row.model) for item in export.of(rater) for row in item.rows)
        assert {(task, model): 1 for task in chosen for model in MODELS} == rated
        assert 30 - same == len(export.of(rater))
    assert len(export.items) == len({item.id for item in export.items})


def test_models_that_said_the_same_share_an_item() -> None:
    """All thirty tasks: task 7 has two items instead of three."""
    items = drawn(sample=30, raters=1).of("1")
    assert {1: 1, 2: 1} == dict(Counter(len(item.rows) for item in items if item.sample_id == "7"))


def test_the_same_seed_draws_the_same_and_another_one_does_not() -> None:
    """A draw can be repeated by anyone who has its seed."""
    assert drawn(seed=5) == drawn(seed=5)
    assert drawn(seed=5).draw.chosen != drawn(seed=6).draw.chosen


def test_every_task_is_as_likely_to_be_drawn() -> None:
    """400 seeds, 10 of 30 tasks: each is drawn 133 times, give or take (chi-square 29 df, far under its .999 point)."""
    counts = Counter(one for seed in range(400) for one in drawn(seed=seed, raters=1).draw.chosen["t"])
    statistic = sum((counts[sample.id] - 400 / 3) ** 2 / (400 / 3) for sample in SAMPLES) / (1 - 1 / 3)
    assert statistic < 58.3  # chi2.ppf(.999, 29)


def test_models_are_shuffled_anew_for_each_task() -> None:
    """Over many tasks each model stands first about as often: position tells nothing."""
    first = Counter()
    for seed in range(30):
        seen = set()
        for item in drawn(seed=seed, raters=1, sample=20).of("1"):
            if item.sample_id not in seen and item.sample_id != "7":
                seen.add(item.sample_id)
                first[item.rows[0].model] += 1
    assert all(150 < count < 250 for count in first.values()), first


def test_only_tasks_that_every_model_answered_are_drawn() -> None:
    """A task without one model's answer is among the incomplete ones; asking for more than there are is refused."""
    missing = [(MODELS[1], str(one)) for one in range(25)]
    export = drawn(sample=None, missing=missing)
    assert tuple(str(one) for one in range(25, 30)) == export.draw.population["t"] == export.draw.chosen["t"]
    assert tuple(str(one) for one in range(25)) == export.draw.incomplete["t"]
    with pytest.raises(HarnessError, match="6 tasks of t are to be drawn, but 5 of its 30 tasks"):
        drawn(sample=6, missing=missing)
    with pytest.raises(HarnessError, match="None of the 30 tasks of t has an answer of every compared model"):
        drawn(sample=None, missing=[(MODELS[0], sample.id) for sample in SAMPLES])


def test_a_sheet_is_blind_and_opens_in_a_spreadsheet() -> None:
    """A byte order mark, our columns, empty scores; no model, prompt or seed in it."""
    export = drawn()
    text = sheet_text(export, "1", BY_ID)
    assert text.startswith("\ufeff")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert COLUMNS == tuple(rows[0])
    assert {("", "")} == {(row["score"], row["comment"]) for row in rows}
    assert {"要点"} == {row["criteria"] for row in rows}
    assert "secret" not in text
    for row, item in zip(rows, export.of("1"), strict=True):
        assert (item.id, f"質問{item.sample_id}", f"正解{item.sample_id}") == (
            row["item"],
            row["task"],
            row["reference"],
        )
        assert row["answer"] == "同じ" or row["answer"].endswith(f"-{item.sample_id}")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", " =1", "-- 箇条書き"])
def test_no_cell_is_a_formula(text: str) -> None:
    """OWASP's list of first characters, their full-width forms, and those behind spaces."""
    assert cell(text).startswith("'")


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_any_answer_goes_through_a_sheet(text: str) -> None:
    """Whatever an answer holds: the sheet is UTF-8, one record per item, and nothing starts a formula."""
    request, *_ = work()[0]
    generation = Generation(request_key=request.key, text=text)
    export = draw_items(
        [PlannedTask(name="t", samples=SAMPLES[:1])], [request], {request.key: generation},
        rows=[RowKey(model=MODELS[0], prompt=None)], raters=1, sample=1,
    )  # fmt: skip
    sheet = sheet_text(export, "1", BY_ID).encode("utf-8").decode("utf-8-sig")
    [header, record] = list(csv.reader(io.StringIO(sheet, newline="")))
    assert len(header) == len(record)
    assert record[2].lstrip(" \u3000")[:1] not in set("=+-@\t\r")


def test_a_filled_sheet_comes_back(tmp_path: Path) -> None:
    """Two raters: every item has a score, and the judge gives the mean."""
    export = drawn()
    ratings = read(export, fill(export, "1", tmp_path / "1.csv", 2), fill(export, "2", tmp_path / "2.csv", 5))
    assert len(export.items) == len(ratings)
    judge = SheetRatings(ratings, BY_ID, scale=LIKERT_5)
    requests, answers = work()
    verdicts = {
        (request.sample_id, request.model): judge.judge(BY_ID["t", request.sample_id], answers[request.key])
        for request in requests
    }
    chosen = export.draw.chosen["t"]
    assert {3.5} == {verdict.score for (task, _), verdict in verdicts.items() if task in chosen}
    assert {"not drawn for rating"} == {verdict.reason for (task, _), verdict in verdicts.items() if task not in chosen}
    assert (None, True) == (judge.scale.step, judge.scale.covers(3.5))


def test_the_key_brings_the_export_back() -> None:
    """Written and read, it is the same draw with the same items; the answers themselves are not in it."""
    export = drawn()
    again = read_key(key_document(export))
    assert (export.draw, export.items, {}) == (again.draw, again.items, again.texts)
    assert "答え" not in str(key_document(export))
