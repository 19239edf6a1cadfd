"""Which version gave a score, and which of several a board shows."""

from collections import Counter

import pytest

from harness.engine.plan import JudgementItem
from harness.engine.versions import (
    UNSAID,
    held_apart,
    shown_version,
    shown_versions,
    version_of,
    versions_given,
)
from harness.types import RenderedPrompt, Request, Sampling, Verdict

REQUEST = Request(
    key="r", task="t", sample_id="0", model="m", prompt=None, repeat=0, rendered=RenderedPrompt(messages=()),
    sampling=Sampling(),
)  # fmt: skip


@pytest.mark.parametrize(
    ("verdict", "version"),
    [
        (Verdict.scored(4, raw="4", version="m-001"), "m-001"),
        (Verdict.scored(4, raw="4"), UNSAID),
        (Verdict.scored(1, rationale="empty answer"), None),
        (Verdict.unscored("no number", raw="?", version="m-001"), None),
    ],
)
def test_only_scores_have_a_version_and_only_where_somebody_was_asked(verdict: Verdict, version: str | None) -> None:
    """A server that names none is not the one that did."""
    assert version == version_of(verdict)


def test_versions_are_counted_by_judge() -> None:
    """A judge without any is no judge of several versions."""
    given = {
        ("a", 0): Verdict.scored(4, raw="4", version="m-1"),
        ("a", 1): Verdict.scored(4, raw="4"),
        ("b", 0): Verdict.scored(4, raw="4"),
        ("c", 0): Verdict.scored(1),
    }
    items = [JudgementItem(request=REQUEST, judge=judge, judge_repeat=n, key=f"{judge}{n}") for judge, n in given]
    verdicts = {f"{judge}{n}": verdict for (judge, n), verdict in given.items()}
    assert {"a": Counter({"m-1": 1, UNSAID: 1})} == versions_given(items, verdicts)


def test_the_commonest_is_shown_unless_others_are_put_on_anothers_scale() -> None:
    """Of equals the first by name, so that a rerun shows the same."""
    given = {"a": {"m-2": 3, "m-1": 2}, "b": {"m-2": 2, "m-1": 2}, "c": {"m-1": 9}}
    assert {"a": "m-2", "b": "m-1"} == shown_versions(given)
    assert {"a": "m-1", "b": "m-1"} == shown_versions(given, {"a": ["m-1"], "b": ["m-0"]})


def test_words_and_keys() -> None:
    """The code is a program's, the version a reader's."""
    assert ("other_version", True) == (held_apart("m-1").code, "m-1" in held_apart("m-1"))
    assert UNSAID not in shown_version(UNSAID)
