"""report.html: one file that holds everything, asks the network for nothing and lets no foreign text act."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from harness.analysis.judge_audit import Bin, JudgeAudit, JudgeAudits, Lengths, PairAudit, judge_audits
from harness.analysis.panel import judge_tables
from harness.types import Estimate
from reports.board_text import estimand_note, primary_note
from reports.board_view import board_view
from reports.charts import figures
from reports.formatting import (
    MISSING,
    interval,
    is_long,
    kind_key,
    minute,
    number,
    percent,
    printable,
    score_digits,
    shown_value,
    signed,
    sort_key,
)
from reports.pairwise import pair_view
from reports.payload import embedded, payload
from reports.run_view import Report
from reports.verdict import verdict_lines
from reports.wording import Language, Words, words

_SCRIPTS = ("core.js", "boards.js", "diff.js", "answers.js", "tasks.js")


def report_html(report: Report, cautions: Sequence[str] = (), *, language: Language = "en") -> str:
    """Return the whole page. ``cautions`` are about the run as a whole (see `reports.cautions`)."""
    say = words(language)
    data = payload(report, say)
    leaderboard = report.leaderboard
    cards = judge_audits(judge_tables(report.tables), _lengths(report), confidence=leaderboard.confidence)
    style, script = _asset("report.css"), "\n".join(_asset(name) for name in _SCRIPTS)
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
        verdict=verdict_lines(leaderboard, say),
        estimand=estimand_note(leaderboard, say),
        primary=primary_note(leaderboard, say),
        cautions=cautions,
        boards=[board_view(board, leaderboard.confidence, say) for board in leaderboard.boards],
        figures=[
            figures(board, table, leaderboard.confidence, say)
            for board, table in zip(leaderboard.boards, report.tables, strict=True)
        ],
        missing=data["missing"],
        pairs=[pair_view(one, say) for one in report.pairs],
        cards=[_cards(found, say) for found in cards],
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


def _lengths(report: Report) -> Lengths:
    return {
        (answer.task, answer.row, answer.sample_id, answer.repeat): len(text)
        for answer in report.answers
        if answer.generation is not None and (text := answer.generation.text) is not None
    }


def _cards(found: JudgeAudits, say: Words) -> dict[str, Any]:
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


def _card(card: JudgeAudit, say: Words) -> dict[str, Any]:
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


def _pair(pair: PairAudit) -> tuple[str, ...]:
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
