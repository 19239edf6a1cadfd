"""docs/unscored.md: every code of a reason is explained once, in both languages, and its example works."""

import re
from collections import Counter

from harness.unscored import CODES
from tests.conftest import ROOT
from tests.docs.pages import blocks

PAGE = ROOT / "docs" / "unscored.md"


def test_every_code_is_explained_once_in_both_languages() -> None:
    """Each has a line in one table, with an English and a Japanese meaning; no line is about another."""
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert Counter(CODES) == Counter(code for code, _, _ in rows)
    assert all(english.isascii() and not japanese.isascii() for _, english, japanese in rows)


def test_the_example_of_the_page_works() -> None:
    """A text has the code other, a judge's own code is kept."""
    [example] = blocks(PAGE)
    *imports, first, second = [line for line in example.text.splitlines() if line]
    names: dict[str, object] = {}
    exec("\n".join(imports), names)
    assert ["other", "no_text"] == [eval(line, names).code for line in (first, second)]
