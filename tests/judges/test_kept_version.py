"""A judge that is held to one version."""

import pytest

from harness.protocols import KeepsVersion, version_fingerprint
from harness.types import Verdict
from judges.kept_version import KeptVersion


class Held(KeptVersion):
    """A judge without a server."""

    fingerprint = "server:model:abc"


def test_a_judge_that_is_not_held_counts_every_version() -> None:
    """And is known by its own fingerprint."""
    judge = Held()
    verdict = Verdict.scored(4, raw="4", version="m-2")
    assert (None, verdict) == (judge.kept_version, judge.of_kept_version(verdict))


@pytest.mark.parametrize("version", ["m-2", None])
def test_where_another_version_answers_there_is_no_score(version: str | None) -> None:
    """The reply, who gave it and its cost are kept; an answer that nobody was asked about has its score."""
    judge = Held()
    judge.keep_version("m-1")
    assert version_fingerprint("server:model:abc", "m-1") == judge.fingerprint != Held.fingerprint
    own = Verdict.scored(4, raw="4", version="m-1")
    assert own is judge.of_kept_version(own)
    empty = Verdict.scored(1, rationale="empty answer")
    assert empty is judge.of_kept_version(empty)
    other = judge.of_kept_version(Verdict.scored(4, raw="4", version=version, cost=0.1))
    assert (None, "error", "version_changed", "4", version, 0.1) == (
        other.score, other.status, other.code, other.raw, other.version, other.cost
    )  # fmt: skip


def test_it_is_what_the_protocol_asks_for() -> None:
    """The judges on servers are such."""
    from_protocol = {name for name in ("kept_version", "keep_version") if hasattr(KeepsVersion, name)}
    assert from_protocol == {name for name in from_protocol if hasattr(KeptVersion, name)}
