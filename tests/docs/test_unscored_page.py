"""docs/unscored.md and its twin: every code of a reason is explained once, and the example works."""

import re
from collections import Counter

import pytest

from harness.unscored import CODES
from tests.conftest import ROOT
from tests.docs.pages import blocks

PAGES = ("unscored.md", "unscored.ja.md")


@pytest.mark.parametrize("name", PAGES)
def test_every_code_is_explained_once(name: str) -> None:
    """Each has a line in one table, in the language of the page; no line is about another."""
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", text, re.MULTILINE)
    assert Counter(CODES) == Counter(code for code, _ in rows)
    assert all(meaning.isascii() != name.endswith(".ja.md") for _, meaning in rows)


@pytest.mark.parametrize("name", PAGES)
def test_the_example_of_the_page_works(name: str) -> None:
    """A text has the code other, a judge's own code is kept."""
    [example] = blocks(ROOT / "docs" / name)
    *imports, first, second = [line for line in example.text.splitlines() if line]
    names: dict[str, object] = {}
    exec("\n".join(imports), names)
    assert ["other", "no_text"] == [eval(line, names).code for line in (first, second)]
