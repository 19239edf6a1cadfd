"""What is said about a board whose judge is a panel: who is in it, how scores are averaged, what another would say."""

from dataclasses import asdict
from typing import Any

from harness.analysis.board import Board, Comparison
from reports.formatting import number, percent, row_name, score_digits, signed
from reports.wording import Words

_SHOWN = 3  # comparisons whose prediction is said; results.json has all


def panel_note(board: Board, confidence: float, say: Words) -> str:
    """Return what a reader has to know of a panel, "" of any other judge. Plain text."""
    if not board.members:
        return ""
    digits = score_digits(board.judge.scale.low, board.judge.scale.high)
    members = [
        say(
            "panel.member_missing" if member.n_unscored else "panel.member",
            judge=member.judge,
            mean=number(member.mean, digits),
            sd=number(member.sd, digits),
            unscored=member.n_unscored,
        )
        for member in board.members
    ]
    said = [say("panel.how", members=say("panel.and").join(members))]
    shown = sorted(board.comparisons, key=lambda one: -abs(one.result.difference.value or 0.0))[:_SHOWN]
    said += [_prediction(board, one, digits, confidence, say) for one in shown if _is_known(one)]
    return say("space").join(said)


def panels_section(boards: tuple[Board, ...]) -> list[dict[str, Any]]:
    """Return the panels of results.json: each board's members with what their scores were standardised from."""
    return [
        {"task": board.task, "judge": board.judge.name, "members": [asdict(member) for member in board.members]}
        for board in boards
        if board.members
    ]


def _is_known(comparison: Comparison) -> bool:
    return comparison.panel is not None and comparison.panel.low is not None


def _prediction(board: Board, comparison: Comparison, digits: int, confidence: float, say: Words) -> str:
    found = comparison.panel
    assert found is not None
    return say(
        "panel.next",
        candidate=row_name(comparison.candidate),
        baseline=row_name(comparison.baseline),
        values=", ".join(
            f"{member.judge} {signed(value, digits)}"
            for member, value in zip(board.members, found.by_member, strict=True)
        ),
        low=signed(found.low, digits),
        high=signed(found.high, digits),
        confidence=percent(confidence),
    )
