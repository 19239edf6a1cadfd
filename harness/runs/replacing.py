"""When an evaluation may take the place of the run that has its name: if it is the same plan, or if it is told to."""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.errors import InputError, PlanMismatchError
from harness.locale import Text, clauses, tr
from harness.runs.assemble import Evaluation
from harness.runs.folder import MANIFEST, RunFolder
from harness.runs.manifest import Manifest
from harness.runs.provenance import asked


def refuse_another_plan(folder: RunFolder, evaluation: Evaluation) -> None:
    """Refuse to replace a run that asked something else, unless it came to nothing.

    A plan is what models are asked: tasks, models, prompts and how tokens are drawn. Judges are none of it.

    Raises:
        PlanMismatchError: the run has another plan; the message names what differs.
    """
    found = _differences(folder, evaluation)
    if found and not _came_to_nothing(folder):
        raise PlanMismatchError(
            tr("Run {name!r} has another plan: {found}.", name=folder.name, found=clauses(found)),
            hint=tr("Choose another name with --run NAME (nothing that is stored is done twice), or add --overwrite."),
        )


def is_same_plan(manifest: Manifest, evaluation: Evaluation) -> bool:
    """Return whether a run asked the same of the same models, in whatever order they were named."""
    return manifest.plan == evaluation.plan_digest or not _named(manifest.provenance, asked(evaluation))


def _differences(folder: RunFolder, evaluation: Evaluation) -> Sequence[str]:
    try:
        manifest = folder.manifest()
    except InputError:
        return _unknown(folder, evaluation.plan_digest)
    if manifest is None or manifest.plan == evaluation.plan_digest:
        return ()
    return _named(manifest.provenance, asked(evaluation))


def _unknown(folder: RunFolder, plan: str) -> Sequence[str]:
    """Return what is to be said of a manifest that cannot be used: nothing, if it names no plan or this one."""
    try:
        document = folder.document(MANIFEST) or {}
    except InputError:
        return ()
    return () if document.get("plan") in (None, plan) else (tr("it was written by another version of ja-harness"),)


def _came_to_nothing(folder: RunFolder) -> bool:
    """Return whether no verdict of a run has a score."""
    try:
        results = folder.results()
    except InputError:
        return False
    return results is not None and not any(row.get("n") for row in results["rows"])


def _named(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return what differs between two plans, in words; empty if nothing that an answer depends on."""
    found: list[str] = []
    for what, key, change in (
        (tr("models"), "models", tr("model {name!r} has other weights or settings")),
        (tr("tasks"), "tasks", tr("task set {name!r} has other content")),
        (tr("prompts"), "templates", tr("prompt {name!r} has another text")),
    ):
        there, here = _digests(before.get(key, {})), _digests(now[key])
        found += _names(what, there, here)
        if key != "tasks" or before.get("limit") == now["limit"]:
            found += [
                Text(change.msgid, {"name": name}) for name in here if name in there and there[name] != here[name]
            ]
    drawn = {key: (before.get("sampling", {}).get(key), value) for key, value in now["sampling"].items()}
    if not now["sampling"]["temperature"]:
        drawn.pop("seed", None)  # greedy decoding draws nothing
    for name, (old, new) in {**drawn, **{key: (before.get(key), now[key]) for key in ("limit", "repeats")}}.items():
        if old != new:
            found.append(tr("{what} {there} there, {here} here", what=name, there=_shown(old), here=_shown(new)))
    if not found and before.get("templates") != now["templates"]:
        found.append(tr("the prompts that the templates make, or the order of the tasks"))
    return found


def _digests(known: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: one["sha256"] if isinstance(one, Mapping) else one for name, one in known.items()}


def _names(what: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    if set(before) == set(now):
        return []
    return [tr("{what} {there} there, {here} here", what=what, there=_listed(before), here=_listed(now))]


def _listed(names: Mapping[str, Any]) -> str:
    return ", ".join(names) if names else tr("none")


def _shown(value: object) -> str:
    return tr("none") if value is None else f"{value:g}" if isinstance(value, float) else str(value)
