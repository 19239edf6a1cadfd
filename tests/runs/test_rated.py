"""What people have rated of a run, from its folder and from what was sent: which draw, and what counts."""

import json
from pathlib import Path

import pytest

from harness.errors import RatingError
from harness.human.draw import key_document
from harness.human.growing import grown
from harness.human.sheets import RATINGS, key_name, ratings_text
from harness.runs.folder import RunFolder
from harness.runs.rated import (
    Served,
    current_export,
    export_of,
    imported_ratings,
    judge_gaps,
    run_answers,
    served_ratings,
    state_of,
    strata_for,
    together,
)
from harness.store.store import Store
from harness.types import LIKERT_5, RowKey
from tests.human.test_remaining import rated
from tests.rated_run import MODELS, desk_of, draw_of, make_run

ROWS = tuple(RowKey(model=model, prompt=None) for model in MODELS)


def test_what_was_sent_counts_beside_what_was_imported(tmp_path: Path) -> None:
    """Sent: 4 for one item; imported: 3 for two. Taken back, an item has nothing."""
    run = make_run(tmp_path)
    export, folder = draw_of(run, tmp_path), RunFolder("", str(tmp_path / "runs" / "r"))
    folder.write(RATINGS, ratings_text(rated(export, {0, 1}, rater="sato")))
    first, second, third = (item.id for item in export.of("sato")[:3])
    with Store(run.manifest.store) as store:
        desk = desk_of(run, export, store)
        for ratings in (
            [{"item": first, "score": 4}, {"item": second, "score": 5}, {"item": third, "skip": "other"}],
            [{"item": second, "after": 1}],
        ):
            desk.keep("sato", json.dumps({"page": desk.pages["sato"].digest, "ratings": ratings}))
    served = served_ratings(run, export, run.manifest.store, LIKERT_5)
    assert ({second}, {"sato": "2026-11-26T12:00:00+00:00"}) == (set(served.taken_back), served.last)
    found = together(imported_ratings(folder), served)
    assert {first: (4.0, None), third: (None, "other")} == {one.drawn.id: (one.score, one.skip) for one in found}
    state = state_of(run, export, found, LIKERT_5, served.last)
    assert [("sato", 2, 1), ("tanaka", 0, 0)] == [(one.name, one.done, one.skipped) for one in state.raters]
    changed = make_run(tmp_path, text=lambda model, n: f"{model[0]} の別の答え{n}")
    with pytest.raises(RatingError, match="has other answers now than rater sato saw"):
        served_ratings(changed, export, run.manifest.store, LIKERT_5)


def test_the_draw_that_is_rated_is_found(tmp_path: Path) -> None:
    """The only one; of two the one that was sent to; as far as it has grown."""
    run = make_run(tmp_path)
    folder, url = RunFolder("", str(tmp_path / "runs" / "r")), run.manifest.store
    with pytest.raises(RatingError, match="Nothing was drawn"):
        current_export(folder, url)
    one = draw_of(run, tmp_path)
    assert one.draw == current_export(folder, url).draw
    other = draw_of(run, tmp_path, sample=21)
    with pytest.raises(RatingError, match="has several draws"):
        current_export(folder, url)
    with Store(url) as store:
        desk = desk_of(run, other, store)
        item = other.of("tanaka")[0].id
        desk.keep("tanaka", json.dumps({"page": desk.pages["tanaka"].digest, "ratings": [{"item": item, "score": 1}]}))
    assert other.draw == current_export(folder, url).draw
    more = grown(other, run_answers(run, ROWS), sample=25)
    folder.write_json(key_name(more.draw.tag), key_document(more))
    assert more.draw == current_export(folder, url).draw
    assert [more.draw.tag, one.draw.tag] == [
        found.draw.tag for tag in (other.draw.tag, one.draw.tag) if (found := export_of(tag, folder)) is not None
    ]
    assert export_of("zzzz", folder) is None


def test_what_to_draw_from(tmp_path: Path) -> None:
    """Two judges: parts by where they differ, those answered alike apart; a simple draw has none."""
    run = make_run(tmp_path, tasks=40)
    strata, bases = strata_for(run, ROWS, "optimal")
    assert {"disagreement"} == bases
    assert {str(n) for n in range(0, 40, 5)} == set(strata["mine"].parts[-1])
    assert ({}, {"nothing"}) == strata_for(run, ROWS, "simple")
    gaps = judge_gaps(run)["mine"]
    assert {str(n): (1 + n * 2 % 5) - (1 + n * 3 % 5) for n in range(40)} == gaps
    assert Served(ratings=(), taken_back=frozenset(), last={}) == served_ratings(
        run, draw_of(run, tmp_path), str(tmp_path / "none.sqlite"), LIKERT_5
    )
