"""leaderboard.md: the boards of a run as Markdown that renders on GitHub, in English or Japanese."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape
from typing import Any

from tabulate import tabulate

from harness.analysis.board import Board
from harness.analysis.leaderboard import Leaderboard
from harness.analysis.pairwise import PairBoard
from reports.best_checkpoint import best_note
from reports.board_text import cautions_about, estimand_note, noise, primary_note, resolution
from reports.board_view import BoardView, board_title, board_view, comparison_table, opened
from reports.formatting import (
    MISSING,
    is_long,
    markdown_cell,
    markdown_line,
    minute,
    number,
    percent,
    printable,
    shown_value,
)
from reports.gaps import comparison_cautions
from reports.ledger import ledger_note, tries_lines
from reports.markdown_table import markdown_table
from reports.pairwise import pairs_markdown
from reports.parity import provenance_value
from reports.verdict import board_verdict, margin_lines, verdict_lines
from reports.wording import Language, Words, words

_REASONS = 10


def leaderboard_markdown(
    leaderboard: Leaderboard,
    provenance: Mapping[str, Any],
    notices: Sequence[str] = (),
    *,
    cautions: Sequence[str] = (),
    language: Language = "en",
    pairs: Sequence[PairBoard] = (),
) -> str:
    """Return the whole document. ``cautions`` are about the run as a whole and stand before every figure.

    ``pairs``: what judges of pairs say, after the boards of scores.
    """
    say = words(language)
    parts = [
        f"# {say('title.leaderboard', run=markdown_cell(leaderboard.run))}",
        headline(leaderboard, provenance, say),
        *_verdict(leaderboard, say),
        say("headline.legend", confidence=percent(leaderboard.confidence)),
        estimand_note(leaderboard, say),
    ]
    if cautions:
        parts.append(f"## {say('title.cautions')}\n\n{_bullets(cautions)}")
    parts += [_board_section(board_view(board, leaderboard.confidence, say), say) for board in leaderboard.boards]
    parts += pairs_markdown(pairs, say)
    if notices:
        parts.append(f"## {say('title.notes')}\n\n{_bullets([say.sentence(notice) for notice in notices])}")
    parts.append(_provenance_section(provenance, say))
    return "\n\n".join(parts) + "\n"


def comparison_report(leaderboard: Leaderboard, *, language: Language = "en", top: int | None = None) -> str:
    """Return the comparisons of every board, the first ``top`` of each, with what each board can tell apart."""
    say = words(language)
    parts = [
        f"# {say('title.comparisons', run=markdown_cell(leaderboard.run))}",
        estimand_note(leaderboard, say),
        *_lines(primary_note(leaderboard, say), *margin_lines(leaderboard, say)),
    ]
    for board in leaderboard.boards:
        parts.append(f"## {markdown_cell(board_title(board, say))}")
        if not board.comparisons:
            parts.append(say("board.alone"))
            continue
        said = board_verdict(board, leaderboard.confidence, say) if board.is_primary else [say("board.exploratory")]
        parts += [
            markdown_table(comparison_table(replace(board, comparisons=board.comparisons[:top]), say)),
            *_lines(*_left_out(board, top, say)),
            _bullets([*said, *(tries_lines(board, say) if board.is_primary else [])]),
        ]
        parts += _lines(ledger_note(board, say), best_note(board, say), resolution(board, say), noise(board, say))
        parts.append(say("board.corrected", method=say.sentence(board.family_method)))
        of_pairs = [(about, caution) for about, caution in cautions_about(board, say) if about][:top]
        parts += _cautions([opened(*one, say) for one in comparison_cautions(board, say) + of_pairs])
    return "\n\n".join(parts) + "\n"


def _left_out(board: Board, top: int | None, say: Words) -> list[str]:
    more = 0 if top is None else len(board.comparisons) - top
    return [say("board.more", count=more, total=len(board.comparisons))] if more > 0 else []


def _verdict(leaderboard: Leaderboard, say: Words) -> list[str]:
    """Return what the primary boards show, and which those are; nothing where nothing is compared."""
    lines = verdict_lines(leaderboard, say)
    said = [f"## {say('verdict.title')}\n\n{_bullets(lines)}"] if lines else []
    return said + _lines(primary_note(leaderboard, say))


def headline(leaderboard: Leaderboard, provenance: Mapping[str, Any], say: Words) -> str:
    """Return what was compared, on what, by whom and when, in one sentence of Markdown."""
    tasks = {board.task: board.n_samples for board in leaderboard.boards}
    judges = list(dict.fromkeys(board.judge.name for board in leaderboard.boards))
    models = list(dict.fromkeys(row.key.model for board in leaderboard.boards for row in board.rows))
    shown = ", ".join(map(markdown_cell, models)) if len(models) <= 5 else say("headline.models", count=len(models))  # noqa: PLR2004 - what fits a line
    return say(
        "headline.sentence",
        models=shown,
        tasks=", ".join(
            say("headline.tasks", task=markdown_cell(task), count=number(count, 0)) for task, count in tasks.items()
        ),
        judges=", ".join(map(markdown_cell, judges)),
        date=minute(str(provenance.get("date", MISSING))),
    )


def _board_section(board: BoardView, say: Words) -> str:
    parts = [
        f"## {markdown_cell(board.title)}",
        board.scale,
        markdown_table(board.table),
        *filter(None, [board.gaps]),
        *_lines(board.exploratory, board.ledger, board.best, board.resolution, board.noise, board.method),
        *_cautions(board.cautions),
    ]
    if board.missing:
        parts.append(_missing(board.missing, say))
    if board.tags is not None:
        parts.append(f"{say('board.tags')}\n\n{markdown_table(board.tags)}")
    return "\n\n".join(parts)


def _lines(*sentences: str) -> list[str]:
    """Return each sentence that there is as a paragraph."""
    return [markdown_line(sentence) for sentence in sentences if sentence]


def _cautions(cautions: Sequence[tuple[str, str]]) -> list[str]:
    return [f"**{markdown_cell(opening)}** {markdown_cell(caution)}" for opening, caution in cautions]


def _missing(reasons: Sequence[tuple[str, int]], say: Words) -> str:
    shown = [f"{count} × {reason}" for reason, count in reasons[:_REASONS]]
    if len(reasons) > len(shown):
        shown.append(say("board.more_reasons", count=len(reasons) - len(shown)))
    return f"{say('board.missing', count=sum(count for _, count in reasons))}\n\n{_bullets(shown)}"


def _provenance_section(provenance: Mapping[str, Any], say: Words) -> str:
    """Return single values as a table and everything with several entries folded, so that 60 models stay readable."""
    names = say.section("provenance")
    plain: list[tuple[str, str]] = []
    folded = []
    for key, value in provenance.items():
        title = names.get(key, key)
        if key == "command" or value in ({}, []):
            continue
        if is_long(value):
            lines = _bullets([f"{name}: {provenance_value(key, item, say)}" for name, item in value.items()])
            folded.append(f"<details><summary>{escape(title)} ({len(value)})</summary>\n\n{lines}\n\n</details>")
        else:
            plain.append((markdown_cell(title), markdown_cell(shown_value(value))))
    table = tabulate(plain, headers=[say("column.what"), say("column.value")], tablefmt="github", disable_numparse=True)
    parts = [f"## {say('title.provenance')}", table, *folded]
    command = printable(str(provenance.get("command", "")))
    fence = "`" * 3
    while fence in command:
        fence += "`"
    parts.append(f"{say('title.rerun')}\n\n{fence}console\n$ {' '.join(command.split(chr(10)))}\n{fence}")
    return "\n\n".join(parts)


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {markdown_line(line)}" for line in lines)
