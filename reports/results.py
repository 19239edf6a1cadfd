"""results.json, schema 2: what scripts and other tools read. Unrounded; what cannot be computed is null, never NaN.

Each named section is made by one pure function.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal

from harness.analysis.board import Board, BoardRow, Comparison
from harness.analysis.leaderboard import Leaderboard
from harness.analysis.pairwise import PairBoard
from harness.locale import Text
from harness.notices import Notice
from harness.tables.cells import guarded
from harness.tables.workbook import workbook
from harness.unscored import by_code
from reports.best_checkpoint import best_section
from reports.formatting import printable
from reports.gaps import gap_cautions
from reports.ledger import ledger_section, tried_fields
from reports.looks_text import looks_section
from reports.pairwise import pairwise_section
from reports.panel_text import panels_section
from reports.versions import version_cautions
from reports.wording import Said, words

SCHEMA = 2

Severity = Literal["note", "caution"]

_ROW_COLUMNS = (
    *("task", "judge", "kind", "scale_low", "scale_high", "model", "prompt", "mean", "low", "high", "confidence"),
    *("n", "n_unscored", "rank_low", "rank_high", "length_stop_rate", "method"),
    *("comparable_mean", "n_partly_scored", "has_gaps", "worst_case", "best_case", "worst_case_low", "best_case_high"),
)
# Column of the CSV, and the name of the figure in a comparison.
_COMPARISON_COLUMNS = {
    "baseline_model": "baseline",
    "baseline_prompt": "baseline",
    "difference": "difference",
    "difference_low": "low",
    "difference_high": "high",
    "p_value": "p_value",
    "p_adjusted": "p_adjusted",
    "wins": "wins",
    "ties": "ties",
    "losses": "losses",
    "n_pairs": "n_pairs",
    "minimum_detectable": "minimum_detectable",
    "difference_worst_case": "worst_case",
    "difference_best_case": "best_case",
    "difference_worst_case_low": "worst_case_low",
    "difference_best_case_high": "best_case_high",
}


def results_document(
    leaderboard: Leaderboard,
    provenance: Mapping[str, Any],
    notices: Sequence[str] = (),
    *,
    cautions: Sequence[str] = (),
    ab: Sequence[Mapping[str, Any]] | None = None,
    pairs: Sequence[PairBoard] = (),
) -> dict[str, Any]:
    """Return the document as plain values. ``cautions`` are about the run as a whole; each board adds its own.

    ``ab`` is the section on its A/B test, None where the run has none; ``pairs``: what judges of pairs say.
    """
    return {
        "schema": SCHEMA,
        "run": leaderboard.run,
        "tasks": tasks_section(leaderboard),
        "primary": primary_section(leaderboard),
        "declared": declared_section(leaderboard),
        "rows": rows_section(leaderboard),
        "comparisons": comparisons_section(leaderboard),
        "plans": plans_section(leaderboard),
        "panels": panels_section(leaderboard.boards),
        "looks": looks_section(leaderboard.boards),
        "pairwise": pairwise_section(pairs),
        "best_checkpoints": best_section(leaderboard.boards),
        **({} if ab is None else {"ab": list(ab)}),
        "audit": None,
        "ledger": ledger_section(leaderboard),
        "notices": notices_section(leaderboard, notices, cautions),
        "provenance": dict(provenance),
    }


def tasks_section(leaderboard: Leaderboard) -> list[str]:
    """Return the names of the task sets."""
    return list(dict.fromkeys(board.task for board in leaderboard.boards))


def primary_section(leaderboard: Leaderboard) -> dict[str, Any] | None:
    """Return the judge that verdicts come from, and the task set (null: each); ``declared``: named before looking.

    ``late``: named only after its scores were there. None for a board without judges.
    """
    primary = leaderboard.primary
    if primary is None:
        return None
    named = primary.declared and not primary.late
    return {"judge": primary.judge, "task": primary.task, "declared": named, "late": primary.late}


def declared_section(leaderboard: Leaderboard) -> dict[str, Any]:
    """Return what was declared before looking.

    ``margin``: in points of the primary judge's scale, null for the default · ``estimand``: new or these tasks ·
    ``late``: what was declared only after looking, with what held before.
    """
    declared = leaderboard.declared
    return {
        "margin": declared.margin,
        "estimand": declared.estimand or "new",
        "late": {name: value for name, value in declared.late.items() if name in ("margin", "estimand")},
    }


def rows_section(leaderboard: Leaderboard) -> list[dict[str, Any]]:
    """Return one entry for each row of each board, best first."""
    return [_row(board, row) for board in leaderboard.boards for row in board.rows]


def comparisons_section(leaderboard: Leaderboard) -> list[dict[str, Any]]:
    """Return one entry for each comparison of each board."""
    return [comparison_figures(board, comparison) for board in leaderboard.boards for comparison in board.comparisons]


def plans_section(leaderboard: Leaderboard) -> list[dict[str, Any]]:
    """Return, for each board, what its tasks can tell apart and what more of them could."""
    return [_plan(board) for board in leaderboard.boards]


def notices_section(
    leaderboard: Leaderboard, notices: Sequence[str], cautions: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Return what is to be known of a run: its notes, and cautions about the whole and about each board."""
    return [
        *(_notice(notice, "note") for notice in notices),
        *(_notice(caution, "caution") for caution in cautions),
        *(
            _notice(caution, "caution", task=board.task, judge=board.judge.name)
            for board in leaderboard.boards
            for caution in (
                *version_cautions(board, words("en")),
                *gap_cautions(board, words("en")),
                *board.cautions,
            )
        ),
    ]


