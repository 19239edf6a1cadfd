"""The page of `harness history`: every try on every task set, and what changed between any two. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from markupsafe import Markup

from harness.analysis.history import HistoryRow, TriesHistory
from harness.ledger import Reset
from harness.types import RowKey
from reports.formatting import MISSING, minute, number, percent, printable, row_name, signed
from reports.history import history_chart, history_style, history_table, history_title, learnt, reset_lines
from reports.page import asset, render_page
from reports.wording import Words

FactsState = Literal["known", "gone", "changed"]
"""Whether a try's run is there: it is, its folder is gone, or it holds something else under this name now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TryFacts:
    """What one try was made of, by keys such as ``adapter_digest`` or ``recipe.learning_rate``, in the order shown."""

    state: FactsState
    values: Mapping[str, str] = field(default_factory=dict)


Facts = Mapping[tuple[str, str], TryFacts]
"""By the run's name and the candidate's content."""


def history_html(found: Sequence[TriesHistory], resets: Sequence[Reset], say: Words, facts: Facts | None = None) -> str:
    """Return one page that holds everything and asks the network for nothing; ``facts``: what tries were made of."""
    known = facts or {}
    return render_page(
        "history.html.j2",
        style=history_style(),
        script=asset("history.js"),
        data={"words": say.section("history_page"), "sets": [_data(one, known, say) for one in found]},
        say=say,
        overview=[_overview(one, say) for one in found],
        sections=[_section(one, say) for one in found],
        resets=[printable(line) for line in reset_lines(resets, say)],
    )


def _overview(one: TriesHistory, say: Words) -> dict[str, str]:
    best, verdicts = one.best, [row.verdict for row in one.rows]
    state = say(f"history_page.seal_{one.part}", sealed=one.sealed, date=(one.sealed_on or "")[:10])
    return {
        "title": printable(history_title(one, say)),
        "tries": str(len(one.rows)),
        "better": str(verdicts.count("better")),
        "best": MISSING if best is None else printable(f"{_name(best)} {signed(best.difference, one.digits)}"),
        "seal": state if one.part != "all" else MISSING,
        "openings": str(one.openings) if one.part != "all" else MISSING,
        "when": _span(one.rows),
    }


def _span(rows: Sequence[HistoryRow]) -> str:
    first, last = rows[0].date[:10], rows[-1].date[:10]
    return first if first == last else f"{first} – {last}"


def _section(one: TriesHistory, say: Words) -> Mapping[str, Any]:
    headers, rows = history_table(one, say)
    return {
        "title": printable(history_title(one, say)),
        "caption": say("history.caption", confidence=percent(one.confidence)),
        "learnt": [printable(line) for line in learnt(one, say)],
        "chart": Markup(history_chart(one, say)),  # noqa: S704 - every text in it is escaped
        "headers": headers,
        "rows": [[printable(cell) for cell in row] for row in rows],
        "name": [title for title, _ in headers].index(say("history.candidate")),
        "verdicts": [row.verdict if row.verdict in ("better", "worse") else "open" for row in one.rows],
        "options": [printable(f"{row.place}: {_name(row)} ({row.date[:10]})") for row in one.rows],
        "first": _first(one),
    }


def _first(one: TriesHistory) -> int:
    """Return the place of the best before the last, which the last is compared with at first."""
    before = [row for row in one.rows[:-1] if row.difference is not None]
    best = max(before, key=lambda row: row.difference or 0.0, default=None)
    return 0 if best is None else best.place - 1


def _name(row: HistoryRow) -> str:
    return row_name(RowKey(model=row.label, prompt=row.prompt))


def _data(one: TriesHistory, facts: Facts, say: Words) -> list[dict[str, Any]]:
    """Return what the script shows of each try: its figures in words, and what it was made of."""
    return [
        {
            "name": printable(_name(row)),
            "run": printable(row.run),
            "date": minute(row.date),
            "mean": number(row.mean, one.digits),
            "difference": signed(row.difference, one.digits),
            "bounds": _bounds(row, one.digits),
            "shows": say(f"history.{row.verdict if row.verdict in ('better', 'worse') else 'open'}"),
            "state": found.state,
            "facts": [[printable(key), _label(key, say), printable(value)] for key, value in found.values.items()],
        }
        for row in one.rows
        for found in [facts.get((row.run, row.candidate), TryFacts(state="gone"))]
    ]


def _bounds(row: HistoryRow, digits: int) -> str:
    if row.low is None or row.high is None:
        return MISSING
    return f"{signed(row.low, digits)} … {signed(row.high, digits)}"


def _label(key: str, say: Words) -> str:
    """Return a fact's name in words: its own, that of its group, or as it stands."""
    if f"history_fact.{key}" in say.texts:
        return say(f"history_fact.{key}")
    group, _, name = key.partition(".")
    if name and f"history_fact.{group}" in say.texts:
        return say(f"history_fact.{group}", name=printable(name))
    return printable(key)
