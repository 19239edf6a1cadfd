"""What the tries of a history were made of: from their runs' manifests, and the training records beside adapters."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.analysis.history import HistoryRow, TriesHistory
from harness.errors import HarnessError
from harness.runs.folder import RunFolder
from harness.runs.ledger import candidate_key
from harness.runs.manifest import Manifest
from harness.types import RowKey, Sampling
from reports.history_page import Facts, TryFacts
from reports.wording import Words
from trainers.adapter.training_record import ADAPTER, WEIGHTS, TrainingRecord, read_record

_SHORT = 16  # letters of a hash that are shown
_BLOCK = 1 << 20
_OF_MODEL = (
    "base", "base_revision", "base_digest", "adapter", "adapter_digest", "training_prompt", "quantization", "dtype",
    "device", "route",
)  # fmt: skip


def facts_of(found: Sequence[TriesHistory], runs: str, say: Words) -> Facts:
    """Return what every try was made of, as far as its run is still there and is what it was."""
    manifests: dict[str, Manifest | None] = {}
    facts: dict[tuple[str, str], TryFacts] = {}
    for history in found:
        for row in history.rows:
            if row.run not in manifests:
                manifests[row.run] = RunFolder(runs, row.run).previous()
            manifest = manifests[row.run]
            if manifest is None:
                facts[row.run, row.candidate] = TryFacts(state="gone")
            elif not _is_that(manifest, row):
                facts[row.run, row.candidate] = TryFacts(state="changed")
            else:
                values = dict(_facts(manifest, row, history.judge, say))
                facts[row.run, row.candidate] = TryFacts(state="known", values=values)
    return facts


def _is_that(manifest: Manifest, row: HistoryRow) -> bool:
    """Return whether a run still holds the candidate that was tried in it."""
    known = manifest.provenance
    templates = {name: template.get("sha256") for name, template in _part(known, "templates").items()}
    try:
        sampling = Sampling(**_part(known, "sampling"))
    except TypeError:
        return False
    key = RowKey(model=row.label, prompt=row.prompt)
    return candidate_key(key, sampling, _part(known, "models"), templates) == row.candidate


def _facts(manifest: Manifest, row: HistoryRow, judge: str, say: Words) -> Iterator[tuple[str, str]]:
    known = manifest.provenance
    details = _part(_part(known, "model_details"), row.label)
    if not details:
        yield "model", str(_part(known, "models").get(row.label, row.label))
    for name in _OF_MODEL:
        if details.get(name) is not None:
            yield name, _short(name, details[name])
    if details.get("adapter_digest"):
        yield from _training(str(details.get("adapter")), str(details["adapter_digest"]), say)
    if row.prompt is not None:
        yield "prompt", row.prompt
        yield "template", _short("sha256", _part(_part(known, "templates"), row.prompt).get("sha256") or "")
        for name, value in _part(known, "sampling").items():
            yield f"sampling.{name}", str(value)
    for name in ("repeats", "judge_repeats", "limit"):
        if known.get(name) is not None:
            yield name, str(known[name])
    yield "judge", str(_part(known, "judges").get(judge, judge))
    yield "machine", str(known.get("machine", ""))
    for name, version in _part(known, "versions").items():
        yield f"version.{name}", str(version)


def _training(adapter: str, digest: str, say: Words) -> Iterator[tuple[str, str]]:
    """Yield what an adapter was trained with, if the folder still holds the very weights that were tried."""
    record = _record(Path(adapter).expanduser(), digest)
    if record is None:
        yield "record", say("history_fact.record_none")
        return
    yield "recipe_name", record.recipe_name
    for name, value in record.recipe.items():
        yield f"recipe.{name}", str(value)
    for file in record.data:
        yield f"data.{file.name}", f"{file.sha256[:_SHORT]} ({file.rows})"
    yield "samples", str(record.samples)
    yield "heldout", str(record.heldout)
    yield "trained_on", record.base


def _record(folder: Path, digest: str) -> TrainingRecord | None:
    try:
        if not folder.is_dir() or _digest(folder) != digest:
            return None
        return read_record(folder)
    except (HarnessError, OSError):
        return None


def _digest(folder: Path) -> str:
    """Return an adapter's identity as `harness.models.hf.digests.content_digest` has it, whose package loads torch."""
    total = hashlib.sha256()
    for name in (ADAPTER, WEIGHTS):
        with (folder / name).open("rb") as file:
            while block := file.read(_BLOCK):
                total.update(block)
    return total.hexdigest()


def _short(name: str, value: object) -> str:
    return str(value)[:_SHORT] if name.endswith(("digest", "sha256")) else str(value)


def _part(whole: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a part of what a manifest keeps, nothing if it is not there or is something else."""
    found = whole.get(name)
    return found if isinstance(found, Mapping) else {}
