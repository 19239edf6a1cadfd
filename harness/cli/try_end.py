"""What ``harness try`` ends with: the verdict in one sentence, two numbers, the files and the next command."""

import shlex
from pathlib import Path

from harness.analysis.board import Board, Comparison
from harness.analysis.leaderboard import Leaderboard
from harness.cli.say import language, said, say
from harness.cli.submit import write_submission
from harness.cli.try_judges import AtHand
from harness.cli.try_subject import DEFAULT_TASK, TV, Subject
from harness.errors import HarnessError
from harness.locale import tr
from harness.runs.boards import leaderboard_of
from harness.runs.folder import HTML, RunFolder
from harness.runs.run import Run
from reports.board_text import is_off_by_rounding
from reports.formatting import interval, number, percent, score_digits, signed
from reports.ledger import tries_lines
from reports.verdict import board_verdict
from reports.wording import words

_SUBMISSION = "submission.jsonl"
_WHOLE_SET = 100


def say_end(run: Run, folder: RunFolder, subject: Subject, at_hand: AtHand, *, retry: str | None) -> None:
    """Print the verdict, the two numbers, where the files are and what to do next.

    ``retry``: the command as it was typed, for a run that lacks something.
    """
    leaderboard = leaderboard_of(run)
    board = primary_board(leaderboard)
    comparison = board.comparisons[0] if board is not None and board.comparisons else None
    say()
    say(verdict_sentence(subject, leaderboard, tells_quality=at_hand.tells_quality))
    if board is not None:
        for line in number_lines(board, comparison):
            say(f"  {line}")
    say()
    say(tr("Report: {path}", path=folder.path / HTML))
    _hand_in(run, folder, subject)
    say(tr("Next: {command}", command=next_command(run, subject, comparison, at_hand, retry)))


def verdict_sentence(subject: Subject, leaderboard: Leaderboard, *, tells_quality: bool) -> str:
    """Return what the run shows, in one plain sentence."""
    board = primary_board(leaderboard)
    if board is None:
        return said(tr("Nothing was scored."))
    if not tells_quality:
        tried = board.comparisons[0].candidate.model if board.comparisons else subject.label
        blind = tr(
            "Whether {label} is better cannot be told without a judge model: {judge} sees only the form of answers.",
            label=tried,
            judge=board.judge.name,
        )
        return said(blind)
    if not board.comparisons:
        alone = tr(
            "{label} was scored by {judge}, and compared with nothing.", label=subject.label, judge=board.judge.name
        )
        return said(alone)
    chosen = words(language())
    return chosen("space").join([board_verdict(board, leaderboard.confidence, chosen)[0], *tries_lines(board, chosen)])


def primary_board(leaderboard: Leaderboard) -> Board | None:
    """Return the board that the verdict comes from."""
    return next((board for board in leaderboard.boards if board.is_primary), None)


def number_lines(board: Board, comparison: Comparison | None) -> list[str]:
    """Return the means, and the difference with its interval."""
    digits = score_digits(board.judge.scale.low, board.judge.scale.high)
    first = None if comparison is None else comparison.baseline
    rows = sorted(board.rows, key=lambda row: row.key != first)  # the baseline first: the arrow leads to the candidate
    means = [f"{row.key.model} {number(row.estimate.value, digits)}" for row in rows]
    line = tr(
        "Mean score by {judge} ({scale}): {means}",
        judge=board.judge.name,
        scale=board.judge.scale,
        means=" → ".join(means),
    )
    lines: list[str] = [said(line)]
    if comparison is not None and comparison.result.difference.value is not None:
        found = comparison.result.difference
        lines.append(
            said(
                tr(
                    "Difference {difference}, {confidence} interval {bounds}; better on {wins} tasks, worse on "
                    "{losses}, equal on {ties}",
                    difference=signed(found.value, digits),
                    confidence=percent(found.confidence),
                    bounds=interval(found, digits, with_sign=True),
                    wins=comparison.result.wins,
                    losses=comparison.result.losses,
                    ties=comparison.result.ties,
                )
            )
        )
    if is_off_by_rounding(board):
        lines.append(words(language())("board.rounded"))
    return lines


def _hand_in(run: Run, folder: RunFolder, subject: Subject) -> None:
    """Write the competition's file if the run is on its tasks, or say why not."""
    if TV not in [task.name for task in run.tasks]:
        return
    path = Path(folder.path) / _SUBMISSION
    try:
        write_submission(run, path, model=subject.label, task=TV, overwrite=True)
    except HarnessError as error:
        say(tr("No submission was written: {message}", message=error.message), err=True)


def next_command(run: Run, subject: Subject, comparison: Comparison | None, at_hand: AtHand, retry: str | None) -> str:
    """Return the command that takes one further."""
    if retry is not None:
        return retry
    if not at_hand.tells_quality:
        return f"harness judge {shlex.quote(run.name)} --judge gemini"
    if comparison is None:
        return f"harness show {shlex.quote(run.name)} --task-id {_first_id(run)}"
    if comparison.verdict.code == "undecided" and _is_small(run):
        return f"harness try {shlex.quote(subject.spec)} elyza-tasks-100"
    if comparison.verdict.code == "undecided":
        return f"harness rate export {shlex.quote(run.name)}"
    return f"harness card {shlex.quote(subject.spec.removeprefix('adapter:'))} --run {shlex.quote(run.name)}"


def _is_small(run: Run) -> bool:
    return [task.name for task in run.tasks] == [DEFAULT_TASK] and sum(
        len(task.samples) for task in run.tasks
    ) < _WHOLE_SET


def _first_id(run: Run) -> str:
    return shlex.quote(next(sample.id for task in run.tasks for sample in task.samples))
