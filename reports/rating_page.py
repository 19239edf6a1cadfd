"""The page that one rater rates on: one file, without network, without a model's name; no foreign text acts in it."""

from collections.abc import Sequence
from typing import Any

from harness.human.page import PageItem, RatingPage, scale_points
from harness.human.ratings import SKIPS
from harness.types import LIKERT_5, Scale
from reports.formatting import printable
from reports.page import asset, assets, policy, render_page
from reports.wording import Language, Words, words

_SCRIPTS = ("rating_state.js", "rating_vault.js", "rating_one.js", "rating.js")
_SERVED_SCRIPTS = ("rating_state.js", "rating_vault.js", "rating_one.js", "rating_sync.js", "rating.js")


def rating_html(page: RatingPage, *, language: Language = "en", served: bool = False) -> str:
    """Return the whole page; its words are in ``language``, tasks and answers stand as they are.

    ``served``: it sends what is rated to where it came from, and works without it, too.
    """
    say, points = words(language), scale_points(page.scale)
    return render_page(
        "rating.html.j2",
        style=asset("rating.css"),
        script=_script(served),
        data=_data(page, say) | ({"served": True} if served else {}),
        allowed=_allowed(served),
        say=say,
        page=page,
        served=served,
        points=[f"{point:g}" for point in points],
        halves=any(point != int(point) for point in points),
        keys=_keys(points),
        is_likert=_is_likert(page.scale),
    )


def rating_policy(*, served: bool = False) -> str:
    """Return the page's content security policy: its own script and style, and at most the server it came from."""
    return policy(asset("rating.css"), _script(served), allowed=_allowed(served))


def _script(served: bool) -> str:
    return assets(_SERVED_SCRIPTS if served else _SCRIPTS)


def _allowed(served: bool) -> str:
    return "connect-src 'self'" if served else ""


def guide_rows(scale: Scale, *, language: Language = "en") -> dict[str, list[list[str]]]:
    """Return a workbook's sheet on how to rate, by its title."""
    say = words(language)
    lines = [say("rating.sheet_fill", low=f"{scale.low:g}", high=f"{scale.high:g}", step=scale.step)]
    lines += [say(f"rating.how_{place}") for place in (2, 3, 6)]
    rows = [[line] for line in lines]
    if _is_likert(scale):
        rows += [[f"{point}: {say(f'rating.point_{point}')}"] for point in range(5, 0, -1)]
    return {say("rating.how"): [[say("rating.how")], *rows]}


def _is_likert(scale: Scale) -> bool:
    return (scale.low, scale.high) == (LIKERT_5.low, LIKERT_5.high)


def _keys(points: Sequence[float]) -> str:
    """Return the digits that give a score, as they are named to raters."""
    digits = [f"{point:g}" for point in points if point == int(point) and 0 <= point <= 9]  # noqa: PLR2004
    return f"{digits[0]}–{digits[-1]}" if digits else ""


def _data(page: RatingPage, say: Words) -> dict[str, Any]:
    scale = page.scale
    return {
        "page": page.digest,
        "tag": page.tag,
        "rater": page.rater,
        "scale": [scale.low, scale.high, scale.step],
        "points": scale_points(scale),
        "items": [_item(item) for item in page.items],
        "skips": [[code, say(f"rating.skip_{code}")] for code in SKIPS],
        "words": say.section("rating"),
    }


def _item(item: PageItem) -> list[str | None]:
    texts = (item.input, item.answer, item.reference, item.criteria)
    return [item.id, *(None if text is None else printable(text) for text in texts)]
