"""The page on which one rater compares two answers at a time: two answers, three verdicts."""

from typing import Any

from harness.human.pair_page import PairPage, PairPageItem
from harness.human.ratings import SKIPS
from harness.pairs.answer_pair import FIRST, PAIR_SCALE, SECOND, TIE
from reports.formatting import printable
from reports.page import asset, assets, render_page
from reports.wording import Language, Words, words

_SCRIPTS = ("rating_state.js", "rating_vault.js", "rating_two.js", "rating.js")
_POINTS = ((FIRST, "first_better"), (TIE, "tie"), (SECOND, "second_better"))


class PairWords:
    """The words of a page to rate on, those for pairs where they differ."""

    def __init__(self, say: Words) -> None:
        self.language = say.language
        self._say = say
        self._own = say.section("rating_pairs")

    def __call__(self, key: str, /, **values: object) -> str:
        """Return a text of the section ``rating``, or that of the same name for pairs."""
        name = key.removeprefix("rating.")
        return self._say(f"rating_pairs.{name}" if name in self._own else key, **values)

    @property
    def all(self) -> dict[str, str]:
        """Every text by its name, for the page's script."""
        return {**self._say.section("rating"), **self._own}


def pair_rating_html(page: PairPage, *, language: Language = "en") -> str:
    """Return the whole page; its words are in ``language``, tasks and answers stand as they are."""
    say = PairWords(words(language))
    choices = [(f"{point:g}", say(f"rating.{name}"), place + 1) for place, (point, name) in enumerate(_POINTS)]
    return render_page(
        "rating_pairs.html.j2",
        style=asset("rating.css") + asset("rating_two.css"),
        script=assets(_SCRIPTS),
        data=_data(page, say),
        say=say,
        page=page,
        served=False,
        points=[point for point, _, _ in choices],
        choices=choices,
        halves=False,
        keys="1–3",
        is_likert=False,
    )


def _data(page: PairPage, say: PairWords) -> dict[str, Any]:
    return {
        "page": page.digest,
        "tag": page.tag,
        "rater": page.rater,
        "scale": [PAIR_SCALE.low, PAIR_SCALE.high, PAIR_SCALE.step],
        "points": [point for point, _ in _POINTS],
        "items": [_item(item) for item in page.items],
        "skips": [[code, say(f"rating.skip_{code}")] for code in SKIPS],
        "words": say.all,
    }


def _item(item: PairPageItem) -> list[Any]:
    shown = [None if text is None else printable(text) for text in (item.reference, item.criteria)]
    return [item.id, printable(item.input), [printable(item.first), printable(item.second)], *shown]
