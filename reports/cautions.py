"""What a reader must know before believing a difference: unlike settings and answers that were cut. Pure."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from harness.analysis.parity import engine_named
from harness.analysis.scores import ScoreTable
from harness.types import RowKey, Sampling
from reports.formatting import percent, row_name
from reports.run_view import Report, ShownAnswer
from reports.wording import Words

CUT_SHARE = 0.05
"""From this share of answers stopped at the length limit on, a row is named."""

_NAMED = 5
_TELLING = 10  # tasks from which on one score throughout is no chance
_PRECISION = ("quantization", "dtype", "route", "device")


def cautions(report: Report, words: Words) -> list[str]:
    """Return every caution about the report as a whole, as plain sentences; those about one board are in the board."""
    return [
        *_constant(report.tables, words),
        *_truncated(report.answers, words),
        *_unlike_prompts(report.answers, words),
        *_unlike_sampling(report.answers, words),
        *_unlike_precision(report.provenance.get("model_details", {}), words),
        *_unlike_engines(report.provenance, words),
        *_unlike_templates(report.provenance.get("runs", {}), words),
        *_unlike_versions(report.provenance.get("runs", {}), words),
    ]


def _constant(tables: Iterable[ScoreTable], words: Words) -> list[str]:
    """Name the rows to which a judge of quality gave one score throughout: broken answers, or a broken judge."""
    said = []
    for table in tables:
        if table.judge.kind not in ("quality", "human") or table.judge.scale.high - table.judge.scale.low <= 1:
            continue
        found: dict[float, list[str]] = {}
        for row in table.rows:
            scores = [score for score in table.values(row).tolist() if not math.isnan(score)]
            if len(scores) >= _TELLING and len(set(scores)) == 1:
                found.setdefault(scores[0], []).append(row_name(row))
        said += [
            words(
                "caution.constant",
                judge=table.judge.name,
                rows=words.several(names, _NAMED),
                task=table.task,
                score=f"{score:g}",
            )
            for score, names in found.items()
        ]
    return said


def _truncated(answers: Iterable[ShownAnswer], words: Words) -> list[str]:
    counts: dict[tuple[str, RowKey], list[int]] = {}
    for answer in answers:
        generation = answer.generation
        if generation is not None and generation.text is not None and generation.finish_reason is not None:
            count = counts.setdefault((answer.task, answer.row), [0, 0])
            count[0] += generation.finish_reason == "length"
            count[1] += 1
    said = []
    for task in dict.fromkeys(task for task, _ in counts):
        cut = {row: count for (of, row), count in counts.items() if of == task and count[0] >= CUT_SHARE * count[1]}
        cut = {row: count for row, count in cut.items() if count[0]}
        if len(cut) > 1:
            names = [f"{row_name(row)} {count[0]}/{count[1]}" for row, count in cut.items()]
            rows = words.several(names, _NAMED)
            said.append(words("caution.truncated_many", count=len(cut), share=percent(CUT_SHARE), task=task, rows=rows))
        said += [
            words("caution.truncated", count=count[0], total=count[1], row=row_name(row), task=task)
            for row, count in cut.items()
            if len(cut) == 1
        ]
    return said


def _unlike_prompts(answers: Sequence[ShownAnswer], words: Words) -> list[str]:
    rows = dict.fromkeys(answer.row for answer in answers)
    prompts = list(dict.fromkeys(row.prompt for row in rows if row.prompt is not None))
    said = [words("caution.prompts", prompts=words.several(prompts, _NAMED))] if len(prompts) > 1 else []
    existing = [row.model for row in rows if row.prompt is None]
    if existing and prompts:
        said.append(words("caution.existing", rows=words.several(existing, _NAMED)))
    return said


def _unlike_sampling(answers: Iterable[ShownAnswer], words: Words) -> list[str]:
    models: dict[Sampling, dict[str, None]] = {}
    for answer in answers:
        if answer.sampling is not None:
            models.setdefault(answer.sampling, {})[answer.row.model] = None
    groups = {tuple(asdict(sampling).items()): list(names) for sampling, names in models.items()}
    return _unlike("caution.sampling", groups, words)


def _unlike_precision(details: Mapping[str, Mapping[str, Any]], words: Words) -> list[str]:
    models: dict[tuple[tuple[str, Any], ...], list[str]] = {}
    for label, known in details.items():
        models.setdefault(tuple((key, known.get(key) or "none") for key in _PRECISION if key in known), []).append(
            label
        )
    return _unlike("caution.precision", models, words)


def _unlike_engines(provenance: Mapping[str, Any], words: Words) -> list[str]:
    models: dict[tuple[tuple[str, Any], ...], list[str]] = {}
    known = provenance.get("parity", {})
    for label, details in provenance.get("model_details", {}).items():
        if (engine := engine_named(details)) is not None:
            models.setdefault((("engine", engine),), []).append(label)
    others = [label for (((_, engine),), labels) in models.items() if engine != "hf" for label in labels]
    proven = all(known.get(label, {}).get("verdict") == "equal" for label in others)
    return _unlike("caution.engines" if proven else "caution.engines_unproven", models, words)


def _unlike(key: str, groups: Mapping[tuple[tuple[str, Any], ...], Sequence[str]], words: Words) -> list[str]:
    """Say which settings differ between groups of models, and nothing of those that are the same."""
    if len(groups) < 2:  # noqa: PLR2004 - one group is like itself
        return []
    common = set.intersection(*(set(settings) for settings in groups))
    unlike = [
        (names, ", ".join(f"{name} {value}" for name, value in own if (name, value) not in common))
        for own, names in groups.items()
    ]
    settings = "; ".join(f"{words.several(names, _NAMED)}: {own}" for names, own in unlike)
    return [words(key, settings=settings)]


def _unlike_templates(runs: Mapping[str, Mapping[str, Any]], words: Words) -> list[str]:
    hashes: dict[str, set[str]] = {}
    for run in runs.values():
        for name, template in run.get("templates", {}).items():
            hashes.setdefault(name, set()).add(template["sha256"])
    unlike = [name for name, found in hashes.items() if len(found) > 1]
    return [words("caution.templates", names=", ".join(unlike))] if unlike else []


def _unlike_versions(runs: Mapping[str, Mapping[str, Any]], words: Words) -> list[str]:
    versions = [run.get("versions", {}) for run in runs.values()]
    packages = sorted({name for found in versions for name in found})
    unlike = [name for name in packages if len({found.get(name) for found in versions}) > 1]
    return [words("caution.versions", packages=", ".join(unlike))] if unlike else []
