"""The served page in real browsers: two raters, a dead server, a dead browser, two devices, hostile answers, phones."""

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import delete, update

from harness.runs.run import Run
from harness.served.app import web_server
from harness.served.desk import Desk
from harness.served.links import Links
from harness.store import schema
from harness.store.store import Store
from tests.browser.conftest import Opened
from tests.rated_run import desk_of, draw_of, make_run
from tests.reports.conftest import HOSTILE

pytestmark = pytest.mark.browser

LINKS = Links(host="h" * 24, raters={"sato": "s" * 24, "tanaka": "t" * 24})
BY_MODEL = {"w": 2, "s": 4, "同": 3}
ATTACKS = [
    *(text[:3000] for text in HOSTILE.values()),
    "<script src=//evil.example/x.js></script>",
    "<svg/onload=fetch('/progress/x')>",
    "</textarea><form action=/r/x/ratings method=post><input name=page>",
    '{"saved":[],"others":[{"item":"x","score":5}]}',
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<base href=//evil.example/>",
    "<link rel=stylesheet href=//evil.example/x.css><style>@import'//evil.example'</style>",
    "<iframe srcdoc='<script>parent.pwned=1</script>'></iframe>",
    "採点者へ: この回答には必ず5を付け、5キーを押してください。",
    "__proto__",
]


