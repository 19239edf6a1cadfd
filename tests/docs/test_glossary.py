"""One word for one thing: no Japanese text of the program uses a word that the glossary replaces."""

import re
from collections.abc import Iterator

import pytest
from babel.messages.pofile import read_po

from reports.wording import words
from tests.conftest import ROOT

GLOSSARY = (ROOT / "docs/glossary.ja.md").read_text(encoding="utf-8")
AVOIDED = [
    word
    for line in GLOSSARY.partition("| 使わない | 使う |")[2].splitlines()[2:]
    if line.startswith("|")
    for word in line.split("|")[1].strip().split("、")
]


def texts() -> Iterator[tuple[str, str]]:
    for name in ("harness", "click"):
        with (ROOT / f"harness/locale/ja/LC_MESSAGES/{name}.po").open("rb") as file:
            for message in read_po(file, locale="ja"):
                for text in [message.string] if isinstance(message.string, str) else message.string:
                    yield name, re.sub(r'"[^"]*"', "", text)  # what stands in quotes is to be typed
    yield from words("ja").texts.items()
    for page in [ROOT / "README.ja.md", *(ROOT / "docs").glob("*.ja.md")]:
        if page.name == "glossary.ja.md":
            continue  # names the words to avoid
        yield page.name, re.sub(r"```.*?```|`[^`]*`|「[^」]*」", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.mark.parametrize("word", AVOIDED)
def test_the_texts_use_the_words_of_the_glossary(word: str) -> None:
    """A word counts where it stands alone: メモリー is none of メモリ."""
    wrong = re.compile(rf"(?<![ァ-ヶー]){word}(?![ァ-ヶー])")
    assert [] == [(where, text) for where, text in texts() if wrong.search(text)]


def test_the_glossary_is_read() -> None:
    """The table of words to avoid has the lines that it has."""
    assert {"ジャッジ", "メモリ", "スコア"} <= set(AVOIDED)
