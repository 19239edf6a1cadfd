"""Between records and the rows of the store, each with the checksum that tells damage from what was written."""

import hashlib
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Float, Table

from harness.codec import canonical
from harness.locale import Text
from harness.locale.facts import fact_of, text_of
from harness.store import schema
from harness.store.column_types import Number
from harness.types import Generation, Judgement, Message, RenderedPrompt, Request, Sample, Sampling, Verdict
from harness.unscored import reason_fact, reason_of

CHECKSUM = "checksum"
"""The column of a row's checksum: null where the row may still change, or an earlier version wrote it."""


def sample_rows(samples: Mapping[str, Sequence[Sample]]) -> Iterator[tuple[tuple[str, int], str, str]]:
    """Yield the place, the digest and the body of every sample."""
    for task, items in samples.items():
        for position, sample in enumerate(items):
            body = canonical(sample)
            yield (task, position), body_digest(body), body


def body_digest(body: str) -> str:
    """Return the digest under which a sample's body is stored."""
    return hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()


def request_row(request: Request) -> dict[str, Any]:
    """Return the row of a request; a plan says where it belongs."""
    row = {"key": request.key, "body": canonical({"rendered": request.rendered, "sampling": request.sampling})}
    return row | {CHECKSUM: checksum(schema.requests, row)}


def checksum(table: Table, fields: Mapping[str, Any]) -> int:
    """Return the CRC-32 of a row's fields as the database gives them back: it tells damage from what was written."""
    parts = [
        "-" if fields[name] is None else f"+{_plain(kind, fields[name])}"
        for name, kind in _AS_STORED[table.name].items()
    ]
    return zlib.crc32("\x1f".join(parts).encode("utf-8", "surrogatepass"))


def _plain(kind: Callable[[Any], object], value: object) -> object:
    try:
        return kind(value)
    except (TypeError, ValueError, OverflowError):  # a plugin's odd value, which SQLite keeps as it is
        return value


def _double(value: Any) -> float:  # noqa: ANN401 - whatever a plugin says
    """Return a double; SQLite keeps no sign of zero."""
    return float(value) + 0.0


_AS_STORED: dict[str, dict[str, Callable[[Any], object]]] = {
    table.name: {
        column.name: _double if isinstance(column.type, Float) else int if isinstance(column.type, Number) else str
        for column in table.columns
        if column.name not in schema.added[table.name]
    }
    for table in schema.checked
}


# Our own canonical JSON is read by the standard library: a stricter parser refuses the lone surrogates it may hold.


def to_sample(body: str) -> Sample:
    """Return the sample of a body."""
    fields = json.loads(body)
    return Sample(**fields | {"rules": tuple(fields["rules"]), "tags": tuple(fields["tags"])})


def plan_row(plan: str, position: int, request: Request) -> dict[str, Any]:
    """Return the row that says where in a plan a request belongs."""
    fields = {
        "plan": plan,
        "position": position,
        "task": request.task,
        "sample_id": request.sample_id,
        "model": request.model,
        "prompt": request.prompt,
        "repeat": request.repeat,
        "request_key": request.key,
    }
    return fields | {CHECKSUM: checksum(schema.plan_requests, fields)}


def to_request(planned: Mapping[str, Any], text: str) -> Request:
    """Return the request of a plan's row and its body."""
    body = json.loads(text)
    rendered = body["rendered"]
    messages = tuple(Message(**message) for message in rendered["messages"])
    return Request(
        key=planned["request_key"],
        **{name: planned[name] for name in ("task", "sample_id", "model", "prompt", "repeat")},
        rendered=RenderedPrompt(**rendered | {"messages": messages, "stop": tuple(rendered["stop"])}),
        sampling=Sampling(**body["sampling"]),
    )


def generation_row(row: Generation) -> dict[str, Any]:
    """Return the row of an answer; one that failed may be replaced, and has no checksum."""
    fields = {
        "request_key": row.request_key,
        "text": row.text,
        "finish_reason": row.finish_reason,
        "tokens_in": row.tokens_in,
        "tokens_out": row.tokens_out,
        "seconds": row.seconds,
        "error": row.error,
    }
    return fields | {CHECKSUM: None if row.text is None else checksum(schema.generations, fields)}


def judgement_row(row: Judgement) -> dict[str, Any]:
    """Return the row of a judgement; one without a score may be replaced, and has no checksum."""
    verdict = row.verdict
    fields = {
        "key": row.key,
        "request_key": row.request_key,
        "judge": row.judge,
        "judge_fingerprint": row.judge_fingerprint,
        "repeat": row.repeat,
        "status": verdict.status,
        "score": verdict.score,
        "reason": verdict.reason,
        "rationale": verdict.rationale,
        "raw": verdict.raw,
        "version": verdict.version,
        "cost": verdict.cost,
    }
    is_final = verdict.status == "scored"
    return fields | {
        CHECKSUM: checksum(schema.judgements, fields) if is_final else None,
        "code": verdict.code,
        "fact": _fact(verdict),
    }


def to_judgement(fields: Mapping[str, Any]) -> Judgement:
    """Return the judgement of a row."""
    own = {name: fields[name] for name in ("key", "request_key", "judge", "judge_fingerprint", "repeat")}
    given = {name: value for name, value in fields.items() if name not in own and name not in {"code", "fact"}}
    if (fact := fields.get("fact")) is not None and given["reason"] is not None:
        given["reason"] = reason_of(json.loads(fact), given["reason"])
    elif fact is not None and given["rationale"] is not None:
        said = text_of(json.loads(fact))
        given["rationale"] = said if said == given["rationale"] else given["rationale"]
    return Judgement(**own, verdict=Verdict(**given))


def _fact(verdict: Verdict) -> str | None:
    """Return what a verdict says as a fact: its reason, or its rationale where that is a message of ours."""
    if verdict.reason is not None:
        return json.dumps(reason_fact(verdict.reason))
    return json.dumps(fact_of(verdict.rationale)) if isinstance(verdict.rationale, Text) else None