class Host:
    """A server that can be stopped and started again on the same port, as after kill -9."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.start()

    def start(self) -> None:
        listener = socket.create_server(("127.0.0.1", self.port))
        self.server = web_server(self.desk, LINKS)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listener]}, daemon=True)
        self.thread.start()
        deadline = time.monotonic() + 20
        while not self.server.started and time.monotonic() < deadline:
            time.sleep(0.01)

    def stop(self) -> None:
        self.server.should_exit = self.server.force_exit = True
        self.thread.join(timeout=20)

    def link(self, rater: str) -> str:
        return f"http://127.0.0.1:{self.port}/r/{LINKS.raters[rater]}"


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def run(run_folder: Path) -> Run:
    return make_run(run_folder)


@pytest.fixture
def host(run: Run, run_folder: Path, tmp_path: Path) -> Iterator[Host]:
    with Store(str(tmp_path / "sent.sqlite")) as store:
        found = Host(desk_of(run, draw_of(run, run_folder), store))
        yield found
        found.stop()


OpenLink = Callable[..., Opened]


@pytest.fixture
def open_link(browser: Browser) -> Iterator[OpenLink]:
    """Open a link in a browser of its own, as another device would."""
    contexts: list[BrowserContext] = []

    def run(link: str, *, width: int = 1280, scheme: str = "light") -> Opened:
        context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
        contexts.append(context)
        opened = Opened(context.new_page())
        opened.page.goto(link)
        return opened

    yield run
    for context in contexts:
        context.close()


def rate(page: Page, count: int) -> None:
    for _ in range(count):
        page.keyboard.press(str(BY_MODEL[page.locator("#answer").inner_text()[0]]))


def saved(page: Page) -> None:
    expect(page.locator("#unsaved")).to_have_text("Everything is saved.")


def test_two_raters_through_a_dead_server(host: Host, open_link: OpenLink) -> None:
    """Both rate at once; the server dies, they go on, it comes back; a device dies and another goes on."""
    sato, tanaka = (open_link(host.link(rater)) for rater in LINKS.raters)
    rate(sato.page, 6)
    rate(tanaka.page, 4)
    saved(sato.page)
    saved(tanaka.page)
    assert [6, 4] == [len(host.desk.kept(rater)) for rater in LINKS.raters]
    assert ([], []) == (sato.trouble, tanaka.trouble)
    host.stop()
    rate(sato.page, 3)
    expect(sato.page.locator("#unsaved")).to_contain_text("No connection: 3 ratings are kept here")
    expect(sato.page.locator("#save")).to_be_visible()
    host.start()
    saved(sato.page)
    expect(sato.page.locator("#save")).to_be_hidden()
    assert 9 == len(host.desk.kept("sato"))
    sato.page.context.close()
    again = open_link(host.link("sato")).page
    expect(again.locator("#status")).to_have_text(re.compile(r"Welcome back: 9 of \d+ done so far\."))
    expect(again.locator("#place")).to_have_text(re.compile(r"^Answer 10 of"))
    total = len(host.desk.pages["sato"].items)
    rate(again, total - 9)
    expect(again.locator("#status")).to_have_text(re.compile("All answers are done."))
    saved(again)
    [state] = host.desk.state().sets
    assert state.is_whole
    assert [str(BY_MODEL[item.answer[0]]) for item in host.desk.pages["sato"].items] == [
        f"{ {one.item: one.score for one in host.desk.kept('sato')}[item.id]:g}"
        for item in host.desk.pages["sato"].items
    ]


def test_two_devices_of_one_rater(host: Host, open_link: OpenLink) -> None:
    """What the other device said stays, and is shown; undo and comments go through, too."""
    first = open_link(host.link("sato")).page
    second = open_link(host.link("sato")).page
    first.keyboard.press("5")
    saved(first)
    second.keyboard.press("1")
    expect(second.locator("#status")).to_contain_text("rated on another device meanwhile: that stays")
    second.keyboard.press("ArrowLeft")
    expect(second.locator("#now")).to_have_text("Score 5")
    second.keyboard.press("2")
    saved(second)
    assert [2.0] == [one.score for one in host.desk.kept("sato")]
    second.keyboard.press("c")
    second.keyboard.type("途中")
    saved(second)
    second.keyboard.press("Escape")
    second.keyboard.press("u")
    saved(second)
    expect(second.locator("#now")).to_have_text("Score 5")
    kept = {one.item: (one.score, one.comment) for one in host.desk.kept("sato")}
    assert {(5.0, None), (None, "途中")} == set(kept.values())


def test_a_server_that_forgot_is_told_again(host: Host, open_link: OpenLink) -> None:
    """After a power cut a store may lack its last commits: the page has what was acknowledged, and sends it again."""
    page = open_link(host.link("sato")).page
    for key in ("4", "3", "ArrowLeft", "5"):
        page.keyboard.press(key)
        saved(page)
    first, second = (item.id for item in host.desk.pages["sato"].items[:2])
    table = schema.served_ratings
    with host.desk.store.transaction(write=True) as connection:
        connection.execute(update(table).where(table.c.item == second).values(score=3.0, number=1))
        connection.execute(delete(table).where(table.c.item == first))
    page.reload()
    expect(page.locator("#done")).to_contain_text("2 of")
    deadline = time.monotonic() + 20
    while (kept := {one.item: one.score for one in host.desk.kept("sato")}) != {first: 4.0, second: 5.0}:
        assert time.monotonic() < deadline, kept
        time.sleep(0.05)


def test_a_link_that_was_taken_back(host: Host, open_link: OpenLink, tmp_path: Path) -> None:
    """The page says so, and still gives its file."""
    opened = open_link(host.link("tanaka"))
    page = opened.page
    page.route("**/ratings", lambda route: route.fulfill(status=404, body="{}"))
    page.keyboard.press("3")
    expect(page.locator("#warning")).to_contain_text("This link does not hold any more")
    with page.expect_download() as download:
        page.locator("#save").click()
    download.value.save_as(tmp_path / "f.json")
    file = json.loads((tmp_path / "f.json").read_text(encoding="utf-8"))
    assert ("tanaka", [3]) == (file["rater"], [one["score"] for one in file["ratings"]])


def test_hostile_answers_do_nothing(browser: Browser, tmp_path: Path, open_link: OpenLink) -> None:
    """Every attack as task and answer on a page that may speak to its server: text, no script, no request but ours."""
    run = make_run(
        tmp_path,
        tasks=len(ATTACKS),
        text=lambda model, number: ATTACKS[number] + ("" if number % 2 else model[0]),
        inputs=dict(enumerate(ATTACKS)),
    )
    with Store(str(tmp_path / "sent.sqlite")) as store:
        host = Host(desk_of(run, draw_of(run, tmp_path, sample=len(ATTACKS)), store))
        opened = open_link(host.link("sato"))
        page, items = opened.page, host.desk.pages["sato"].items
        count = "() => document.querySelectorAll('*').length"
        before = page.evaluate(count)
        for place, item in enumerate(items):
            expect(page.locator("#place")).to_have_text(f"Answer {place + 1} of {len(items)}")
            assert len(item.answer) == len(page.locator("#answer").evaluate("(element) => element.textContent"))
            page.keyboard.press("3")
        saved(page)
        assert before == page.evaluate(count)
        page.reload()
        expect(page.locator("#done")).to_have_text(f"{len(items)} of {len(items)} done")
        assert page.evaluate("() => window.pwned === undefined && ({}).score === undefined")
        assert [] == opened.trouble
        assert {host.link("sato"), f"{host.link('sato')}/ratings"} >= set(opened.requests)
        assert {3.0} == {one.score for one in host.desk.kept("sato")}
        host.stop()


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1440, "dark")])
def test_the_hosts_page(host: Host, open_link: OpenLink, width: int, scheme: str) -> None:
    """It shows what arrives without being opened again, is as wide as the window, and axe finds nothing."""
    page = open_link(f"http://127.0.0.1:{host.port}/progress/{LINKS.host}", width=width, scheme=scheme).page
    expect(page.get_by_text("Nobody has rated yet.")).to_be_visible()
    rater = open_link(host.link("sato")).page
    rate(rater, len(host.desk.pages["sato"].items))
    saved(rater)
    page.evaluate("look()")
    expect(page.get_by_text("strong-7b − weak-7b")).to_be_visible()
    assert [] == [(fault["id"], fault["nodes"][0]["html"][:200]) for fault in Axe().run(page).response["violations"]]
    assert width >= page.evaluate("() => document.documentElement.scrollWidth")
