"""report.html: one file that holds everything, asks the network for nothing and lets no foreign text act."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from harness.analysis.judge_audit import Bin, JudgeCard, PairCard
from harness.analysis.leaderboard import Board, BoardRow
from harness.analysis.scores import ScoreTable
from harness.types import Estimate
from reports.charts import figures, tone
from reports.formatting import (
    MISSING,
    interval,
    is_long,
    kind_key,
    minute,
    number,
    p_value,
    percent,
    printable,
    ranks,
    row_name,
    score_digits,
    shown_value,
    signed,
    sort_key,
)
from reports.gaps import comparable, difference_bounds, legend, marked, marked_difference, row_bounds, tag_mean
from reports.judge_cards import TaskCards, judge_cards
from reports.markdown import (
    cautions_about,
    method_note,
    missing_reasons,
    noise,
    resolution,
    scale_note,
    verdict_on_board,
    wins,
)
from reports.payload import embedded, payload
from reports.run_view import Report
from reports.wording import Language, Words, words

_SCRIPTS = ("core.js", "boards.js", "diff.js", "answers.js", "tasks.js")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell of a sortable table. ``sort``: what it is sorted by, None: last."""

    text: str
    sort: float | str | None = None
    tone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a sortable table: its title, whether it holds figures, and whether it names the row."""

    title: str
    numeric: bool = True
    names_row: bool = False


def report_html(report: Report, cautions: Sequence[str] = (), *, language: Language = "en") -> str:
    """Return the whole page. ``cautions`` are about the run as a whole (see `reports.cautions`)."""
    say = words(language)
    data = payload(report, say)
    leaderboard = report.leaderboard
    style, script = _asset("report.css"), "\n".join(_asset(name) for name in _SCRIPTS)
    boards = [
        _board(board, table, place, leaderboard.confidence, say)
        for place, (board, table) in enumerate(zip(leaderboard.boards, report.tables, strict=True))
    ]
    models = list(dict.fromkeys(row.key.model for board in leaderboard.boards for row in board.rows))
    return _environment().get_template("report.html.j2").render(
        say=say,
        run=printable(leaderboard.run),
        policy=f"default-src 'none'; script-src 'sha256-{_hash(script)}'; style-src 'sha256-{_hash(style)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'",
        style=Markup(style),  # noqa: S704 - our own files
        script=Markup(script),  # noqa: S704 - our own files
        data=Markup(embedded(data)),  # noqa: S704 - escaped for where it stands
        n_models=len(models),
        tasks={board.task: board.n_samples for board in leaderboard.boards},
        judges=list(dict.fromkeys(board.judge.name for board in leaderboard.boards)),
        date=minute(str(report.provenance.get("date", MISSING))),
        confidence=percent(leaderboard.confidence),
        cautions=cautions,
        boards=boards,
        missing=data["missing"],
        cards=[_cards(found, say) for found in judge_cards(report)],
        prompts=report.prompts,
        notices=report.notices,
        provenance=_provenance(report.provenance, say),
        sort_key=sort_key,
        command=printable(str(report.provenance.get("command", ""))),
    )  # fmt: skip


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        finalize=_printable,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _printable(value: object) -> object:
    """Return what stands in the page for a value: no text, wherever it comes from, keeps a control character."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _asset(name: str) -> str:
    return (resources.files("reports") / "templates" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _board(board: Board, table: ScoreTable, place: int, confidence: float, say: Words) -> dict[str, Any]:
    digits = score_digits(board.judge.scale.low, board.judge.scale.high)
    columns, rows = _table(board, confidence, digits, say)
    cautions = [
        (say("board.caution_about", names=about) if about else say("board.caution"), said)
        for about, said in cautions_about(board, say)
    ]
    return {
        "task": board.task,
        "judge": board.judge.name,
        "scale": scale_note(board, say),
        "columns": columns,
        "rows": rows,
        "verdict": verdict_on_board(board, confidence, say),
        "resolution": resolution(board, say),
        "noise": noise(board, say),
        "gaps": legend(board, say).replace("**", ""),
        "method": method_note(board, say),
        "cautions": cautions,
        "missing": [(count, printable(reason)) for reason, count in missing_reasons(board.rows)],
        "tags": _tags(board, digits, say),
        "figures": figures(board, table, place, confidence, say),
    }


def _table(
    board: Board, confidence: float, digits: int, say: Words
) -> tuple[Sequence[Column], Sequence[Sequence[Cell]]]:
    prompted = any(row.key.prompt is not None for row in board.rows)
    compared = bool(board.comparisons)
    rate = "column.pass_rate" if board.judge.scale.is_pass_fail else "column.mean"
    columns = [Column(title=say("column.rank")), Column(title=say("column.model"), numeric=False, names_row=True)]
    columns += [Column(title=say("column.prompt"), numeric=False)] if prompted else []
    columns += [
        Column(title=say(rate)),
        Column(title=say("column.interval", confidence=percent(confidence))),
    ]
    gaps = board.has_gaps
    columns += [Column(title=say(f"column.{name}")) for name in ("comparable", "bounds")] if gaps else []
    ends_known = any(row.length_stop_rate is not None for row in board.rows)
    names = ("difference", "difference_interval", *(["difference_bounds"] if gaps else []), "p_adjusted", "wins")
    columns += [Column(title=say(f"column.{name}")) for name in names] if compared else []
    columns += [Column(title=say(f"column.{name}")) for name in ("n", "unscored", *(["cut"] if ends_known else []))]
    alpha = 1 - confidence
    return columns, [
        [
            Cell(
                text=marked(ranks(row.rank), row), sort=None if row.rank is None else row.rank.low + row.rank.high / 1e6
            ),
            Cell(text=printable(row.key.model), sort=row.key.model.casefold()),
            *([Cell(text=printable(row.key.prompt or MISSING), sort=row.key.prompt or "")] if prompted else []),
            Cell(text=marked(number(row.estimate.value, digits), row), sort=row.estimate.value),
            Cell(text=interval(row.estimate, digits), sort=row.estimate.low),
            *(_gap_cells(row, digits, say) if gaps else []),
            *(_against(board, row, digits, alpha, say) if compared else []),
            Cell(text=f"{row.estimate.n}", sort=row.estimate.n),
            Cell(text=f"{row.estimate.n_unscored}", sort=row.estimate.n_unscored),
            *([Cell(text=percent(row.length_stop_rate), sort=row.length_stop_rate)] if ends_known else []),
        ]
        for row in board.rows
    ]


def _against(board: Board, row: BoardRow, digits: int, alpha: float, say: Words) -> list[Cell]:
    result = board.against_baseline(row.key)
    gaps = board.has_gaps
    if result is None:
        empty = [Cell(text="")] * (4 if gaps else 3)
        return [Cell(text=say("board.baseline"), tone="muted", sort=0.0), *empty]
    return [
        Cell(
            text=marked_difference(result, digits),
            sort=result.difference.value,
            tone=tone(result.difference.value, result.p_adjusted, alpha),
        ),
        Cell(text=interval(result.difference, digits, with_sign=True), sort=result.difference.low),
        *([Cell(text=difference_bounds(result, digits), sort=result.worst_case)] if gaps else []),
        Cell(text=p_value(result.p_adjusted), sort=result.p_adjusted),
        Cell(text=wins(result), sort=result.wins - result.losses),
    ]


def _gap_cells(row: BoardRow, digits: int, say: Words) -> list[Cell]:
    return [
        Cell(text=comparable(row, digits, say), sort=row.comparable),
        Cell(text=row_bounds(row, digits), sort=row.worst_case.worst),
    ]


def _tags(board: Board, digits: int, say: Words) -> dict[str, Any] | None:
    if not board.rows or not board.rows[0].tags:
        return None
    counts = [(tag.tag, tag.estimate.n + tag.estimate.n_unscored) for tag in board.rows[0].tags]
    columns = [Column(title=say("column.model"), numeric=False, names_row=True)]
    columns += [Column(title=f"{printable(tag)} ({count})") for tag, count in counts]
    rows = [
        [
            Cell(text=printable(row_name(row.key)), sort=row_name(row.key).casefold()),
            *(Cell(text=tag_mean(row, tag, digits), sort=tag.estimate.value) for tag in row.tags),
        ]
        for row in board.rows
    ]
    return {"columns": columns, "rows": rows}


def _cards(found: TaskCards, say: Words) -> dict[str, Any]:
    return {
        "task": found.task,
        "cards": [_card(card, say) for card in found.cards],
        "pairs": [_pair(pair) for pair in found.pairs if pair.agreement is not None],
        "rankings": [
            (pair.first, pair.second, f"{pair.n:,}", number(pair.rank_answers), number(pair.rank_rows))
            for pair in found.pairs
            if pair.agreement is None
        ],
    }


def _card(card: JudgeCard, say: Words) -> dict[str, Any]:
    scale = card.judge.scale
    digits = score_digits(scale.low, scale.high)
    slope, own = card.length_slope, card.consistency
    facts = [
        (say("page.scale"), str(scale)),
        (say("page.mean"), number(card.mean, digits)),
        (say("page.scored"), f"{card.n_scored:,}"),
        (say("column.unscored"), f"{card.n - card.n_scored:,}"),
    ]
    if card.versions:
        facts.append((say("page.versions"), ", ".join(card.versions)))
    if slope.value is not None:
        facts.append(
            (say("page.length_slope"), _with_interval(signed(slope.value, digits), slope, digits, with_sign=True))
        )
    if own is not None:
        facts += [
            (say("page.self_exact", repeats=own.repeats), percent(own.exact.value)),
            (say("page.self_within", step=f"{own.step:g}"), percent(own.within.value)),
        ]
    return {
        "judge": card.judge.name,
        "kind": say.section("kind")[kind_key(card.judge.kind, card.judge.scored_by)],
        "facts": facts,
        "levels": [(_bin(one, digits), percent(one.count / max(1, card.n_scored))) for one in card.histogram],
    }


def _bin(one: Bin, digits: int) -> str:
    return f"{one.low:g}" if one.low == one.high else f"{number(one.low, digits)}–{number(one.high, digits)}"


def _pair(pair: PairCard) -> tuple[str, ...]:
    found = pair.agreement
    assert found is not None
    return (
        pair.first,
        pair.second,
        f"{found.n:,}",
        percent(found.exact.value),
        percent(found.within_one.value),
        _with_interval(number(found.kappa.value), found.kappa),
        _with_interval(signed(found.bias.value), found.bias, with_sign=True),
        number(pair.alpha),
        number(pair.rank_rows),
    )


def _with_interval(value: str, estimate: Estimate, digits: int = 2, *, with_sign: bool = False) -> str:
    bounds = interval(estimate, digits, with_sign=with_sign)
    return value if bounds == MISSING else f"{value} ({bounds})"


def _provenance(provenance: Mapping[str, Any], say: Words) -> list[tuple[str, Any]]:
    """Return each entry with its value, or with a list of pairs where it is too long for a line."""
    names = say.section("provenance")
    return [
        (
            names.get(key, key),
            [(printable(str(name)), printable(shown_value(item))) for name, item in value.items()]
            if is_long(value)
            else printable(shown_value(value)),
        )
        for key, value in provenance.items()
        if key != "command" and value not in ({}, [])
    ]
