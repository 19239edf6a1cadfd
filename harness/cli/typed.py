"""What was typed, as it was meant: typesetting and Japanese keyboards turn the hyphens of options into other dashes."""

import re
import shlex
import sys
import unicodedata

_DASHES = "-－ー‐‑‒–—―−"
_OPTION = re.compile(rf"([{_DASHES}]{{1,2}})([A-Za-zＡ-Ｚａ-ｚ][-－A-Za-zＡ-Ｚａ-ｚ]*)(?:[=＝](.*))?", re.DOTALL)
_LOGIN = re.compile(r"(postgres(?:ql)?(?:\+\w+)?://[^:/@\s]*):[^@]*@", re.IGNORECASE)
_SECRET = re.compile(r"([?&]\w*password=)[^&#\s]*", re.IGNORECASE)
_SHORT = frozenset("-－‐‑−")
"""Dashes as wide as a hyphen: one alone stands before a short option, where a longer one stands for two."""


def plain_option(argument: str) -> str:
    """Return a word of the command line; one that is an option but for its dashes and wide letters, as an option.

    What stands after ``=`` stays as it is, and so does whatever is no option.

    >>> plain_option("—model"), plain_option("－－ｍｏｄｅｌ＝答え"), plain_option("ーーjudge-repeats")
    ('--model', '--model=答え', '--judge-repeats')
    >>> plain_option("-h"), plain_option("—答え"), plain_option("--run=a＝b")
    ('-h', '—答え', '--run=a＝b')
    """
    found = _OPTION.fullmatch(argument)
    if found is None:
        return argument
    dashes, name, value = found.groups()
    return (
        ("-" if dashes in _SHORT else "--")
        + unicodedata.normalize("NFKC", name)
        + ("" if value is None else f"={value}")
    )


def typed_command() -> str:
    """Return this command as it can be typed again, its options plain, without a password in a store's URL."""
    return shlex.join(["harness", *(without_password(plain_option(argument)) for argument in sys.argv[1:])])


def without_password(argument: str) -> str:
    """Return a word of the command line without the password of a server's URL: it stands in no file and no message.

    >>> without_password("--store=postgresql+psycopg://me:secret@db.example/team?sslmode=require")
    '--store=postgresql+psycopg://me@db.example/team?sslmode=require'
    """
    if "://" not in argument:
        return argument
    return _SECRET.sub(r"\1", _LOGIN.sub(r"\1@", argument))
