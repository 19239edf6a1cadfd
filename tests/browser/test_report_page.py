"""report.html in a real browser: what a reader does with it, what foreign text cannot do, and who can read it."""

import csv
import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from harness.analysis.leaderboard import build_leaderboard
from harness.analysis.scores import ScoreTable
from harness.engine.plan import PlannedJudge
from harness.types import LIKERT_5, Generation, RowKey, Sample, Verdict
from reports.html import report_html
from reports.run_view import Report, ShownAnswer
from tests.browser.conftest import Open
from tests.patience import PATIENCE
from tests.reports.conftest import HOSTILE, SCORES, ab_report, hostile_report, small_report

pytestmark = pytest.mark.browser


def go(page: Page, tab: str) -> None:
    """Choose a tab by its name."""
    choose(page.get_by_role("tab", name=tab, exact=True))


def choose(tab: Locator) -> None:
    """Choose a tab, and wait for its panel: it comes with the event of the new address, which follows the click."""
    tab.click()
    expect(tab).to_have_attribute("aria-selected", "true")


def column(page: Page, key: str) -> list[str]:
    """Return the cells of a column of the board in sight, row by row."""
    return page.evaluate(
        """(key) => {
          const table = document.querySelector(".board:not([hidden]) table.of-board");
          const index = [...table.tHead.rows[0].cells].findIndex((cell) => cell.dataset.key === key);
          return [...table.tBodies[0].rows].filter((row) => !row.classList.contains("group"))
            .map((row) => row.cells[index].textContent.trim());
        }""",
        key,
    )


def test_the_page_opens_on_the_verdict_and_asks_for_nothing(open_report: Open) -> None:
    """No error, no warning of the policy, no request but for the file itself; the verdict is what is seen."""
    opened = open_report(small_report())
    opened.page.wait_for_timeout(100)
    assert ([], [opened.page.url]) == (opened.trouble, opened.requests)
    expect(opened.page.locator(".hero .verdict")).to_contain_text("Better than the baseline base / course.v1: 1 of 2")
    expect(opened.page.locator(".hero .numbers dd").first).to_have_text("1 / 2")
    expect(opened.page.locator("#leaderboard")).to_be_hidden()


def test_the_board_sorts_groups_pins_and_compares(open_report: Open) -> None:
    """A first click on a figure puts the largest first; a pinned row stays on top; two chosen rows become A and B."""
    page = open_report(small_report()).page
    go(page, "Leaderboard")
    assert ["a|b <i>x</i> `c`", "日本語モデル", "base"] == column(page, "model")
    head = page.locator(".board:visible thead")
    head.get_by_role("button", name="unscored").click()
    assert ["1", "0", "0"] == column(page, "unscored")
    head.get_by_role("button", name="unscored").click()
    assert ["0", "0", "1"] == column(page, "unscored")
    assert "ascending" == page.locator("th[aria-sort]").first.get_attribute("aria-sort")
    head.get_by_role("button", name="model").click()
    assert ["a|b <i>x</i> `c`", "base", "日本語モデル"] == column(page, "model")
    page.get_by_label("Group by").select_option("verdict")
    expect(page.locator(".board:visible tr.group")).to_have_text(["better (1)", "baseline (1)", "no worse (1)"])
    page.get_by_label("Select 日本語モデル").check()
    page.get_by_role("button", name="Keep on top").click()
    assert "日本語モデル" == column(page, "model")[0]
    page.get_by_label("Select base").check()
    page.get_by_role("button", name="Compare their answers").click()
    expect(page.locator("#task .pair h4")).to_have_text([re.compile("base / course.v1"), re.compile("日本語モデル")])


def test_columns_are_chosen_and_every_judge_has_one(open_report: Open) -> None:
    """The primary judge is marked; a column that is hidden at first can be shown."""
    page = open_report(small_report()).page
    go(page, "Leaderboard")
    expect(page.locator(".board:visible th[data-key=mean]")).to_contain_text("★ primary")
    assert ["0.875", "0.812", "0.875"] == column(page, "judge:1")
    wins = page.locator(".board:visible th[data-key=wins]")
    expect(wins).to_be_hidden()
    page.locator(".board:visible .chooser summary").click()
    page.locator(".board:visible .chooser label", has_text="W/T/L").locator("input").check()
    expect(wins).to_be_visible()


