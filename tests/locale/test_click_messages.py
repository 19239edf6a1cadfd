"""click's own messages: all that the installed click can say is in the catalogue, in Japanese."""

import io
from pathlib import Path

import click
import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from tests.locale.test_messages import FOLDER, places

KEYWORDS = {"_": None, "ngettext": (1, 2)}


@pytest.fixture(scope="module")
def japanese() -> Catalog:
    """The catalogue that translators edit."""
    with (FOLDER / "click.po").open("rb") as file:
        return read_po(file, locale="ja")


def test_all_that_click_says_is_translated(japanese: Catalog) -> None:
    """What a newer click says in other words would be English in the middle of Japanese."""
    package = Path(str(click.__file__)).parent
    said = [message for _, _, message, _, _ in extract_from_dir(package, [("**.py", "python")], keywords=KEYWORDS)]
    assert len(said) > 40
    assert [] == [message for message in said if not (found := japanese.get(message)) or not found.string]


def test_translations_have_the_places_of_the_english(japanese: Catalog) -> None:
    """Also where both numbers share one sentence."""
    for message in japanese:
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        texts = message.string if isinstance(message.string, tuple) else (message.string,)
        assert all(places(text) <= places(ids[-1]) for text in texts if ids[0]), message.id


def test_the_compiled_catalogue_is_that_of_the_text(japanese: Catalog) -> None:
    """click.mo is what click.po compiles to."""
    compiled = io.BytesIO()
    write_mo(compiled, japanese)
    assert compiled.getvalue() == (FOLDER / "click.mo").read_bytes(), "run: make messages"