def _notice(text: str, severity: Severity, *, task: str | None = None, judge: str | None = None) -> dict[str, Any]:
    """Return a notice; one that is about a board names its task set and judge."""
    values = text.values if isinstance(text, Said | Text) else {}
    return {
        "code": code_of(text),
        "severity": severity,
        "values": {name: _plain(value) for name, value in values.items()},
        "text": str(text),
        "task": task,
        "judge": judge,
    }


def code_of(text: str) -> str:
    """Return what a message is known by: the code of a notice, or the key of the reports' words; "other" without any.

    >>> code_of(words("en")("board.scale", scale="1-5")), code_of("as a judge said it")
    ('board.scale', 'other')
    """
    return text.code if isinstance(text, Said | Notice) else "other"


def _plain(value: object) -> object:
    return value if isinstance(value, bool | int | float | None) else str(value)


def results_csv(document: Mapping[str, Any]) -> str:
    """Return the rows of a results document as CSV, each with its comparison where it is the only candidate.

    A text that a spreadsheet would take for a formula gets a leading apostrophe.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows(_cells(document))
    return text.getvalue()


def results_workbook(document: Mapping[str, Any]) -> bytes:
    """Return the same rows as an Excel workbook, with sheets for all comparisons and for what is to be known."""
    compared = [
        {**one, **{f"{side}_{part}": one[side][part] for side in ("candidate", "baseline") for part in one[side]}}
        for one in document["comparisons"]
    ]
    sheets = {"rows": _cells(document), "comparisons": _table(compared), "notices": _table(document["notices"])}
    return workbook(sheets)


def _table(entries: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    """Return entries as rows of cells under the names of what they hold, without what no cell can hold."""
    flat = [
        {name: value for name, value in entry.items() if isinstance(value, str | int | float | None)}
        for entry in entries
    ]
    names = list(dict.fromkeys(name for entry in flat for name in entry))
    return [names, *([_guarded(entry.get(name)) for name in names] for entry in flat)]


def _cells(document: Mapping[str, Any]) -> list[list[Any]]:
    """Return the rows of a results document under their heading."""
    compared: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for comparison in document["comparisons"]:
        candidate = comparison["candidate"]
        place = comparison["task"], comparison["judge"], candidate["model"], candidate["prompt"]
        compared.setdefault(place, []).append(comparison)
    names = [*_ROW_COLUMNS, *_COMPARISON_COLUMNS]
    rows: list[list[Any]] = [names]
    for row in document["rows"]:
        found = compared.get((row["task"], row["judge"], row["model"], row["prompt"]), [])
        cells = {name: row[name] for name in _ROW_COLUMNS if name not in ("scale_low", "scale_high")}
        cells |= {"scale_low": row["scale"][0], "scale_high": row["scale"][1]}
        if len(found) == 1:
            cells |= {column: found[0][name] for column, name in _COMPARISON_COLUMNS.items() if name in found[0]}
            cells |= {
                "baseline_model": found[0]["baseline"]["model"],
                "baseline_prompt": found[0]["baseline"]["prompt"],
            }
        rows.append([_guarded(cells.get(name)) for name in names])
    return rows


def _guarded(value: object) -> object:
    """Return a cell that UTF-8 can hold and that no spreadsheet runs."""
    if not isinstance(value, str):
        return value
    return guarded(printable(value))


def _row(board: Board, row: BoardRow) -> dict[str, Any]:
    estimate = row.estimate
    return {
        "task": board.task,
        "judge": board.judge.name,
        "kind": board.judge.kind,
        "scored_by": board.judge.scored_by,
        "scale": [board.judge.scale.low, board.judge.scale.high],
        "model": row.key.model,
        "prompt": row.key.prompt,
        "mean": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "confidence": estimate.confidence,
        "n": estimate.n,
        "n_unscored": estimate.n_unscored,
        "n_not_asked": row.n_not_asked,
        "not_asked_reasons": by_code(row.not_asked),
        "unscored_reasons": by_code(row.reasons),
        "rank_low": None if row.rank is None else row.rank.low,
        "rank_high": None if row.rank is None else row.rank.high,
        "length_stop_rate": row.length_stop_rate,
        "method": estimate.method,
        "comparable_mean": row.comparable,
        "n_partly_scored": row.n_partly,
        "has_gaps": row.has_gaps,
        "worst_case": row.worst_case.worst,
        "best_case": row.worst_case.best,
        "worst_case_low": row.worst_case.low,
        "best_case_high": row.worst_case.high,
        "worst_case_method": row.worst_case.method,
        "tags": [
            {
                "tag": tag.tag,
                "mean": tag.estimate.value,
                "low": tag.estimate.low,
                "high": tag.estimate.high,
                "n": tag.estimate.n,
                "n_unscored": tag.estimate.n_unscored,
                "comparable_mean": tag.comparable,
            }
            for tag in row.tags
        ],
        "variance_components": None if row.components is None else asdict(row.components),
    }


def comparison_figures(board: Board, comparison: Comparison) -> dict[str, Any]:
    """Return one comparison as results.json has it."""
    result = comparison.result
    return {
        "task": board.task,
        "judge": board.judge.name,
        "baseline": {"model": comparison.baseline.model, "prompt": comparison.baseline.prompt},
        "candidate": {"model": comparison.candidate.model, "prompt": comparison.candidate.prompt},
        "difference": result.difference.value,
        "low": result.difference.low,
        "high": result.difference.high,
        "confidence": result.difference.confidence,
        "method": result.difference.method,
        "simultaneous_low": result.simultaneous.low,
        "simultaneous_high": result.simultaneous.high,
        "p_value": result.p_value,
        "p_adjusted": result.p_adjusted,
        "p_method": result.p_method,
        "wins": result.wins,
        "ties": result.ties,
        "losses": result.losses,
        "superiority": result.superiority,
        "n_pairs": result.n_pairs,
        "n_missing": result.n_missing,
        "worst_case": result.missing.worst,
        "best_case": result.missing.best,
        "worst_case_low": result.missing.low,
        "best_case_high": result.missing.high,
        "candidate_unscored": result.missing.candidate,
        "baseline_unscored": result.missing.baseline,
        "differ_at_most": result.spread.differ_at_most,
        "minimum_detectable": result.minimum_detectable,
        "verdict": comparison.verdict.code,
        "margin": comparison.verdict.margin,
        "p_ledger": comparison.p_ledger,
        "same_sign": comparison.verdict.same_sign,
        "tasks_needed": comparison.verdict.tasks_needed,
        **tried_fields(comparison),
        "cautions": list(result.cautions),
        "caution_codes": [caution.code for caution in result.cautions],
        "panel": None if comparison.panel is None else asdict(comparison.panel),
    }


def _plan(board: Board) -> dict[str, Any]:
    plan = board.plan
    return {
        "task": board.task,
        "judge": board.judge.name,
        "minimum_detectable": plan.minimum_detectable,
        "power": plan.power,
        "n": plan.n,
        "tasks_needed": [{"points": gain.points, "tasks": gain.tasks} for gain in plan.gains],
        "repeats": None if board.repeats is None else asdict(board.repeats),
    }
