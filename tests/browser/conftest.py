"""Headless Chromium from the system, on pages written here: no network, nothing downloaded."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from reports.cautions import cautions
from reports.html import report_html
from reports.run_view import Report
from reports.wording import Language, words

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]  # fmt: skip
NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """Return the path of the system's Chromium, or None."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; the tests skip where there is none."""
    path = chromium()
    if path is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium fonts-ipafont-gothic")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield opened
        opened.close()


class Opened:
    """A page with all that it logged, raised or asked for."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.trouble: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.trouble.append(message.text))
        page.on("pageerror", lambda error: self.trouble.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("dialog", lambda dialog: self.trouble.append(f"dialog: {dialog.message}"))


Open = Callable[..., Opened]


@pytest.fixture
def open_report(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Open a report in a window of a size and a colour scheme."""
    contexts = []

    def run(
        report: Report | Path,
        *,
        language: Language = "en",
        width: int = 1280,
        height: int = 900,
        scheme: str = "light",
        script: bool = True,
    ) -> Opened:
        path = report if isinstance(report, Path) else tmp_path / f"report.{language}.html"
        if isinstance(report, Report):
            page = report_html(report, cautions(report, words(language)), language=language)
            path.write_text(page, encoding="utf-8")
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, java_script_enabled=script, offline=True
        )
        contexts.append(context)
        opened = Opened(context.new_page())
        opened.page.goto(path.as_uri())
        return opened

    yield run
    for context in contexts:
        context.close()
