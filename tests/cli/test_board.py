"""A leaderboard on a terminal: as wide as the window, with everything that a file would say of its figures."""

import io
import sys
from pathlib import Path

import pytest

from harness.cli.board import fitted
from harness.cli.table import columns
from reports.board_view import Cell, Column, Table
from tests.conftest import RunCli

NAMES = ("とても長い名前のモデル", "base")


def table(n_figures: int) -> Table:
    names = Column(title="モデル", cells=tuple(Cell(text=name) for name in NAMES), align="left", names_row=True)
    figures = [Column(title=f"値{number}", cells=(Cell(text="1.234"), Cell(text=""))) for number in range(n_figures)]
    return Table(columns=(names, *figures))


def test_a_table_that_fits_has_columns_in_line() -> None:
    """Names are on the left, figures on the right, also in Japanese."""
    lines = fitted(table(2), 60).split("\n")
    assert [
        "モデル                    値0    値1",
        "─" * 36,
        "とても長い名前のモデル  1.234  1.234",
        "base",
    ] == lines


def test_a_table_that_does_not_fit_becomes_blocks() -> None:
    """Every figure stands with its heading, no line is wider than the window, empty cells are left out."""
    text = fitted(table(9), 40)
    assert all(columns(line) <= 40 for line in text.split("\n"))
    assert 9 == text.count("1.234")
    assert text.endswith("\n\nbase")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def printed(monkeypatch: pytest.MonkeyPatch, width: int, *arguments: str) -> str:
    """Run the command line in front of a terminal of this width and return what it shows."""
    from harness.cli.main import main

    screen = Terminal()
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(sys, "argv", ["harness", *arguments])
    with pytest.raises(SystemExit):
        main()
    return screen.getvalue()


@pytest.fixture
def rated(workplace: Path) -> list[str]:
    """A command that evaluates twenty models whose answers and ratings exist."""
    lines = [(model, task) for model in range(20) for task in range(6)]
    Path("t.jsonl").write_text("".join(f'{{"input": "問{task}"}}\n' for task in range(6)), encoding="utf-8")
    Path("a.csv").write_text("model,task_id,output\n" + "".join(f"m{m},{t},答え\n" for m, t in lines), "utf-8")
    Path("r.csv").write_text(
        "model,task_id,score\n" + "".join(f"m{m},{t},{1 + (m * t + t) % 5}\n" for m, t in lines), "utf-8"
    )
    return ["eval", "--task", "six=t.jsonl", "--model", "outputs:a.csv", "--judge", "human:r.csv", "--run", "r"]


@pytest.mark.parametrize("lang", ["en", "ja"])
@pytest.mark.parametrize("width", [50, 110])
def test_no_line_is_wider_than_the_window(
    monkeypatch: pytest.MonkeyPatch, rated: list[str], width: int, lang: str
) -> None:
    """Whatever the window, nothing wraps by itself; a long board is cut and says so; provenance stays in the files."""
    text = printed(monkeypatch, width, "--lang", lang, *rated)
    assert all(columns(line) <= width for line in text.split("\n")), text
    assert ("… and 5 more rows" if lang == "en" else "ほかに5行") in text
    assert "repetition_penalty" not in text
    assert "\x1b" not in text


def test_piped_output_is_the_file(run_cli: RunCli, rated: list[str]) -> None:
    """A program that reads the output gets leaderboard.md, whatever the window."""
    ran = run_cli(*rated)
    assert Path("runs/r/leaderboard.md").read_text(encoding="utf-8") == ran.out
