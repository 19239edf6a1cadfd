"""report.html as a document: its golden text, its policy, and the data that it carries."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from reports.cautions import cautions
from reports.formatting import printable
from reports.html import report_html
from reports.run_view import Report
from reports.wording import Language, words
from tests.reports.conftest import HOSTILE, hostile_report, small_report


def page(report: Report, language: Language = "en") -> str:
    return report_html(report, cautions(report, words(language)), language=language)


def data_of(text: str) -> dict:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


class Structure(HTMLParser):
    """The elements of a page, with the attributes of each."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_page_is_the_golden_one(golden: Callable[[str, str], None], language: Language) -> None:
    """All words, figures and data; charts, style and script, whose parts have tests of their own, are left out."""
    text = page(small_report(), language)
    text = re.sub(
        r"<svg .*?</svg>",
        lambda found: (
            "<svg>" + re.findall(r'aria-label="[^"]*"', found[0])[0] if "aria-label" in found[0] else "<svg/>"
        ),
        text,
        flags=re.DOTALL,
    )
    text = re.sub(r"<style>.*?</style>|<script>.*?</script>", "", text, flags=re.DOTALL)
    text = re.sub(r"sha256-[\w+/=]+", "sha256-…", text)
    golden(f"report.{language}.html", text.replace('","', '",\n"').replace("],[", "],\n["))


def test_only_our_script_and_style_may_act() -> None:
    """The policy names the hashes of the one script and the one style; nothing else, inline or remote, is allowed."""
    text = page(small_report())
    policy = dict(
        part.split(" ", 1)
        for part in re.findall(r'Policy" content="([^"]+)"', text)[0].replace("&#39;", "'").split("; ")
    )
    for kind in ("script", "style"):
        [content] = re.findall(rf"<{kind}>(.*?)</{kind}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"'sha256-{digest}'" == policy[f"{kind}-src"]
    assert "'none'" == policy["default-src"]
    assert "data:" == policy["img-src"]


@pytest.mark.parametrize("report", [small_report, hostile_report])
def test_the_page_asks_the_network_for_nothing(report: Callable[[], Report]) -> None:
    """No element loads or links elsewhere, none has a handler or a style of its own."""
    for tag, attributes in Structure(page(report())).elements:
        assert tag not in {"link", "iframe", "object", "embed", "base", "img", "source"}
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        target = attributes.get("href") or attributes.get("src") or ""
        assert target.startswith(("#", "data:image/png")) or not target


def test_hostile_texts_are_data_and_words_alone() -> None:
    """Two scripts and no more, whatever the texts hold; every text is in the data as it was, made printable."""
    text = page(hostile_report())
    assert 2 == sum(tag == "script" for tag, _ in Structure(text).elements)
    assert 2 == text.count("</script>")
    assert "window.pwned" in text
    texts = data_of(text)["texts"]
    assert set(map(printable, HOSTILE.values())) <= set(texts)
    assert not re.search("[\x00\x1b\u202e\u2028\ud800]", text)


def test_every_chart_has_a_text_alternative_and_every_region_a_name() -> None:
    """Each picture says what it shows; ids are unique."""
    elements = Structure(page(small_report())).elements
    pictures = [attributes for tag, attributes in elements if tag == "svg" and attributes.get("role") == "img"]
    assert 1 + 2 * 3 + 2 == len(pictures)  # the opening's; two charts of each board and a scale; a card for each judge
    assert all(attributes["aria-label"] for attributes in pictures)
    assert all(attributes.get("aria-label") for _, attributes in elements if attributes.get("role") == "region")
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert sorted(set(ids)) == sorted(ids)
