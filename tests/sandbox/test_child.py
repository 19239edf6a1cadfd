"""The confined process as a program: bytes in, lines of JSON out, one for each message, and an end with its input."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.conftest import ROOT


def asked(*messages: dict[str, Any], tail: bytes = b"") -> list[dict[str, Any]]:
    """The answers to messages."""
    sent = b"".join(len(data).to_bytes(8, "big") + data for data in (json.dumps(one).encode() for one in messages))
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "harness.sandbox.child"],
        input=sent + tail, capture_output=True, check=True, timeout=60, cwd=ROOT, env={"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    return [json.loads(line) for line in ended.stdout.splitlines()]


def source(text: str) -> dict[str, Any]:
    return {"sources": [{"text": text, "first_line": 1}], "parts": {}}


def test_a_template_is_loaded_and_filled() -> None:
    """What it needs, then a line for each filling; values that are no text become some."""
    loaded, *texts = asked(source("{{ a }}!"), {"variables": [{"a": 1}, {"a": "二"}]})
    assert {"variables": ["a"], "parts": {}, "doubts": []} == loaded
    assert [{"texts": ["1!"]}, {"texts": ["二!"]}] == texts


def test_it_asks_for_included_texts_and_opens_no_file() -> None:
    """By name, with who wants them."""
    wanted, loaded = asked(
        source("{% include 'p.j2' %}"), source("{% include 'p.j2' %}") | {"parts": {"p.j2": "{{ b }}"}}
    )
    assert {"wanted": [["p.j2", None]]} == wanted
    assert ["b"] == loaded["variables"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [("{{ a", "syntax"), ("{{ b }}", "undefined"), ("{{ 'x' * 10**7 }}", "limit"), ("{{ 1 / 0 }}", "failed")],
)
def test_a_failure_is_an_answer(text: str, kind: str) -> None:
    """And the next message is served."""
    *answers, last = asked(source(text), source("{{ a }}"), {"variables": [{"a": "x"}]})
    failures = [one["failure"][0] for one in answers if "failure" in one] or [
        one["failure"][0] for one in asked(source(text), {"variables": [{"a": "x"}]}) if "failure" in one
    ]
    assert [kind] == failures
    assert {"texts": ["x"]} == last


def test_half_a_message_ends_it() -> None:
    """A parent that died leaves no process behind."""
    assert [] == asked(tail=b"\x00\x00")


def test_it_says_what_holds() -> None:
    """By name, each tried."""
    [answer] = asked({"held": True})
    assert {"files", "limits", "network", "processes"} == set(answer["held"])
