"""What a report says of earlier tries: nothing where there were none, and the same figures in both languages."""

import re
from dataclasses import replace
from typing import Any

import pytest

from harness.analysis.over_tries import over_tries
from harness.analysis.tried import MANY
from reports.ledger import ledger_cautions, ledger_note, ledger_section, tried_fields, tries_lines
from reports.wording import LANGUAGES, Language, words
from tests.analysis.test_over_tries import entry, made


def board(p_value: float | None = 0.3, **fields: Any) -> Any:
    """A board of one candidate, and what came before it."""
    return over_tries(made(), [replace(entry(p_value), **fields)]).boards[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_which_try_it_is_and_how_the_gain_shrinks(language: Language) -> None:
    """The 40th of 40; 0.50 points drawn in to 0.20; as of a date."""
    text = ledger_note(board(luck=0.75), words(language)) + " ".join(tries_lines(board(), words(language)))
    for figure in ("40", "0.50", "0.20", "0.75", "2026-11-01"):
        assert figure in text, text
    assert not re.search(r"\{\w+\}", text)


def test_a_first_board_has_nothing_to_say() -> None:
    """Nor has one that is in no ledger."""
    say = words("en")
    first = board(None, tries=1, earlier=0, rows=())
    assert ("", [], []) == (ledger_note(first, say), tries_lines(first, say), ledger_cautions(first, say))
    plain = made().boards[0]
    assert ("", [], [], {}) == (
        ledger_note(plain, say),
        tries_lines(plain, say),
        ledger_cautions(plain, say),
        ledger_section(made()),
    )


@pytest.mark.parametrize(("tries", "part", "count"), [(MANY, "all", 0), (MANY + 1, "all", 1), (MANY + 1, "sealed", 0)])
def test_many_tries_are_a_caution_unless_it_is_the_claim(tries: int, part: str, count: int) -> None:
    """Beyond ten, what was learnt from one goes into the next."""
    assert count == len(ledger_cautions(board(tries=tries, part=part), words("en")))


def test_the_fields_of_results_json() -> None:
    """For each task set under its judge, and for each comparison."""
    shown = over_tries(made(), [entry(0.3)])
    section = ledger_section(shown)["t"]
    assert (40, 39, "all", "j") == (section["tries"], section["earlier"], section["part"], section["judge"])
    [comparison] = shown.boards[0].comparisons
    assert {"try": 40, "ledger_low": -0.1, "ledger_high": 1.1, "shrunken": 0.2} == tried_fields(comparison)
    assert {"try": None, "ledger_low": None, "ledger_high": None, "shrunken": None} == tried_fields(
        made().boards[0].comparisons[0]
    )
