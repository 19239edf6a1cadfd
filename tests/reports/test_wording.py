"""The words: the same in both languages, and all that the page's script asks for."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

import reports
from harness.locale import tr
from harness.protocols import KINDS, SOURCES
from harness.stats import paired_comparison
from harness.stats.design import Design
from harness.stats.intervals import cluster_cautions
from harness.types import LIKERT_5
from reports.formatting import kind_key
from reports.wording import Language, words

PLACES = re.compile(r"\{(\w+)\}")
TEMPLATES = Path(reports.__file__).parent / "templates"


def test_both_languages_say_the_same_things() -> None:
    """The same keys, and under each the same places to fill; the words for one are those of their language alone."""
    english, japanese = (
        {key: set(PLACES.findall(text)) for key, text in words(language).texts.items()} for language in ("en", "ja")
    )
    ones = {key for key in english.keys() ^ japanese.keys() if key.endswith("_one")}
    assert english.keys() - ones == japanese.keys() - ones
    for texts in (english, japanese):
        assert [] == [key for key in texts if key in ones and not texts[key] <= texts[key.removesuffix("_one")]]
    assert [] == [key for key in english.keys() & japanese.keys() if english[key] != japanese[key]]


def test_one_of_a_thing_has_words_of_its_own() -> None:
    """``total`` decides, else ``count``, also where it is written out already; Japanese needs no other words."""
    english, japanese = words("en"), words("ja")
    assert ("1 row", "2 rows") == (english("page.hits", count=1), english("page.hits", count="2"))
    assert ("1 of 8 tasks", "1 of 1 task") == tuple(english("page.found", count=1, total=total) for total in (8, 1))
    assert "1 token" == english("page.tokens", count="1")
    assert ("1行", "2行") == (japanese("page.hits", count=1), japanese("page.hits", count=2))


def test_a_message_of_the_program_is_said_in_japanese(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the catalogue, wherever a report shows it; English and what is no message stay as they are."""
    known = SimpleNamespace(gettext={"Leave {name} out.": "{name} を外してください。"}.__getitem__)
    monkeypatch.setattr("harness.locale._catalogue", lambda _language: known)
    said = tr("Leave {name} out.", name="a")
    assert ("Leave a out.", "a を外してください。") == (words("en").sentence(said), words("ja").sentence(said))
    assert "Leave nothing out." == words("ja").sentence("Leave nothing out.")


def test_the_page_finds_every_word_it_asks_for() -> None:
    """What the script and the template look up exists."""
    known = set(words("en").texts)
    scripts = [path for path in TEMPLATES.glob("*.js") if not path.name.startswith(("rating", "history"))]
    script = "".join(path.read_text(encoding="utf-8") for path in scripts)
    asked = {f"page.{key}" for key in re.findall(r'\bsay\("(\w+)"', script)}
    asked |= set(re.findall(r'say\("([\w.]+)"', (TEMPLATES / "report.html.j2").read_text(encoding="utf-8")))
    assert len(asked) > 60
    assert set() == {key for key in asked if not key.endswith(".")} - known


def test_the_page_of_tries_finds_every_word_it_asks_for() -> None:
    """And so does its script, whose words are a section of their own."""
    script = (TEMPLATES / "history.js").read_text(encoding="utf-8")
    asked = {f"history_page.{key}" for key in re.findall(r'\bsay\("(\w+)"', script)}
    template = (TEMPLATES / "history.html.j2").read_text(encoding="utf-8")
    asked |= set(re.findall(r'say\("([\w.]+)"', template))
    assert len(asked) > 20
    assert set() == {key for key in asked if not key.endswith(".")} - set(words("en").texts)


def test_the_sentences_of_the_statistics_are_translated() -> None:
    """What the statistics say of few, equal, skewed or missing differences is said in Japanese too."""
    said = {
        *paired_comparison([1, 2, 3, 4], [1, 2, 3, 4], LIKERT_5).cautions,
        *paired_comparison([1, 2, 3, 5], [1, 2, 3, 4], LIKERT_5).cautions,
        *paired_comparison([5.0] * 2 + [3.1] * 28, [1.0] * 2 + [3.0] * 28).cautions,
        *paired_comparison([None], [1]).cautions,
        *paired_comparison([None, 2], [1, 1], LIKERT_5).cautions,
        *paired_comparison([None, 2, 3], [1, 1, 1], LIKERT_5, Design(clusters=["a", "a", "b"])).cautions,
        *cluster_cautions(3),
        *cluster_cautions(7),
    }
    assert len(said) >= 9
    assert [] == [sentence for sentence in said if words("ja").sentence(sentence) == sentence]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_kind_that_can_be_declared_has_words(language: Language) -> None:
    """And only people's ratings speak of people having rated, only a model's of a language model."""
    kinds = words(language).section("kind")
    keys = {kind_key(kind, source) for kind in KINDS for source in (None, *SOURCES)}
    assert keys == set(kinds)
    people, model = ("Ratings by people", "language-model") if language == "en" else ("人による評価です", "言語モデル")
    assert ["human"] == [key for key, text in kinds.items() if people in text]
    assert ["quality_model"] == [key for key, text in kinds.items() if model in text]


def test_the_rating_page_finds_every_word_it_asks_for() -> None:
    """A key that a script or the template of the page to rate on asks for is in the words of its section."""
    known = set(words("en").section("rating"))
    script = "".join(path.read_text(encoding="utf-8") for path in TEMPLATES.glob("rating*.js"))
    template = (TEMPLATES / "rating.html.j2").read_text(encoding="utf-8")
    asked = set(re.findall(r'\bsay\("(\w+)"', script)) | set(re.findall(r'say\("rating\.(\w+)"', template))
    assert len(asked) > 40
    assert set() == {key for key in asked if not key.endswith("_")} - known