def test_another_judge_brings_its_own_board_and_scores(open_report: Open) -> None:
    """One board at a time; the scores beside the tasks are those of the judge chosen."""
    page = open_report(small_report()).page
    go(page, "Leaderboard")
    expect(page.locator(".board:visible h2")).to_have_text("eight by gemini:<x>|y")
    page.locator("#choose-judge").select_option("rules")
    expect(page.locator(".board:visible h2")).to_have_text("eight by rules (exploratory)")
    go(page, "Answers")
    expect(page.locator("#task-list li").first).to_contain_text("A 1.000")


def test_filters_find_what_they_say(open_report: Open) -> None:
    """Regressions are in the order of their size; cut, unscored and failed tasks are counted by hand."""
    page = open_report(small_report()).page
    go(page, "Answers")
    page.locator("#model-a").select_option("a|b <i>x</i> `c` / course.v1")
    page.locator("#model-b").select_option("base / course.v1")
    show = page.locator("#task-filter")
    show.select_option("regressions")
    gaps = [b - a for a, b in zip(SCORES["a|b <i>x</i> `c`"], SCORES["base"], strict=True)]  # type: ignore[operator]
    expect(page.locator("#task-count")).to_have_text(f"{sum(gap < 0 for gap in gaps)} of 8 tasks")
    assert re.findall(r"−\d", page.locator("#task-list").inner_text()) == ["−1"] * 6
    show.select_option("unscored")
    expect(page.locator("#task-list li")).to_have_count(1)
    expect(page.locator("#task-list li")).to_contain_text("3 問題3")
    show.select_option("cut")
    expect(page.locator("#task-list li")).to_contain_text("2 問題2")
    show.select_option("rules")
    failed = sum(
        any((place + len(model)) % 3 == 0 for model in SCORES) for place in range(8)
    )  # the small report's rule
    expect(page.locator("#task-list li")).to_have_count(failed)
    # A is nowhere worse, judges of one scale alone cannot disagree, nothing is flagged: those are not offered.
    offered = show.locator("option").evaluate_all("(options) => options.map((option) => option.value)")
    assert ["all", "regressions", "hard", "unscored", "cut", "rules"] == offered
    show.select_option("all")
    search = page.locator("#task-search")
    search.fill("ＢＡＳＥの答え5")  # half-width, full-width and case are the same to it
    expect(page.locator("#task-count")).to_have_text("1 of 8 tasks")
    search.fill("問題")
    expect(page.locator("#task-count")).to_have_text("8 of 8 tasks")
    page.locator("#task-tag").select_option("<script>tag")
    expect(page.locator("#task-count")).to_have_text("4 of 8 tasks")
    search.fill("nowhere")
    expect(page.locator("#task-count")).to_have_text("No task matches.")


def test_a_task_shows_answers_side_by_side_with_what_differs(open_report: Open) -> None:
    """Both answers, their scores and reasons; as Markdown, as they stand, and with marks on what only one has."""
    page = open_report(small_report()).page
    go(page, "Answers")
    page.locator("#task-list a").nth(1).click()
    expect(page.locator("#task h3").first).to_contain_text("Task 1")
    assert page.url.endswith("#task/eight/1")
    first, second = page.locator("#task .pair .answer").all()
    expect(first).to_contain_text("base / course.v1")
    expect(first.locator("h4 .score")).to_have_text("2")
    expect(first).to_contain_text("理由1")
    expect(second.locator(".prose code")).to_have_text("c")
    page.locator("#view").select_option("diff")
    assert "base" == first.locator("del").first.inner_text()
    expect(second.locator("ins").first).to_be_visible()
    page.locator("#view").select_option("raw")
    expect(second.locator(".text").first).to_have_text("a|b <i>x</i> `c`の答え1")
    page.go_back()
    page.goto(page.url.split("#")[0] + "#task/eight/5")
    expect(page.locator("#task h3").first).to_contain_text("Task 5")


