"""How far the rating of a run is, and what people would say of it as far as their ratings go: a page for the host."""

from typing import Any

from harness.analysis.human_anchor import AnchoredRow
from harness.analysis.people_so_far import RatingState, SetState
from harness.types import Estimate
from reports.formatting import MISSING, interval, minute, number, percent, printable, row_name, signed
from reports.page import asset, policy, render_page
from reports.wording import Language, Words, words

_STYLE, _SCRIPT = "rating_progress.css", "rating_progress.js"
_OWN_SERVER = "connect-src 'self'"


def progress_html(state: RatingState, *, now: str, language: Language = "en") -> str:
    """Return the page, which looks again by itself where it came from; ``now``: when, as ISO 8601 with seconds."""
    say = words(language)
    return render_page(
        "rating_progress.html.j2",
        style=asset(_STYLE),
        script=asset(_SCRIPT),
        allowed=_OWN_SERVER,
        say=say,
        run=printable(state.run),
        raters=[
            {
                "name": printable(one.name),
                "done": one.done,
                "total": one.total,
                "skipped": one.skipped,
                "last": say("rating_progress.never") if one.last is None else _clock(one.last, now),
            }
            for one in state.raters
        ],
        sets=[_section(one, state, say) for one in state.sets],
        nobody=not any(one.done for one in state.raters),
        updated=say("rating_progress.updated", time=now[11:19]),
    )


def progress_policy() -> str:
    """Return the page's content security policy: its own script and style, and where it came from."""
    return policy(asset(_STYLE), asset(_SCRIPT), allowed=_OWN_SERVER)


def difference_lines(state: RatingState, say: Words) -> list[str]:
    """Return what people would say of each difference, as far as it is known, in a line each.

    Lines are of sets that have an interval; others have none.
    """
    lines = []
    for one in state.sets:
        for row in () if one.people is None else one.people.differences:
            if row.estimate.population.low is not None:
                shown = _shown(row.estimate.population, state, say)
                lines.append(f"{one.remaining.task}: {_compared(row)} {shown}")
    return [printable(line) for line in lines]


def _shown(estimate: Estimate, state: RatingState, say: Words) -> str:
    bounds = interval(estimate, with_sign=True)
    return (
        f"{signed(estimate.value)} ({say('rating_progress.interval', confidence=percent(state.confidence))} {bounds})"
    )


def _compared(row: AnchoredRow) -> str:
    base = "" if row.baseline is None else f" − {row_name(row.baseline)}"
    return f"{row_name(row.row)}{base}"


def _clock(date: str, now: str) -> str:
    """Return the time of day of a date of today, else the date."""
    return date[11:16] if date[:10] == now[:10] and date[19:] == now[19:] else minute(date)


def _section(one: SetState, state: RatingState, say: Words) -> dict[str, Any]:
    left, people = one.remaining, one.people
    key = "rating_progress"
    note = ""
    if left.needed is None:
        note = say(f"{key}.too_small")
    elif left.labels:
        note = say(f"{key}.missing", count=left.labels, needed=left.needed)
    rows = [] if people is None else [*people.differences, *people.means]
    rated = max((row.estimate.n_labels for row in rows), default=0)
    how = ""
    if people is not None and any(row.estimate.population.low is not None for row in rows):
        how = say(f"{key}.carried" if one.is_carried else f"{key}.alone", rated=rated, judge=printable(people.judge))
    return {
        "title": say(f"{key}.task", task=printable(left.task), rated=left.rated, chosen=left.chosen),
        "people_say": say(f"{key}.people_say", count=one.n_tasks),
        "note": note,
        "how": how,
        "rated": left.rated,
        "chosen": left.chosen,
        "state": say(f"{key}.whole" if one.is_whole else f"{key}.not_whole"),
        "interval": say(f"{key}.interval", confidence=percent(state.confidence)),
        "rows": [_row(row, say) for row in rows],
    }


def _row(row: AnchoredRow, say: Words) -> dict[str, str]:
    beyond = row.estimate.population
    is_gap = row.baseline is not None
    name = printable(_compared(row))
    return {
        "name": name if is_gap else say("rating_progress.means", row=name),
        "value": MISSING if beyond.value is None else signed(beyond.value) if is_gap else number(beyond.value),
        "bounds": interval(beyond, with_sign=is_gap),
    }
