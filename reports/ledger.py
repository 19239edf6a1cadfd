"""What a report says of the ledger: how many were tried on a board's tasks, and what that makes of the best. Pure."""

from typing import Any

from harness.analysis.board import Board, Comparison
from harness.analysis.leaderboard import Leaderboard
from harness.analysis.tried import MANY, BoardLedger
from reports.formatting import number, printable, row_name, score_digits, signed
from reports.wording import Language, Words

_NAMED = 5  # candidates whose shrunken gains are named in a line
ELYZA = "elyza-tasks-100"


def ledger_section(leaderboard: Leaderboard) -> dict[str, dict[str, Any]]:
    """Return the section of results.json: for each task set what was tried on it, under its primary judge if known."""
    found: dict[str, dict[str, Any]] = {}
    for board in sorted(leaderboard.boards, key=lambda board: not board.is_primary):
        entry = board.ledger
        if entry is not None and board.task not in found:
            found[board.task] = {
                "tries": entry.tries,
                "sealed": entry.sealed,
                "openings": entry.openings,
                "part": entry.part,
                "earlier": entry.earlier,
                "judge": entry.judge,
                "date": entry.date,
                "luck": entry.luck,
            }
    return found


def tried_fields(comparison: Comparison) -> dict[str, Any]:
    """Return what a comparison of results.json says of its candidate in the ledger."""
    row = comparison.tried
    return {
        "try": None if row is None else row.place,
        "ledger_low": None if row is None else row.low,
        "ledger_high": None if row is None else row.high,
        "shrunken": None if row is None else row.shrunken,
    }


def ledger_note(board: Board, say: Words) -> str:
    """Return what one board owes to earlier tries and to a seal, as plain text; "" where there is nothing to say."""
    entry = board.ledger
    if entry is None:
        return ""
    parts = [_seal(entry, say)]
    if entry.earlier:
        parts += [_place(board, entry, say), _corrected(board, say)] if not board.is_primary else []
        parts += [_shrunken(board, say), _luck(board, entry, say), say("ledger.as_of", date=entry.date[:10])]
    return say("space").join(filter(None, parts))


def tries_lines(board: Board, say: Words) -> list[str]:
    """Return what stands beside the verdict of a board: which try it is about, and whether it is the claim."""
    entry = board.ledger
    if entry is None:
        return []
    claim = [_seal(entry, say)] if entry.part == "sealed" else []
    return claim + ([_place(board, entry, say) + say("space") + _corrected(board, say)] if entry.earlier else [])


def ledger_cautions(board: Board, say: Words) -> list[str]:
    """Return what no correction covers: many tries, each built on those before."""
    entry = board.ledger
    if entry is None or not entry.earlier or entry.tries <= MANY or entry.part == "sealed":
        return []
    where = "ledger.claim_open" if entry.part == "open" else "ledger.claim_seal"
    if entry.part == "all" and board.task == ELYZA:
        where = "ledger.claim_tv"
    return [say("ledger.many", count=entry.tries) + say("space") + say(where, task=printable(board.task))]


def ordinal(count: int, language: Language) -> str:
    """Return a place in a row in words.

    >>> [ordinal(count, "en") for count in (1, 2, 3, 4, 11, 12, 13, 21, 102, 111)]
    ['1st', '2nd', '3rd', '4th', '11th', '12th', '13th', '21st', '102nd', '111th']
    >>> ordinal(7, "ja")
    '7'
    """
    if language == "ja":
        return str(count)
    teens = 10 <= count % 100 <= 20  # noqa: PLR2004 - 11th, 12th, 13th
    return f"{count}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(count % 10, 'th')}"


def _seal(entry: BoardLedger, say: Words) -> str:
    if entry.part == "sealed":
        return say("ledger.sealed", count=entry.openings)
    if entry.part == "open":
        return say("ledger.open", sealed=entry.sealed, count=entry.openings)
    return ""


def _place(board: Board, entry: BoardLedger, say: Words) -> str:
    tried = [comparison for comparison in board.comparisons if comparison.tried is not None]
    if len(tried) == 1 and tried[0].tried is not None and not entry.is_merged:
        return say(
            "ledger.place",
            candidate=row_name(tried[0].candidate),
            place=ordinal(tried[0].tried.place, say.language),
            count=entry.tries,
        )
    return say("ledger.tries", count=entry.tries, earlier=entry.earlier)


def _corrected(board: Board, say: Words) -> str:
    if any(comparison.is_over_tries for comparison in board.comparisons):
        return say("ledger.corrected" if len(board.comparisons) == 1 else "ledger.corrected_many")
    return say("ledger.not_corrected") if board.comparisons else ""


def _shrunken(board: Board, say: Words) -> str:
    """Return the gains drawn in, of the candidates that gain most."""
    digits = score_digits(board.judge.scale.low, board.judge.scale.high)
    found = [
        (comparison.shown.difference.value, comparison.tried.shrunken, row_name(comparison.candidate))
        for comparison in board.comparisons
        if comparison.tried is not None and comparison.tried.shrunken is not None
    ]
    shown = sorted(((raw, drawn, name) for raw, drawn, name in found if raw is not None), reverse=True)
    if not shown:
        return ""
    gains = [
        say("ledger.gain", candidate=name, raw=signed(raw, digits), drawn=signed(drawn, digits))
        for raw, drawn, name in shown
    ]
    return say("ledger.shrunken", gains=say.several(gains, _NAMED))


def _luck(board: Board, entry: BoardLedger, say: Words) -> str:
    if entry.luck is None or entry.tries < 2:  # noqa: PLR2004 - of one there is no best
        return ""
    digits = score_digits(board.judge.scale.low, board.judge.scale.high)
    return say("ledger.luck", count=entry.tries, gain=number(entry.luck, digits))
