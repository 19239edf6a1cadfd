"""What every page is: its policy names its own script and style, and foreign text stays text."""

import base64
import hashlib
import re

import pytest

from harness.human.page import PageItem, RatingPage
from harness.types import LIKERT_5
from reports.page import asset, policy, render_page
from reports.rating_page import rating_html


def sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@pytest.mark.parametrize("allowed", ["", "connect-src 'self'", "img-src data:"])
def test_a_policy_allows_its_script_its_style_and_what_is_said(allowed: str) -> None:
    """Directive by directive; whatever is not named falls under default-src."""
    found = [one.strip() for one in policy("p{}", "let a;", allowed=allowed).split(";")]
    assert "default-src 'none'" == found[0]
    assert {f"script-src 'sha256-{sha256('let a;')}'", f"style-src 'sha256-{sha256('p{}')}'"} == set(found[1:3])
    assert [*([allowed] if allowed else []), "base-uri 'none'", "form-action 'none'"] == found[3:]


def test_foreign_text_acts_nowhere() -> None:
    """In the page's text it is escaped, in its data it cannot end the element, and control characters are shown."""
    item = PageItem(id="a", input="</script><odd>\x1b[31m", answer="<odd>", reference=None, criteria=None)
    page = rating_html(RatingPage(tag="t", rater="<odd>\u202e", scale=LIKERT_5, items=(item,)))
    shown = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"<odd>|\x1b", page)
    assert "\u202e" not in shown
    assert "&lt;odd&gt;" in shown
    assert asset("rating.css") in page


def test_a_name_that_a_template_does_not_know_is_an_error() -> None:
    """It would be an empty place in the page that nobody sees."""
    with pytest.raises(Exception, match="is undefined"):
        render_page("rating.html.j2", style="", script="")