def test_flags_and_notes_are_kept_and_saved_with_the_list(open_report: Open, tmp_path: Path) -> None:
    """A reload brings them back; the files hold them, and no cell that a spreadsheet would run."""
    opened = open_report(small_report())
    page = opened.page
    page.goto(page.url + "#task/eight/2")
    page.get_by_role("button", name="Flag").click()
    page.locator("#note").fill('=cmd "x"')
    page.reload()
    expect(page.get_by_role("button", name="Flagged")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#task-list .mark").nth(2)).to_have_text("⚑ ")
    saved = {}
    for name in ("Save flags and notes", "Save this list as CSV"):
        with page.expect_download() as download:
            page.get_by_role("button", name=name).click()
        download.value.save_as(tmp_path / "file.csv")
        with (tmp_path / "file.csv").open(encoding="utf-8-sig", newline="") as file:
            saved[name] = list(csv.reader(file))
    assert [["task_set", "task_id", "flagged", "note"], ["eight", "2", "1", '\'=cmd "x"']] == saved[
        "Save flags and notes"
    ]
    head, *lines = saved["Save this list as CSV"]
    assert 8 == len(lines)
    line = dict(zip(head, lines[2], strict=True))
    assert ("2", "base / course.v1", "baseの答え2", "4", "1") == (
        line["task_id"], line["model A"], line["answer A"], line["score A: gemini:<x>|y"], line["flagged"],
    )  # fmt: skip
    assert [] == opened.trouble


@pytest.mark.parametrize(
    "pairs",
    [[("one two three", "one 2 three"), ("", "x"), ("a b c d e f", "f e d c b a"), ("同じ文です", "同じ文です"),
      ("x " * 500, "x " * 400 + "y " * 100)]],
)  # fmt: skip
def test_differences_are_a_shortest_edit(open_report: Open, pairs: list[tuple[str, str]]) -> None:
    """Runs give both texts back, what is shared is the same in both, and no longer sequence of words is."""
    page = open_report(small_report()).page
    for a, b in pairs:
        left, right = page.evaluate("([a, b]) => diff(a, b)", [a, b])
        assert (a, b) == tuple("".join(text for text, _ in side) for side in (left, right))
        shared = ["".join(text for text, only in side if not only) for side in (left, right)]
        assert shared[0] == shared[1]
        words_a, words_b = (page.evaluate("(text) => wordsOf(text)", text) for text in (a, b))
        kept = page.evaluate("([a, b]) => matches(a, b)", [words_a, words_b])
        assert longest_common(words_a, words_b) == len(kept)
        assert all(words_a[i] == words_b[j] for i, j in kept)


def longest_common(a: list[str], b: list[str]) -> int:
    """Return the length of a longest common subsequence by the textbook table."""
    row = [0] * (len(b) + 1)
    for x in a:
        previous = row
        row = [0]
        for place, y in enumerate(b):
            row.append(previous[place] + 1 if x == y else max(previous[place + 1], row[-1]))
    return row[-1]


def test_the_heat_map_opens_the_answer_under_the_pointer(open_report: Open) -> None:
    """The pointer is told whose score it is, and a click opens that task with that model as B."""
    page = open_report(small_report()).page
    go(page, "Leaderboard")
    picture = page.locator(".board:visible figure.heat .scroll image")
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] * 4.5 / 8, box["y"] + box["height"] * 1.5 / 3
    page.mouse.move(x, y)
    expect(page.locator("#tip")).to_have_text("日本語モデル / course.v1, task 4: 2")
    page.mouse.click(x, y)
    expect(page.locator("#task h3").first).to_contain_text("Task 4")
    expect(page.locator("#model-b")).to_have_value("2")


def test_hostile_texts_are_shown_as_text_and_do_nothing(open_report: Open) -> None:
    """Every task of a report made of attacks, as Markdown, raw and compared, under every judge: nothing acts."""
    opened = open_report(hostile_report())
    page = opened.page
    go(page, "Answers")
    count = """() => ['script', 'img', 'iframe', 'object', 'embed', 'form', 'base', 'link', 'meta', 'style']
      .map((name) => document.querySelectorAll(name).length)"""
    before = page.evaluate(count)
    acting = page.evaluate(
        """() => {
          const found = [];
          for (const view of VIEWS) for (const judge of [1, 0]) for (const sample of samplesNow().keys()) {
            Object.assign(state, { view, judge, sample });
            showTask(false);
            for (const box of document.querySelectorAll("#task details")) box.open = true;
            found.push(document.querySelectorAll("#task .text :is(a, [href], [src], [style], [onclick])").length);
          }
          return found;
        }"""
    )
    assert [0] * 3 * 2 * len(HOSTILE) == acting
    page.reload()
    go(page, "Answers")
    page.evaluate("() => { location.hash = taskHash(0); setView('raw'); }")
    expect(page.locator("#task .asked .text").first).to_have_text(HOSTILE["script"])
    expect(page.locator("#task .pair .answer .text").first).to_contain_text(
        "</script><script>window.pwned = 1</script>"
    )
    page.evaluate("(place) => { location.hash = taskHash(place); }", list(HOSTILE).index("lines"))
    page.locator("#task .pair button", has_text="Show all").first.click()
    whole = page.locator("#task .pair .answer > .text").first.evaluate("(box) => box.textContent")
    assert HOSTILE["lines"] == whole
    for tab in ("Verdict", "Leaderboard", "Judges", "About this run"):
        go(page, tab)
    assert before == page.evaluate(count)
    assert page.evaluate("() => window.pwned === undefined")
    assert ([], {page.url.partition("#")[0]}) == (opened.trouble, {url.partition("#")[0] for url in opened.requests})
    assert not set(page.locator("body").inner_text()) & {"\x00", "\x1b", "\u202e", "\u2066"}
    assert page.viewport_size is not None
    assert page.viewport_size["width"] >= page.evaluate("() => document.documentElement.scrollWidth")


