r"""The types of the store's columns: what comes back is what was written, from a SQLite file and from PostgreSQL.

SQLite keeps any value in any column, and text with NUL; lone surrogates it takes as bytes. PostgreSQL keeps neither in
text, so those characters stand there as ``\x01`` and four hexadecimal digits. It compares text by its bytes, as SQLite
does, and not by a language's rules.
"""

import re
from typing import Any

from sqlalchemy import BigInteger, Dialect, Float, Integer, Text
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator, TypeEngine

_BYTEWISE = postgresql.TEXT(collation="C")
_MARK = "\x01"
_ODD = re.compile("[\x00\x01\ud800-\udfff]")
_MARKED = re.compile("\x01([0-9a-f]{4})")

Plain = Text().with_variant(_BYTEWISE, "postgresql")
"""Text of our own: hashes, dates, canonical JSON."""
Exact = Float(53)
"""A double, whose 64 bits come back."""


def as_text(value: str) -> str:
    r"""Return text without the characters that PostgreSQL refuses; `of_text` brings them back.

    >>> as_text("a\x00b"), of_text(as_text("a\x00b\x01\ud800")) == "a\x00b\x01\ud800"
    ('a\x010000b', True)
    """
    return _ODD.sub(lambda found: f"{_MARK}{ord(found[0]):04x}", value)


def of_text(value: str) -> str:
    """Return the text that `as_text` was given."""
    return _MARKED.sub(lambda found: chr(int(found[1], 16)), value) if _MARK in value else value


class AnyText(TypeDecorator[str]):
    """Text that may hold every character of Python's: NUL and lone surrogates, too."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the database's own type."""
        return dialect.type_descriptor(_BYTEWISE if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ANN401 - the driver takes both
        """Return what the driver is given: text, or for SQLite bytes where UTF-8 cannot hold it."""
        if value is None:
            return None
        if dialect.name == "postgresql":
            return as_text(value)
        if value.isascii():
            return value
        try:
            value.encode()
        except UnicodeEncodeError:
            return value.encode("utf-8", "surrogatepass")
        return value

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ANN401 - the driver gives both
        """Return the text that was bound."""
        if value is not None and dialect.name == "postgresql":
            return of_text(value)
        return value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else value


class Number(TypeDecorator[int]):
    """A whole number of up to 64 bits; PostgreSQL is given one, where SQLite takes True as well."""

    impl = Integer
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the database's own type: a checksum needs more than the 31 bits of PostgreSQL's ``integer``."""
        return dialect.type_descriptor(BigInteger() if dialect.name == "postgresql" else Integer())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ANN401 - what a plugin says
        """Return the number; what is none stays for the database to refuse."""
        if value is None or type(value) is int or dialect.name != "postgresql":
            return value
        try:
            return int(value)
        except (TypeError, ValueError, OverflowError):
            return value
