"""One task in the terminal: everything about it, and nothing that steers the terminal."""

import re
from collections.abc import Callable

from reports.run_view import Report
from reports.terminal import task_text
from reports.wording import Language, words
from tests.reports.conftest import hostile_report, small_report


def shown(report: Report, task_id: str, language: Language = "en") -> str:
    sample = next(sample for sample in report.tables[0].samples if sample.id == task_id)
    answers = [answer for answer in report.answers if answer.sample_id == task_id]
    return task_text("eight", sample, answers, words(language), heading=lambda text: f"[{text}]")


def test_a_task_is_shown_whole(golden: Callable[[str, str], None]) -> None:
    """Input, reference and criteria, then each answer with scores, reasons, and what is missing."""
    golden("task.en.txt", shown(small_report(), "3"))


def test_the_japanese_labels(golden: Callable[[str, str], None]) -> None:
    """The same in Japanese."""
    golden("task.ja.txt", shown(small_report(), "2", "ja"))


def test_hostile_answers_cannot_steer_the_terminal() -> None:
    """No escape, direction mark, NUL or half character of any text reaches the terminal; the rest is there."""
    for task_id in range(8):
        text = shown(hostile_report(), str(task_id))
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)
    assert "�[31mred�[0m" in shown(hostile_report(), "3")
    assert "長い" * 50_000 in shown(hostile_report(), "7")
