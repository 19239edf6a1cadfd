r"""The competition's answer file: one JSON object a line with ``task_id``, ``input`` and ``output``. Pure.

The form is that of ELYZA-tasks-100-TV: ids 0-99, each once; ``task_id`` and ``output`` are required; text stands as it
is (``ensure_ascii=False``).
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from harness.locale import tr
from harness.locale.parsers import json_said

IDS = range(100)
_KEYS = ("task_id", "input", "output")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_ESCAPED = re.compile(rb"(?<!\\)(?:\\\\)*\\u(?!00[01])[0-9a-fA-F]{4}")  # of a character that needs none
_MARKERS = ("### 指示", "### 回答")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with a file. ``line`` counts from 1, None: the file as a whole. Only an error makes it unfit."""

    line: int | None
    message: str
    is_error: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmittedAnswer:
    """One line of the file."""

    task_id: int
    input: str
    output: str


def submission_text(answers: Sequence[SubmittedAnswer]) -> str:
    r"""Return the file's text, in the order of the ids; what UTF-8 cannot hold is replaced.

    >>> submission_text([SubmittedAnswer(task_id=0, input="問", output="答え\n\ud800")])
    '{"task_id": 0, "input": "問", "output": "答え\\n�"}\n'
    """
    return "".join(
        json.dumps(
            {"task_id": answer.task_id, "input": _whole(answer.input), "output": _whole(answer.output)},
            ensure_ascii=False,
        )
        + "\n"
        for answer in sorted(answers, key=lambda answer: answer.task_id)
    )


def check_submission(data: bytes) -> list[Problem]:
    r"""Return everything wrong with a file, by line, then what is wrong with it as a whole.

    >>> check_submission(b'{"task_id": 0, "output": "a"}\n{"task_id": 0, "output": ""}\n')[0].message
    'task_id 0 stands in line 1 already'
    """
    problems: list[Problem] = []
    if data.startswith(b"\xef\xbb\xbf"):
        problems.append(
            Problem(line=1, message=tr("the file starts with a byte order mark; save it as UTF-8 without one"))
        )
        data = data[3:]
    if b"\r\n" in data:
        problems.append(Problem(line=None, message=tr("lines end with CRLF; the usual ending is LF"), is_error=False))
    elif data and not data.endswith(b"\n"):
        problems.append(Problem(line=None, message=tr("the last line has no newline at its end"), is_error=False))
    lines = data.replace(b"\r\n", b"\n").split(b"\n")
    lines = lines[:-1] if lines[-1] == b"" else lines
    seen: dict[int, int] = {}
    outputs: Counter[str] = Counter()
    for number, line in enumerate(lines, 1):
        row, found = _row(line, number)
        problems += found
        if row is None:
            continue
        problems += _check_row(row, number, seen)
        if isinstance(row.get("output"), str):
            outputs[row["output"]] += 1
    problems += _whole_file(seen, outputs)
    return problems


def answer_notes(answers: Sequence[SubmittedAnswer], n_cut: int) -> list[str]:
    """Return what to know before handing answers in: how many were cut, and how many are identical.

    >>> answer_notes([SubmittedAnswer(task_id=n, input="", output="はい") for n in range(3)], 1)
    ['1 of 3 answers stopped at the length limit.', '3 answers are the same text: はい']
    """
    cut = tr("{n_cut} of {n} answers stopped at the length limit.", n_cut=n_cut, n=len(answers))
    notes: list[str] = [cut] if n_cut else []
    return notes + [problem.message for problem in _identical(Counter(answer.output for answer in answers))]


