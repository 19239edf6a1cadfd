"""What Python's parsers of JSON and TOML say of a text, as messages of ours: they speak English alone."""

import json
import re
from collections.abc import Callable

from harness.locale import Text, tr

# As `json.decoder` (C and Python) and `tomllib._parser` have them.
_SAID: dict[str, str] = {
    "Expecting value": tr("a value is missing"),
    "Expecting ',' delimiter": tr("a ',' is missing"),
    "Expecting ':' delimiter": tr("a ':' is missing"),
    "Expecting property name enclosed in double quotes": tr("a name in double quotes is missing"),
    "Illegal trailing comma before end of object": tr("a comma before the end"),
    "Illegal trailing comma before end of array": tr("a comma before the end"),
    "Extra data": tr("text after the value"),
    "Unterminated string starting at": tr("a text that does not end"),
    "Invalid control character at": tr("a control character in a text"),
    "Invalid \\escape": tr("an unknown escape"),
    "Invalid \\uXXXX escape": tr("an unknown escape"),
    "Invalid statement": tr("neither a table nor a key with a value"),
    "Expected newline or end of document after a statement": tr("text after the value"),
    "Expected '=' after a key in a key/value pair": tr("a '=' is missing after the key"),
    "Expected ']' at the end of a table declaration": tr("a ']' is missing"),
    "Expected ']]' at the end of an array declaration": tr("a ']]' is missing"),
    "Invalid initial character for a key part": tr("a key is missing, or needs quotes"),
    "Cannot overwrite a value": tr("a key stands there twice"),
    "Unclosed array": tr("a list that does not end"),
    "Unclosed inline table": tr("a table that does not end"),
    "Unescaped '\\' in a string": tr("a single backslash in a text: write two, or put the text in '…'"),
    "Unterminated string": tr("a text that does not end"),
    "Invalid hex value": tr("an unknown escape"),
    "Escaped character is not a Unicode scalar value": tr("an unknown escape"),
    "Invalid date or datetime": tr("a date that does not exist"),
    "Invalid value": tr("a value is missing, or a text without quotes"),
}
_QUOTING: tuple[tuple[re.Pattern[str], Callable[[str], Text]], ...] = (
    (
        re.compile(r"Cannot declare (.+) twice|Cannot (?:mutate immutable|redefine) namespace .+|Duplicate inline .+"),
        lambda _: tr("a key stands there twice"),
    ),
    (re.compile(r"Expected (.+)"), lambda what: tr("{what} is missing", what=what)),
    (
        re.compile(r"(?:Found invalid|Illegal) character (.+)"),
        lambda what: tr("the character {what} cannot stand there", what=what),
    ),
)
_MARKS = {"end of print statement": "}}", "end of statement block": "%}"}


def _mark(token: str) -> str:
    """Return what a template's author sees of a token."""
    return _MARKS.get(token, token)


# As `jinja2.runtime`, `jinja2.parser`, `jinja2.lexer` and `jinja2.compiler` have them.
_OF_TEMPLATES: tuple[tuple[re.Pattern[str], Callable[..., Text]], ...] = (
    (re.compile(r"'(.+)' is undefined"), lambda name: tr("{name!r} is undefined", name=name)),
    (
        re.compile(r"'(.+)' has no attribute '(.+)'"),
        lambda what, name: tr("{what!r} has no attribute {name!r}", what=what, name=name),
    ),
    (
        re.compile(r"access to attribute '(.+)' of '.+' object is unsafe\."),
        lambda name: tr("{key!r} is private; the sandbox refuses it", key=name),
    ),
    (re.compile(r"unexpected end of template"), lambda: tr("the template ends in the middle")),
    (
        re.compile(r"unexpected '(.+)', expected '(.+)'"),
        lambda found, what: tr("{found!r} stands where {what!r} should", found=_mark(found), what=_mark(what)),
    ),
    (
        re.compile(r"unexpected end of template, expected '(.+)'\."),
        lambda what: tr("the template ends where {what!r} should stand", what=_mark(what)),
    ),
    (
        re.compile(r"Expected an expression, got '(.+)'"),
        lambda found: tr("a value is missing before {found!r}", found=_mark(found)),
    ),
    (re.compile(r"expected name or number"), lambda: tr("a name is missing after the dot")),
    (re.compile(r"unexpected '([^']+)'"), lambda what: tr("{what!r} cannot stand there", what=_mark(what))),
    (re.compile(r"unexpected char ['\"](.+)['\"] at \d+"), lambda what: tr("{what!r} cannot stand there", what=what)),
    (
        re.compile(r"expected token '(.+)', got '(.+)'"),
        lambda what, found: tr("{found!r} stands where {what!r} should", found=_mark(found), what=_mark(what)),
    ),
    (
        re.compile(r"Unexpected end of template\. Jinja was looking for .*'(end\w+)'.*\. The innermost .+"),
        lambda tag: tr("the end of a block is missing: {tag!r}", tag=tag),
    ),
    (re.compile(r"Encountered unknown tag '(.+?)'\.(?: .+)?"), lambda tag: tr("the tag {tag!r} is unknown", tag=tag)),
    (re.compile(r"No filter named '(.+)'\."), lambda name: tr("there is no filter named {name!r}", name=name)),
    (re.compile(r"No test named '(.+)'\."), lambda name: tr("there is no test named {name!r}", name=name)),
    (re.compile(r"Missing end of comment tag"), lambda: tr("a comment does not end")),
)
_PLACE = re.compile(r"(?P<said>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)", re.DOTALL)


def parser_said(message: str) -> str:
    """Return what a parser says as a message of ours, with its place; what is unknown stays as it is.

    >>> parser_said("Extra data"), parser_said("Expected '=' after a key in a key/value pair (at line 2, column 5)")
    ('text after the value', "a '=' is missing after the key (line 2, column 5)")
    """
    if (place := _PLACE.fullmatch(message)) is not None:
        said = parser_said(place["said"])
        if place["line"] is None:
            return tr("{said} (at the end of the file)", said=said)
        return tr("{said} (line {line}, column {column})", said=said, line=place["line"], column=place["column"])
    if message in _SAID:
        return _SAID[message]
    for pattern, say in _QUOTING:
        if (found := pattern.fullmatch(message)) is not None:
            return say(found[1])
    return message


def json_said(error: Exception) -> str:
    """Return what the JSON parser says of a whole text, with its place; another error's own words.

    >>> try: json.loads('{"a" 1}')
    ... except ValueError as error: print(json_said(error))
    a ':' is missing (line 1, column 6)
    """
    if not isinstance(error, json.JSONDecodeError):
        return str(error)
    return tr(
        "{said} (line {line}, column {column})", said=parser_said(error.msg), line=error.lineno, column=error.colno
    )


def template_said(message: str) -> str:
    """Return what Jinja says of a template as a message of ours, without a full stop; what is unknown stays as it is.

    >>> template_said("'inptu' is undefined"), template_said("Encountered unknown tag 'fro'.")
    ("'inptu' is undefined", "the tag 'fro' is unknown")
    """
    for pattern, say in _OF_TEMPLATES:
        if (found := pattern.fullmatch(message)) is not None:
            return say(*found.groups())
    return message.rstrip(".")
