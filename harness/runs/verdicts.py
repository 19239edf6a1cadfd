"""Which verdicts a run has: those of the command at work, and those of others in the store where they are better."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from harness.engine.plan import JudgementItem
from harness.engine.versions import shown_versions, version_of, versions_given
from harness.errors import LostVerdictsError
from harness.locale import tr
from harness.runs.manifest import JudgeSwap, Manifest
from harness.runs.run import Run
from harness.store.store import Store
from harness.types import Verdict


def verdicts_now(
    items: Sequence[JudgementItem], own: Mapping[str, Verdict], store: Store, swaps: Sequence[JudgeSwap] = ()
) -> dict[str, Verdict]:
    """Return the verdicts on all items: a command's own, or the store's where it has none or a better one.

    Another command on the same run may have succeeded where this one failed. What was judged again for ``swaps`` is
    there, too.
    """
    missing = {
        item.key: None
        for item in items
        if item.verdict is None and (item.key not in own or own[item.key].status != "scored")
    }
    missing |= {again: None for swap in swaps for _, again in swap.anchors if again not in own}
    stored = {key: judgement.verdict for key, judgement in store.judgements(list(missing), failures=True).items()}
    better = {key: verdict for key, verdict in stored.items() if key not in own or verdict.status == "scored"}
    return {**own, **better}


def refuse_losing(run: Run, previous: Manifest, own: Collection[str]) -> None:
    """Refuse to replace a board by one on which judges other than a command's ``own`` have fewer scores than they had.

    Raises:
        HarnessError: the store has lost them, or is another than the run was made with.
    """
    others = [judge.name for judge in run.judges if judge.name not in own]
    if lost := run.lost(previous.scored, others):
        name, count = next(iter(lost.items()))
        command = next((judge.command for judge in run.manifest.joined if judge.judge == name), "")
        raise LostVerdictsError(
            tr(
                "The store no longer holds {count} of the scores that {name!r} gave in run {name_2!r}, so the "
                "board was left as it is.",
                count=count,
                name=name,
                name_2=run.name,
            ),
            hint=tr(
                "Use the store that the run was made with (--store), or put a copy of it back; --overwrite makes the "
                "board without them, and they are made anew by: {command}",
                command=command,
            ),
        )


def held_scores(run: Run, judges: Collection[str]) -> Counter[str]:
    """Return how many scores of these judges no board shows, because another version of the judge gave them."""
    swaps = run.manifest.swaps
    olds = {judge: [one.shown for one in swaps if one.judge == judge and one.method] for judge in judges}
    items = [item for item in run.items if item.judge in judges]
    shown = shown_versions(versions_given(items, run.verdicts), olds)
    linked = {(one.judge, one.shown, one.equated) for one in swaps if one.method}
    held: Counter[str] = Counter()
    for item in items:
        version = version_of(run.verdict(item)) if item.judge in shown else None
        if version not in (None, shown.get(item.judge)) and (item.judge, shown[item.judge], version) not in linked:
            held[item.judge] += 1
    return held
