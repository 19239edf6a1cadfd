"""lm-evaluation-harness: the JSONL of ``--log_samples``, one line a task and filter."""

from collections.abc import Iterator, Sequence
from typing import Any

from harness.errors import InputError
from harness.locale import tr, trn
from harness.tables.foreign.records import ForeignFile, ForeignRow, ForeignScore, number_score
from harness.tables.foreign.values import at, items, last_user_text, lenient_json, text_at, texts
from harness.tables.rows import id_text

TOOL = "lm-evaluation-harness"
_INPUTS = ("input", "question", "instruction", "prompt", "query", "text")
_IDS = ("task_id", "id", "question_id")


def is_sample(value: Any) -> bool:  # noqa: ANN401 - a JSON value of any shape
    """Return whether a line is a sample of this tool."""
    return isinstance(value, dict) and "doc_id" in value and ("filtered_resps" in value or "resps" in value)


def is_summary(value: Any) -> bool:  # noqa: ANN401 - a JSON value of any shape
    """Return whether this is the file of a whole evaluation's figures, which holds no answers."""
    return isinstance(value, dict) and "results" in value and ("lm_eval_version" in value or "n-shot" in value)


def read_samples(lines: Sequence[tuple[int, Any]], path: str, sha256: str) -> ForeignFile:
    """Return the answers of a file of samples; several filters of one answer become several metrics."""
    for place, sample in lines:
        if not is_sample(sample):
            raise InputError(tr("no sample of lm-evaluation-harness"), path=path, line=place)
    filters = list(dict.fromkeys(text_at(sample, "filter") or "none" for _, sample in lines))
    rows: dict[str, ForeignRow] = {}
    refused: dict[str, None] = {}
    repeated = len({id_text(at(sample, "doc_id")) for _, sample in lines if len(items(sample, "resps", 0)) > 1})
    for place, sample in lines:
        name = text_at(sample, "filter") or "none"
        scores = tuple(_scores(sample, "" if len(filters) == 1 else f"/{name}", refused))
        key = id_text(at(sample, "doc_id")) or ""
        if key not in rows:
            rows[key] = _row(sample, path, place, scores, several=len(filters) > 1)
        elif name == filters[0]:
            raise InputError(
                tr("a second sample of doc_id {key!r}, after line {line}", key=key, line=rows[key].place),
                path=path,
                line=place,
            )
        else:
            first = rows[key]
            rows[key] = _row(sample, path, first.place, (*first.scores, *scores), several=True)
    return ForeignFile(
        tool=TOOL, path=path, sha256=sha256, rows=list(rows.values()),
        cautions=tuple(_cautions(list(rows.values()), filters, list(refused), repeated)),
    )  # fmt: skip


def _row(
    sample: Any,  # noqa: ANN401 - a JSON value of any shape
    path: str,
    place: int,
    scores: tuple[ForeignScore, ...],
    *,
    several: bool,
) -> ForeignRow:
    # A filter may cut a number out of an answer; where there are several, the answer is what the model said.
    answer = at(sample, "resps", 0, 0) if several else at(sample, "filtered_resps", 0)
    doc = at(sample, "doc")
    asked = text_at(sample, "arguments", "gen_args_0", "arg_0") or text_at(sample, "arguments", 0, 0)
    ids = (id_text(at(doc, name)) for name in _IDS)
    return ForeignRow(
        path=path,
        place=place,
        task_id=next(filter(None, ids), None) or id_text(at(sample, "doc_id")),
        inputs=tuple(dict.fromkeys([*texts(doc, *_INPUTS), *_prompt(asked)])),
        answer=answer if isinstance(answer, str) else None,
        scores=scores,
    )


def _prompt(asked: str | None) -> list[str]:
    """Return the prompt as text; a chat template leaves it as a list of messages in JSON."""
    if asked is None or not asked.startswith("[{"):
        return [] if asked is None else [asked]
    try:
        said = last_user_text(lenient_json(asked))
    except ValueError:
        said = None
    return [asked] if said is None else [said, asked]


def _scores(sample: Any, ending: str, refused: dict[str, None]) -> Iterator[ForeignScore]:  # noqa: ANN401
    for name in dict.fromkeys(name for name in items(sample, "metrics") if isinstance(name, str)):
        value = at(sample, name)
        if isinstance(value, list | dict):
            refused[name] = None
        else:
            yield number_score(name + ending, value)


def _cautions(
    rows: Sequence[ForeignRow], filters: Sequence[str], refused: Sequence[str], repeated: int
) -> Iterator[str]:
    if wordless := sum(row.answer is None for row in rows):
        yield trn("{n} sample without an answer in words", "{n} samples without an answer in words", wordless)
    if repeated:
        yield trn(
            "{n} sample was answered several times (repeats): one answer of it is read, as its filter left it",
            "{n} samples were answered several times (repeats): one answer of each is read, as its filter left it",
            repeated,
        )
    if len(filters) > 1:
        yield tr("answers are the model's own words, before the filters {filters}", filters=", ".join(filters))
    for name in refused:
        yield tr(
            "{name} is left out: the file holds what it is computed from over all samples, and no score a sample",
            name=name,
        )
