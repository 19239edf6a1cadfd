"""docs/notices.md and its twin: every code of a notice is explained once, and the example works."""

import re
from collections import Counter

import pytest

from harness.notices import CODES
from reports.wording import words
from tests.conftest import ROOT
from tests.docs.pages import blocks

PAGES = ("notices.md", "notices.ja.md")


@pytest.mark.parametrize("name", PAGES)
def test_every_code_is_explained_once(name: str) -> None:
    """Each has a line in one table, in the language of the page; so have the cautions that reports word themselves."""
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w.]+)` \| (.+) \|$", text, re.MULTILINE)
    said = words("en")
    reports = [f"caution.{key}" for key in said.section("caution") if not key.endswith("_one")]
    reports += ["gap.row", "gap.many", "versions.held", "versions.equated"]
    assert Counter([*CODES, *reports]) == Counter(code for code, _ in rows)
    assert {*reports} <= {*said.texts}
    assert all(meaning.isascii() != name.endswith(".ja.md") for _, meaning in rows)


@pytest.mark.parametrize("name", PAGES)
def test_the_example_of_the_page_works(name: str) -> None:
    """A text has the code other, a plugin's own code is kept."""
    [example] = blocks(ROOT / "docs" / name)
    *imports, first, second = [line for line in example.text.splitlines() if line]
    names: dict[str, object] = {}
    exec("\n".join(imports), names)
    assert ["other", "pictures"] == [eval(line, names).code for line in (first, second)]
