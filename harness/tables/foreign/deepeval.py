"""deepeval: a test run as JSON."""

from collections.abc import Iterator, Sequence
from typing import Any

from harness.errors import InputError
from harness.locale import tr, trn
from harness.tables.foreign.records import ForeignFile, ForeignRow, ForeignScore, number_score
from harness.tables.foreign.values import at, content_text, items, text_at
from harness.types import UNIT

TOOL = "deepeval"


def is_test_run(value: Any) -> bool:  # noqa: ANN401 - a JSON value of any shape
    """Return whether a JSON value is a test run."""
    return isinstance(at(value, "testCases"), list) and ("metricsScores" in value or "testPassed" in value)


def read_test_run(run: Any, path: str, sha256: str) -> ForeignFile:  # noqa: ANN401 - a JSON value of any shape
    """Return the answers of a test run. Its cases have no task id: the input says which task each is about."""
    cases = items(run, "testCases")
    model = text_at(run, "hyperparameters", "model")
    rows = [_row(case, path, place, model) for place, case in enumerate(cases, start=1)]
    if not rows:
        raise InputError(tr("this test run of deepeval holds no test cases of one turn"), path=path)
    metrics = list(dict.fromkeys(score.metric for row in rows for score in row.scores))
    return ForeignFile(
        tool=TOOL, path=path, sha256=sha256, rows=rows,
        cautions=tuple(_cautions(run, cases, rows)), scales=dict.fromkeys(metrics, UNIT),
    )  # fmt: skip


def _row(case: Any, path: str, place: int, model: str | None) -> ForeignRow:  # noqa: ANN401 - a JSON value of any shape
    asked = content_text(at(case, "input"))
    if asked is None:
        raise InputError(tr("test case {place} has no input", place=place), path=path)
    return ForeignRow(
        path=path,
        place=place,
        inputs=(asked,),
        model=model,
        answer=content_text(at(case, "actualOutput")),
        scores=tuple(_scores(case)),
    )


def _scores(case: Any) -> Iterator[ForeignScore]:  # noqa: ANN401 - a JSON value of any shape
    for one in items(case, "metricsData"):
        name = text_at(one, "name")
        if name is None:
            continue
        if error := text_at(one, "error"):
            yield ForeignScore(metric=name, value=None, code="other", reason=error)
        else:
            yield number_score(name, at(one, "score"), comment=text_at(one, "reason"))


def _cautions(run: Any, cases: Sequence[Any], rows: Sequence[ForeignRow]) -> Iterator[str]:  # noqa: ANN401
    if empty := sum(row.answer is None for row in rows):
        yield trn("{n} test case without an answer", "{n} test cases without an answer", empty)
    if others := len(items(run, "conversationalTestCases")):
        yield trn("{n} test case of several turns is left out", "{n} test cases of several turns are left out", others)
    data = [one for case in cases for one in items(case, "metricsData")]
    if data:
        yield tr("scores are deepeval's 0 to 1, into which it rescales its judge's marks; thresholds are not used")
    strict = dict.fromkeys(str(at(one, "name")) for one in data if at(one, "strictMode") is True)
    if strict:
        yield tr("{names}: strict mode made every score 0 or 1", names=", ".join(strict))
