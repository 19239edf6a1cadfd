"""Runs by several engines: on one board only where it is certified that they compute the same."""

from collections.abc import Sequence

from harness.analysis.parity import engine_named
from harness.errors import UnlikeRunsError
from harness.locale import tr
from harness.runs.run import Run


def refuse_unlike_engines(runs: Sequence[Run]) -> None:
    """Refuse to put rows of several engines on one board, unless every one but the HF path has its certificate.

    Raises:
        UnlikeRunsError: a model answered by another engine than others, and was never compared with the HF path.
    """
    found: dict[str, str] = {}
    uncertified: list[tuple[str, str, str]] = []
    for run in runs:
        known = run.manifest.provenance.get("parity", {})
        for label, details in run.manifest.provenance.get("model_details", {}).items():
            engine = engine_named(details)
            if engine is None:
                continue
            found.setdefault(engine, run.name)
            if engine != "hf" and known.get(label, {}).get("verdict") != "equal":
                uncertified.append((label, run.name, engine))
    if len(found) < 2 or not uncertified:  # noqa: PLR2004 - two engines, of which one is not known to be equal
        return
    label, name, engine = uncertified[0]
    other = next(one for one in found if one != engine)
    raise UnlikeRunsError(
        tr(
            "{label!r} of run {name!r} answered by {engine}, others of run {name_2!r} by {other}, and no certificate "
            "says that they compute the same: their scores cannot stand on one board.",
            label=label,
            name=name,
            engine=engine,
            name_2=found[other],
            other=other,
        ),
        hint=tr("Evaluate them by one engine, --engine hf for example: what is stored is not asked twice."),
    )
