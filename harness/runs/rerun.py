"""Making a run once more: what is not as it was, and which figures came out otherwise. Pure but for the versions."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from harness.locale import Text, tr
from harness.runs.assemble import Evaluation
from harness.runs.manifest import Manifest
from harness.runs.provenance import asked, versions

What = Literal["task", "template", "prompts", "model", "judge", "setting", "version"]
_SETTINGS = ("repeats", "judge_repeats", "limit")
_SHOWN = 12  # characters of a hash
_ROW_FIGURES = ("mean", "low", "high", "n", "n_unscored", "rank_low", "rank_high")
_COMPARISON_FIGURES = ("difference", "low", "high", "p_value", "p_adjusted", "wins", "ties", "losses", "n_pairs")
_CLOSE = 1e-9  # last digits differ between processors


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that is not as it was when a run was made; None where it was not there, or is no more."""

    what: What
    name: str
    before: str | None
    now: str | None

    @property
    def sentence(self) -> Text:
        """The change in words."""
        before, now = self.before or tr("nothing"), self.now or tr("nothing")
        return _SENTENCES[self.what](name=self.name, before=before, now=now)


_SENTENCES: Mapping[What, Callable[..., Text]] = {
    "task": lambda **said: tr("Task set {name!r} has other content: {before} then, {now} now.", **said),
    "template": lambda **said: tr("Template {name!r} has another text: {before} then, {now} now.", **said),
    "prompts": lambda **said: tr("Template {name!r} makes other prompts: {before} then, {now} now.", **said),
    "model": lambda **said: tr("Model {name!r} has other weights or settings: {before} then, {now} now.", **said),
    "judge": lambda **said: tr("Judge {name!r} has another file, code or settings: {before} then, {now} now.", **said),
    "setting": lambda **said: tr("Setting {name!r} is another: {before} then, {now} now.", **said),
    "version": lambda **said: tr("Package {name!r} has another version: {before} then, {now} now.", **said),
}


def changes(manifest: Manifest, evaluation: Evaluation) -> tuple[Change, ...]:
    """Return what is not as it was when a run was made, before anything is generated.

    Task sets, templates and the prompts they make, models and judges go by their hashes and fingerprints.
    """
    before, now = manifest.provenance, asked(evaluation)
    templates = before.get("templates", {}), now["templates"]
    sampling = before.get("sampling", {}), now["sampling"]
    judges = {judge.name: judge.fingerprint for judge in manifest.judges}
    planned = {judge.name: judge.fingerprint for judge in evaluation.job.planned_judges}
    return (
        *_apart("task", before.get("tasks", {}), now["tasks"]),
        *_apart("template", *(_column(known, "sha256") for known in templates)),
        *_apart("prompts", *(_column(known, "rendered") for known in templates), both=True),
        *_apart("model", before.get("models", {}), now["models"]),
        *_apart("judge", judges, planned),
        *_apart("setting", *sampling),
        *_apart("setting", *({key: known.get(key) for key in _SETTINGS} for known in (before, now))),
        *_apart("version", before.get("versions", {}), versions()),
    )


def _column(known: Mapping[str, Mapping[str, Any]], key: str) -> dict[str, Any]:
    return {name: one.get(key) for name, one in known.items()}


def _apart(what: What, before: Mapping[str, Any], now: Mapping[str, Any], *, both: bool = False) -> Iterator[Change]:
    for name in dict.fromkeys([*before, *now]):
        old, new = before.get(name), now.get(name)
        if old != new and not (both and None in (old, new)):
            yield Change(what=what, name=name, before=_shown(old), now=_shown(new))


def _shown(value: object) -> str | None:
    if value is None:
        return None
    text = f"{value:g}" if isinstance(value, float) else str(value)
    is_hash = len(text) == 64 and all(character in "0123456789abcdef" for character in text)  # noqa: PLR2004 - sha256
    return text[:_SHOWN] if is_hash else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A figure that came out otherwise: whose it is, and what it was and is. None: not there, or not computable."""

    place: str
    figure: str
    before: float | None
    now: float | None

    @property
    def sentence(self) -> Text:
        """The figure in words, with as many digits as tell the two apart."""
        before, now = (tr("none") if value is None else f"{value:.10g}" for value in (self.before, self.now))
        return tr("{place}: {figure} was {before} and is {now}.",
                  place=self.place, figure=self.figure, before=before, now=now)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class RerunAgreement:
    """How the figures of a run and of its rerun compare.

    ``compared`` is their number, ``left_out`` names the recorded judges that were not asked again.
    """

    compared: int
    moved: tuple[Moved, ...]
    left_out: tuple[str, ...]


def agreement(before: Mapping[str, Any], now: Mapping[str, Any]) -> RerunAgreement:
    """Compare two results documents, row by row and comparison by comparison, for the judges that both have."""
    asked_now = {row["judge"] for row in now["rows"]}
    left_out = tuple(dict.fromkeys(row["judge"] for row in before["rows"] if row["judge"] not in asked_now))
    pairs = [
        *_pairs(before["rows"], now["rows"], _ROW_FIGURES, left_out),
        *_pairs(before["comparisons"], now["comparisons"], _COMPARISON_FIGURES, left_out),
    ]
    return RerunAgreement(
        compared=len(pairs),
        moved=tuple(pair for pair in pairs if not _equal(pair.before, pair.now)),
        left_out=left_out,
    )


def _pairs(
    before: Sequence[Mapping[str, Any]],
    now: Sequence[Mapping[str, Any]],
    figures: Sequence[str],
    left_out: Sequence[str],
) -> Iterator[Moved]:
    old = {_place(row): row for row in before if row["judge"] not in left_out}
    new = {_place(row): row for row in now}
    for place in dict.fromkeys([*old, *new]):
        for figure in figures:
            was, is_ = old.get(place, {}).get(figure), new.get(place, {}).get(figure)
            yield Moved(place=place, figure=figure, before=was, now=is_)


def _place(row: Mapping[str, Any]) -> str:
    sides = [_side(row[key]) for key in ("candidate", "baseline") if key in row] or [_side(row)]
    return " · ".join([str(row["task"]), str(row["judge"]), " − ".join(sides)])


def _side(row: Mapping[str, Any]) -> str:
    return str(row["model"]) if row["prompt"] is None else f"{row['model']} ({row['prompt']})"


def _equal(before: float | None, now: float | None) -> bool:
    if before is None or now is None:
        return before is now
    return math.isclose(before, now, rel_tol=_CLOSE, abs_tol=_CLOSE)
