"""The parts of vllm_generate.py: in a file of their own, so that vLLM's process need not import what they import."""

import argparse
import importlib
import json
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from gpu_generate import SHAPES, build_adapter, build_model, clock, prompts
from refills import counted, uneven
from transformers import AutoConfig

from harness.models.hf import open_local
from harness.models.vllm import choose, shared
from harness.models.vllm.installed import vllm_version
from harness.models.vllm_loader.nf4 import NF4_TURNED, quantized_names
from harness.protocols import ModelStopped
from harness.types import ModelSpec, Request

GIB = 1 << 30
SMALL = int(22.0 * GIB)


def boards(options: argparse.Namespace, wanted: str) -> dict[str, Any]:
    """Return the base and its adapters by label, opened for an engine."""
    base = options.folder / "llmjp"
    settings: dict[str, Any] = {"engine": wanted} | ({"fast_dequantize": False} if options.small else {})
    quantization = "nf4" if torch.cuda.is_available() else "none"
    common: dict[str, Any] = {"base": str(base), "settings": settings, "quantization": quantization}
    specs = [ModelSpec(text="base", label="base", backend="base", **common)]
    for index in range(options.adapters):
        path = options.folder / f"adapter-{index}"
        specs.append(ModelSpec(text=f"adapter:{path}", label=path.name, backend="adapter", target=str(path), **common))
    opened = {spec.label: open_local(spec) for spec in specs}
    choice = next(iter(opened.values())).choose_engine(opened, [])
    if choice.notice is not None:
        print(choice.notice, flush=True)
    return dict(choice.models)


def labels(options: argparse.Namespace) -> list[str]:
    """Return the names of the base and its adapters."""
    return ["base", *(f"adapter-{index}" for index in range(options.adapters))]


def asked(options: argparse.Namespace, label: str) -> list[Request]:
    """Return the requests to one model, with keys of its own."""
    common = prompts(options.rows, SHAPES[options.shape]["vocab_size"], options.new_tokens)
    common = uneven(common) if options.uneven else common
    return [replace(one, key=f"{label} {one.key}", model=label) for one in common]


def build(options: argparse.Namespace, found: dict[str, Any]) -> None:
    """Write the model and its adapters, as far as they are not there."""
    base = options.folder / "llmjp"
    with clock(found, "seconds"):
        if not (base / "config.json").exists():
            build_model(base, options.shape)
        for index in range(options.adapters):
            if not (path := options.folder / f"adapter-{index}").exists():
                build_adapter(path, base, options.shape, index)


def bare(options: argparse.Namespace, found: dict[str, Any]) -> None:
    """Measure vLLM with its defaults: one call of ``LLM.generate`` for the same prompts, adapters and weights."""
    kept = f"{tempfile.gettempdir()}/bare-vllm"
    told = {"VLLM_CACHE_ROOT": kept, "VLLM_WORKER_MULTIPROC_METHOD": "spawn", "VLLM_USE_FLASHINFER_SAMPLER": "0"}
    for name, value in told.items():
        os.environ.setdefault(name, value)
    folder = options.folder / "llmjp"
    opened = open_local(ModelSpec(text="base", label="base", backend="base", base=str(folder)))
    rows = [(label, one) for label in labels(options) for one in asked(options, label)]
    ids = [[token for token, _ in opened.tokens(one.rendered)] for _, one in rows]
    began = time.perf_counter()
    vllm, lora = importlib.import_module("vllm"), importlib.import_module("vllm.lora.request")
    names = quantized_names(AutoConfig.from_pretrained(folder), trusted=False)
    llm = vllm.LLM(
        model=str(folder),
        dtype="bfloat16",
        max_model_len=2048,
        load_format=NF4_TURNED,
        model_loader_extra_config={"names": sorted(names), "dtype": "bfloat16", "double_quant": False},
        worker_extension_cls="harness.models.vllm_loader.worker.HarnessWorker",
        enable_lora=options.adapters > 0,
        max_loras=max(1, options.adapters),
        max_lora_rank=16,
    )
    found["start_s"] = round(time.perf_counter() - began, 2)
    loras = {
        label: lora.LoRARequest(label, index, str(options.folder / label)) if label != "base" else None
        for index, label in enumerate(labels(options))
    }
    sampling = [
        vllm.SamplingParams(
            max_tokens=one.sampling.max_new_tokens,
            temperature=0.0,
            repetition_penalty=1.2,
            stop_token_ids=[2],
            ignore_eos=True,
        )
        for _, one in rows
    ]
    with clock(found, "generate_s"):
        given = llm.generate(
            [vllm.TokensPrompt(prompt_token_ids=one) for one in ids],
            sampling,
            lora_request=[loras[label] for label, _ in rows],
            use_tqdm=False,
        )
    found["tokens"] = sum(len(one.outputs[0].token_ids) for one in given)
    summed(found, time.perf_counter() - began)


def ours(options: argparse.Namespace, found: dict[str, Any]) -> None:
    """Measure the engine vllm of the harness: everything that `harness eval` does between folder and answers."""
    if options.small:
        shared.memory_share = lambda free, total: SMALL / total
    requests = {label: asked(options, label) for label in labels(options)}
    began = time.perf_counter()
    with clock(found, "opened_s"):
        models = boards(options, "vllm")
    starting: dict[str, Any] = {}
    start = shared.start_engines

    def timed(*asked: Any) -> Any:
        with clock(starting, "start_s"):
            return start(*asked)

    shared.start_engines = timed
    found["was_warm"] = choose.started_before(next(iter(models.values())).engine)
    with clock(found, "answering_s"):
        given = list(models["base"].generate_together(requests))
    found |= starting
    found["stopped"] = [one.reason for one in given if isinstance(one, ModelStopped)]
    answers = [one for one in given if not isinstance(one, ModelStopped)]
    found["errors"] = [one.error for one in answers if one.error][:3]
    found["tokens"] = sum(one.tokens_out or 0 for one in answers)
    # Between the first answer and the last only the engine works; before it, prompts are read and adapters gated.
    found["generate_s"] = round(sum(one.seconds or 0.0 for one in answers), 2)
    summed(found, time.perf_counter() - began)


