"""harness history: every try on a task set, what has been learnt from it so far, and a chart of it. Pure."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, fields
from importlib import resources
from typing import Any

from tabulate import tabulate

from harness.analysis.history import HistoryRow, TriesHistory
from harness.analysis.tried import MANY
from harness.ledger import Reset
from harness.tables.cells import guarded
from harness.types import RowKey
from reports import svg
from reports.board_view import Align
from reports.formatting import (
    MISSING,
    markdown_cell,
    markdown_line,
    minute,
    number,
    p_value,
    printable,
    row_name,
    signed,
)
from reports.ledger import ELYZA
from reports.wording import Words

SCHEMA = 1
_FIGURES = tuple(field.name for field in fields(HistoryRow))


def history_document(found: Sequence[TriesHistory], resets: Sequence[Reset]) -> dict[str, Any]:
    """Return the histories as plain values, unrounded; what cannot be computed is null."""
    return {"schema": SCHEMA, "tasksets": [asdict(one) for one in found], "resets": [asdict(one) for one in resets]}


def history_csv(found: Sequence[TriesHistory]) -> str:
    """Return one line for each try. A text that a spreadsheet would take for a formula gets a leading apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["task", "judge", "part", *_FIGURES])
    for one in found:
        for row in one.rows:
            cells = [one.name, one.judge, one.part, *asdict(row).values()]
            writer.writerow([guarded(printable(cell)) if isinstance(cell, str) else cell for cell in cells])
    return text.getvalue()


def history_markdown(found: Sequence[TriesHistory], resets: Sequence[Reset], say: Words) -> str:
    """Return what was tried on each task set as tables, with what was learnt from it in words."""
    parts = [f"# {say('history.title')}"]
    for one in found:
        headers, rows = history_table(one, say)
        table = tabulate(
            [[markdown_cell(cell) for cell in row] for row in rows],
            headers=[markdown_cell(title) for title, _ in headers],
            tablefmt="github",
            colalign=[align for _, align in headers],
            disable_numparse=True,
        )
        lines = "\n".join(f"- {markdown_line(line)}" for line in learnt(one, say))
        parts += [f"## {markdown_cell(history_title(one, say))}", lines, table]
    if forgotten := reset_lines(resets, say):
        parts.append("\n".join(f"- {markdown_line(line)}" for line in forgotten))
    return "\n\n".join(parts) + "\n"


def history_title(one: TriesHistory, say: Words) -> str:
    """Return which task set it is, under which judge."""
    part = "" if one.part == "all" else say(f"history.part_{one.part}")
    return say("history.set", task=one.name, part=part, count=one.tasks, judge=one.judge)


def history_table(one: TriesHistory, say: Words) -> tuple[list[tuple[str, Align]], list[list[str]]]:
    """Return the columns, each with where its text stands, and a row of cells for each try, in the order they came."""
    titles: list[tuple[str, Align]] = [
        ("place", "right"), ("date", "left"), ("candidate", "left"), ("run", "left"), ("mean", "right"),
        ("against", "left"), ("difference", "right"), ("interval", "center"), ("p", "right"), ("drawn", "right"),
        ("shows", "left"),
    ]  # fmt: skip
    return [(say(f"history.{key}"), align) for key, align in titles], [_cells(one, row, say) for row in one.rows]


def _cells(one: TriesHistory, row: HistoryRow, say: Words) -> list[str]:
    digits = one.digits
    bounds = MISSING
    if row.low is not None and row.high is not None:
        bounds = f"{signed(row.low, digits)} … {signed(row.high, digits)}"
    against = MISSING if row.baseline is None else f"{row.baseline} {number(row.baseline_mean, digits)}"
    return [
        str(row.place),
        minute(row.date),
        row_name(RowKey(model=row.label, prompt=row.prompt)),
        row.run,
        number(row.mean, digits),
        against,
        signed(row.difference, digits),
        bounds,
        p_value(row.p_value),
        signed(row.shrunken, digits),
        say(f"history.{row.verdict if row.verdict in ('better', 'worse') else 'open'}"),
    ]


def learnt(one: TriesHistory, say: Words) -> list[str]:
    """Return what this task set has taught so far, and what it cannot teach any more, in sentences."""
    count, best, digits = len(one.rows), one.best, one.digits
    shown = [row.verdict for row in one.rows]
    first, last = one.rows[0].date[:10], one.rows[-1].date[:10]
    lines = [
        say(
            "history.tried_day" if first == last and count > 1 else "history.tried",
            count=count,
            better=shown.count("better"),
            worse=shown.count("worse"),
            first=first,
            last=last,
        )
    ]
    if one.part == "sealed":
        lines.append(say("history.claim", count=one.openings, date=(one.sealed_on or "")[:10]))
    if best is not None:
        name = row_name(RowKey(model=best.label, prompt=best.prompt))
        said = say("history.best", candidate=name, difference=signed(best.difference, digits), place=best.place)
        if best.shrunken is not None:
            said += say("space") + say("history.best_drawn", drawn=signed(best.shrunken, digits))
        lines.append(said)
    if one.luck is not None and count > 1:
        lines.append(say("ledger.luck", count=count, gain=number(one.luck, digits)))
    if one.tries_before:
        lines.append(say("history.before", count=one.tries_before))
    if one.part == "open":
        lines.append(say("ledger.open", sealed=one.sealed, count=one.openings))
    is_step_by_step = len({row.run for row in one.rows}) > 1
    if one.part != "sealed" and is_step_by_step and count > MANY:
        claim = "open" if one.part == "open" else "tv" if one.name == ELYZA else "seal"
        lines.append(say("ledger.many", count=count) + say("space") + say(f"ledger.claim_{claim}"))
    return lines


def reset_lines(resets: Sequence[Reset], say: Words) -> list[str]:
    """Return when which task set was forgotten, and how much of it."""
    return [
        say("history.reset", task=one.name, date=minute(one.date), count=one.tries, openings=one.openings)
        for one in resets
    ]


def history_chart(one: TriesHistory, say: Words) -> str:
    """Return the differences of all tries in their order with corrected intervals, as SVG text."""
    bars = [
        svg.Bar(
            name=row.label,
            value=row.difference,
            low=row.low,
            high=row.high,
            tone=row.verdict if row.verdict in ("better", "worse") else "accent",
        )
        for row in one.rows
    ]
    lines = [] if one.luck is None or len(bars) < 2 else [(one.luck, say("history.luck_line"))]  # noqa: PLR2004 - a best
    title = say("history.chart", task=history_title(one, say), count=len(bars))
    return svg.trend(bars, title=title, axis=say("history.difference"), places=say("history.order"), lines=lines)


def history_svg(one: TriesHistory, say: Words) -> str:
    """Return the chart as a file of its own, with its colours."""
    opening, rest = history_chart(one, say).split(">", 1)
    return f'{opening} xmlns="http://www.w3.org/2000/svg"><style>{history_style()}</style>{rest}\n'


def history_style() -> str:
    """Return the colours and the layout of the page, which charts follow."""
    return (resources.files("reports") / "templates" / "history.css").read_text(encoding="utf-8")
