"""The host's page and its lines: figures in words, hostile names as text, nothing asked for but itself."""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from harness.analysis.people_so_far import RaterState, RatingState, SetState, people_so_far
from harness.human.draw import Draw
from harness.human.ratings import Item, Rating
from harness.human.remaining import Remaining
from harness.types import LIKERT_5, RowKey
from reports.rating_progress import difference_lines, progress_html
from reports.wording import LANGUAGES, words
from tests.analysis.tables import table
from tests.reports.conftest import HOSTILE

N = 40


def ratings_of(scores: Sequence[Sequence[float]], rater: str = "1") -> list[Rating]:
    """Ratings of the first tasks by one rater: a row of scores for each model."""
    return [
        Rating(
            line=1, model=f"m{model}", prompt=None, task="t", task_id=str(place), rater=rater, score=score,
            problem=None, cell="", comment=None,
            item=Item(id=f"bcdf{model}{place}", rater=rater, task="t", sample_id=str(place), answer=str(model),
                      rows=(RowKey(model=f"m{model}", prompt=None),)),
        )
        for model, row in enumerate(scores) for place, score in enumerate(row)
    ]  # fmt: skip


def draw_of(count: int) -> Draw:
    ids = tuple(str(n) for n in range(N))
    return Draw(tag="bcdf", seed=0, raters=1, rows=(), population={"t": ids}, incomplete={"t": ()},
                chosen={"t": ids[:count]})  # fmt: skip


def state_of(count: int = 25, name: str = "sato") -> RatingState:
    rng = np.random.default_rng(0)
    judge = rng.integers(1, 6, (2, N))
    people = np.clip(judge[:, :count] + rng.integers(-1, 2, (2, count)), 1, 5)
    left = Remaining(task="t", chosen=count, rated=count, needed=20, labels=max(0, 20 - count), labels_all=0, next=())
    found = people_so_far([table(judge)], ratings_of(people.tolist()), draw_of(count), scale=LIKERT_5, baseline="m0")
    return RatingState(
        run="r",
        confidence=0.95,
        raters=(RaterState(name=name, done=2 * count, skipped=1, total=50, last="2026-11-26T10:35:00+09:00"),),
        sets=(SetState(n_tasks=N, remaining=left, people=found),),
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_asks_for_nothing_but_itself(language: str) -> None:
    """Its policy holds the two parts written here and its own server."""
    page = progress_html(state_of(), now="2026-11-26T10:36:05+09:00", language=language)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    for tag in ("script", "style"):
        [text] = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy[1].replace("&#39;", "'")
    assert "m1 − m0" in page
    assert ("10:35" in page, "10:36:05" in page) == (True, True)
    assert "2026" not in page


def test_a_line_says_the_difference_with_its_interval() -> None:
    """The number on the page; under twenty labels there is none, and the page says how many are missing."""
    state = state_of()
    [line] = difference_lines(state, words("en"))
    assert re.fullmatch(r"t: m1 − m0 [+-]\d\.\d\d \(95 % interval [+-]\d\.\d\d … [+-]\d\.\d\d\)", line)
    few = state_of(10)
    assert [] == difference_lines(few, words("en"))
    assert "10 more scores give an interval" in progress_html(few, now="2026-11-26T10:36:05+09:00")


def test_hostile_names_are_text() -> None:
    """A run, a rater, a task set: whatever they are called."""
    for text in HOSTILE.values():
        state = replace(state_of(name=text[:5000]), run=text[:5000])
        page = progress_html(state, now="2026-11-26T10:36:05+09:00")
        assert (1, 0) == (page.count("<script"), page.count("<img"))
        page.encode("utf-8")
