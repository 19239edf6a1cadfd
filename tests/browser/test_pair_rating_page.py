"""The page to compare on in a real browser: keys and taps through a crash to the board; phone, attacks, axe."""

import json
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from harness.human.pair_page import PairPage
from reports.pair_rating_page import pair_rating_html
from tests.browser.conftest import FLAGS, Opened, chromium
from tests.conftest import RunCli, results_of
from tests.reports.conftest import HOSTILE
from tests.reports.test_pair_rating_page import page_of

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}


def opened(browser: Browser, page: PairPage, to: Path, *, language: str = "en", **options: object) -> Opened:
    to.write_text(pair_rating_html(page, language=language), encoding="utf-8")  # type: ignore[arg-type]
    context = browser.new_context(offline=True, **options)  # type: ignore[arg-type]
    found = Opened(context.new_page())
    found.page.goto(to.as_uri())
    return found


def save(page: Page, to: Path) -> None:
    with page.expect_download() as download:
        page.keyboard.press("e")
    download.value.save_as(to)


def rate(page: Page, count: int) -> None:
    """Prefer whatever says good, by the key of its place; else a tie."""
    for _ in range(count):
        first, second = (page.locator(f"#{name}").inner_text() for name in ("answer", "answer-second"))
        page.keyboard.press("1" if "good" in first else "3" if "good" in second else "2")


def test_a_rater_compares_through_a_crash(browser: Browser, run_cli: RunCli, workplace: Path, tmp_path: Path) -> None:
    """By keys, with a browser that dies in between, an undo and a skip; the file is imported and the board is right."""
    (workplace / "t.jsonl").write_text("".join(f'{{"task_id": {n}, "input": "問{n}"}}\n' for n in range(8)))
    for name in ("base", "good"):
        rows = "".join(f'{{"task_id": {n}, "output": "{name} answer {n}"}}\n' for n in range(8))
        (workplace / f"{name}.jsonl").write_text(rows)
    specs = [part for name in ("base", "good") for part in ("--model", f"{name}=outputs:{name}.jsonl")]
    run_cli("eval", "--task", "t=t.jsonl", *specs, "--judge", "rules", "--run", "r")
    run_cli("rate", "page", "r", "--pairs")
    (path,) = (workplace / "runs" / "r" / "rating").glob("pairs-*.html")
    profile = tmp_path / "profile"
    kind = browser.browser_type
    with kind.launch_persistent_context(str(profile), executable_path=chromium(), args=FLAGS, offline=True) as first:
        page = first.new_page()
        page.goto(path.as_uri())
        rate(page, 3)
        expect(page.locator("#done")).to_contain_text("3 of 8")
    with kind.launch_persistent_context(str(profile), executable_path=chromium(), args=FLAGS, offline=True) as again:
        page = again.new_page()
        page.goto(path.as_uri())
        expect(page.locator("#status")).to_contain_text("Welcome back: 3 of 8")
        page.keyboard.press("2")
        page.keyboard.press("u")
        expect(page.locator("#status")).to_contain_text("Taken back; pair 4")
        rate(page, 4)
        page.keyboard.press("s")
        page.keyboard.press("1")
        expect(page.locator("#status")).to_contain_text("All pairs are done")
        save(page, tmp_path / "saved.json")
    assert run_cli("rate", "import", "r", str(tmp_path / "saved.json")).code == 0
    (found,) = results_of(workplace, "r")["pairwise"]
    (one,) = found["comparisons"]
    assert (one["candidate"]["model"], one["wins"], one["losses"], one["n_missing"]) == ("good", 7, 0, 1)
    assert found["unscored_reasons"] == [{"code": "rating_skipped", "count": 1}]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_side_by_side_and_stacked_on_a_phone(browser: Browser, tmp_path: Path, language: str) -> None:
    """Nothing is wider than the phone, every button can be tapped, and axe finds nothing serious."""
    long = page_of("長い回答です。" * 80, "https://example.com/" + "x" * 300)
    wide = opened(browser, long, tmp_path / "wide.html", language=language, viewport={"width": 1280, "height": 900})
    boxes = [wide.page.locator(f"#{name}").bounding_box() for name in ("answer", "answer-second")]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert boxes[1]["x"] > boxes[0]["x"] + boxes[0]["width"] - 1
    narrow = opened(browser, long, tmp_path / "phone.html", language=language, viewport=PHONE, has_touch=True)
    for _ in range(2):
        assert narrow.page.evaluate("document.documentElement.scrollWidth") <= 390
        for button in narrow.page.locator("button.point").all():
            box = button.bounding_box()
            assert box is not None
            assert box["height"] >= 44
        narrow.page.locator("button.point").nth(1).tap()
    below = [narrow.page.locator(f"#{name}").bounding_box() for name in ("answer", "answer-second")]
    assert below[1]["y"] > below[0]["y"]
    for one in (wide, narrow):
        found = Axe().run(one.page).response["violations"]
        assert [item["id"] for item in found if item["impact"] in {"serious", "critical"}] == []
        assert one.trouble == []
        one.page.context.close()


def test_hostile_answers_do_nothing(browser: Browser, tmp_path: Path) -> None:
    """They are shown as text on either side, no request leaves, nothing is said or run."""
    found = opened(browser, page_of(*HOSTILE.values()), tmp_path / "hostile.html")
    for _ in HOSTILE:
        found.page.keyboard.press("ArrowRight")
    assert found.page.evaluate("window.hacked") is None
    assert found.trouble == []
    assert [url for url in found.requests if not url.startswith(("file:", "data:"))] == []
    assert json.loads(found.page.locator("#data").inner_text())["rater"] == "2"
    found.page.context.close()
