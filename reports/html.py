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

from harness.leaderboard import Board, BoardRow
from harness.scores import ScoreTable
from reports.document import Report
from reports.figures import figures, tone
from reports.judge_cards import JudgeCard, judge_cards
from reports.markdown import (
    cautions_about,
    method_note,
    missing_reasons,
    resolution,
    scale_note,
    verdict_on_board,
    wins,
)
from reports.payload import embedded, payload
from reports.view import (
    MISSING,
    interval,
    is_long,
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
        cards=[_card(card, say) for card in judge_cards(report.tables, confidence=leaderboard.confidence)],
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
    ends_known = any(row.length_stop_rate is not None for row in board.rows)
    names = ("difference", "difference_interval", "p_adjusted", "wins")
    columns += [Column(title=say(f"column.{name}")) for name in names] if compared else []
    columns += [Column(title=say(f"column.{name}")) for name in ("n", "unscored", *(["cut"] if ends_known else []))]
    alpha = 1 - confidence
    return columns, [
        [
            Cell(text=ranks(row.rank), sort=None if row.rank is None else row.rank.low + row.rank.high / 1e6),
            Cell(text=printable(row.key.model), sort=row.key.model.casefold()),
            *([Cell(text=printable(row.key.prompt or MISSING), sort=row.key.prompt or "")] if prompted else []),
            Cell(text=number(row.estimate.value, digits), sort=row.estimate.value),
            Cell(text=interval(row.estimate, digits), sort=row.estimate.low),
            *(_against(board, row, digits, alpha, say) if compared else []),
            Cell(text=f"{row.estimate.n}", sort=row.estimate.n),
            Cell(text=f"{row.estimate.n_unscored}", sort=row.estimate.n_unscored),
            *([Cell(text=percent(row.length_stop_rate), sort=row.length_stop_rate)] if ends_known else []),
        ]
        for row in board.rows
    ]


def _against(board: Board, row: BoardRow, digits: int, alpha: float, say: Words) -> list[Cell]:
    result = board.against_baseline(row.key)
    if result is None:
        return [Cell(text=say("board.baseline"), tone="muted", sort=0.0), Cell(text=""), Cell(text=""), Cell(text="")]
    return [
        Cell(
            text=signed(result.difference.value, digits),
            sort=result.difference.value,
            tone=tone(result.difference.value, result.p_adjusted, alpha),
        ),
        Cell(text=interval(result.difference, digits, with_sign=True), sort=result.difference.low),
        Cell(text=p_value(result.p_adjusted), sort=result.p_adjusted),
        Cell(text=wins(result), sort=result.wins - result.losses),
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
            *(Cell(text=number(tag.estimate.value, digits), sort=tag.estimate.value) for tag in row.tags),
        ]
        for row in board.rows
    ]
    return {"columns": columns, "rows": rows}


def _card(card: JudgeCard, say: Words) -> dict[str, Any]:
    digits = score_digits(card.scale.low, card.scale.high)
    kinds = say.section("kind")
    return {
        "task": card.task,
        "judge": card.judge,
        "kind": kinds.get(card.kind, kinds["quality"]),
        "scale": str(card.scale),
        "mean": number(card.mean, digits),
        "n": f"{card.n:,}",
        "n_missing": f"{card.n_missing:,}",
        "levels": list(zip(card.levels.names, (percent(float(share)) for share in card.levels.shares[0]), strict=True)),
        "pairs": [
            (
                printable(pair.other),
                _with_interval(percent(pair.agreement.exact.value), None),
                percent(pair.agreement.within_one.value),
                _with_interval(number(pair.agreement.kappa.value), interval(pair.agreement.kappa)),
                _with_interval(
                    signed(pair.agreement.bias.value, digits), interval(pair.agreement.bias, digits, with_sign=True)
                ),
                f"{pair.agreement.n:,}",
            )
            for pair in card.pairs
        ],
    }


def _with_interval(value: str, bounds: str | None) -> str:
    return value if bounds in (None, MISSING) else f"{value} ({bounds})"


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
