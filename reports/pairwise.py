"""What judges of pairs say, ready to be shown and as data: beside the boards of scores, never in one. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.analysis.pairwise import PairBoard, PairComparison, PairStrength
from harness.pairs.planned import ALL, BASELINE
from harness.types import Estimate, RowKey
from harness.unscored import by_code
from reports.board_view import Cell, Column, Table
from reports.formatting import MISSING, interval, markdown_cell, number, p_value, row_name, signed
from reports.markdown_table import markdown_table
from reports.wording import Words

_MUCH = 0.05  # of verdicts moved by the place alone, from where it is worth a caution
_SURE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class PairView:
    """One board of pairs in words and cells, all plain text; a text that there is no reason for is empty.

    ``strengths``: None where there are none · ``missing``: why verdicts are missing, the commonest first.
    """

    task: str
    judge: str
    title: str
    about: str
    comparisons: Table
    strengths: Table | None
    notes: tuple[str, ...]
    caution: str
    missing: tuple[tuple[str, int], ...]


def pair_view(board: PairBoard, say: Words) -> PairView:
    """Return one board as every report shows it."""
    return PairView(
        task=board.task,
        judge=board.judge,
        title=say("pairs.title", task=board.task, judge=board.judge),
        about=_about(board, say),
        comparisons=_comparisons(board, say),
        strengths=_strengths(board, say) if board.problem is None else None,
        notes=tuple(filter(None, (_place(board, say), _unbounded(board, say), say("pairs.method")))),
        caution=_caution(board, say),
        missing=tuple(
            sorted(((say.sentence(reason), count) for reason, count in board.reasons.items()), key=lambda one: -one[1])
        ),
    )


def _about(board: PairBoard, say: Words) -> str:
    who = "pairs.by_people" if board.kind == "human" else "pairs.by_model"
    key = {BASELINE: "pairs.against_baseline", ALL: "pairs.against_all"}.get(board.against, "pairs.against_anchors")
    against = say(key, baseline=row_name(board.reference), source=board.against.partition(":")[2])
    return say(who, against=against, count=board.n_raters, verdicts=board.n_verdicts)


def _comparisons(board: PairBoard, say: Words) -> Table:
    found = board.comparisons
    confidence = found[0].rate.estimate.confidence if found else 0.95
    return Table(
        columns=(
            _names(say("column.model"), [one.candidate for one in found]),
            Column(
                title=say("pairs.against"),
                cells=tuple(Cell(text=row_name(one.opponent), sort=row_name(one.opponent)) for one in found),
                align="left",
            ),
            Column(title=say("pairs.win_rate"), cells=tuple(_rate(one) for one in found)),
            Column(
                title=say("pairs.interval", confidence=f"{confidence * 100:g} %"),
                cells=tuple(Cell(text=_points(one.rate.estimate), sort=one.rate.estimate.low) for one in found),
            ),
            Column(
                title=say("pairs.wins"),
                cells=tuple(
                    Cell(text=f"{one.rate.wins}/{one.rate.ties}/{one.rate.losses}", sort=float(one.rate.wins))
                    for one in found
                ),
            ),
            Column(
                title=say("pairs.p_adjusted"),
                cells=tuple(Cell(text=p_value(one.p_adjusted), sort=one.p_adjusted) for one in found),
            ),
            Column(title=say("pairs.controlled"), cells=tuple(_controlled(one) for one in found)),
            Column(
                title=say("pairs.longer"),
                cells=tuple(Cell(text=signed(one.longer, 0), sort=one.longer) for one in found),
            ),
        )
    )


def _names(title: str, rows: Sequence[RowKey]) -> Column:
    cells = tuple(Cell(text=row_name(row), sort=row_name(row)) for row in rows)
    return Column(title=title, cells=cells, align="left", names_row=True)


def _rate(one: PairComparison) -> Cell:
    value, p = one.rate.estimate.value, one.p_adjusted
    tone = ""
    if value is not None and p is not None and p <= _SURE:
        tone = "better" if value > 0.5 else "worse"  # noqa: PLR2004 - half
    return Cell(text=_share(value), sort=value, tone=tone)


def _controlled(one: PairComparison) -> Cell:
    found = one.controlled.estimate
    if found.value is None:
        return Cell(text=MISSING)
    return Cell(text=f"{_share(found.value)} ({_points(found)})", sort=found.value)


def _share(value: float | None) -> str:
    """Return a win rate as a percentage to one digit.

    >>> _share(0.625), _share(None)
    ('62.5 %', '–')
    """
    return MISSING if value is None else f"{value * 100:.1f} %"


def _points(found: Estimate) -> str:
    if found.low is None or found.high is None:
        return MISSING
    return f"{found.low * 100:.1f} – {found.high * 100:.1f} %"


def _strengths(board: PairBoard, say: Words) -> Table:
    found = board.strengths
    return Table(
        columns=(
            _names(say("column.model"), [one.row for one in found]),
            Column(
                title=say("pairs.strength"),
                cells=tuple(Cell(text=signed(one.estimate.value), sort=one.estimate.value) for one in found),
            ),
            Column(
                title=say("pairs.interval", confidence=f"{found[0].estimate.confidence * 100:g} %"),
                cells=tuple(
                    Cell(
                        text=say("pairs.reference")
                        if one.row == board.reference
                        else interval(one.estimate, with_sign=True),
                        sort=one.estimate.low,
                        tone="muted" if one.row == board.reference else "",
                    )
                    for one in found
                ),
            ),
        )
    )


def _place(board: PairBoard, say: Words) -> str:
    if not board.n_both:
        return say("pairs.one_order")
    found = board.position
    bounds = MISSING
    if found.low is not None and found.high is not None:
        bounds = f"{signed(found.low * 100, 1)} … {signed(found.high * 100, 1)}"
    points = None if found.value is None else found.value * 100
    place = say("pairs.place", points=signed(points, 1), bounds=bounds, changed=board.n_changed, both=board.n_both)
    has_term = board.place.value is not None
    return place + say("space") + say("pairs.with_term" if has_term else "pairs.without_term")


def _unbounded(board: PairBoard, say: Words) -> str:
    if board.problem is not None:
        return say("pairs.no_strengths", problem=say.sentence(board.problem))
    lone = [row_name(one.row) for one in board.strengths if one.estimate.value is None]
    return say("pairs.unbounded", names=say.several(lone, 5), count=len(lone)) if lone else ""


def _caution(board: PairBoard, say: Words) -> str:
    """Return what to beware of: a judge that names the same place, whatever stands there."""
    value, low, high = board.position.value, board.position.low, board.position.high
    if value is None or low is None or high is None or low <= 0 <= high or abs(value) < _MUCH:
        return ""
    return say(
        "pairs.biased", points=number(abs(value) * 100, 0), place=say("pairs.first" if value > 0 else "pairs.second")
    )


def pairs_markdown(boards: Sequence[PairBoard], say: Words) -> list[str]:
    """Return a section of leaderboard.md for each board of pairs."""
    return [_section(pair_view(board, say), say) for board in boards]


def _section(view: PairView, say: Words) -> str:
    parts = [f"## {markdown_cell(view.title)}", markdown_cell(view.about), markdown_table(view.comparisons)]
    if view.caution:
        parts.append(f"**{say('board.caution')}** {markdown_cell(view.caution)}")
    parts += [markdown_cell(note) for note in view.notes]
    if view.strengths is not None:
        parts.append(f"{say('pairs.strengths')}\n\n{markdown_table(view.strengths)}")
    if view.missing:
        reasons = "\n".join(f"- {count} × {markdown_cell(reason)}" for reason, count in view.missing[:10])
        parts.append(f"{say('pairs.missing', count=sum(count for _, count in view.missing))}\n\n{reasons}")
    return "\n\n".join(parts)


def pairwise_section(boards: Sequence[PairBoard]) -> list[dict[str, Any]]:
    """Return one entry of results.json for each judge of pairs and task set."""
    return [
        {
            "task": board.task,
            "judge": board.judge,
            "kind": board.kind,
            "against": board.against,
            "raters": board.n_raters,
            "verdicts": board.n_verdicts,
            "n_unscored": board.n_unscored,
            "unscored_reasons": by_code(board.reasons),
            "ties": board.ties,
            "position": {
                **_estimate(board.position),
                "pairs": board.n_both,
                "changed": board.n_changed,
                "log_odds": board.place.value,
                "log_odds_low": board.place.low,
                "log_odds_high": board.place.high,
            },
            "reference": _row(board.reference),
            "comparisons": [_compared(one) for one in board.comparisons],
            "strengths": [_strength(one) for one in board.strengths],
            "problem": board.problem,
        }
        for board in boards
    ]


def _compared(one: PairComparison) -> dict[str, Any]:
    rate = one.rate
    return {
        "candidate": _row(one.candidate),
        "opponent": _row(one.opponent),
        "win_rate": rate.estimate.value,
        "low": rate.estimate.low,
        "high": rate.estimate.high,
        "confidence": rate.estimate.confidence,
        "method": rate.estimate.method,
        "n": rate.estimate.n,
        "n_missing": rate.estimate.n_unscored,
        "wins": rate.wins,
        "ties": rate.ties,
        "losses": rate.losses,
        "p_value": rate.p_value,
        "p_adjusted": one.p_adjusted,
        "length_controlled": _estimate(one.controlled.estimate),
        "length_slope": _estimate(one.controlled.slope),
        "longer": one.longer,
        "strength_difference": _estimate(one.strength),
        "expected_win_rate": one.expected,
    }


def _strength(one: PairStrength) -> dict[str, Any]:
    return {**_row(one.row), "is_anchor": one.is_anchor, **_estimate(one.estimate)}


def _estimate(found: Estimate) -> dict[str, Any]:
    return {"value": found.value, "low": found.low, "high": found.high, "n": found.n, "method": found.method}


def _row(row: RowKey) -> dict[str, Any]:
    return {"model": row.model, "prompt": row.prompt}
