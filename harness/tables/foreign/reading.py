"""Recognising what another tool wrote, by its content."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.errors import InputError
from harness.locale import tr
from harness.locale.parsers import json_said
from harness.tables.files import read_bytes
from harness.tables.foreign import deepeval, flexeval, inspect_ai, lm_eval, promptfoo
from harness.tables.foreign.archive import member_names
from harness.tables.foreign.records import ForeignFile
from harness.tables.foreign.values import lenient_json
from harness.tables.text import decode

_ZIP = b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"
_LINE_MARKS = (b'"doc_id"', b'"lm_output"')
_WHOLE_MARKS = (b'"eval"', b'"results"', b'"testCases"')
_MOST_FILES = 1_000


def read_foreign(path: str) -> ForeignFile | None:
    """Return the answers and scores of another tool's file, or of all its files in a folder; None if it is none.

    Raises:
        InputError: it is one, and cannot be read or holds no answers; or it cannot be opened.
    """
    place = Path(path).expanduser()
    if not place.is_dir():
        return _read(path)
    files = sorted(entry for entry in place.iterdir() if entry.is_file() and not entry.name.startswith("."))
    if len(files) > _MOST_FILES:
        raise InputError(tr("a folder of more than {most_files:,} files", most_files=_MOST_FILES), path=path)
    found, others = [], []
    for file in files:
        try:
            read = _read(str(file))
        except _SummaryError:
            read = None
        found += [] if read is None else [read]
        others += [file.name] if read is None else []
    return _joined(path, found, others) if found else None


class _SummaryError(InputError):
    """A file of figures, which a folder may hold beside the answers."""


def _joined(path: str, found: Sequence[ForeignFile], others: Sequence[str]) -> ForeignFile:
    cautions = [tr("{name}: {said}", name=Path(file.path).name, said=said) for file in found for said in file.cautions]
    left = [tr("not read, since no tool's answers: {names}", names=", ".join(others))] if others else []
    return ForeignFile(
        tool=", ".join(dict.fromkeys(file.tool for file in found)),
        path=path,
        sha256=hashlib.sha256("".join(file.sha256 for file in found).encode()).hexdigest(),
        rows=[row for file in found for row in file.rows],
        cautions=(*cautions, *left),
        scales={metric: scale for file in found for metric, scale in file.scales.items()},
    )


def _read(path: str) -> ForeignFile | None:
    data = read_bytes(path)
    sha256 = hashlib.sha256(data).hexdigest()
    if data.startswith((_ZIP, _EMPTY_ZIP)):
        return _zipped(data, path, sha256)
    if not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return None
    first = data.lstrip(b"\xef\xbb\xbf \t\r\n").split(b"\n", 1)[0]
    if any(mark in first for mark in _LINE_MARKS) and (found := _lines(data, path, sha256)) is not None:
        return found
    return _whole(data, path, sha256) if any(mark in data for mark in _WHOLE_MARKS) else None


def _zipped(data: bytes, path: str, sha256: str) -> ForeignFile | None:
    names = member_names(data)
    if inspect_ai.is_archive(names):
        return inspect_ai.read_archive(data, path, sha256)
    if not names and path.lower().endswith(".eval"):
        raise InputError(
            tr("this log of inspect_ai is damaged, or not whole"), path=path, hint=tr("Copy the file once more.")
        )
    return None


def _lines(data: bytes, path: str, sha256: str) -> ForeignFile | None:
    lines = list(_values(decode(data, path), path))
    if lm_eval.is_sample(lines[0][1]):
        return lm_eval.read_samples(lines, path, sha256)
    if flexeval.is_line(lines[0][1]):
        return flexeval.read_lines(lines, path, sha256)
    return None


def _values(text: str, path: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield number, lenient_json(line)
            except ValueError as error:
                raise InputError(tr("not JSON: {error}", error=json_said(error)), path=path, line=number) from None


def _whole(data: bytes, path: str, sha256: str) -> ForeignFile | None:
    try:
        value = lenient_json(decode(data, path))
    except ValueError:
        return None  # whoever reads tables says where it is no JSON
    if inspect_ai.is_log(value):
        return inspect_ai.read_log(value, path, sha256)
    if promptfoo.is_evaluation(value):
        return promptfoo.read_evaluation(value, path, sha256)
    if deepeval.is_test_run(value):
        return deepeval.read_test_run(value, path, sha256)
    if lm_eval.is_summary(value):
        raise _SummaryError(
            tr("these are lm-evaluation-harness's figures, without its answers"),
            path=path,
            hint=tr("Name the samples_TASK_DATE.jsonl beside it, which --log_samples writes."),
        )
    return None
