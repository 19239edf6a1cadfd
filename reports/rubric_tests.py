"""The tests of a rubric judge as a part of its card, as Markdown and as plain values."""

from dataclasses import asdict
from typing import Any

from tabulate import tabulate

from harness.analysis.rubric_tests import RubricTests
from reports.formatting import interval, markdown_cell, number, signed
from reports.wording import Language, Words, words


def rubric_tests_document(found: RubricTests) -> dict[str, Any]:
    """Return the tests as plain values, unrounded; what cannot be computed is None."""
    return asdict(found)


def rubric_tests_markdown(found: RubricTests, *, language: Language = "en") -> str:
    """Return the tests as a section of a judge's card."""
    say = words(language)
    rows = [
        (
            say(f"rubric_tests.test_{one.test.name}"),
            str(one.difference.n),
            signed(one.difference.value),
            interval(one.difference, with_sign=True),
            f"{one.rose}/{one.fell}",
            say(f"rubric_tests.expected_{one.test.expected}"),
            _finding(one.finding, say),
        )
        for one in found.results
    ]
    names = ("test", "n", "moved", "interval", "rose", "expected", "finding")
    table = tabulate(
        rows, headers=[say(f"rubric_tests.{name}") for name in names], tablefmt="github", disable_numparse=True,
        colalign=("left", "right", "right", "left", "right", "left", "left"),
    )  # fmt: skip
    where = (
        say("rubric_tests.bundled", count=found.n)
        if found.source is None
        else say("rubric_tests.of_run", count=found.n, run=markdown_cell(found.source))
    )
    title = say("rubric_tests.title", judge=markdown_cell(found.judge))
    note = say("rubric_tests.note", margin=number(found.margin))
    wrong = [one for one in found.results if one.finding in {"moves", "blind", "obeys"}]
    said = [say(f"rubric_tests.said_{one.finding}", test=say(f"rubric_tests.test_{one.test.name}")) for one in wrong]
    cautions = [f"**{say('board.caution')}** {one}" for one in said]
    return "\n\n".join([f"## {title}", where, table, *cautions, note]) + "\n"


def _finding(code: str, say: Words) -> str:
    found = say(f"rubric_tests.finding_{code}")
    return f"**{found}**" if code in {"moves", "blind", "obeys"} else found
