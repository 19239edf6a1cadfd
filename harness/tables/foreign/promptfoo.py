"""promptfoo: the JSON of ``promptfoo eval --output``."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from harness.errors import InputError
from harness.locale import tr, trn
from harness.tables.foreign.records import ForeignFile, ForeignRow, ForeignScore, number_score, other_version
from harness.tables.foreign.values import at, items, text_at, texts
from harness.tables.rows import id_text
from harness.types import UNIT

TOOL = "promptfoo"
_VERSION = 3  # of the results' format
_INPUTS = ("input", "question", "instruction", "prompt", "query", "text")
_ERROR = 2  # of failureReason: the call failed, and no assertion did
_UNREAD = ("could not extract", "could not parse", "could not grade", "invalid", "no output", "api error", "grader")


def is_evaluation(value: Any) -> bool:  # noqa: ANN401 - a JSON value of any shape
    """Return whether a JSON value is an evaluation."""
    first = at(value, "results", "results", 0)
    return isinstance(first, dict) and "provider" in first and ("testIdx" in first or "gradingResult" in first)


def read_evaluation(evaluation: Any, path: str, sha256: str) -> ForeignFile:  # noqa: ANN401
    """Return the answers of an evaluation, one assertion after the other as its metrics."""
    results = items(evaluation, "results", "results")
    for place, result in enumerate(results, start=1):
        if not isinstance(result, dict) or not isinstance(at(result, "vars"), dict):
            raise InputError(tr("result {place} is none of promptfoo's", place=place), path=path)
    prompts = defaultdict(set)
    for result in results:
        prompts[_provider(result)].add(_number(result, "promptIdx"))
    order = sorted(enumerate(results, start=1), key=lambda one: _number(one[1], "testIdx"))
    rows = _numbered([_row(result, path, place, prompts) for place, result in order], dict(order), path)
    rows, binary, doubtful = _without_invented(rows)
    other = other_version(at(evaluation, "results", "version"), _VERSION)
    return ForeignFile(
        tool=TOOL, path=path, sha256=sha256, rows=rows,
        cautions=(*([other] if other else []), *_cautions(rows, prompts, binary, doubtful)),
        scales=dict.fromkeys(binary, UNIT),
    )  # fmt: skip


def _number(result: Any, name: str) -> int:  # noqa: ANN401 - a JSON value of any shape
    number = at(result, name)
    return number if isinstance(number, int) else -1


def _provider(result: Any) -> str:  # noqa: ANN401 - a JSON value of any shape
    return (
        text_at(result, "provider", "label") or text_at(result, "provider", "id") or text_at(result, "provider") or "?"
    )


def _row(result: Any, path: str, place: int, prompts: dict[str, set[int]]) -> ForeignRow:  # noqa: ANN401
    variables, provider = at(result, "vars"), _provider(result)
    ids = (id_text(at(variables, name)) for name in ("task_id", "id"))
    answer = at(result, "response", "output")
    failed = at(result, "failureReason") == _ERROR
    several = len(prompts[provider]) > 1
    return ForeignRow(
        path=path,
        place=place,
        task_id=next(filter(None, ids), None) or id_text(at(result, "testIdx")),
        inputs=tuple(dict.fromkeys([*texts(variables, *_INPUTS), *texts({"raw": at(result, "prompt", "raw")})])),
        model=f"{provider} prompt {_number(result, 'promptIdx') + 1}" if several else provider,
        answer=answer if isinstance(answer, str) else None,
        # `error` also holds a judge's reason where an assertion failed, so it is read only where the call did.
        error=text_at(result, "response", "error") or (text_at(result, "error") if failed else None),
        scores=() if failed else tuple(_scores(result)),
    )


def _numbered(rows: Sequence[ForeignRow], results: dict[int, Any], path: str) -> list[ForeignRow]:
    """Return the rows with their repeats: tests of one model with the same id and input, each with its own number."""
    seen: dict[tuple[object, ...], list[ForeignRow]] = defaultdict(list)
    numbered = []
    for row in rows:
        before = seen[row.model, row.task_id, row.inputs]
        tests = [at(results[one.place], "testIdx") for one in before]
        if at(results[row.place], "testIdx") in tests:
            raise InputError(
                tr(
                    "result {place} is a second one of test {task_id} by {model}",
                    place=row.place,
                    task_id=row.task_id or "?",
                    model=row.model or "?",
                ),
                path=path,
            )
        numbered.append(replace(row, epoch=len(before)))
        before.append(row)
    return numbered


def _scores(result: Any) -> Iterator[ForeignScore]:  # noqa: ANN401 - a JSON value of any shape
    parts = items(result, "gradingResult", "componentResults") or [at(result, "gradingResult")]
    names: dict[str, int] = defaultdict(int)
    for part in parts:
        if not isinstance(part, dict):
            continue
        name = text_at(part, "assertion", "metric") or text_at(part, "assertion", "type") or "score"
        names[name] += 1
        metric = name if names[name] == 1 else f"{name} {names[name]}"
        reason = text_at(part, "reason")
        if at(part, "pass") is False and (reason or "").lower().startswith(_UNREAD):
            # promptfoo writes 0 for a judge's reply that it could not read.
            yield ForeignScore(metric=metric, value=None, code="other", reason=reason)
            continue
        score = number_score(metric, at(part, "score"), comment=reason)
        # Kept in the code until the whole metric has been seen: 1 and 0 are also what pass and fail become.
        is_invented = isinstance(at(part, "pass"), bool) and score.value == float(part["pass"])
        yield replace(score, code="other") if is_invented else score


def _without_invented(rows: Sequence[ForeignRow]) -> tuple[list[ForeignRow], list[str], list[str]]:
    """Return the rows without doubtful scores, the metrics that only pass or fail, and those with doubtful ones."""
    marks: dict[str, list[ForeignScore]] = defaultdict(list)
    for row in rows:
        for score in row.scores:
            if score.value is not None:
                marks[score.metric].append(score)
    binary = [metric for metric, scores in marks.items() if all(0 <= (score.value or 0) <= 1 for score in scores)]
    doubtful = {
        metric
        for metric, scores in marks.items()
        if metric not in binary and any(one.code == "other" for one in scores)
    }
    cleared = [
        replace(row, scores=tuple(_blanked(score) if score.metric in doubtful else score for score in row.scores))
        for row in rows
    ]
    return cleared, binary, sorted(doubtful)


def _blanked(score: ForeignScore) -> ForeignScore:
    if score.value is None or score.code != "other":
        return score
    reason = tr(
        "{value:g} is what promptfoo writes for a pass or a fail where its judge gave no mark", value=score.value
    )
    return replace(score, value=None, reason=reason)


def _cautions(
    rows: Sequence[ForeignRow], prompts: dict[str, set[int]], binary: Sequence[str], doubtful: Sequence[str]
) -> Iterator[str]:
    if empty := sum(row.answer is None for row in rows):
        yield trn("{n} result without an answer in words", "{n} results without an answer in words", empty)
    if several := sorted(provider for provider, found in prompts.items() if len(found) > 1):
        yield tr("{names} answered several prompts: each is a model here", names=", ".join(several))
    for metric in binary:
        yield tr("{metric} is 0 to 1, as pass and fail are", metric=metric)
        marks = [one for row in rows for one in row.scores if one.metric == metric and one.value is not None]
        n_doubtful = sum(one.code == "other" for one in marks)
        if n_doubtful and any(one.value not in {0, 1} for one in marks):
            yield trn(
                "{metric}: {n} score of 0 or 1 is kept among fractions, though promptfoo writes the same where its "
                "judge gave no mark",
                "{metric}: {n} scores of 0 or 1 are kept among fractions, though promptfoo writes the same where its "
                "judge gave no mark",
                n_doubtful,
                metric=metric,
            )
    for metric in doubtful:
        n_unread = sum(
            score.metric == metric and score.value is None and score.code == "other"
            for row in rows
            for score in row.scores
        )
        yield trn(
            "{metric}: {n} score is left out, since promptfoo may have made it of pass or fail",
            "{metric}: {n} scores are left out, since promptfoo may have made them of pass or fail",
            n_unread,
            metric=metric,
        )
