"""How a judge moved between its versions, as Markdown, as a chart and as plain values."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tabulate import tabulate

from harness.analysis.drift import Drift
from reports.formatting import interval, markdown_cell, number, off_by_rounding, signed
from reports.history import history_style
from reports.svg import Bar, forest
from reports.wording import Language, words

_DAY = 10  # characters of a date


def drift_document(found: Sequence[Drift]) -> list[dict[str, Any]]:
    """Return the drifts as plain values, unrounded, equating by score."""
    return [
        asdict(one)
        | {
            "equating": None
            if one.equating is None
            else {
                "method": one.equating.method,
                "scores": one.equating.levels.tolist(),
                "equated": one.equating.values.tolist(),
                "standard_errors": one.equating.errors.tolist(),
            }
        }
        for one in found
    ]


def drift_markdown(found: Sequence[Drift], *, language: Language = "en") -> str:
    """Return the drifts as a section of the judge cards; "" where there is none."""
    if not found:
        return ""
    say = words(language)
    rows = [
        (
            one.date[:_DAY],
            *map(markdown_cell, (one.judge, one.old, one.new)),
            str(one.difference.n),
            number(one.old_mean),
            number(one.new_mean),
            f"{signed(one.difference.value)} ({interval(one.difference, with_sign=True)})",
            say("drift.apart") if one.equating is None else say(f"versions.{one.equating.method}"),
        )
        for one in found
    ]
    names = ("date", "judge", "old", "new", "n", "old_mean", "new_mean", "difference", "method")
    headers = [say(f"drift.{name}") for name in names]
    table = tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True)
    note = say("drift.note")
    if any(off_by_rounding(one.old_mean, one.new_mean, one.difference.value, 2) for one in found):
        note += say("space") + say("board.rounded")
    return f"## {say('drift.title')}\n\n{note}\n\n{table}\n"


def drift_svg(found: Sequence[Drift], *, language: Language = "en") -> str:
    """Return the differences of all versions in the order of their dates, as a file of its own."""
    say = words(language)
    bars = [
        Bar(
            name=f"{one.date[:_DAY]} {one.old} → {one.new}",
            value=one.difference.value,
            low=one.difference.low,
            high=one.difference.high,
        )
        for one in found
    ]
    chart = forest(bars, title=say("drift.title"), axis=say("drift.axis"), zero=0.0)
    opening, rest = chart.split(">", 1)
    return f'{opening} xmlns="http://www.w3.org/2000/svg"><style>{history_style()}</style>{rest}\n'