def _row(line: bytes, number: int) -> tuple[dict[str, Any] | None, list[Problem]]:
    if not line.strip():
        return None, [Problem(line=number, message=tr("the line is empty"))]
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        return None, [Problem(line=number, message=tr("not UTF-8 (byte {start})", start=error.start + 1))]
    try:
        row = json.loads(text, object_pairs_hook=_pairs)
    except (ValueError, RecursionError) as error:
        return None, [Problem(line=number, message=tr("not valid JSON: {error}", error=json_said(error)))]
    if not isinstance(row, dict):
        return None, [Problem(line=number, message=tr("a JSON object is wanted, not {name}", name=type(row).__name__))]
    problems = []
    if repeated := row.pop(_REPEATED, None):
        problems.append(Problem(line=number, message=tr("key {repeated!r} stands twice", repeated=repeated)))
    if _ESCAPED.search(line):
        problems.append(
            Problem(line=number, message=tr("text is \\u-escaped; write it with ensure_ascii=False"), is_error=False)
        )
    return row, problems


_REPEATED = "\0repeated"


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        row[_REPEATED] = Counter(key for key, _ in pairs).most_common(1)[0][0]
    return row


def _check_row(row: dict[str, Any], number: int, seen: dict[int, int]) -> Iterator[Problem]:
    yield from _check_id(row, number, seen)
    output = row.get("output")
    if "output" not in row:
        yield Problem(line=number, message=tr("output is missing"))
    elif not isinstance(output, str):
        yield Problem(line=number, message=tr("output {output} is not a text", output=json.dumps(output)[:40]))
    elif not output.strip():
        yield Problem(line=number, message=tr("output is empty"))
    elif _SURROGATE.search(output):
        yield Problem(
            line=number, message=tr("output holds half a character (a lone surrogate), which UTF-8 cannot hold")
        )
    else:
        held = [marker for marker in _MARKERS if marker in output]
        if held:
            message = tr("output holds the prompt's marker {marker!r}: was the prompt cut off?", marker=held[0])
            yield Problem(line=number, message=message, is_error=False)
    unknown = [key for key in row if key not in _KEYS]
    if unknown:
        yield Problem(line=number, message=tr("unknown key {unknown!r}", unknown=unknown[0]), is_error=False)


def _check_id(row: dict[str, Any], number: int, seen: dict[int, int]) -> Iterator[Problem]:
    if "task_id" not in row:
        yield Problem(line=number, message=tr("task_id is missing"))
        return
    task_id = row["task_id"]
    if not isinstance(task_id, int) or isinstance(task_id, bool):
        yield Problem(
            line=number, message=tr("task_id {task_id} is not a whole number", task_id=json.dumps(task_id)[:40])
        )
    elif task_id not in IDS:
        yield Problem(
            line=number,
            message=tr(
                "task_id {task_id} is outside {start}-{stop}", task_id=task_id, start=IDS.start, stop=IDS.stop - 1
            ),
        )
    elif task_id in seen:
        yield Problem(
            line=number,
            message=tr("task_id {task_id} stands in line {seen} already", task_id=task_id, seen=seen[task_id]),
        )
    else:
        seen[task_id] = number


def _whole_file(seen: dict[int, int], outputs: Counter[str]) -> Iterator[Problem]:
    missing = [task_id for task_id in IDS if task_id not in seen]
    if missing:
        shown = ", ".join(map(str, missing[:10])) + (" ..." if len(missing) > 10 else "")  # noqa: PLR2004 - fits a line
        yield Problem(
            line=None,
            message=tr(
                "{n_missing} of {n_ids} ids are missing: {shown}", n_missing=len(missing), n_ids=len(IDS), shown=shown
            ),
        )
    if list(seen) != sorted(seen):
        yield Problem(line=None, message=tr("lines are not in the order of task_id"), is_error=False)
    yield from _identical(outputs)


def _identical(outputs: Counter[str]) -> Iterator[Problem]:
    for output, count in outputs.most_common(3):
        if count > 1:
            shown = " ".join(output.split())[:40]
            yield Problem(
                line=None,
                message=tr("{count} answers are the same text: {shown}", count=count, shown=shown),
                is_error=False,
            )


def _whole(text: str) -> str:
    return _SURROGATE.sub("\ufffd", text)
