"""Which version of a judge gave a score, by what its server says: scores of two versions never mean the same. Pure.

A model keeps its name while what answers under it changes: an alias moves on, a retired model is replaced, a server is
given other weights. What the server says with each verdict is therefore part of who judged. On a board only one version
counts; verdicts of others are held apart, unless they are equated (`harness.analysis.equating`).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from harness.engine.plan import JudgementItem
from harness.locale import tr
from harness.types import Verdict
from harness.unscored import Unscored

UNSAID = "?"
"""The version of verdicts whose server said none."""


def version_of(verdict: Verdict) -> str | None:
    """Return the version that gave a score; None where no version did: nobody was asked, or the judge has none.

    >>> version_of(Verdict.scored(4, raw="4", version="m-001")), version_of(Verdict.scored(1, rationale="empty"))
    ('m-001', None)
    """
    if verdict.score is None:
        return None
    return verdict.version or (UNSAID if verdict.raw is not None else None)


def versions_given(items: Iterable[JudgementItem], verdicts: Mapping[str, Verdict]) -> dict[str, Counter[str]]:
    """Return how many scores each version of each judge gave, by judge; judges that say no version are left out."""
    found: dict[str, Counter[str]] = {}
    for item in items:
        verdict = None if item.verdict is not None else verdicts.get(item.key)
        if verdict is not None and (version := version_of(verdict)) is not None:
            found.setdefault(item.judge, Counter())[version] += 1
    return {judge: counts for judge, counts in found.items() if set(counts) != {UNSAID}}


def shown_versions(
    given: Mapping[str, Mapping[str, int]], olds: Mapping[str, Sequence[str]] | None = None
) -> dict[str, str]:
    """Return the version whose scores a board shows, for each judge that has several.

    The first of ``olds``, on whose scale others are put, if it is there, so that scores which were published keep their
    scale; else the one that gave most of the scores, of equals the first by name.
    """
    shown: dict[str, str] = {}
    for judge, counts in given.items():
        if len(counts) > 1:
            kept = [old for old in (olds or {}).get(judge, ()) if old in counts]
            shown[judge] = kept[0] if kept else min(counts, key=lambda version: (-counts[version], version))
    return shown


def held_apart(version: str) -> Unscored:
    """Return why a score of another version is none on a board."""
    return Unscored(
        "other_version", tr("given by another version of the judge: {version}", version=shown_version(version))
    )


def shown_version(version: str) -> str:
    """Return a version as it is shown."""
    return tr("one that its server does not name") if version == UNSAID else version
