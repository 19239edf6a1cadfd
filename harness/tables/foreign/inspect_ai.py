"""inspect_ai: logs as ``.eval`` (a ZIP file of one JSON a sample) and as JSON."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from harness.errors import InputError
from harness.locale import tr, trn
from harness.locale.parsers import json_said
from harness.tables.foreign.archive import Archive
from harness.tables.foreign.records import ForeignFile, ForeignRow, ForeignScore, number_score, other_version
from harness.tables.foreign.values import at, content_text, items, last_user_text, lenient_json, text_at
from harness.tables.rows import id_text
from harness.types import UNIT, FinishReason

TOOL = "inspect_ai"
_VERSION = 2  # of the log's format
_SAMPLE = re.compile(r"samples/.+\.json", re.DOTALL)
_HEADERS = ("header.json", "_journal/start.json")
_LETTERS = {"C": 1.0, "P": 0.5, "I": 0.0}  # inspect_ai's own reading of them; N, "no answer", is no score
_ATTACHMENT = "attachment://"
_ENDINGS: Mapping[str, FinishReason] = {"max_tokens": "length", "model_length": "length", "stop": "stop"}


def is_archive(names: Iterable[str]) -> bool:
    """Return whether these are the members of a log."""
    return any(name in _HEADERS for name in names)


def is_log(value: Any) -> bool:  # noqa: ANN401 - a JSON value of any shape
    """Return whether a JSON value is a log."""
    return isinstance(at(value, "eval"), dict) and "model" in value["eval"] and "status" in value


def read_archive(data: bytes, path: str, sha256: str) -> ForeignFile:
    """Return the answers of an ``.eval`` file; only its header and its samples are unpacked, one at a time."""
    archive = Archive(data, path)
    header = next(name for name in _HEADERS if name in archive.members)
    log = _json(archive.read(header), path, header)
    samples = (
        (place, _json(archive.read(name), path, name))
        for place, name in enumerate(filter(_SAMPLE.fullmatch, archive.members), start=1)
    )
    return _file(log, samples, path, sha256)


def read_log(log: Any, path: str, sha256: str) -> ForeignFile:  # noqa: ANN401 - a JSON value of any shape
    """Return the answers of a log in JSON."""
    return _file(log, enumerate(items(log, "samples"), start=1), path, sha256)


def _json(data: bytes, path: str, name: str) -> Any:  # noqa: ANN401 - a JSON value of any shape
    try:
        return lenient_json(data.decode("utf-8"))
    except ValueError as error:
        raise InputError(tr("{name} is not JSON: {error}", name=name, error=json_said(error)), path=path) from None


def _file(log: Any, samples: Iterable[tuple[int, Any]], path: str, sha256: str) -> ForeignFile:  # noqa: ANN401
    model, task = text_at(log, "eval", "model"), text_at(log, "eval", "task")
    lettered: set[str] = set()
    found = [_row(sample, path, place, (model, task), lettered) for place, sample in samples]
    if not found:
        raise InputError(
            tr("this inspect_ai log holds no samples"), path=path, hint=tr("Write it with log_samples switched on.")
        )
    rows = [row for row, _ in sorted(zip(found, range(len(found)), strict=True), key=lambda one: _order(*one))]
    return ForeignFile(
        tool=TOOL,
        path=path,
        sha256=sha256,
        rows=rows,
        cautions=tuple(_cautions(log, rows, lettered)),
        scales=dict.fromkeys(lettered, UNIT),
    )


def _order(row: ForeignRow, place: int) -> tuple[int, int]:
    """Samples lie in an archive as they finished: they come by epoch and number, where ids are numbers."""
    number = row.task_id if row.task_id is not None and row.task_id.isdecimal() else None
    return row.epoch, place if number is None else int(number[:18])


def _row(
    sample: Any,  # noqa: ANN401 - a JSON value of any shape
    path: str,
    place: int,
    whose: tuple[str | None, str | None],
    lettered: set[str],
) -> ForeignRow:
    if not isinstance(sample, dict) or "input" not in sample:
        raise InputError(tr("sample {place} is none of an inspect_ai log", place=place), path=path)
    epoch = at(sample, "epoch")
    if epoch is not None and (not isinstance(epoch, int) or isinstance(epoch, bool) or epoch < 1):
        raise InputError(tr("sample {place} has no epoch that counts from 1", place=place), path=path)
    model, task = whose
    attached = at(sample, "attachments")
    asked = sample["input"]
    question = (
        content_text(asked) if isinstance(asked, str) else last_user_text(asked if isinstance(asked, list) else [])
    )
    answer = content_text(at(sample, "output", "choices", 0, "message", "content"))
    return ForeignRow(
        path=path,
        place=place,
        task=task,
        task_id=id_text(at(sample, "id")),
        inputs=tuple(filter(None, [_whole(question, attached)])),
        model=model or text_at(sample, "output", "model"),
        answer=_whole(answer, attached),
        error=text_at(sample, "error", "message") or text_at(sample, "output", "error"),
        epoch=0 if epoch is None else epoch - 1,
        finish_reason=_ENDINGS.get(text_at(sample, "output", "choices", 0, "stop_reason") or ""),
        scores=tuple(_scores(at(sample, "scores"), lettered)),
    )


def _whole(text: str | None, attached: object) -> str | None:
    """Return a text that the log may keep elsewhere, under its digest."""
    if text is None or not text.startswith(_ATTACHMENT):
        return text
    return text_at(attached, text.removeprefix(_ATTACHMENT)) or text


def _scores(scores: object, lettered: set[str]) -> Iterator[ForeignScore]:
    for name, score in scores.items() if isinstance(scores, dict) else ():
        value, said = at(score, "value"), text_at(score, "explanation")
        parts = {f"{name}/{part}": one for part, one in value.items()} if isinstance(value, dict) else {name: value}
        for metric, one in parts.items():
            yield _score(metric, one, said, lettered)


def _score(metric: str, value: object, said: str | None, lettered: set[str]) -> ForeignScore:
    if isinstance(value, bool):
        lettered.add(metric)
        return ForeignScore(metric=metric, value=float(value), comment=said)
    if value == "N":
        lettered.add(metric)
        reason = tr("N: inspect_ai found no answer")
        return ForeignScore(metric=metric, value=None, code="other", reason=reason, comment=said)
    if isinstance(value, str) and value in _LETTERS:
        lettered.add(metric)
        return ForeignScore(metric=metric, value=_LETTERS[value], comment=said)
    return number_score(metric, value, comment=said)


def _cautions(log: Any, rows: list[ForeignRow], lettered: set[str]) -> Iterator[str]:  # noqa: ANN401
    if said := other_version(at(log, "version"), _VERSION):
        yield said
    status = text_at(log, "status")
    if status != "success":
        yield tr("the log's status is {status!r}: samples may be missing", status=status or "started")
    if at(log, "invalidated") is True:
        yield tr("the log is marked as invalidated")
    if failed := sum(row.answer is None for row in rows):
        yield trn("{n} sample without an answer", "{n} samples without an answer", failed)
    for metric in sorted(lettered):
        yield tr(
            "{metric} is letters or yes and no, read as inspect_ai does: C 1, P 0.5, I 0; N is no score", metric=metric
        )
