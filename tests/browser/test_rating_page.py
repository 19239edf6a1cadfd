"""The page to rate on in a real browser: two raters to the audit, with a crash; keys, phone, attacks, accessibility."""

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect

from harness.human.page import PageItem, RatingPage, read_page_file
from harness.types import LIKERT_5, Scale
from reports.rating_page import rating_html
from tests.browser.conftest import FLAGS, Opened, chromium
from tests.conftest import RunCli, results_of
from tests.reports.conftest import HOSTILE

pytestmark = pytest.mark.browser

TASKS = 20  # half of them answered alike by both models: 30 answers
HALVES = Scale(low=1, high=5, step=0.5)


def page_of(*answers: str, scale: Scale = LIKERT_5, criteria: str | None = "三つある: +1点") -> RatingPage:
    return RatingPage(
        tag="bcdf",
        rater="1",
        scale=scale,
        items=tuple(
            PageItem(id=f"bcdf{place}", input=f"問題{place}", answer=answer, reference="参照", criteria=criteria)
            for place, answer in enumerate(answers)
        ),
    )


OpenPage = Callable[..., Opened]


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[OpenPage]:
    """Open a page to rate on, from a file and without a network."""
    contexts: list[BrowserContext] = []

    def run(page: RatingPage, *, language: str = "en", width: int = 1280, height: int = 900, scheme: str = "light",
            script: bool = True) -> Opened:  # fmt: skip
        path = tmp_path / "page.html"
        path.write_text(rating_html(page, language=language), encoding="utf-8")
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


def saved(page: Page, to: Path, press: Callable[[], None]) -> dict:
    with page.expect_download() as download:
        press()
    download.value.save_as(to)
    read_page_file(to.read_text(encoding="utf-8"), str(to))
    return json.loads(to.read_text(encoding="utf-8"))


def test_two_raters_rate_thirty_answers_through_a_crash(
    browser: Browser, run_cli: RunCli, workplace: Path, tmp_path: Path
) -> None:
    """Pages rated by keys and by taps, a browser that dies in between, files imported, board and audit right."""
    Path("tasks.jsonl").write_text(
        "".join(json.dumps({"task_id": n, "input": f"質問{n}"}) + "\n" for n in range(TASKS + 5)), encoding="utf-8"
    )
    texts = {"weak-7b": "悪い答え", "strong-7b": "良い答え"}
    rows = [
        {"model": model, "task_id": n, "output": text + str(n) if n % 2 else f"同じ答え{n}"}
        for model, text in texts.items()
        for n in range(TASKS + 5)
    ]
    Path("answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    Path("judge.csv").write_text(
        "model,task_id,score\n"
        + "".join(f"{row['model']},{row['task_id']},{1 + n % 5}\n" for n, row in enumerate(rows)),
        encoding="utf-8",
    )
    arguments = ("--task", "mine=tasks.jsonl", "--model", "outputs:answers.jsonl", "--judge", "scores:judge.csv")
    assert 0 == run_cli("eval", *arguments, "--run", "r").code
    for seed in range(30):
        made = run_cli("rate", "page", "r", "--raters", "2", "--sample", str(TASKS), "--seed", str(seed))
        if "30 answers to rate" in made.err:
            break
    pages = [Path(line) for line in made.out.splitlines()]
    scores = {"悪い": 2, "良い": 4, "同じ": 3}
    files = [tmp_path / "1.json", tmp_path / "2.json"]

    def visit(profile: str, page: Path, do: Callable[[Page], None]) -> None:
        context = browser.browser_type.launch_persistent_context(
            tmp_path / profile, executable_path=chromium(), args=FLAGS, offline=True, accept_downloads=True
        )
        opened = Opened(context.new_page())
        opened.page.goto(page.as_uri())
        do(opened.page)
        assert ([], [page.as_uri()]) == (opened.trouble, [url for url in opened.requests if url[:5] != "blob:"])
        context.close()

    def by_keys(count: int) -> Callable[[Page], None]:
        def do(page: Page) -> None:
            for _ in range(count):
                answer = page.locator("#answer").inner_text()
                page.keyboard.press(str(scores[answer[:2]]))

        return do

    def rest_by_keys(page: Page) -> None:
        expect(page.locator("#status")).to_have_text("Welcome back: 13 of 30 done so far.")
        expect(page.locator("#place")).to_have_text("Answer 14 of 30")
        by_keys(17)(page)
        expect(page.locator("#status")).to_have_text("All answers are done. Save the file and send it back.")
        file = saved(page, files[0], lambda: page.keyboard.press("e"))
        assert 30 == len(file["ratings"])

    def by_taps(page: Page) -> None:
        for _ in range(30):
            answer = page.locator("#answer").inner_text()
            page.get_by_role(
                "button", name=f"Score {min(5, scores[answer[:2]] + (answer[0] == '良'))}", exact=True
            ).click()
        expect(page.locator("#done")).to_have_text("30 of 30 done")
        saved(page, files[1], page.get_by_role("button", name="Save the file").click)

    visit("first", pages[0], by_keys(13))  # and the window is gone
    visit("first", pages[0], rest_by_keys)
    visit("second", pages[1], by_taps)
    imported = run_cli("rate", "import", "r", *map(str, files))
    assert 0 == imported.code, imported.err
    assert "60 ratings of 30 answers by 2 raters." in imported.out
    human = {row["model"]: row for row in results_of(Path(), "r")["rows"] if row["judge"] == "human"}
    assert {"weak-7b": (2.5, TASKS), "strong-7b": (3.75, TASKS)} == {
        model: (row["mean"], row["n"]) for model, row in human.items()
    }
    [task] = json.loads(run_cli("audit", "r", "--json").out)["tasks"]
    [anchored] = task["anchorings"]
    assert (True, TASKS + 5) == (anchored["drawn_at_random"], anchored["n_tasks"])
    [difference] = anchored["differences"]
    assert difference["estimate"]["population"]["low"] < 1.25 < difference["estimate"]["population"]["high"]