def test_a_script_that_got_into_the_page_would_not_run(open_report: Open) -> None:
    """The policy is the second wall: an inline script, a handler and a remote picture are all refused."""
    opened = open_report(small_report())
    opened.page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "window.pwned = 1";
          document.body.append(script);
          document.body.insertAdjacentHTML("beforeend", '<b onclick="window.pwned = 1" id="trap">x</b>');
          document.getElementById("trap").click();
        }"""
    )
    assert opened.page.evaluate("() => window.pwned === undefined")
    assert 2 == sum("Content Security Policy" in said for said in opened.trouble)


@pytest.mark.parametrize(("language", "scheme", "width"), [("en", "light", 1280), ("ja", "dark", 390)])
def test_everybody_can_read_it(open_report: Open, language: str, scheme: str, width: int) -> None:
    """Axe finds nothing on any tab, phone and desktop, light and dark; the page never scrolls sideways as a whole."""
    page = open_report(small_report(), language=language, scheme=scheme, width=width).page
    for tab in page.get_by_role("tab").all():
        choose(tab)
        for summary in page.locator(".panel:not(.away) details:not([open]) > summary").all():
            if summary.is_visible():
                summary.click()
        found = Axe().run(page).response["violations"]
        assert [] == [
            (fault["id"], fault["nodes"][0]["html"][:200], fault["nodes"][0]["failureSummary"]) for fault in found
        ], tab.inner_text()
        assert width >= page.evaluate("() => document.documentElement.scrollWidth")
    if width == 1280:
        page.emulate_media(color_scheme="dark")
        found = Axe().run(page, options={"runOnly": ["color-contrast"]}).response["violations"]
        assert [] == [fault["nodes"][0]["html"][:200] for fault in found]


def test_a_tour_with_the_keyboard_alone(open_report: Open) -> None:
    """Skip link, tabs by arrows, a term's words, a list by arrows, tasks by j and k, a flag, the list of keys."""
    page = open_report(small_report()).page
    focus = "() => document.activeElement.textContent"
    page.keyboard.press("Tab")
    assert "Skip to the content" == page.evaluate(focus)
    page.keyboard.press("Tab")
    assert "Verdict" == page.evaluate(focus)
    page.keyboard.press("ArrowRight")
    assert "Leaderboard" == page.evaluate(focus)
    page.locator(".board:visible th[data-key=interval] .term").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#term-dialog")).to_contain_text("The values that the data allow for a mean or a difference.")
    page.keyboard.press("Escape")
    expect(page.locator("#term-dialog")).to_be_hidden()
    assert "interval" == page.evaluate("() => document.activeElement.dataset.term")
    page.get_by_role("tab", name="Leaderboard").focus()
    page.keyboard.press("ArrowRight")
    page.locator("#task-list a").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#task h3").first).to_contain_text("Task 2")
    assert "task" == page.evaluate("() => document.activeElement.id")
    page.keyboard.press("j")
    expect(page.locator("#task h3").first).to_contain_text("Task 3")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("k")
    expect(page.locator("#task h3").first).to_contain_text("Task 1")
    page.keyboard.press("f")
    expect(page.locator("#flag")).to_have_text("Flagged")
    page.keyboard.press("n")
    page.keyboard.type("fjk")  # in a field keys are letters
    expect(page.locator("#note")).to_have_value("fjk")
    expect(page.locator("#task h3").first).to_contain_text("Task 1")
    page.keyboard.press("Escape")
    page.keyboard.press("m")
    expect(page.locator("#view")).to_have_value("raw")
    page.keyboard.press("?")
    page.get_by_label("Single keys act").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    expect(page.locator("#task h3").first).to_contain_text("Task 1")


