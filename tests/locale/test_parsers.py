"""What Python's parsers say, in the language: by their own errors on broken texts."""

import json
import tomllib

import jinja2
import pytest

from harness.locale import Text, in_language
from harness.locale.parsers import json_said, parser_said, template_said

BROKEN_JSON = (
    "", "{", "[1", "{1}", '{"a" 1}', '{"a": }', '"a', '"\n"', '"\\q"', '"\\u12"', "1 2", "{}{}",
    '{"a": 1,}', "[1,]",
)  # fmt: skip
BROKEN_TOML = (
    "a", "a =", "a = 1 2", "a = b", "[a", "[[a]", "= 1", "a = 1\na = 2", "[a]\n[a]", "a = [1", "a = {b = 1",
    'a = "\\q"', 'a = "b', "a = '''b", 'a = "\\u12"', 'a = "\\uD800"', "a = 2026-02-31", "a = {b = 1, b = 2}",
    "a = {b = 1}\n[a.c]\nd = 1", "a.b = 1\n[a]\nc = 1", "a = '\x01'", "# \x01", "a = '", "[[a]]\n[a]",
)  # fmt: skip


@pytest.mark.parametrize("text", BROKEN_JSON)
def test_all_that_the_json_parser_says_is_a_message(text: str) -> None:
    """And one that has a translation."""
    with pytest.raises(json.JSONDecodeError) as error:
        json.loads(text)
    said = parser_said(error.value.msg)
    assert isinstance(said, Text)
    assert in_language(said, "ja") != said


@pytest.mark.parametrize("text", BROKEN_TOML)
def test_all_that_the_toml_parser_says_is_a_message(text: str) -> None:
    """With the place, which stays the parser's."""
    with pytest.raises(tomllib.TOMLDecodeError) as error:
        tomllib.loads(text)
    said = parser_said(str(error.value))
    assert isinstance(said, Text)
    assert isinstance(said.values["said"], Text), error.value
    places = [mark for mark in str(error.value).rpartition(" (at ")[2] if mark.isdigit()]
    assert places == [mark for mark in said.rpartition(" (")[2] if mark.isdigit()]
    assert in_language(said.values["said"], "ja") != said.values["said"]


def test_what_nobody_knows_stays() -> None:
    """A later Python may say something else."""
    assert ("as it was said", "as it was said (line 1, column 2)") == (
        parser_said("as it was said"), parser_said("as it was said (at line 1, column 2)"),
    )  # fmt: skip


def test_a_whole_text_is_said_with_its_place() -> None:
    """Line and column as the parser counts them; other errors in their own words."""
    with pytest.raises(json.JSONDecodeError) as error:
        json.loads('{"a": 1,\n "b" 2}')
    said = json_said(error.value)
    assert said == "a ':' is missing (line 2, column 6)"
    assert in_language(said, "ja") != said
    assert json_said(ValueError("as it is")) == "as it is"


def test_a_variable_that_is_not_there() -> None:
    """As Jinja says it."""
    with pytest.raises(jinja2.UndefinedError) as error:
        jinja2.Environment(undefined=jinja2.StrictUndefined).from_string("{{ inptu }}").render()
    said = template_said(str(error.value.message))
    assert said == "'inptu' is undefined"
    assert in_language(said, "ja") != said
    assert template_said("something else") == "something else"