def test_a_reload_and_a_crashed_tab_lose_nothing(open_page: OpenPage) -> None:
    """Score, skip, comment, undo steps and place are there again."""
    page = open_page(page_of("一", "二", "三", "四")).page
    page.keyboard.press("5")
    page.keyboard.press("s")
    page.keyboard.press("2")
    page.keyboard.press("c")
    page.keyboard.type("まだ途中")
    page.reload()
    expect(page.locator("#place")).to_have_text("Answer 3 of 4")
    expect(page.locator("#comment")).to_have_value("まだ途中")
    expect(page.locator("#done")).to_have_text("2 of 4 done · 1 skipped")
    page.keyboard.press("u")
    expect(page.locator("#place")).to_have_text("Answer 2 of 4")
    expect(page.locator("#now")).to_have_text("Not rated yet")
    page.keyboard.press("Control+z")
    expect(page.locator("#done")).to_have_text("0 of 4 done")
    page.keyboard.press("u")
    expect(page.locator("#status")).to_have_text("There is nothing to take back.")


def test_a_killed_browser_loses_nothing(browser: Browser, tmp_path: Path) -> None:
    """All its processes at once, right after a key: what was rated is on the disk by then."""
    path, profile = tmp_path / "page.html", tmp_path / "profile"
    path.write_text(rating_html(page_of(*"一二三四五六七八")), encoding="utf-8")

    def opened() -> BrowserContext:
        context = browser.browser_type.launch_persistent_context(
            profile, executable_path=chromium(), args=FLAGS, offline=True
        )
        context.new_page().goto(path.as_uri())
        return context

    context = opened()
    page = context.pages[-1]
    for key in "12345":
        page.keyboard.press(key)
    expect(page.locator("#done")).to_have_text("5 of 8 done")
    page.evaluate("() => vaultRead()")  # comes after what was written
    for process in psutil.process_iter(["pid", "cmdline"]):
        if any(str(profile) in part for part in process.info["cmdline"] or ()):
            process.kill()
    with contextlib.suppress(Error):
        context.close()
    for lock in profile.glob("Singleton*"):
        lock.unlink()
    again = opened()
    page = again.pages[-1]
    expect(page.locator("#done")).to_have_text("5 of 8 done")
    expect(page.locator("#status")).to_have_text("Welcome back: 5 of 8 done so far.")
    expect(page.locator("#place")).to_have_text("Answer 6 of 8")
    again.close()


def test_the_keyboard_is_enough(open_page: OpenPage, tmp_path: Path) -> None:
    """Scores, halves, skip with a reason, comment, moving and saving without a mouse; a comment's digits are text."""
    page = open_page(page_of(*"一二三四五", scale=HALVES)).page
    for key in ("4", "Shift+3", "s", "Escape", "s", "4", "c"):
        page.keyboard.press(key)
    page.keyboard.type("5点に近い")
    page.keyboard.press("Escape")
    page.keyboard.press("2")
    page.keyboard.press("Shift+5")  # no such point
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#now")).to_have_text("Score 2")
    page.keyboard.press("3")  # another score for what is rated already, and on to the first that is not
    expect(page.locator("#place")).to_have_text("Answer 5 of 5")
    file = saved(page, tmp_path / "f.json", lambda: page.keyboard.press("e"))
    assert [
        {"item": "bcdf0", "score": 4},
        {"item": "bcdf1", "score": 3.5},
        {"item": "bcdf2", "skip": "other"},
        {"item": "bcdf3", "score": 3, "comment": "5点に近い"},
    ] == file["ratings"]
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement !== document.body")


def test_a_fine_scale_is_typed(open_page: OpenPage, tmp_path: Path) -> None:
    """No buttons for a hundred points: a number and Enter; what is off the scale is said and not kept."""
    page = open_page(page_of("一", "二", scale=Scale(low=0, high=100, step=1))).page
    page.locator("#typed").fill("101")
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_have_text("Scores go from 0 to 100 in steps of 1.")
    page.locator("#typed").fill("73")
    page.keyboard.press("Enter")
    expect(page.locator("#place")).to_have_text("Answer 2 of 2")
    file = saved(page, tmp_path / "f.json", page.locator("#save").click)
    assert [{"item": "bcdf0", "score": 73}] == file["ratings"]