def test_on_a_phone_rows_are_cards(open_report: Open) -> None:
    """At 390 px every cell of a row says what it is, nothing is cut off, and a list sorts instead of the titles."""
    page = open_report(small_report(), width=390, height=800).page
    go(page, "Leaderboard")
    row = page.locator(".board:visible .of-board tbody tr").first
    mean = row.locator("td[data-label=mean]")
    assert '"mean"' == mean.evaluate("(cell) => getComputedStyle(cell, '::before').content")
    right = page.evaluate(
        """() => Math.max(...[...document.querySelectorAll(".board:not([hidden]) .of-board tbody *")]
          .map((part) => part.getBoundingClientRect().right))"""
    )
    assert right <= 390
    page.get_by_label("Sort by").select_option("model")
    assert ["a|b <i>x</i> `c`", "base", "日本語モデル"] == column(page, "model")
    page.goto(page.url.split("#")[0] + "#task/eight/1")
    a, b = (part.bounding_box() for part in page.locator("#task .pair .answer").all())
    assert a is not None
    assert b is not None
    assert a["x"] == b["x"]
    assert a["width"] <= 390


def test_without_script_everything_but_the_answers_is_there(open_report: Open) -> None:
    """All boards, terms and charts are shown, and a sentence says what is missing."""
    page = open_report(small_report(), script=False).page
    assert 2 == page.locator(".board:visible").count()
    expect(page.get_by_text("need JavaScript")).to_be_visible()
    expect(page.locator("#task-tools")).to_be_hidden()
    expect(page.locator("#term-interval")).to_be_visible()


def test_it_prints(open_report: Open) -> None:
    """On paper there are no controls, and every tab and the open task are there, in black on white."""
    page = open_report(small_report(), scheme="dark").page
    page.emulate_media(media="print")
    expect(page.locator(".bar")).to_be_hidden()
    expect(page.locator("#task-tools")).to_be_hidden()
    expect(page.locator("#task .pair")).to_be_visible()
    expect(page.locator(".board:not([hidden]) .of-board")).to_be_visible()
    assert "rgb(255, 255, 255)" == page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert page.pdf().startswith(b"%PDF")


def test_japanese_labels_have_glyphs(open_report: Open) -> None:
    """A Japanese label in a chart is drawn, not as boxes: two unlike characters look unlike."""
    page = open_report(small_report(), language="ja").page
    label = page.locator(".hero text", has_text="日本語モデル").first
    drawn = page.evaluate(
        """() => ["日", "本", "モ"].map((character) => {
          const canvas = new OffscreenCanvas(40, 40), brush = canvas.getContext("2d");
          brush.font = `32px ${getComputedStyle(document.querySelector("svg.chart")).fontFamily}`;
          brush.fillText(character, 2, 34);
          return brush.getImageData(0, 0, 40, 40).data.join();
        })"""
    )
    if len(set(drawn)) == 1:
        pytest.skip("no Japanese font on this machine: apt-get install fonts-ipafont-gothic")
    assert 3 == len(set(drawn))
    box = label.bounding_box()
    assert box is not None
    assert box["width"] > 30


def test_an_ab_run_is_read_in_the_matrix(open_report: Open) -> None:
    """Prompts are columns, tasks are rows; a cell has the score and the answer, and opens it beside the control's."""
    report = ab_report()
    opened = open_report(report)
    page = opened.page
    expect(page.locator(".hero .verdict").first).to_contain_text("mine is better than plain.v1")
    go(page, "A/B test")
    expect(page.locator("#ab .verdict")).to_contain_text("mine is better than plain.v1")
    assert 3 == page.locator("#ab .effects").count()  # on average, on each model, and how models differ
    table = page.locator("#matrix table")
    expect(table.locator("thead th")).to_have_text(["task", "plain.v1", "mine", "x|y"])
    expect(table.locator("tbody tr")).to_have_count(20)
    page.get_by_role("button", name="Show 4 more tasks").click()
    expect(table.locator("tbody tr")).to_have_count(24)
    page.locator("#matrix").get_by_label("Model").select_option("調整|済み")
    scores = {row: report.tables[0].values(row) for row in report.tables[0].rows}
    own = [scores[row] for row in scores if row.model == "調整|済み"]  # plain.v1, mine, x|y
    for place in (0, 5, 23):
        cells = table.locator("tbody tr").nth(place).locator("td .score")
        expect(cells).to_have_text([f"{values[place]:.0f}" for values in own])
    page.locator("#matrix").get_by_label("Order").select_option("lost")
    losses = [max(values[place] - other[place] for other in own) for place in range(24) for values in own[:1]]
    worst = max(range(24), key=lambda place: (losses[place], -place))
    expect(table.locator("tbody th b").first).to_have_text(f"t{worst}")
    table.locator("tbody td a").nth(1).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.locator("#task h3").first).to_contain_text(f"Task t{worst}")
    expect(page.locator("#task .pair h4")).to_have_text(
        [re.compile(r"調整\|済み / plain.v1"), re.compile("済み / mine")]
    )
    expect(page.locator("#task .pair .prose li strong").first).to_have_text("調整|済み")
    page.locator("#task .pair details summary", has_text="What the judge saw").first.click()
    expect(page.locator("#task .pair .verbatim").nth(1)).to_have_text(
        f"採点: # plain.v1\n\n- **調整|済み**の答え{worst}\n- `二つ目`\n\n1. 三\n2. 四"
    )
    expect(page.locator("#task .pair .verbatim").first).to_contain_text(f'{{"score": {worst}}}')
    page.set_viewport_size({"width": 390, "height": 800})
    go(page, "A/B test")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    assert [] == opened.trouble


