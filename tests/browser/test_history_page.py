"""The page of `harness history` in a browser: two tries chosen by keyboard, a phone, axe, and hostile names."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, expect

from harness.analysis.history import TriesHistory, histories
from harness.ledger import Ledger
from reports.history_page import TryFacts, history_html
from reports.wording import words
from tests.analysis.test_ledger import LEDGER, SET, row
from tests.browser.conftest import Opened
from tests.reports.conftest import HOSTILE

pytestmark = pytest.mark.browser

RECIPES = ({"recipe.learning_rate": "0.0001", "data.mine": "aa"}, {"recipe.learning_rate": "0.0002", "data.mine": "aa"})


def tries() -> TriesHistory:
    rows = (row(f"try-{n}-とても長い名前のアダプター", n + 4, 0.1 * n, run=f"run-{n}") for n in range(6))
    [found] = histories(Ledger(sets=(SET,), rows=(*LEDGER.rows, *rows)))
    return found


OpenPage = Callable[..., Opened]


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[OpenPage]:
    contexts: list[BrowserContext] = []

    def run(found: TriesHistory, *, language: str = "en", width: int = 1280, scheme: str = "light") -> Opened:
        facts = {
            (one.run, one.candidate): TryFacts(state="known", values=RECIPES[place % 2])
            for place, one in enumerate(found.rows[1:])
        }
        path = tmp_path / "history.html"
        path.write_text(history_html([found, replace(found, part="sealed")], [], words(language), facts), "utf-8")
        context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme, offline=True)
        contexts.append(context)
        opened = Opened(context.new_page())
        opened.page.goto(path.as_uri())
        return opened

    yield run
    for context in contexts:
        context.close()


def test_what_changed_between_two_tries(open_page: OpenPage) -> None:
    """By keyboard: the learning rate and nothing else; the same recipe; a try that is not on record any more."""
    opened = open_page(tries())
    page = opened.page
    panel = page.locator(".compare").first
    before, after = (panel.locator(f"select[name={name}]") for name in ("before", "after"))
    before.focus()
    before.select_option("2")
    after.select_option("3")
    expect(panel.locator(".said")).to_contain_text("1 thing is not the same; 1 are.")
    [changed] = panel.locator("tr.changed").all_inner_texts()
    assert ["recipe: learning_rate", "0.0002", "0.0001"] == changed.split("\t")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    [changed] = panel.locator("tr.changed").all_inner_texts()
    assert ["recipe: learning_rate", "0.0001", "0.0002"] == changed.split("\t")
    before.select_option("4")
    expect(panel.locator(".said")).to_have_text("All 2 things on record are the same.")
    before.select_option("0")
    expect(panel.locator(".said")).to_contain_text("is not in the runs folder any more")
    after.select_option("0")
    expect(panel.locator(".said")).to_have_text("Choose two different tries.")
    assert ([], [page.url]) == (opened.trouble, opened.requests)


@pytest.mark.parametrize(("language", "scheme", "width"), [("ja", "light", 390), ("en", "dark", 1440)])
def test_everybody_can_read_it(open_page: OpenPage, language: str, scheme: str, width: int) -> None:
    """Axe finds nothing, and the page never scrolls sideways."""
    page = open_page(tries(), language=language, scheme=scheme, width=width).page
    found = Axe().run(page).response["violations"]
    assert [] == [(fault["id"], fault["nodes"][0]["html"][:200]) for fault in found]
    assert width >= page.evaluate("() => document.documentElement.scrollWidth")


def test_hostile_names_do_nothing(open_page: OpenPage) -> None:
    """A name of every attack, chosen on both sides."""
    found = tries()
    texts = [text[:2000] for text in HOSTILE.values()]
    rows = tuple(
        replace(one, label=texts[n % len(texts)], run=texts[n % len(texts)]) for n, one in enumerate(found.rows)
    )
    opened = open_page(replace(found, names=(texts[0],), rows=rows))
    panel = opened.page.locator(".compare").first
    for place in range(len(rows)):
        panel.locator("select[name=before]").select_option(str(place))
    assert opened.page.evaluate("() => window.pwned === undefined")
    assert ([], [opened.page.url]) == (opened.trouble, opened.requests)
