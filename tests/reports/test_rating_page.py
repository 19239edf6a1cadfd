"""The page to rate on as a file: self-contained, its texts unable to become markup."""

import base64
import hashlib
import json
import re
from dataclasses import replace

import pytest

from harness.human.page import PageItem, RatingPage
from harness.human.ratings import SKIPS
from harness.types import LIKERT_5, Scale
from reports.rating_page import guide_rows, rating_html
from reports.wording import LANGUAGES, words
from tests.reports.conftest import HOSTILE


def page_of(*texts: str, scale: Scale = LIKERT_5) -> RatingPage:
    return RatingPage(
        tag="bcdf",
        rater="2",
        scale=scale,
        items=tuple(
            PageItem(id=f"bcdf{place}", input=text, answer=text, reference=text, criteria=None)
            for place, text in enumerate(texts)
        ),
    )


def data_of(page: str) -> dict:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_asks_for_nothing(language: str) -> None:
    """No address in it, and a policy that allows the two parts written here and nothing else."""
    page = rating_html(page_of("問い"), language=language)
    assert [] == re.findall(r"https?://|//[a-z]|@import|url\(", re.sub(r"(?m)^//.*$", "", page))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    for kind, tag in (("script", "script"), ("style", "style")):
        [text] = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy[1].replace("&#39;", "'")
    assert "default-src 'none'" in policy[1].replace("&#39;", "'")


def test_hostile_texts_stay_in_the_data() -> None:
    """However they begin, the page has the three scripts that it has without them, and the texts are whole."""
    page = rating_html(page_of(*HOSTILE.values()))
    assert rating_html(page_of("a")).count("<script") == page.count("<script")
    shown = [item[2] for item in data_of(page)["items"]]
    assert HOSTILE["script"] == shown[0]
    assert not set("".join(shown)) & {"\x00", "\x1b", "\u202e", "\ud800"}
    page.encode("utf-8")


def test_the_digest_is_of_the_page_in_any_language() -> None:
    page = page_of("問い")
    assert [page.digest] * 2 == [data_of(rating_html(page, language=one))["page"] for one in LANGUAGES]
    assert page.digest != data_of(rating_html(replace(page, rater="3")))["page"]


@pytest.mark.parametrize(
    ("scale", "buttons"),
    [
        (LIKERT_5, ["1", "2", "3", "4", "5"]),
        (Scale(low=1, high=3, step=0.5), ["1", "1.5", "2", "2.5", "3"]),
        (Scale(low=0, high=10, step=1), [str(n) for n in range(11)]),
        (Scale(low=0, high=100, step=1), []),
    ],
)
def test_the_buttons_are_the_points_of_the_scale(scale: Scale, buttons: list[str]) -> None:
    """A scale of more points than fit is typed."""
    page = rating_html(page_of("a", scale=scale))
    assert buttons == re.findall(r'data-point="([^"]*)"', page)
    assert (not buttons) == ('id="typed"' in page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_has_words(language: str) -> None:
    reasons = dict(data_of(rating_html(page_of("a"), language=language))["skips"])
    assert list(SKIPS) == list(reasons)
    assert all(reasons.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_guide_of_a_workbook(language: str) -> None:
    """One column: how to rate, and what the points mean on a scale from 1 to 5."""
    [(title, rows)] = guide_rows(LIKERT_5, language=language).items()
    assert words(language)("rating.how") == title == rows[0][0]
    assert [5, 4, 3, 2, 1] == [int(row[0][0]) for row in rows[-5:]]
    [(_, other)] = guide_rows(Scale(low=0, high=100, step=1), language=language).items()
    assert "100" in other[1][0]
    assert len(rows) - 5 == len(other)
