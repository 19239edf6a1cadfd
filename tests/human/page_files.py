"""Files as a page saves them, made without a browser."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from harness.human.page import PageItem, RatingPage


def page_file(page: RatingPage, say: Callable[[PageItem], Mapping[str, Any] | None], **changed: Any) -> str:
    """Return the text of a page's file; ``say`` gives what the rater did with an item, None for nothing."""
    given = [(item, say(item)) for item in page.items]
    document = {
        "format": "harness ratings",
        "schema": 1,
        "tag": page.tag,
        "rater": page.rater,
        "page": page.digest,
        "scale": [page.scale.low, page.scale.high, page.scale.step],
        "ratings": [{"item": item.id, **rating} for item, rating in given if rating is not None],
    }
    return json.dumps(document | changed)
