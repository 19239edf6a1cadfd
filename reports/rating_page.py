"""The page that one rater rates on: one file, without network, without a model's name; no foreign text acts in it."""

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from harness.human.page import PageItem, RatingPage, scale_points
from harness.human.ratings import SKIPS
from harness.types import LIKERT_5, Scale
from reports.formatting import printable
from reports.payload import embedded
from reports.wording import Language, Words, words

_SCRIPTS = ("rating_state.js", "rating_vault.js", "rating_one.js", "rating.js")
_SERVED_SCRIPTS = ("rating_state.js", "rating_vault.js", "rating_one.js", "rating_sync.js", "rating.js")


def rating_html(page: RatingPage, *, language: Language = "en", served: bool = False) -> str:
    """Return the whole page; its words are in ``language``, tasks and answers stand as they are.

    ``served``: it sends what is rated to where it came from, and works without it, too.
    """
    say, points = words(language), scale_points(page.scale)
    return (
        environment()
        .get_template("rating.html.j2")
        .render(
            say=say,
            page=page,
            served=served,
            policy=rating_policy(served=served),
            style=Markup(asset("rating.css")),  # noqa: S704 - our own file
            script=Markup(_script(served)),  # noqa: S704 - our own files
            data=Markup(embedded(_data(page, say) | ({"served": True} if served else {}))),  # noqa: S704 - escaped for where it stands
            points=[f"{point:g}" for point in points],
            halves=any(point != int(point) for point in points),
            keys=_keys(points),
            is_likert=_is_likert(page.scale),
        )
    )


def rating_policy(*, served: bool = False) -> str:
    """Return the page's content security policy: its own script and style, and at most the server it came from."""
    return policy(asset("rating.css"), _script(served), served=served)


@cache
def _script(served: bool) -> str:
    return "\n".join(asset(name) for name in (_SERVED_SCRIPTS if served else _SCRIPTS))


@cache
def environment() -> Environment:
    """Return where the templates of pages to rate on are rendered: everything foreign is escaped."""
    return Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def asset(name: str) -> str:
    """Return a script or style of ours."""
    return (resources.files("reports") / "templates" / name).read_text(encoding="utf-8")


def policy(style: str, script: str, *, served: bool = False) -> str:
    """Return the policy under which a page runs its own script and style, and at most asks the server it came from."""
    connect = "connect-src 'self'; " if served else ""
    return (
        f"default-src 'none'; script-src 'sha256-{_hash(script)}'; style-src 'sha256-{_hash(style)}'; {connect}"
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


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
