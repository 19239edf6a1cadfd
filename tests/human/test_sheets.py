"""Ratings of sheets, kept: written and read back, the matrix of raters, and what was not rated."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from harness.human.draw import rating_of
from harness.human.ratings import Item, Rating, ReadScore, read_score, skipped
from harness.human.sheet_reading import tag_of
from harness.human.sheets import SheetRatings, key_name, rater_matrix, ratings_text, read_ratings
from harness.tables import read_table
from harness.types import LIKERT_5, Generation, RowKey
from tests.human.drawn_sheets import BY_ID, drawn, fill, read, work


def test_an_answer_that_was_not_rated_is_told_from_a_task_that_was_not_drawn(tmp_path: Path) -> None:
    """Another text on a drawn task (a second prompt, a repeat) has no score."""
    export = drawn()
    judge = SheetRatings(read(export, fill(export, "1", tmp_path / "1.csv")), BY_ID, scale=LIKERT_5)
    sample = BY_ID["t", export.draw.chosen["t"][0]]
    verdict = judge.judge(sample, Generation(request_key="k", text="別の答え"))
    assert (None, "this answer was not rated") == (verdict.score, verdict.reason)


def said(ratings: Sequence[Rating]) -> dict[Item | None, tuple[float | None, str | None, str | None]]:
    """What raters said of each item; the lines are another file's."""
    return {rating.item: (rating.score, rating.problem, rating.comment) for rating in ratings}


def test_ratings_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    """Models that share an item share its rating; comments survive; another export's ratings are not taken."""
    export = drawn(sample=30)
    ratings = read(export, fill(export, "1", tmp_path / "1.csv"))
    (tmp_path / "ratings.csv").write_text(ratings_text(ratings), encoding="utf-8", newline="")
    table = read_table(tmp_path / "ratings.csv")
    assert 90 == len(table.rows)
    assert said(ratings) == said(read_ratings(table, export))
    assert export.draw.tag == tag_of(table)
    assert [] == read_ratings(table, drawn(sample=30, seed=1))


def test_the_matrix_of_two_raters(tmp_path: Path) -> None:
    """One column per answer, whatever the order of the two sheets."""
    export = drawn()
    matrix, raters, tasks = rater_matrix(
        read(export, fill(export, "2", tmp_path / "2.csv", 5), fill(export, "1", tmp_path / "1.csv", 2))
    )
    assert (["1", "2"], [2.0], [5.0]) == (raters, sorted(set(matrix[0])), sorted(set(matrix[1])))
    assert matrix.shape[1] == len(tasks) == len(export.of("1"))


@pytest.mark.parametrize("blank", ["", " ", "\u3000"])
def test_a_blank_score_is_an_answer_not_rated(tmp_path: Path, blank: str) -> None:
    """One of thirty left blank: the others count, that one has no score and says why, and the file keeps the gap."""
    export = drawn(raters=1)
    item = export.of("1")[3]
    ratings = read(export, fill(export, "1", tmp_path / "1.csv", "４点", **{item.id: blank}))
    assert [None] == [rating.score for rating in ratings if rating.item == item]
    assert {4.0} == {rating.score for rating in ratings if rating.item != item}
    judge = SheetRatings(ratings, BY_ID, scale=LIKERT_5)
    requests, answers = work()
    whose = [request for request in requests if (request.sample_id, RowKey(model=request.model, prompt=None)) in
             {(item.sample_id, row) for row in item.rows}]  # fmt: skip
    verdicts = [judge.judge(BY_ID["t", item.sample_id], answers[request.key]) for request in whose]
    assert {(None, "left blank by who was to rate it")} == {(one.score, one.reason) for one in verdicts}
    matrix, _, _ = rater_matrix(ratings)
    assert 1 == int(np.isnan(matrix).sum())
    (tmp_path / "ratings.csv").write_text(ratings_text(ratings), encoding="utf-8", newline="")
    assert said(ratings) == said(read_ratings(read_table(tmp_path / "ratings.csv"), export))


def test_what_one_rater_leaves_blank_another_may_rate(tmp_path: Path) -> None:
    """The mean is over those who gave a score."""
    export = drawn(raters=2)
    first = export.of("1")[0]
    second = next(item for item in export.of("2") if (item.sample_id, item.answer) == (first.sample_id, first.answer))
    paths = fill(export, "1", tmp_path / "1.csv", 3, **{first.id: ""}), fill(export, "2", tmp_path / "2.csv", 5)
    judge = SheetRatings(read(export, *paths), BY_ID, scale=LIKERT_5)
    requests, answers = work()
    rows = {RowKey(model=request.model, prompt=None): answers[request.key].text for request in requests
            if request.sample_id == second.sample_id}  # fmt: skip
    text = rows[second.rows[0]]
    assert 5 == judge.judge(BY_ID["t", first.sample_id], Generation(request_key="k", text=text)).score


def test_skips_are_read_back_with_their_reason(tmp_path: Path) -> None:
    """A column holds the codes only where something was skipped; the judge says why, and a drawn task is no other."""
    export = drawn()
    first, second, *_ = export.of("1")
    ratings = [
        rating_of(first, read_score(4, LIKERT_5), line=1),
        rating_of(second, ReadScore(score=None, problem=skipped("other"), cell=""), line=2, skip="other"),
    ]
    assert "skipped" not in ratings_text(ratings[:1])
    (tmp_path / "ratings.csv").write_text(ratings_text(ratings), encoding="utf-8", newline="")
    again = read_ratings(read_table(tmp_path / "ratings.csv"), export)
    assert {first.id: (4, None), second.id: (None, "other")} == {
        rating.drawn.id: (rating.score, rating.skip) for rating in again
    }
    judge = SheetRatings(again, BY_ID, scale=LIKERT_5, drawn=export.draw.chosen)
    said = judge.judge(BY_ID["t", second.sample_id], Generation(request_key="k", text=export.texts[second.answer]))
    assert "skipped by who was to rate it: another reason" == said.reason
    open_ = next(one for one in export.draw.chosen["t"] if one not in {first.sample_id, second.sample_id})
    assert "this answer was not rated" == judge.judge(BY_ID["t", open_], Generation(request_key="k", text="x")).reason


def test_the_name_of_a_key() -> None:
    assert "rating-key-bcdf.json" == key_name("bcdf")
