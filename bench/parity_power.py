"""How far each fault of an engine lies from what a certificate allows: transformers on both sides, faults planted.

    python bench/parity_power.py --base embedded:gemma-3-270m --dtype bfloat16 ADAPTER ADAPTER [--limit 8]

An honest second engine is the same path with other kernels for attention. Each fault is planted in it: an adapter not
applied, another adapter's weights, no beginning-of-sequence token, no repetition penalty, another dtype, nf4. Prints a
line for each: how many times the allowed difference it makes (mean, 99th percentile, largest gap where greedy texts
part), the share of the first adapter, and what a certificate says of it. JSON with --json.
"""

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, cast

from harness.analysis.parity import Certificate, certificate
from harness.cli.parity import Asked, _requests
from harness.engine.parity import measure_engine, measure_reference
from harness.models.hf import LocalModel, open_local
from harness.models.hf.token_numbers import LocalNumbers, _other_attention
from harness.protocols import ForcedAnswer, ShowsNumbers
from harness.runs.parity import questions_of
from harness.specs import Config, parse_model
from harness.types import RenderedPrompt, Sampling


@dataclass(frozen=True, kw_only=True)
class Engine:
    """A model by other kernels, with the prompts or the sampling changed."""

    model: LocalModel
    prompt: Mapping[str, Any] = field(default_factory=dict)
    sampling: Mapping[str, Any] = field(default_factory=dict)
    kernels: bool = True

    def numbers(self) -> "Engine":
        return self

    def _local(self) -> LocalNumbers:
        return self.model.numbers()

    def _by(self) -> Any:
        return _other_attention(self._local()._ready().model) if self.kernels else nullcontext()  # noqa: SLF001

    def greedy_answers(self, prompts: Sequence[RenderedPrompt], sampling: Sampling) -> Sequence[tuple[int, ...]]:
        with self._by():
            return self._local().greedy_answers(self._asked(prompts), replace(sampling, **self.sampling))

    def forced_answers(
        self, prompts: Sequence[RenderedPrompt], answers: Sequence[Sequence[int]]
    ) -> Sequence[ForcedAnswer]:
        with self._by():
            return self._local().forced_answers(self._asked(prompts), answers)

    def _asked(self, prompts: Sequence[RenderedPrompt]) -> list[RenderedPrompt]:
        return [replace(prompt, **self.prompt) for prompt in prompts]


def opened(given: argparse.Namespace, **other: Any) -> dict[str, LocalModel]:
    """Return base and adapters by label, in the numerics asked for or in others."""
    numerics = {"dtype": given.dtype, "quantization": given.quantization} | other
    texts = ["base", *(f"{number}=adapter:{folder}" for number, folder in enumerate(given.adapters, 1))]
    specs = [parse_model(text, Config(), base=given.base, **numerics) for text in texts]
    return {spec.label: open_local(spec) for spec in specs}


def faults(given: argparse.Namespace, models: Mapping[str, LocalModel]) -> dict[str, dict[str, Engine]]:
    """Return engines by their fault: one for each model."""

    def every(**planted: Any) -> dict[str, Engine]:
        return {label: Engine(model=model, **planted) for label, model in models.items()}

    found = {"none": every(), "none, same kernels": every(kernels=False)}
    found["adapter 1 not applied"] = every() | {"1": Engine(model=models["base"])}
    if "2" in models:
        found["adapter 1 is adapter 2"] = every() | {"1": Engine(model=models["2"])}
    found["no BOS"] = every(prompt={"bos": "never"})
    found["no repetition penalty"] = every(sampling={"repetition_penalty": 1.0})
    own = models["base"].details["dtype"]
    for dtype in [one for one in ("float32", "bfloat16", "float16") if one != own]:
        other = opened(given, dtype=dtype)
        found[dtype] = {label: Engine(model=model, kernels=False) for label, model in other.items()}
    if models["base"].details["quantization"] != "nf4":
        other = opened(given, quantization="nf4")
        found["nf4"] = {label: Engine(model=model, kernels=False) for label, model in other.items()}
    return found


def figures(found: Certificate, fault: str) -> dict[str, Any]:
    """Return how many times the allowed difference the worst model makes, and the share of the first adapter."""
    gaps = [model.worst.gap for model in found.models if model.worst is not None]
    return {
        "fault": fault,
        "mean": max(model.mean for model in found.models) / found.limit_mean,
        "p99": max(model.p99 for model in found.models) / found.limit_p99,
        "greedy": max(gaps, default=0.0) / found.limit_greedy,
        "share": next((model.share for model in found.models if model.label == "1"), None),
        "reasons": sorted({reason for model in found.models for reason in model.reasons}),
    }


def main() -> None:
    """Measure, and print a line for each fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("adapters", nargs="+")
    parser.add_argument("--base", required=True)
    parser.add_argument("--dtype", default=None)
    parser.add_argument("--quantization", default=None)
    parser.add_argument("--limit", type=int, default=8)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    began = time.perf_counter()
    questions = questions_of(_requests(Asked(models=(), limit=given.limit), Config()), most=given.limit)
    models = opened(given)
    reference = measure_reference(models, questions)
    print(f"reference: {time.perf_counter() - began:.0f} s", file=sys.stderr)
    rows = []
    for fault, engines in faults(given, models).items():
        found = certificate(
            fault, reference, measure_engine(cast("Mapping[str, ShowsNumbers]", engines), questions, reference)
        )
        rows.append(figures(found, fault))
        if not given.json:
            share = "–" if rows[-1]["share"] is None else f"{100 * rows[-1]['share']:.0f} %"
            three = " ".join(f"{rows[-1][name]:9.2f}" for name in ("mean", "p99", "greedy"))
            print(f"{fault:24s} {three} {share:>7s}  {', '.join(rows[-1]['reasons']) or 'certified'}", flush=True)
    if given.json:
        print(json.dumps({"dtype": models["base"].details["dtype"], "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
