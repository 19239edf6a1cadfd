"""The page to compare on: both languages, blind, and no foreign text acts in it."""

import json
import re

import pytest

from harness.human.pair_page import PairPage, PairPageItem
from reports.pair_rating_page import pair_rating_html
from reports.wording import LANGUAGES
from tests.reports.conftest import HOSTILE


def page_of(*answers: str) -> PairPage:
    items = tuple(
        PairPageItem(
            id=f"bcdfg{n}", input=f"問{n}", first=text, second=f"別の答え{n}", reference=None, criteria="- 基準"
        )
        for n, text in enumerate(answers)
    )
    return PairPage(tag="bcdfg", rater="2", items=items)


def data_of(page: str) -> dict:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_is_there(language: str) -> None:
    """No place is left unfilled in what stands on the page, and the three verdicts have buttons."""
    page = pair_rating_html(page_of("答え"), language=language)
    assert page.count('data-point="') == 3
    assert re.findall(r'data-point="([\d.]+)"', page) == ["1", "0.5", "0"]
    body = page[page.index("<body>") : page.index('<script type="application/json"')]
    assert "{" not in body
    assert {"first_better", "tie", "second_better", "place"} <= data_of(page)["words"].keys()


def test_the_data_is_what_the_import_expects() -> None:
    """Scale, digest and both answers in order."""
    page = page_of("答え")
    data = data_of(pair_rating_html(page))
    assert (data["scale"], data["page"], data["rater"]) == ([0, 1, 0.5], page.digest, "2")
    assert data["items"] == [["bcdfg0", "問0", ["答え", "別の答え0"], None, "- 基準"]]


def test_hostile_answers_stay_text() -> None:
    """They end no script and begin none."""
    page = pair_rating_html(page_of(*HOSTILE.values()))
    assert page.count("<script") == pair_rating_html(page_of("a")).count("<script")
    assert len(data_of(page)["items"]) == len(HOSTILE)
