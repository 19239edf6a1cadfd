"""What stands last on the screen: what came out in a sentence, where it is to be read, and what to do next."""

import os
import shlex
import sys
from collections.abc import Mapping

from harness.analysis.board import Board
from harness.analysis.leaderboard import Leaderboard
from harness.cli.say import language, said, say
from harness.cli.table import window_width
from harness.cli.wrapping import wrapped
from harness.locale import Text, tr
from harness.runs.boards import leaderboard_of
from harness.runs.folder import HTML, MARKDOWN, RESULTS, RunFolder
from harness.runs.run import Run
from reports.formatting import printable
from reports.ledger import tries_lines
from reports.verdict import board_verdict
from reports.wording import words

_COMPETITION = "elyza-tasks-100-tv"
_MOST_BOARDS = 3
_KEYS = {"gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"), "openai": ("OPENAI_API_KEY",)}


def say_closing(run: Run, folder: RunFolder, leaderboard: Leaderboard | None = None) -> None:
    """Say on stderr what a run came to: its verdict, its files, and the next command."""
    board = leaderboard or leaderboard_of(run)
    results = [f"{_about(one, board)}{verdict}" for one, verdict in verdicts(board)]
    files = " · ".join(str(folder.path / name) for name in (HTML, MARKDOWN, RESULTS) if folder.holds(name))
    lines: list[tuple[str, str]] = [(said(tr("Result")), text) for text in results]
    lines.append((said(tr("Files")), files))
    lines += [(said(tr("Next")), f"{command}   # {said(why)}") for command, why in [next_step(run, os.environ)]]
    say(err=True)
    for head, text in lines:
        say(
            wrapped(f"{head}: {printable(text)}", window_width() if sys.stderr.isatty() else 10**6, indent="  "),
            err=True,
        )


def verdicts(leaderboard: Leaderboard) -> list[tuple[Board, str]]:
    """Return the boards that verdicts come from, each with its verdict in the chosen language; none for lone rows."""
    chosen = words(language())
    found = [
        (
            board,
            chosen("space").join(
                [board_verdict(board, leaderboard.confidence, chosen)[0], *tries_lines(board, chosen)]
            ),
        )
        for board in leaderboard.boards
        if board.is_primary and board.comparisons
    ]
    return found[:_MOST_BOARDS]


def _about(board: Board, leaderboard: Leaderboard) -> str:
    several = len({one.task for one in leaderboard.boards if one.is_primary}) > 1
    return f"{board.task}: " if several else ""


def next_step(run: Run, environment: Mapping[str, str]) -> tuple[str, Text]:
    """Return the command that most likely comes next, and what it is for."""
    name = run.name
    kinds = {judge.kind for judge in run.judges}
    if not kinds & {"quality", "human"}:
        service = next((one for one, keys in _KEYS.items() if any(environment.get(key) for key in keys)), None)
        if service is not None:
            return f"harness judge {name} --judge {service}", tr("lets a language model score the same answers")
        return f"harness rate export {name}", tr("sheets on which people score the answers, without knowing whose")
    if any(task.name == _COMPETITION for task in run.tasks):
        model = run.models[-1]
        return (
            f"harness submit {name} --model {shlex.quote(model)} --output submission.jsonl",
            tr("writes the answers to hand in"),
        )
    if "human" not in kinds:
        return f"harness audit {name}", tr("says how far the judge can be trusted")
    return f"harness show {name} --task-id {shlex.quote(run.tasks[0].samples[0].id)}", tr(
        "one task with every answer and reason"
    )
