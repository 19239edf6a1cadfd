"""Markdown in report.html: what CommonMark says it is, by another implementation, and nothing that acts."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pyarrow.parquet as pq
import pytest
from markdown_it import MarkdownIt

from tests.browser.conftest import Open
from tests.reports.conftest import small_report

pytestmark = pytest.mark.browser

ORACLE = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])
READ = """(texts) => texts.map((text) => {
  const read = (node) => node.nodeType === 3 ? node.data
    : node.localName === "div" ? [...node.childNodes].map(read).join("")
    : node.className === "address" ? "<" + node.textContent + ">"
    : node.className === "link" ? [...node.childNodes].map(read).join("")
    : `(${(/^heading-(.)/.exec(node.className) ?? ["", ""])[1] ? "h" + node.className.slice(-1) : node.localName} `
      + [...node.childNodes].map(read).join("") + ")";
  const box = document.createElement("div");
  box.append(...proseNodes(text));
  return [...box.childNodes].map(read).join("");
})"""
SHAPES = [
    "plain\ntwo lines  \nhard\\\nbreak",
    "# one\n## two ##\nthree\n===\nfour\n---\n***\n",
    "- a\n- b\n  - c\n    1. d\n    2. e\n\n  f\n- g",
    "1. a\n\n2. b\n3) c\n10. d\n\n   e",
    "- a\n\n  ```py\n  x = 1\n\n  y\n  ```\n- b\nlazy\n\nend",
    "> a\n> > b\nlazy\n\n> - c\n> - d\n",
    "```html\n<b>\n````\n~~~\n```\n~~~\n    code\n\n    more\nend",
    "**a** *b* ***c*** __d__ _e_ f_g_h **「強調」**です **「だめ」**か *a**b**c* **a*b*c** ~~d~~ ~e~",
    "`a` ``b`c`` ` d ` `e\nf` `open",
    '[a](http://x/y "t") ![b *c*](<d e>) [f](g(h)i) [j] <http://k/l> <m@n.o> [p](q',
    "| a | b |\n|---|:-:|\n| 1 | `x` \\| **y** |\n| z |\n\n|c|\n|-|\n",
    "\\*a\\* &amp; &lt;b&gt; &#65; &nope; <script>alert(1)</script> <b>x</b>",
    "a\n- b\nc\n1. d\n\n2. e\n* f\n+ g",
    "日本語の文。**太字**と*斜体*。\n\n・箇条書き\n① 一\n\n１．全角",
]  # fmt: skip


class Shape(HTMLParser):
    """The oracle's HTML in the notation of `READ`."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.shape, self.links = "", list[tuple[int, str]]()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "a":
            self.links.append((len(self.shape), unquote(values.get("href") or "")))
        elif tag == "img":
            self.shape += f"{values.get('alt')}<{unquote(values.get('src') or '')}>"
        else:
            self.shape += f"({tag} "

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            start, address = self.links.pop()
            if unquote(self.shape[start:]) == address.removeprefix("mailto:"):  # an address that stands for itself
                self.shape = self.shape[:start]
            self.shape += f"<{address.removeprefix('mailto:')}>" if address else ""
        elif tag != "img":
            self.shape += ")"

    def handle_data(self, data: str) -> None:
        self.shape += data


def shape(text: str) -> str:
    """Return what CommonMark makes of a text, without the spaces and line ends that no reader sees."""
    return squeezed(Shape(ORACLE.render(text)).shape)


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def test_shapes_are_those_of_commonmark(open_report: Open) -> None:
    """Blocks in blocks, marks in marks, tables, and what is none of these."""
    page = open_report(small_report()).page
    found = dict(zip(SHAPES, map(squeezed, page.evaluate(READ, SHAPES)), strict=True))
    assert {text: shape(text) for text in SHAPES} == found


def test_real_answers_have_the_shape_that_commonmark_gives_them(open_report: Open, shared_data: Path) -> None:
    """Of answers by 60 models, one in ten: 99 of 100 are equal."""
    answers = pq.read_table(shared_data / "shaberi/answers.parquet")["answer"].to_pylist()[::10]
    texts = [text for text in answers if text]
    found = [squeezed(one) for one in open_report(small_report()).page.evaluate(READ, texts)]
    unlike = [(text, one) for text, one in zip(texts, found, strict=True) if shape(text) != one]
    assert len(unlike) <= 0.01 * len(texts), unlike[0]