def test_a_saved_file_goes_on_elsewhere(open_page: OpenPage, tmp_path: Path) -> None:
    """Another browser takes it in; a file of another page, or none of ours, is refused in a sentence."""
    first = open_page(page_of("一", "二", "三")).page
    first.keyboard.press("5")
    saved(first, tmp_path / "f.json", lambda: first.keyboard.press("e"))
    second = open_page(page_of("一", "二", "三")).page
    expect(second.locator("#done")).to_have_text("0 of 3 done")
    second.locator("#load").set_input_files(tmp_path / "f.json")
    expect(second.locator("#status")).to_have_text("1 rating taken from the file.")
    expect(second.locator("#done")).to_have_text("1 of 3 done")
    other = open_page(page_of("別", "二", "三")).page
    other.locator("#load").set_input_files(tmp_path / "f.json")
    expect(other.locator("#status")).to_contain_text("saved from another page")
    (tmp_path / "x.json").write_text("{")
    other.locator("#load").set_input_files(tmp_path / "x.json")
    expect(other.locator("#status")).to_have_text("This is not a file saved from this page.")


def test_hostile_texts_are_shown_as_text_and_do_nothing(open_page: OpenPage) -> None:
    """Every attack in every place: no script runs, no element appears, nothing is asked for."""
    texts = [
        *(text[:5000] for text in HOSTILE.values()),
        '"><style>*{display:none}</style>',
        "</div><form action=https://x><button>",
        "__proto__",
    ]
    items = tuple(
        PageItem(id=f"bcdf{place}", input=text, answer=text, reference=text, criteria=text)
        for place, text in enumerate(texts)
    )
    opened = open_page(RatingPage(tag="bcdf", rater="1", scale=LIKERT_5, items=items))
    page = opened.page
    elements = "() => document.querySelectorAll('*').length"
    before = page.evaluate(elements)
    for place, text in enumerate(texts):
        expect(page.locator("#place")).to_have_text(f"Answer {place + 1} of {len(texts)}")
        shown = page.locator("#answer").evaluate("(element) => element.textContent")
        assert len(text) == len(shown)
        assert text.replace("\x00", "\ufffd") == shown or "\ufffd" in shown
        page.keyboard.press("3")
    assert before == page.evaluate(elements)
    page.reload()
    expect(page.locator("#done")).to_have_text(f"{len(texts)} of {len(texts)} done")
    assert page.evaluate("() => window.pwned === undefined && ({}).score === undefined")
    assert ([], {page.url}) == (opened.trouble, set(opened.requests))


def test_what_stands_in_the_browser_is_not_trusted(open_page: OpenPage) -> None:
    """Another page of the same folder may write there: what this page could not have written is dropped."""
    page = open_page(page_of("一", "二")).page
    ratings = {"bcdf0": {"score": 9}, "zz": {"score": 3}, "bcdf1": {"score": 4}}
    bad = {"at": 99, "turn": 99, "steps": [1, {"id": "zz"}], "ratings": ratings}
    page.evaluate("(text) => localStorage.setItem(KEPT, text)", json.dumps(bad))
    page.reload()
    expect(page.locator("#done")).to_have_text("1 of 2 done")
    page.evaluate("() => localStorage.setItem(KEPT, '<b>')")
    page.reload()
    expect(page.locator("#done")).to_have_text("1 of 2 done")  # the database still has it
    for bad_one in ("<b>", json.dumps({"turn": 999, "ratings": {"bcdf0": {"score": 9}}}), json.dumps({"turn": "x"})):
        page.evaluate("() => localStorage.setItem(KEPT, '<b>')")
        page.evaluate("(text) => vaultWrite(text).then(vaultRead)", bad_one)  # which waits until it is written
        page.reload()
        expect(page.locator("#done")).to_have_text("0 of 2 done")


@pytest.mark.parametrize(
    ("language", "scheme", "width", "height"),
    [("en", "light", 390, 844), ("ja", "dark", 390, 844), ("en", "dark", 1440, 900), ("ja", "light", 1440, 900)],
)
def test_everybody_can_rate(open_page: OpenPage, language: str, scheme: str, width: int, height: int) -> None:
    """Axe finds nothing, the page never scrolls sideways, and the buttons leave most of a phone to the answer."""
    answers = ["長い答えです。" * 60, "x" * 500]
    page = open_page(page_of(*answers, scale=HALVES), language=language, scheme=scheme, width=width, height=height).page
    for keys in ("", "3", "s"):
        if keys:
            page.keyboard.press(keys)
        found = Axe().run(page).response["violations"]
        assert [] == [(fault["id"], fault["nodes"][0]["html"][:200]) for fault in found]
        assert width >= page.evaluate("() => document.documentElement.scrollWidth")
        box = page.locator("footer").bounding_box()
        assert box is not None
        assert box["height"] <= 0.4 * height


def test_without_script_a_sentence_says_so(open_page: OpenPage) -> None:
    page = open_page(page_of("一"), script=False).page
    expect(page.locator("main > noscript p, main > p.warning").first).to_contain_text("This page needs JavaScript")
