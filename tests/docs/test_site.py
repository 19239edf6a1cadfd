"""The documentation site: it builds without a warning, no link is dead, and its search finds Japanese."""

import doctest
import http.server
import importlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytest.importorskip("sphinx")
SITE = ROOT / "docs" / "site"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, as `make docs` builds it: a warning or a dead link is a failure."""
    target = tmp_path_factory.mktemp("site")
    ran = subprocess.run(
        [sys.executable, str(SITE / "build.py"), "--output", str(target)],
        cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert 0 == ran.returncode, ran.stdout + ran.stderr
    return target


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The site's own modules, importable."""
    names = ("build", "links", "pictures", "reference", "search")
    monkeypatch.syspath_prepend(str(SITE))
    yield
    for name in names:
        sys.modules.pop(name, None)


def test_both_languages_have_the_same_pages(site: Path) -> None:
    """Under the same names, so that the link to the other language never leads nowhere."""
    pages = {
        language: {str(path.relative_to(site / language)) for path in (site / language).rglob("*.html")}
        for language in ("en", "ja")
    }
    assert pages["en"] == pages["ja"]
    assert {"index.html", "statistics.html", "reference/commands/eval.html", "glossary.html"} <= pages["en"]
    assert "日本語" in (site / "en/statistics.html").read_text(encoding="utf-8")


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    """No font, script or style of another server (the links of `links.dead_links` are those of the pages)."""
    for path in [*site.rglob("*.css"), *site.rglob("*.html")]:
        assert not re.search(r"(?:@import|url\()\s*['\"]?(?:https?:)?//", path.read_text(encoding="utf-8")), path


def test_llms_txt_lists_every_page_as_text(site: Path) -> None:
    """As llmstxt.org has it: a title, a summary, and links with what stands behind them."""
    text = (site / "llms.txt").read_text(encoding="utf-8")
    assert text.startswith("# ja-harness\n\n> ")
    links = re.findall(r"^- \[[^\]]+\]\(([^)]+)\): (.*)$", text, flags=re.MULTILINE)
    assert 50 <= len(links)
    assert [] == [link for link, _ in links if not (site / link).is_file()]
    assert [] == [link for link, summary in links if len(summary) < 8]


@pytest.mark.usefixtures("scripts")
def test_the_examples_of_the_scripts_hold() -> None:
    """Their docstrings."""
    for name in ("build", "search"):
        tried = doctest.testmod(importlib.import_module(name))
        assert (0, True) == (tried.failed, tried.attempted > 0), name


@pytest.mark.usefixtures("scripts")
def test_a_dead_link_is_told(tmp_path: Path) -> None:
    """A file that is not there, a place that is not there, and what is loaded from another server."""
    import links

    (tmp_path / "a.html").write_text(
        '<h1 id="x">a</h1><a href="b.html">b</a><a href="a.html#x">x</a><a href="a.html#y">y</a>'
        '<a href="https://example.org">out</a><script src="https://cdn.example.org/s.js"></script>',
        encoding="utf-8",
    )
    assert [
        "a.html: b.html: no such file",
        "a.html: a.html#y: no such place on that page",
        "a.html: loads https://cdn.example.org/s.js",
    ] == links.dead_links(tmp_path)
    (tmp_path / "README.md").write_text("[a](a.html) [b](docs/b.md#c) `[c](d)`\n", encoding="utf-8")
    assert ["README.md: docs/b.md#c: no such file"] == links.dead_links_of_text(tmp_path)


@pytest.mark.usefixtures("scripts")
def test_every_field_of_the_reference_is_explained_in_both_languages() -> None:
    """What is missing goes into docs/site/fields.toml; what the program no longer has goes out of it."""
    import reference

    keys = {f"config.{table}.{key}" for table, key, *_ in reference.config_keys()}
    keys |= {f"results.{section}.{name}" for section, name, _ in reference.result_fields()}
    words = {key: value for key, value in reference.words().items() if not key.startswith("page.")}
    assert [] == sorted(keys - set(words)), "without words"
    optional = {key for key in words if key.startswith("results.notices.")}  # the example has none
    assert [] == sorted(set(words) - keys - optional), "words without a field"
    assert [] == [key for key, value in words.items() if not (value["en"] and value["ja"])]


@pytest.mark.usefixtures("scripts")
def test_the_reference_has_every_option_of_every_command() -> None:
    """Each as it is typed."""
    import click
    import reference

    pages = reference.pages("en")
    for name, command in reference.leaves():
        page = pages[f"reference/commands/{name.partition(' ')[0]}"]
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                assert max(parameter.opts, key=len) in page, (name, parameter.opts)
    assert "実行" in reference.pages("ja")["reference/commands/eval"]


@pytest.mark.usefixtures("scripts")
def test_the_pictures_are_those_that_the_script_draws() -> None:
    """Else: python docs/site/pictures.py."""
    import pictures

    assert {path.name: path.read_text(encoding="utf-8") for path in pictures.FOLDER.glob("*.svg")} == pictures.drawn()


@pytest.mark.browser
@pytest.mark.parametrize(
    ("language", "query", "page"),
    [
        *(("ja", "同時区間", "statistics"), ("ja", "決められない", "statistics"), ("ja", "目隠し", "start-team")),
        *(("ja", "ドライブ", "store"), ("en", "undecided", "statistics"), ("en", "torn", "store")),
    ],
)
def test_the_search_finds(site: Path, language: str, query: str, page: str) -> None:
    """In a browser, over a loopback server: words inside of longer ones, in both languages."""
    playwright = pytest.importorskip("playwright.sync_api")
    found = next((path for path in ("/usr/bin/chromium", "/usr/bin/chromium-browser") if Path(path).exists()), None)
    if found is None:
        pytest.skip("no Chromium")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def search() -> list[str]:
        with playwright.sync_playwright() as started:
            browser = started.chromium.launch(executable_path=found, args=["--no-sandbox"])
            tab = browser.new_page()
            tab.goto(f"http://127.0.0.1:{server.server_port}/{language}/search.html?q={query}")
            tab.wait_for_selector("#search-results li a")
            hrefs: list[str] = tab.eval_on_selector_all("#search-results li a", "found => found.map(link => link.href)")
            browser.close()
            return hrefs

    try:
        with ThreadPoolExecutor(1) as pool:  # another test may have left an event loop in this thread
            links = pool.submit(search).result()
    finally:
        server.shutdown()
    assert any(f"/{language}/{page}.html" in link for link in links), json.dumps(links)
