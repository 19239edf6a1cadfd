"""The files of a run, from whatever made or extended it: `eval`, `judge` or `rate import`."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from harness.codec import digest
from harness.engine.plan import JudgementItem, PlannedJudge
from harness.errors import InputError
from harness.protocols import older_source
from harness.runs.folder import AB_MARKDOWN, HTML, MANIFEST, MARKDOWN, RESULTS, SCHEMA, RunFolder
from harness.runs.provenance import versions
from harness.store.store import Store
from harness.types import Generation, PlannedTask, Request, Scale, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedJudge:
    """A judge that joined a run after its evaluation.

    ``notices`` are what it said about the run; ``draw`` is the random draw behind it where it holds people's ratings.
    """

    judge: str
    date: str
    command: str
    notices: tuple[str, ...] = ()
    draw: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptTest:
    """What was asked of an A/B test: the prompt that others are compared with (None: all pairs), and the halves."""

    control: str | None
    select_seed: int | None
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """All that a run's files are made of.

    ``own_notices`` are the evaluation's, ``joined`` the judges that came later (they are among ``judges``);
    ``model_notices`` are by fingerprint. ``provenance`` is asked for only if something is written.
    """

    name: str
    plan: str
    store: str
    tasks: tuple[PlannedTask, ...]
    requests: tuple[Request, ...]
    generations: Mapping[str, Generation]
    judges: tuple[PlannedJudge, ...]
    items: tuple[JudgementItem, ...]
    verdict: Callable[[JudgementItem], Verdict]
    baseline: str
    confidence: float
    own_notices: tuple[str, ...]
    model_notices: Mapping[str, Sequence[str]]
    joined: tuple[JoinedJudge, ...]
    provenance: Callable[[], Mapping[str, Any]]
    test: PromptTest | None = None


def publish(finished: Finished, folder: RunFolder) -> None:
    """Write the files of a run, unless nothing changed since they were written. The caller holds the folder's lock."""
    content = _content_digest(finished)
    if previous_manifest(folder).get("content") == content and folder.is_complete(has_test=finished.test is not None):
        return
    provenance = dict(finished.provenance()) | {"judges": {judge.name: judge.fingerprint for judge in finished.judges}}
    if finished.joined:
        provenance["joined"] = [
            {"judge": joined.judge, "date": joined.date, "command": joined.command} for joined in finished.joined
        ]
    notices = list(_judge_notices(finished))
    notices += (notice for said in finished.model_notices.values() for notice in said)
    from harness.runs.rendering import render  # noqa: PLC0415 - loads scipy and matplotlib, which a cached run need not

    documents = render(finished, provenance, notices)
    folder.write(MARKDOWN, documents.markdown)
    folder.write_json(RESULTS, documents.results)
    folder.write(HTML, documents.html)
    if documents.prompt_test is None:
        folder.remove(AB_MARKDOWN)
    else:
        folder.write(AB_MARKDOWN, documents.prompt_test)
    folder.write_json(
        MANIFEST,
        {
            "schema": SCHEMA,
            "run": finished.name,
            "content": content,  # equal: the files beside this one are still right
            "plan": finished.plan,
            "store": finished.store,
            "date": provenance["date"],
            "baseline": finished.baseline,
            "confidence": finished.confidence,
            "judges": [asdict(judge) for judge in finished.judges],
            "notices": notices,
            "own_notices": list(finished.own_notices),
            "model_notices": {key: list(said) for key, said in finished.model_notices.items()},
            "joined": [asdict(joined) for joined in finished.joined],
            "scored": _scored(finished),
            **({} if finished.test is None else {"ab": asdict(finished.test)}),
            "provenance": provenance,
        },
    )


def _scored(finished: Finished) -> dict[str, int]:
    """Return how many verdicts of each judge have a score: a store in which there are fewer has lost some."""
    counts = Counter(item.judge for item in finished.items if finished.verdict(item).status == "scored")
    return {judge.name: counts[judge.name] for judge in finished.judges}


def lost_verdicts(
    manifest: Mapping[str, Any],
    judges: Collection[str],
    items: Sequence[JudgementItem],
    verdict: Callable[[JudgementItem], Verdict],
) -> dict[str, int]:
    """Return how many scores of ``judges`` a run had by its manifest and has no more, for those that lost any."""
    now = Counter(item.judge for item in items if item.judge in judges and verdict(item).status == "scored")
    had = manifest.get("scored", {})
    return {judge: had[judge] - now[judge] for judge in judges if now[judge] < had.get(judge, 0)}


def verdicts_now(
    items: Sequence[JudgementItem], own: Mapping[str, Verdict], store: Store
) -> Callable[[JudgementItem], Verdict]:
    """Return what gives the verdict on each item: this command's own, or the store's where it has none or a better one.

    Another command on the same run may have succeeded where this one failed.
    """
    scored = {key for key, verdict in own.items() if verdict.status == "scored"}
    missing = list({item.key: None for item in items if item.verdict is None and item.key not in scored})
    stored = store.judgements(missing, failures=True)

    def verdict(item: JudgementItem) -> Verdict:
        if item.verdict is not None:
            return item.verdict
        known, kept = own.get(item.key), stored.get(item.key)
        if kept is not None and (known is None or kept.verdict.status == "scored"):
            return kept.verdict
        return known or Verdict.unscored("not judged")

    return verdict


def previous_manifest(folder: RunFolder) -> Mapping[str, Any]:
    """Return the manifest that a run has so far; one that cannot be used counts as none, because it is written anew."""
    try:
        return folder.manifest() or {}
    except InputError:
        return {}


def joined_judges(manifest: Mapping[str, Any]) -> tuple[JoinedJudge, ...]:
    """Return the judges that joined a run, from its manifest."""
    return tuple(JoinedJudge(**joined | {"notices": tuple(joined["notices"])}) for joined in manifest.get("joined", ()))


def prompt_test(manifest: Mapping[str, Any]) -> PromptTest | None:
    """Return what was asked of a run's A/B test, from its manifest; None if it has none."""
    return PromptTest(**manifest["ab"]) if manifest.get("ab") else None


def planned_judges(manifest: Mapping[str, Any]) -> tuple[PlannedJudge, ...]:
    """Return the judges of a run, from its manifest."""
    return tuple(
        PlannedJudge(**{"scored_by": older_source(judge["name"])} | judge | {"scale": Scale(**judge["scale"])})
        for judge in manifest.get("judges", ())
    )


def _judge_notices(finished: Finished) -> dict[str, None]:
    return dict.fromkeys([*finished.own_notices, *(notice for joined in finished.joined for notice in joined.notices)])


def _content_digest(finished: Finished) -> str:
    verdicts = ((item.key, finished.verdict(item)) for item in finished.items)
    return digest(
        [
            finished.plan,
            finished.baseline,
            finished.confidence,
            versions(),
            [(judge.name, judge.fingerprint, judge.repeats) for judge in finished.judges],
            [(key, verdict.status, verdict.score, verdict.reason) for key, verdict in verdicts],
            list(_judge_notices(finished)),
            *([] if finished.test is None else [finished.test]),
        ]
    )
