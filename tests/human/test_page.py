"""What a rater's page shows, its digest, and what is read from the file that it gives back."""

from dataclasses import replace

import pytest

from harness.errors import InputError, RatingError
from harness.human.draw import Export, first_answers, key_document, read_key
from harness.human.page import (
    PageItem,
    RatingPage,
    changed_items,
    page_ratings,
    rating_page,
    read_page_file,
    refuse_changed,
    with_texts,
)
from harness.human.ratings import Rating
from harness.types import LIKERT_5, Scale
from tests.human.drawn_sheets import BY_ID, MODELS, drawn, work
from tests.human.page_files import page_file

HALVES = Scale(low=1, high=5, step=0.5)


def page_of(export: Export, rater: str = "1", scale: Scale = LIKERT_5) -> RatingPage:
    return rating_page(export, rater, BY_ID, scale)


def read(export: Export, text: str, scale: Scale = LIKERT_5) -> list[Rating]:
    file = read_page_file(text, "f.json")
    return page_ratings(file, page_of(export, file.rater, scale), export, path="f.json", run="r")


def four(item: PageItem) -> dict[str, object]:
    return {"score": 4}


def test_a_page_holds_the_items_of_its_rater_and_nobodys_name() -> None:
    """The order of the draw, the texts of the task and of the answer, no label of a model."""
    export = drawn()
    first, second = page_of(export), page_of(export, "2")
    assert [item.id for item in export.of("1")] == [item.id for item in first.items]
    assert [item.input for item in first.items] != [item.input for item in second.items]
    assert sorted(item.input for item in first.items) == sorted(item.input for item in second.items)
    assert not [model for model in MODELS if model in str(first)]
    assert {"要点"} == {item.criteria for item in first.items}


def test_the_digest_is_of_all_that_is_shown() -> None:
    """Another text, reference, order, rater or scale is another page."""
    page = page_of(drawn())
    first, *rest = page.items
    others = [
        replace(page, items=(replace(first, answer=first.answer + " "), *rest)),
        replace(page, items=(replace(first, reference=None), *rest)),
        replace(page, items=(*rest, first)),
        replace(page, rater="2"),
        replace(page, scale=HALVES),
    ]
    assert 6 == len({page.digest, *(other.digest for other in others)})
    assert page.digest == page_of(drawn()).digest


def test_ratings_get_the_model_and_prompt_of_their_item() -> None:
    """Each score goes to the answer that was shown: its text decides here, and the key agrees."""
    export = drawn()
    scores = {"答え0": 1, "答え1": 3, "答え2": 5, "同じ": 2}
    ratings = read(export, page_file(page_of(export), lambda item: {"score": scores[item.answer.split("-")[0]]}))
    assert len(export.of("1")) == len(ratings)
    for rating in ratings:
        expected = 2 if len(rating.drawn.rows) > 1 else {MODELS[0]: 1, MODELS[1]: 3, MODELS[2]: 5}[rating.model]
        assert expected == rating.score


def test_parts_skips_and_comments() -> None:
    """What was not touched is no rating; a skip has its reason and no score; a comment alone is blank."""
    export = drawn()
    ids = [item.id for item in page_of(export).items]
    done = {
        ids[0]: {"score": 5, "comment": "=1+1"},
        ids[1]: {"skip": "unclear_task"},
        ids[2]: {"comment": "後で"},
        ids[3]: {},
    }
    first, second, third = read(export, page_file(page_of(export), lambda item: done.get(item.id)))
    assert (5, "=1+1", None) == (first.score, first.comment, first.problem)
    assert second.problem is not None
    assert third.problem is not None
    assert (None, "rating_skipped", "unclear_task") == (second.score, second.problem.code, second.skip)
    assert (None, "blank_rating", "後で") == (third.score, third.problem.code, third.comment)


def test_half_points_are_read_on_a_scale_that_has_them() -> None:
    export = drawn()
    ratings = read(export, page_file(page_of(export, scale=HALVES), lambda _: {"score": 3.5}), HALVES)
    assert {3.5} == {rating.score for rating in ratings}


@pytest.mark.parametrize(
    ("rating", "said"),
    [
        ({"score": 6}, "is not on the 1-5 scale"),
        ({"score": 3.5}, "is not on the 1-5 scale"),
        ({"score": 3, "skip": "other"}, "has a score and was skipped"),
        ({"skip": "bored"}, "none of cannot_judge, unclear_task"),
        ({"item": "nobody", "score": 3}, "no item 'nobody'"),
        ({"score": "3x"}, "ratings.0.score"),
        ({"scor": 3}, "scor: no such key"),
    ],
)
def test_what_no_page_writes_is_refused(rating: dict[str, object], said: str) -> None:
    """A sentence with the item and the value."""
    export = drawn()
    with pytest.raises(InputError, match=said):
        read(export, page_file(page_of(export), lambda _: rating))


def test_an_item_that_is_there_twice_is_refused() -> None:
    export = drawn()
    one = export.of("1")[0].id
    with pytest.raises(InputError, match="is there twice"):
        read(export, page_file(page_of(export), four, ratings=[{"item": one, "score": 2}, {"item": one, "score": 3}]))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "harness ratings"}', '{"format": "x", "schema": 1}'])
def test_other_files_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        read_page_file(text, "f.json")


def test_another_scale_is_named() -> None:
    """A page of whole points is not read where half points are set, and the message has both."""
    export = drawn()
    with pytest.raises(RatingError, match=r"1-5 in steps of 1.0, .* 1-5 in steps of 0.5"):
        read(export, page_file(page_of(export), four), HALVES)


def test_the_ratings_of_a_changed_run_are_refused_by_name() -> None:
    """An answer that another text has replaced is named; one that two models have exchanged is changed too."""
    requests, answers = work()
    export = read_key(key_document(drawn()))
    texts = dict(first_answers(requests, answers, export.draw.rows))
    assert [] == changed_items(export, texts)
    again = with_texts(export, texts)
    file = read_page_file(page_file(page_of(again), four), "f.json")
    assert page_of(again).digest == page_of(drawn()).digest
    item = next(item for item in export.of("1") if len(item.rows) == 1)
    changed = changed_items(export, texts | {(item.task, item.sample_id, item.rows[0]): "別の答え"})
    assert {item.answer} == {found.answer for found in changed}
    with pytest.raises(RatingError, match=f"other answers now than rater 1 saw: {item.id}"):
        refuse_changed(changed, file, path="f.json", run="r")
    refuse_changed([found for found in changed if found.rater == "2"], file, path="f.json", run="r")
    rows = [export.draw.rows[place] for place in (1, 2)]
    one = item.sample_id if item.sample_id != "7" else export.of("1")[-1].sample_id
    swapped = {("t", one, rows[0]): texts["t", one, rows[1]], ("t", one, rows[1]): texts["t", one, rows[0]]}
    assert {one} == {found.sample_id for found in changed_items(export, texts | swapped)}


def test_a_changed_task_is_refused() -> None:
    """The answers are the same, but the criteria that the rater read are not."""
    export = drawn()
    text = page_file(page_of(export), four)
    other = {key: replace(sample, criteria="別の要点") for key, sample in BY_ID.items()}
    with pytest.raises(RatingError, match="rater 1 saw other tasks or answers than the run 'r' holds now"):
        page_ratings(
            read_page_file(text, "f.json"), rating_page(export, "1", other, LIKERT_5), export, path="f.json", run="r"
        )
