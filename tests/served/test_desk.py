"""What the desk of a served rating keeps, and what it says of how far raters are."""

import json
from typing import Any

import pytest

from harness.errors import InputError
from harness.served.desk import Desk


def send(desk: Desk, rater: str, *ratings: dict[str, Any]) -> None:
    desk.keep(rater, json.dumps({"page": desk.pages[rater].digest, "ratings": ratings}))


def test_what_two_raters_send_is_kept_apart(desk: Desk) -> None:
    """Each page knows its own items alone, and its own ratings."""
    told: list[int] = []
    desk.told = lambda: told.append(1)
    first, second = (desk.pages[rater].items[0].id for rater in ("sato", "tanaka"))
    send(desk, "sato", {"item": first, "score": 4})
    send(desk, "tanaka", {"item": second, "score": 2})
    assert [(first, 4.0)] == [(one.item, one.score) for one in desk.kept("sato")]
    assert [(second, 2.0)] == [(one.item, one.score) for one in desk.kept("tanaka")]
    assert ["2026-11-26T12:00:00+00:00"] == [one.date for one in desk.kept("sato")]
    with pytest.raises(InputError):
        send(desk, "sato", {"item": second, "score": 4})
    assert [1, 1] == told


def test_the_interval_comes_with_the_labels(desk: Desk) -> None:
    """Nothing, then a number of missing scores, then an interval around what was planted, and who has done what."""
    assert "Nobody has rated yet." in desk.progress()
    texts = {item.id: item.answer for page in desk.pages.values() for item in page.items}

    def rate(rater: str, count: int) -> None:
        for item in desk.pages[rater].items[:count]:
            start = texts[item.id][0]
            send(desk, rater, {"item": item.id, "score": {"w": 2, "s": 4}.get(start, 3)})

    rate("sato", 10)
    assert "more scores give an interval (20 tasks rated whole)." in desk.progress()
    rate("sato", 99)
    [one] = desk.state().sets
    assert one.people is not None
    [difference] = one.people.differences
    estimate = difference.estimate.population
    assert estimate.low is not None
    assert estimate.low < 1.6 < (estimate.high or 0)
    assert one.is_whole
    page = desk.progress()
    assert "strong-7b − weak-7b" in page
    assert f"{len(desk.pages['sato'].items)} of {len(desk.pages['sato'].items)}" in page
    assert "12:00" in page


def test_a_page_holds_no_name_of_a_model(desk: Desk) -> None:
    """Nor does it hold the other rater's; it is made once."""
    html = desk.page_html("sato")
    assert not [name for name in ("weak-7b", "strong-7b", "tanaka", "answers.jsonl") if name in html]
    assert '"served": true' in html.replace('":t', '": t')
    assert html is desk.page_html("sato")
