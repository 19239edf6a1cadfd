"""One board, ready to be shown: columns with rounded, marked cells, and all that is said about it. Pure.

Markdown and HTML show what stands here and escape it in their own way; order, digits and marks are decided once.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from harness.analysis.board import Board
from harness.stats import PairedComparison
from reports.best_checkpoint import best_note
from reports.board_text import (
    cautions_about,
    method_note,
    missing_reasons,
    noise,
    resolution,
    scale_note,
)
from reports.formatting import MISSING, interval, number, p_value, percent, ranks, row_name, score_digits
from reports.gaps import comparable, difference_bounds, legend, marked, marked_difference, row_bounds, tag_mean
from reports.ledger import ledger_note
from reports.looks_text import looks_note
from reports.panel_text import panel_note
from reports.verdict import chance, verdict_word
from reports.wording import Words

Align = Literal["left", "center", "right"]
Pair = tuple[str, float | str | None]
"""What a cell says, and what it is sorted by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell. ``sort``: what it is sorted by, None: last. ``tone``: better, worse, muted or nothing."""

    text: str
    sort: float | str | None = None
    tone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column from top to bottom; what is not on the left are figures.

    ``key``: which it is, whatever the language · ``names_row``: its cells name their rows.
    """

    title: str
    cells: tuple[Cell, ...]
    align: Align = "right"
    names_row: bool = False
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Columns of one height."""

    columns: tuple[Column, ...]

    @property
    def rows(self) -> list[tuple[Cell, ...]]:
        """The cells by row."""
        return list(zip(*(column.cells for column in self.columns), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardView:
    """One board in words and cells, all plain text; a text that there is no reason for is empty.

    ``cautions``: each after the words that open it · ``missing``: why verdicts are missing, with their number, the
    commonest first · ``gaps``: what the mark means, in which ``**`` stand around terms.
    """

    task: str
    judge: str
    title: str
    scale: str
    table: Table
    gaps: str
    resolution: str
    exploratory: str
    ledger: str
    best: str
    noise: str
    method: str
    cautions: tuple[tuple[str, str], ...]
    missing: tuple[tuple[str, int], ...]
    tags: Table | None


def board_view(board: Board, confidence: float, say: Words) -> BoardView:
    """Return one board as every report shows it."""
    return BoardView(
        task=board.task,
        judge=board.judge.name,
        title=board_title(board, say),
        scale=say("space").join(
            filter(None, (scale_note(board, say), panel_note(board, confidence, say), looks_note(board, say)))
        ),
        table=board_table(board, confidence, say),
        gaps=legend(board, say),
        resolution=resolution(board, say),
        exploratory="" if board.is_primary else say("board.exploratory"),
        ledger=ledger_note(board, say),
        best=best_note(board, say),
        noise=noise(board, say),
        method=method_note(board, say),
        cautions=tuple(opened(about, said, say) for about, said in cautions_about(board, say)),
        missing=tuple(missing_reasons(board.rows, say)),
        tags=tag_table(board, say),
    )


def board_title(board: Board, say: Words) -> str:
    """Return the title of a board."""
    key = "title.board" if board.is_primary else "title.board_exploratory"
    return say(key, task=board.task, judge=board.judge.name)


def opened(about: str, said: str, say: Words) -> tuple[str, str]:
    """Return the words that open a caution, which name whom it is about, and the caution."""
    return say("board.caution_about", names=about) if about else say("board.caution"), said


def board_table(board: Board, confidence: float, say: Words) -> Table:
    """Return the table of one board: ranks and means, and next to them each candidate against the baseline.

    Where rows lack scores it also says what their place goes by, and what their figures could be.
    """
    digits, rows = _digits(board), board.rows
    rate = "column.pass_rate" if board.judge.scale.is_pass_fail else "column.mean"
    ranked = ((row, None if row.rank is None else row.rank.low + row.rank.high / 1e6) for row in rows)
    means = ((row, row.estimate.value) for row in rows)
    bounds = ((interval(row.estimate, digits), row.estimate.low) for row in rows)
    columns = [
        _column("rank", say("column.rank"), ((marked(ranks(row.rank), row), place) for row, place in ranked)),
        *_names(board, say),
        _column("mean", say(rate), ((marked(number(mean, digits), row), mean) for row, mean in means)),
        _column("interval", say("column.interval", confidence=percent(confidence)), bounds, "center"),
    ]
    if board.has_gaps or board.has_stops:
        comparables = ((comparable(row, digits, say), row.comparable) for row in rows)
        columns.append(_column("comparable", say("column.comparable"), comparables))
    if board.has_gaps:
        cases = ((row_bounds(row, digits), row.worst_case.worst) for row in rows)
        columns.append(_column("bounds", say("column.bounds"), cases, "center"))
    if board.comparisons:
        columns += _against(board, 1 - confidence, say)
    scored = ((say("column.of", n=row.estimate.n, total=board.n_samples), row.estimate.n) for row in rows)
    unscored = ((str(row.estimate.n_unscored), row.estimate.n_unscored) for row in rows)
    columns += [_column("n", say("column.n"), scored), _column("unscored", say("column.unscored"), unscored)]
    if board.has_stops:
        not_asked = ((str(row.n_not_asked), row.n_not_asked) for row in rows)
        columns.append(_column("not_asked", say("column.not_asked"), not_asked))
    if any(row.length_stop_rate is not None for row in rows):
        cut = ((percent(row.length_stop_rate), row.length_stop_rate) for row in rows)
        columns.append(_column("cut", say("column.cut"), cut))
    return Table(columns=tuple(columns))


def comparison_table(board: Board, say: Words) -> Table:
    """Return every comparison of one board, one line each."""
    digits = _digits(board)
    results = [comparison.shown for comparison in board.comparisons]
    over_tries = any(comparison.is_over_tries for comparison in board.comparisons)
    texts: list[tuple[str, Align, Iterable[str]]] = [
        ("candidate", "left", (row_name(one.candidate) for one in board.comparisons)),
        ("baseline", "left", (row_name(one.baseline) for one in board.comparisons)),
        ("difference", "right", (marked_difference(one, digits) for one in results)),
        ("difference_interval", "center", (interval(one.difference, digits, with_sign=True) for one in results)),
        (
            "simultaneous_tries" if over_tries else "simultaneous",
            "center",
            (interval(one.simultaneous, digits, with_sign=True) for one in results),
        ),
        ("p", "right", (p_value(one.p_value) for one in results)),
        ("p_tries" if over_tries else "p_adjusted", "right", (p_value(one.p_adjusted) for one in results)),
        ("verdict", "left", (verdict_word(board, one, say) for one in board.comparisons)),
        ("same_sign", "right", (chance(one) for one in board.comparisons)),
        ("wins", "right", map(wins, results)),
        ("pairs", "right", (str(one.n_pairs) for one in results)),
        ("detectable", "right", (number(one.minimum_detectable, digits) for one in results)),
    ]
    if any(one.missing.caution is not None for one in results):
        texts.append(("difference_bounds", "center", (difference_bounds(one, digits) for one in results)))
    return Table(
        columns=tuple(
            _column(key, say(f"column.{key}"), ((text, None) for text in cells), align) for key, align, cells in texts
        )
    )


def tag_table(board: Board, say: Words) -> Table | None:
    """Return the means by tag, None where samples have no tags."""
    if not board.rows or not board.rows[0].tags:
        return None
    by_tag = zip(*(row.tags for row in board.rows), strict=True)
    columns = [
        _column(
            f"tag:{tags[0].tag}",
            f"{tags[0].tag} ({max(tag.estimate.n + tag.estimate.n_unscored for tag in tags)})",
            (
                (tag_mean(row, tag, _digits(board)), tag.estimate.value)
                for row, tag in zip(board.rows, tags, strict=True)
            ),
        )
        for tags in by_tag
    ]
    return Table(columns=(*_names(board, say), *columns))


def tone(difference: float | None, p_adjusted: float | None, alpha: float) -> str:
    """Return "better" or "worse" for a difference that holds after correction, else ""."""
    if difference is None or p_adjusted is None or p_adjusted >= alpha:
        return ""
    return "better" if difference > 0 else "worse"


def wins(result: PairedComparison) -> str:
    """Return wins, ties and losses of the candidate."""
    return f"{result.wins}/{result.ties}/{result.losses}"


def _names(board: Board, say: Words) -> list[Column]:
    """Return the columns that say which row it is: the model, and the prompt where any row has one."""
    keys = [row.key for row in board.rows]
    models = _column("model", say("column.model"), ((key.model, key.model.casefold()) for key in keys), "left")
    columns = [replace(models, names_row=True)]
    if any(key.prompt is not None for key in keys):
        columns.append(
            _column("prompt", say("column.prompt"), ((key.prompt or MISSING, key.prompt or "") for key in keys), "left")
        )
    return columns


def _against(board: Board, alpha: float, say: Words) -> list[Column]:
    """Return the columns of each row's comparison with the baseline; those of the baseline's own row are empty."""
    digits = _digits(board)
    over_tries = any(comparison.is_over_tries for comparison in board.comparisons)
    compared = [board.comparison_of(row.key) for row in board.rows]
    results = [None if one is None else one.shown for one in compared]

    def column(key: str, cell: Callable[[PairedComparison], Pair], align: Align = "right") -> Column:
        return _column(key, say(f"column.{key}"), (("", None) if one is None else cell(one) for one in results), align)

    differences = tuple(
        Cell(text=say("board.baseline"), sort=0.0, tone="muted")
        if one is None
        else Cell(
            text=marked_difference(one, digits),
            sort=one.difference.value,
            tone=tone(one.difference.value, one.p_adjusted, alpha),
        )
        for one in results
    )
    columns = [
        Column(key="difference", title=say("column.difference"), cells=differences),
        column(
            "simultaneous_tries" if over_tries else "simultaneous",
            lambda one: (interval(one.simultaneous, digits, with_sign=True), one.simultaneous.low),
            "center",
        ),
    ]
    if board.has_gaps:
        columns.append(
            column("difference_bounds", lambda one: (difference_bounds(one, digits), one.missing.worst), "center")
        )
    return [
        *columns,
        column("p_tries" if over_tries else "p_adjusted", lambda one: (p_value(one.p_adjusted), one.p_adjusted)),
        _column(
            "verdict",
            say("column.verdict"),
            (("", None) if one is None else (verdict_word(board, one, say), one.verdict.code) for one in compared),
            "left",
        ),
        _column(
            "same_sign",
            say("column.same_sign"),
            (("", None) if one is None else (chance(one), one.verdict.same_sign) for one in compared),
        ),
        column("wins", lambda one: (wins(one), one.wins - one.losses)),
    ]


def _column(key: str, title: str, cells: Iterable[Pair], align: Align = "right") -> Column:
    """Return a column of texts, each with what it is sorted by."""
    return Column(key=key, title=title, cells=tuple(Cell(text=text, sort=sort) for text, sort in cells), align=align)


def _digits(board: Board) -> int:
    return score_digits(board.judge.scale.low, board.judge.scale.high)
