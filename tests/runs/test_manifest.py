"""The manifest as it is written and read, in this schema and the one before."""

import json
from dataclasses import replace
from typing import Any

import pytest

from harness.engine.plan import PlannedJudge
from harness.errors import InputError
from harness.locale import Text, in_language, tr, trn
from harness.notices import Notice
from harness.runs.manifest import JoinedJudge, Manifest, PromptTest, manifest_document, read_manifest
from harness.types import LIKERT_5

MANIFEST = Manifest(
    run="r",
    content="c",
    plan="p",
    store="sqlite:///s",
    date="2026-11-26T01:00:00+09:00",
    baseline="base",
    confidence=0.9,
    judges=(PlannedJudge(name="j", fingerprint="f", scale=LIKERT_5, scored_by="model", repeats=2),),
    notices=(
        "as a plugin said it",
        Notice("first_one", tr("Run {name!r} was given twice.", name="x {y}")),
        Notice("several", trn("{n} task", "{n} tasks", 3)),
    ),
    own_notices=(Notice("plain", tr("no braces")),),
    model_notices={"f": (Notice("nested", tr("{a}: {b}", a="m", b=tr("Leave one out."))),)},
    language="ja",
    joined=(
        JoinedJudge(judge="j", date="d", command="c", notices=(Notice("rows", tr("{n} rows", n=4)),), draw={"seed": 1}),
    ),
    scored={"j": 3},
    ab=PromptTest(control=None, select_seed=4, confidence=0.9),
    provenance={"date": "d", "tasks": {"t": "h"}},
)


def written(manifest: Manifest = MANIFEST) -> dict[str, Any]:
    """Return a manifest as it stands in its file."""
    document: dict[str, Any] = json.loads(json.dumps(manifest_document(manifest), allow_nan=False))
    return document


def test_what_is_written_is_read() -> None:
    """Every field, and every message with what it is made of, so that it can still be said in Japanese."""
    found = read_manifest(written(), where="m")
    assert MANIFEST == found
    for before, after in (
        (MANIFEST.notices[1], found.notices[1]),
        (MANIFEST.notices[2], found.notices[2]),
        (MANIFEST.model_notices["f"][0], found.model_notices["f"][0]),
        (MANIFEST.joined[0].notices[0], found.joined[0].notices[0]),
    ):
        assert isinstance(before, Text)
        assert isinstance(after, Text)
        assert (before.msgid, before.values, before.plural, before.n) == (
            after.msgid, after.values, after.plural, after.n,
        )  # fmt: skip
    assert "x {y}" in in_language(found.notices[1], "ja") != found.notices[1]
    assert in_language(found.model_notices["f"][0], "ja") == f"m: {in_language(tr('Leave one out.'), 'ja')}"


def test_schema_1_is_read() -> None:
    """Its notices are text, its judges may not say who scored, and it may have neither joined judges nor a test."""
    document = written(replace(MANIFEST, notices=("a",), own_notices=("b",), joined=()))
    document |= {"schema": 1, "notices": ["a"], "own_notices": ["b"], "model_notices": {"f": ["m: c"]}}
    for key in ("joined", "ab", "scored", "run"):
        del document[key]
    document["judges"] = [
        {key: value for key, value in judge.items() if key != "scored_by"} | {"name": name}
        for judge in document["judges"]
        for name in ("gemini", "mine")
    ]
    found = read_manifest(document, where="m")
    assert (("a",), ("b",), {"f": ("m: c",)}) == (found.notices, found.own_notices, found.model_notices)
    assert [("gemini", "model"), ("mine", None)] == [(judge.name, judge.scored_by) for judge in found.judges]
    assert ((), None, {}) == (found.joined, found.ab, found.scored)


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 3},
        {"schema": None},
        {"judges": 5},
        {"judges": ["j"]},
        {"notices": 7},
        {"notices": "text"},
        {"notices": None},
        {"model_notices": [1]},
        {"joined": "no"},
        {"joined": [{"judge": "j"}]},
        {"confidence": "much"},
        {"ab": {"control": 3}},
        {"provenance": []},
    ],
)
def test_what_no_version_writes_is_refused_with_its_place(change: dict[str, Any]) -> None:
    """A sentence that begins with the file; nothing is guessed."""
    with pytest.raises(InputError, match=r"^m: "):
        read_manifest(written() | change, where="m")


@pytest.mark.parametrize(
    "fact",
    [
        {"code": "{a}", "values": {"b": 1}, "text": "t"},
        {"text": "t"},
        {"code": "{", "text": "t", "values": {"a": 1}},
        {"code": "x {a}", "values": {"a": 2}, "text": "t"},
        {"code": "x", "values": [1], "text": "t"},
    ],
)
def test_a_fact_that_does_not_fit_is_its_text(fact: dict[str, Any]) -> None:
    """A message of another version, or of a file that somebody changed, says what it said."""
    assert ("t",) == read_manifest(written() | {"notices": [fact]}, where="m").notices
