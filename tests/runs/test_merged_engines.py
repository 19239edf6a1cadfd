"""Rows of several engines on one board: only with the certificate of each."""

from dataclasses import replace
from typing import Any

import pytest

from harness.errors import UnlikeRunsError
from harness.runs.merge import merge_runs
from harness.runs.merged_engines import refuse_unlike_engines
from harness.runs.run import Run

HF = {"route": "plain", "dtype": "float32"}
VLLM = {**HF, "engine": "vllm 0.27.1"}


def by(run: Run, name: str, details: dict[str, Any], verdict: str | None = None) -> Run:
    """Return the run as another engine's, with or without what is certified of it."""
    provenance = dict(run.manifest.provenance) | {"model_details": {"echo": details}}
    if verdict is not None:
        provenance["parity"] = {"echo": {"verdict": verdict, "engine": details.get("engine")}}
    return replace(run, name=name, manifest=replace(run.manifest, provenance=provenance))


def test_two_engines_without_a_certificate_are_refused(run: Run) -> None:
    """Whichever comes first, and whoever merges; a refusal is no certificate."""
    hf, other = by(run, "a", HF), by(run, "b", VLLM)
    for runs in ((hf, other), (other, hf), (hf, by(run, "b", VLLM, "refused"))):
        with pytest.raises(UnlikeRunsError, match=r"'echo' of run 'b' answered by vllm 0\.27\.1"):
            merge_runs(runs)


def test_with_a_certificate_they_stand_on_one_board_which_keeps_it(run: Run) -> None:
    """As does one engine alone, certified or not, and what answers elsewhere."""
    merged = merge_runs([by(run, "a", HF), by(run, "b", VLLM, "equal")])
    assert {"echo": {"verdict": "equal", "engine": "vllm 0.27.1"}} == merged.manifest.provenance["parity"]
    refuse_unlike_engines([by(run, "a", VLLM), by(run, "b", VLLM)])
    refuse_unlike_engines([by(run, "a", HF), by(run, "b", {"base": "elsewhere"})])
    refuse_unlike_engines([run, run])