def test_sixty_models_and_a_hundred_tasks_open_at_once(open_report: Open, shared_data: Path, tmp_path: Path) -> None:
    """6,000 real answers: within 12 MB, 15 rows and 6,000 px at first, searched at once.

    It opens in two seconds on an idle machine (bench/README.md); the bound here leaves room for a busy one.
    """
    path = tmp_path / "report.html"
    path.write_text(report_html(real_board(shared_data)), encoding="utf-8")
    assert path.stat().st_size <= 12_000_000
    open_report(small_report())  # the browser itself is warm
    opened = open_report(path)
    page = opened.page
    assert page.evaluate("() => performance.getEntriesByType('navigation')[0].loadEventEnd / 1000") <= PATIENCE
    for tab in page.get_by_role("tab").all():
        choose(tab)
        assert page.evaluate("() => document.documentElement.scrollHeight") <= 6000, tab.inner_text()
    go(page, "Leaderboard")
    assert 15 == page.locator(".of-board tbody tr:visible").count()
    page.get_by_role("button", name="Show all 60 rows").click()
    assert 60 == page.locator(".of-board tbody tr:visible").count()
    page.locator(".filter-rows").fill("qwen")
    assert 1 < page.locator(".of-board tbody tr:visible").count() < 15
    took = page.evaluate(
        "() => { const t = performance.now(); state.query = '契約'; showTasks(); return performance.now() - t; }"
    )
    assert took <= PATIENCE * 1000
    assert [] == opened.trouble


def real_board(data: Path) -> Report:
    """Return the answers of 60 models to 100 tasks with one judge's scores."""
    tasks = [
        json.loads(line) for line in (data / "elyza-tasks-100/test.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    samples = tuple(Sample(id=str(place), inputs={"input": task["input"]}) for place, task in enumerate(tasks))
    with (data / "shaberi/scores.csv").open(encoding="utf-8") as file:
        scores = {
            (line["model"], line["task_id"]): float(line["score"])
            for line in csv.DictReader(file)
            if line["judge"] == "gpt-4-turbo-preview" and line["score"]
        }
    answers = pq.read_table(data / "shaberi/answers.parquet").to_pylist()
    rows = tuple(RowKey(model=model, prompt=None) for model in dict.fromkeys(one["model"] for one in answers))
    cells = np.array([[scores.get((row.model, sample.id), np.nan) for sample in samples] for row in rows])
    judge = PlannedJudge(name="scores", fingerprint="f", scale=LIKERT_5, scored_by="file")
    table = ScoreTable(
        task="elyza",
        judge=judge,
        rows=rows,
        samples=samples,
        cells=cells[:, :, None, None],
        reasons={row: Counter() for row in rows},
        versions=frozenset(),
    )
    return Report(
        leaderboard=build_leaderboard("board", [table], {}, baseline=rows[0].model),
        tables=(table,),
        answers=tuple(
            ShownAnswer(
                task="elyza",
                sample_id=str(one["task_id"]),
                row=RowKey(model=one["model"], prompt=None),
                repeat=0,
                generation=Generation(request_key="k", text=one["answer"], finish_reason="stop"),
                sampling=None,
                verdicts={"scores": (Verdict.scored(scores.get((one["model"], str(one["task_id"])), 1.0)),)},
            )
            for one in answers
        ),
        prompts=(),
        provenance={},
    )
