"""The competition's file: exactly its form, and every fault of a stranger's file found by line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.submission import IDS, SubmittedAnswer, check_submission, submission_text

GOOD = [{"task_id": task_id, "input": f"問{task_id}", "output": f"答え{task_id}"} for task_id in IDS]


def data(*rows: object) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def changed(line: int, **change: object) -> bytes:
    return data(*(row | change if place == line - 1 else row for place, row in enumerate(GOOD)))


def escaped() -> bytes:
    return "".join(json.dumps(row) + "\n" for row in GOOD).encode()


def third(line: bytes) -> bytes:
    return data(*GOOD[:2]) + line + b"\n" + data(*GOOD[3:])


def test_a_good_file_has_no_problem() -> None:
    """With and without ``input``, which is not required."""
    assert [] == check_submission(data(*GOOD))
    assert [] == check_submission(data(*({key: row[key] for key in ("task_id", "output")} for row in GOOD)))


def test_our_own_file_is_exactly_the_competitions_form() -> None:
    """The keys in order, text not escaped, LF, in the order of the ids whatever the order of the answers."""
    answers = [SubmittedAnswer(**row) for row in reversed(GOOD)]
    assert data(*GOOD) == submission_text(answers).encode()


@given(st.lists(st.text(min_size=1).filter(str.strip), min_size=100, max_size=100))
def test_whatever_was_answered_reads_back(outputs: list[str]) -> None:
    """Our file passes our check without an error, and other tools read the answers from it."""
    answers = [SubmittedAnswer(task_id=task_id, input="", output=output) for task_id, output in enumerate(outputs)]
    written = submission_text(answers).encode()
    assert [] == [problem for problem in check_submission(written) if problem.is_error]
    assert outputs == [json.loads(line)["output"] for line in written.split(b"\n")[:-1]]


@pytest.mark.parametrize(
    ("file", "line", "message"),
    [
        (changed(3, output=""), 3, "output is empty"),
        (changed(3, output=" \n"), 3, "output is empty"),
        (changed(3, output=None), 3, "output null is not a text"),
        (changed(3, output=["a"]), 3, 'output ["a"] is not a text'),
        (changed(3, task_id="2"), 3, 'task_id "2" is not a whole number'),
        (changed(3, task_id=True), 3, "task_id true is not a whole number"),
        (changed(3, task_id=100), 3, "task_id 100 is outside 0-99"),
        (changed(3, task_id=1), 3, "task_id 1 stands in line 2 already"),
        (data(*GOOD[:2], {"input": "x"}, *GOOD[3:]), 3, "task_id is missing"),
        (data(*GOOD[:2], {"task_id": 2}, *GOOD[3:]), 3, "output is missing"),
        (data(*GOOD[:2], [1], *GOOD[3:]), 3, "a JSON object is wanted, not list"),
        (third(b"{'task_id': 2}"), 3, "not valid JSON: a name in double quotes"),
        (third(b'{"task_id": 2, "output": "a", "output": "b"}'), 3, "key 'output' stands twice"),
        (third(b'{"task_id": 2, "output": "\\ud800"}'), 3, "output holds half a character"),
        (third("答え".encode("cp932")), 3, "not UTF-8 (byte 1)"),
        (data(*GOOD[:2]) + b"\n" + data(*GOOD[2:]), 3, "the line is empty"),
        (b"\xef\xbb\xbf" + data(*GOOD), 1, "the file starts with a byte order mark"),
        (data(*GOOD[:98]), None, "2 of 100 ids are missing: 98, 99"),
        (b"", None, "100 of 100 ids are missing: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 ..."),
        (b"[" * 100_000, 1, "not valid JSON"),
    ],
)  # fmt: skip
def test_what_makes_a_file_unfit_is_found_by_line(file: bytes, line: int | None, message: str) -> None:
    """The first error says where and what."""
    first = next(problem for problem in check_submission(file) if problem.is_error)
    assert (line, message) == (first.line, first.message[: len(message)])


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (data(*GOOD).replace(b"\n", b"\r\n"), "lines end with CRLF; the usual ending is LF"),
        (data(*GOOD)[:-1], "the last line has no newline at its end"),
        (data(*reversed(GOOD)), "lines are not in the order of task_id"),
        (changed(1, eval="x"), "unknown key 'eval'"),
        (
            changed(1, output="### 指示\n問0\n### 回答\n答え"),
            "output holds the prompt's marker '### 指示': was the prompt cut off?",
        ),
        (changed(1, output="答え1"), "2 answers are the same text: 答え1"),
        (escaped(), "text is \\u-escaped; write it with ensure_ascii=False"),
    ],
)  # fmt: skip
def test_what_is_odd_is_a_note(file: bytes, message: str) -> None:
    """Nothing here keeps the file from being handed in."""
    problems = check_submission(file)
    assert [] == [problem for problem in problems if problem.is_error]
    assert message in {problem.message for problem in problems}