def hf(options: argparse.Namespace, found: dict[str, Any]) -> None:
    """Measure the HF path on the same job: one model after the other on one base."""
    if options.small:
        torch.cuda.set_per_process_memory_fraction(SMALL / torch.cuda.get_device_properties(0).total_memory)
        torch.cuda.mem_get_info = lambda *_: (SMALL - torch.cuda.memory_reserved(), SMALL)
    requests = {label: asked(options, label) for label in labels(options)}
    began = time.perf_counter()
    found["generate_s"], found["tokens"], found["notices"], found["ended_s"] = 0.0, 0, [], []
    for label, model in boards(options, "hf").items():
        model._base()  # noqa: SLF001 - to time loading apart
        part: dict[str, Any] = {}
        with clock(part, "s"), counted(refilling=not options.no_refill) as loop:
            answers = list(model.generate(requests[label]))
        found.setdefault("loops", []).append(loop)
        found["generate_s"] = round(found["generate_s"] + part["s"], 2)
        found["tokens"] += sum(one.tokens_out or 0 for one in answers)
        found["notices"] += [str(one) for one in model.notices()]
        found["ended_s"].append(round(time.perf_counter() - began, 1))
    found["peak_reserved_GiB"] = round(torch.cuda.max_memory_reserved() / GIB, 2)
    summed(found, time.perf_counter() - began)


def parity(options: argparse.Namespace, found: dict[str, Any]) -> None:
    """Compare both engines on the greedy answers of vLLM: log-probabilities, effects, first divergence of tokens."""
    models = boards(options, "vllm")
    sampling = asked(options, "base")[0].sampling
    shown = [one.rendered for one in asked(options, "base")[: options.rows]]
    answers = {label: one.numbers().greedy_answers(shown, sampling) for label, one in models.items()}
    forced = {label: one.numbers().forced_answers(shown, answers["base"]) for label, one in models.items()}
    for label, one in models.items():
        reference = one.reference().numbers()
        again = reference.forced_answers(shown, answers["base"])
        alone = reference.forced_alone(shown, answers["base"]) if label == "base" else again
        own = reference.greedy_answers(shown, sampling)
        found[label] = {
            "difference": distances(forced[label], again),
            "noise": distances(alone, again) if label == "base" else None,
            "effect_vllm": distances(forced[label], forced["base"]),
            "first_divergence": [
                next((place for place, pair in enumerate(zip(a, b, strict=False)) if pair[0] != pair[1]), len(a))
                for a, b in zip(answers[label], own, strict=True)
            ],
        }


def distances(one: Any, other: Any) -> dict[str, float]:
    """Return mean, 99th percentile and maximum of the distances of log-probabilities."""
    values = [abs(a - b) for x, y in zip(one, other, strict=True) for a, b in zip(x.values, y.values, strict=True)]
    spread = torch.tensor(values, dtype=torch.float64)
    return {
        "mean": round(float(spread.mean()), 4),
        "p99": round(float(spread.quantile(0.99)), 4),
        "max": round(float(spread.max()), 4),
    }


def summed(found: dict[str, Any], everything: float) -> None:
    """Add tokens per second, of generation alone and over everything."""
    found["everything_s"] = round(everything, 2)
    found["tokens_per_s"] = round(found["tokens"] / max(1e-9, found["generate_s"]), 1)
    found["tokens_per_s_over_everything"] = round(found["tokens"] / everything, 1)


def main(description: str | None) -> None:
    """Run one part."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = {"build": build, "bare": bare, "ours": ours, "hf": hf, "parity": parity}
    parser.add_argument("part", choices=parts)
    parser.add_argument("--folder", type=Path, required=True, help="where the model lies or is built (13b: 28 GB)")
    parser.add_argument("--shape", choices=SHAPES, default="13b")
    parser.add_argument("--adapters", type=int, default=4)
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--new-tokens", type=int, default=256)
    parser.add_argument("--uneven", action="store_true", help="answers of unlike length, --new-tokens at most")
    parser.add_argument("--no-refill", action="store_true", help="hf: a batch begins when the one before has ended")
    parser.add_argument("--small", action="store_true", help="at most 22 GiB, weights stay 4-bit")
    options = parser.parse_args()
    found: dict[str, Any] = {
        "part": options.part,
        "small": options.small,
        "adapters": options.adapters,
        "rows": options.rows,
        "new_tokens": options.new_tokens,
        "uneven": options.uneven,
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU",
        "versions": {"torch": torch.__version__, "vllm": vllm_version()},
    }
    try:
        parts[options.part](options, found)
    except Exception as error:
        found["failed"] = f"{type(error).__name__}: {error}"
        raise
    finally:
        line = json.dumps(found, ensure_ascii=False)
        print(line, flush=True)
        with (Path(os.environ.get("OUT", ".")) / "vllm_generate.jsonl").open("a", encoding="utf-8") as out:
            out.write(f"{line}\n")
