# ruff: noqa: SLF001 - looks inside what it measures
"""Memory and scale on GPUs: what is planned against what is taken, one GPU against two, and a card without bfloat16.

    python bench/gpu_scale.py generate-memory     one GPU: batches under 80, 22.2 and 14.6 GiB, base and adapter
    python bench/gpu_scale.py train-memory        one GPU: training plans, with Liger's kernels if they are installed
    python bench/gpu_scale.py two-gpus            two GPUs: training and evaluation, one against two in the same call
    python bench/gpu_scale.py shard               two GPUs that hold the base together, see bench/sharded_training.py
    python bench/gpu_scale.py t4                  one GPU that says it is a T4: float16, trained and evaluated

Builds the llm-jp-3-13b shape (or ``--shape``) with random weights once (35 s), then runs each case in a process of its
own and prints a line of figures for it. A smaller card is a limit on torch's allocator, 0.4 GiB below its size for what
CUDA itself takes there, with the free memory and the size that torch tells patched to match.
"""

import argparse
import importlib
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import sharded_training
import torch
from gpu_generate import SHAPES, build_adapter, build_model, prompts
from refills import counted, uneven
from step_times import timed, told

from harness.models.hf import open_local
from harness.models.hf.backend import LocalModel
from harness.models.hf.forward_cuda_graph import GraphSteps
from harness.models.hf.forward_eager import EagerSteps, Steps
from harness.models.hf.room import Room
from harness.models.hf.sampling import Sampler
from harness.protocols import AnswersTogether, Sharing
from harness.types import ModelSpec

CUDA = torch.cuda.is_available()
GIB = 1 << 30
CONTEXT = 0.4  # GiB of a card that are CUDA's own
LONG = ["max_length=1024", "save_steps=100000", "logging_steps=1", "warmup_steps=0"]
PLANS: dict[str, tuple[str, list[str], float | None]] = {  # recipe, --set, card in GiB
    "fast": ("fast", LONG, None),
    "fast, batch of 32": ("fast", [*LONG, "per_device_train_batch_size=32"], None),
    "fast, dequantized": ("fast", [*LONG, "dequantize=true"], None),
    "course-unsloth": ("course-unsloth", LONG, None),
    "course-unsloth, not fused": ("course-unsloth", [*LONG, "use_liger_kernel=false"], None),
    "course-unsloth, 24 GB": ("course-unsloth", LONG, 22.2),
    "course-unsloth, 16 GB": ("course-unsloth", LONG, 14.6),
}


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=[*PARENTS, *CHILDREN])
    parser.add_argument("--shape", choices=sorted(SHAPES), default="13b")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "gpu_scale")
    parser.add_argument("--cap", type=float, help="GiB of the card that is played")
    parser.add_argument("--capability", help="compute capability that is played, as 7.5")
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--new-tokens", type=int, default=96)
    parser.add_argument("--samples", type=int, default=96)
    parser.add_argument("--uneven", action="store_true", help="generate: answers of unlike length")
    parser.add_argument("--no-refill", action="store_true", help="generate: batch after batch")
    parser.add_argument("--plan", choices=PLANS, default="fast")
    parser.add_argument("--only", nargs="*", help="some of the cases")
    parser.add_argument("--case", choices=sharded_training.CASES, default="nf4, shared")
    parser.add_argument("--adapter", type=Path)
    parser.add_argument("--gpus", type=int, default=1)
    parser.add_argument("--adapters", type=int, default=3, help="evaluate: beside the base")
    options = parser.parse_args()
    if options.what in CHILDREN:
        play(options.cap, options.capability)
        CHILDREN[options.what](options)
        return
    cards = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    print(f"# {options.what}: {', '.join(cards)}; torch {torch.__version__}; {options.shape} shape", flush=True)
    build(options)
    PARENTS[options.what](options)


def build(options: argparse.Namespace) -> None:
    """Write the model and an adapter, once."""
    base = options.folder / "base"
    if not (base / "tokenizer.json").exists():
        build_model(base, options.shape)
    if not (options.folder / "adapter-0").exists():
        build_adapter(options.folder / "adapter-0", base, options.shape, 0)
    torch.cuda.empty_cache()


def child(options: argparse.Namespace, what: str, *arguments: str, gpus: str | None = None, processes: int = 0) -> None:
    """Run one case in a process of its own, or several of one training, and let it print."""
    given = [__file__, what, "--shape", options.shape, "--folder", str(options.folder), *arguments]
    command = [sys.executable, *given]
    if processes:
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
        command += given
    environment = os.environ | ({} if gpus is None else {"CUDA_VISIBLE_DEVICES": gpus})
    began = time.time()
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    print(done.stdout, end="")
    if done.returncode:
        print(f"FAILED ({done.returncode}): {' '.join(arguments)}\n{done.stderr[-3000:]}")
    print(f"  ({what} {' '.join(arguments)}: {time.time() - began:.0f} s whole)", flush=True)


def play(cap: float | None, capability: str | None) -> None:
    """Make torch tell of a smaller or older card."""
    if capability is not None:
        told = tuple(int(part) for part in capability.split("."))
        if CUDA:  # Triton builds for the card that is really there
            importlib.import_module("triton").runtime.driver.active.get_current_target()
        torch.cuda.get_device_capability = lambda device=None: told
    if cap is None or not CUDA:
        return
    torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    properties = torch.cuda.get_device_properties
    total = torch.cuda.mem_get_info()[1]
    limit = int((cap - CONTEXT) * GIB)
    torch.cuda.set_per_process_memory_fraction(limit / total)
    torch.cuda.mem_get_info = lambda device=None: (max(0, limit - torch.cuda.memory_reserved()), int(cap * GIB))
    torch.cuda.get_device_properties = lambda device=None: _Smaller(properties(device), int(cap * GIB))


class _Smaller:
    """A card's properties with another size."""

    def __init__(self, properties: Any, total: int) -> None:
        self._properties = properties
        self.total_memory = total

    def __getattr__(self, name: str) -> Any:
        return getattr(self._properties, name)


def settle() -> None:
    """Wait for the GPU."""
    if CUDA:
        torch.cuda.synchronize()


def forget_peaks() -> None:
    """Count the peak anew."""
    if CUDA:
        torch.cuda.reset_peak_memory_stats()


def gib(amount: float) -> str:
    """Return bytes in words."""
    return f"{amount / GIB:.2f}"


def generate_memory(options: argparse.Namespace) -> None:
    """Answer prompts under three sizes of card, and look into what a batch takes."""
    for cap, rows, new in (("80", 100, 160), ("22.2", 64, 96), ("14.6", 32, 64)):
        if options.only and cap not in options.only:
            continue
        capped = [] if cap == "80" else ["--cap", cap]
        child(options, "_profile", *capped)
        loop = [f"--{name}" for name in ("uneven", "no-refill") if getattr(options, name.replace("-", "_"))]
        child(options, "_generate", *capped, *loop, "--rows", str(rows), "--new-tokens", str(new))


def specs(options: argparse.Namespace) -> list[ModelSpec]:
    """Return the base and the adapter."""
    common: dict[str, Any] = {"base": str(options.folder / "base"), "settings": {}}
    adapter = options.adapter or options.folder / "adapter-0"
    return [
        ModelSpec(text="base", label="base", backend="base", **common),
        ModelSpec(text="adapter", label="adapter", backend="adapter", target=str(adapter), **common),
    ]


def generate(options: argparse.Namespace) -> None:
    """Answer the prompts with base and adapter; print a line a batch and a line a model."""
    decode = LocalModel._decode

    def watched(self: LocalModel, batch: Any, meter: Any, waiting: Any) -> Iterator[Any]:
        new = max(row.limit for row in batch)
        planned = self.room.batch_bytes(len(batch), len(batch[0].ids), new)
        before = torch.cuda.memory_allocated()
        forget_peaks()
        outcome = "out of memory or cut off"
        try:
            yield from decode(self, batch, meter, waiting)
            outcome = "done"
        finally:
            used, held = torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved()
            print(
                f"  batch {len(batch)} x ({len(batch[0].ids)} + {new}): planned {gib(planned)} GiB, taken "
                f"{gib(used - before)} (reserved at most {gib(held)}, weights {gib(before)}): {outcome}"
            )

    LocalModel._decode = watched  # type: ignore[method-assign]
    for spec in specs(options):
        model = open_local(spec)
        began = time.time()
        model._base()
        loaded = time.time()
        requests = prompts(options.rows, SHAPES[options.shape]["vocab_size"], options.new_tokens)
        with counted(refilling=not options.no_refill) as loop:
            answers = list(model.generate(uneven(requests) if options.uneven else requests))
        settle()
        seconds = time.time() - loaded
        tokens = sum(answer.tokens_out or 0 for answer in answers)
        codes = [getattr(notice, "code", "?") for notice in model.notices()]
        print(
            f"generate {options.cap or 'whole'} GiB {spec.label}: {' '.join(model.fingerprint.split()[-3:])}, "
            f"{len(answers)} rows, {tokens} tokens, {tokens / seconds:.0f} tokens/s (load {loaded - began:.0f} s), "
            f"{codes.count('batch_halved')} halvings, {sum(a.error is not None for a in answers)} failed; {codes}; "
            f"{loop}"
        )


def profile(options: argparse.Namespace) -> None:
    """Print what a batch takes stage by stage, for some numbers of rows and lengths."""
    for spec in specs(options):
        model = open_local(spec)
        base = model._base()
        base.switch.use(model._adapter)
        for kind in (EagerSteps, GraphSteps):
            for rows, prompt, room in ((2, 250, 512), (5, 250, 512), (5, 700, 64)):
                print(f"{spec.label} {_stages(base, kind, rows, prompt, room)}", flush=True)


def _stages(base: Any, kind: Any, rows: int, prompt: int, room: int) -> str:
    asked = prompts(rows, 500, room)
    batch = [_Row(ids=[5 + place] * prompt, request=one, limit=room) for place, one in enumerate(asked)]
    torch.cuda.empty_cache()
    held, before = torch.cuda.memory_reserved(), torch.cuda.memory_allocated()
    counted = Room(sizes=base.sizes, numerics=base.numerics, buffers=kind is GraphSteps)
    planned = counted.batch_bytes(rows, prompt, room) / 2**20
    told = [f"{kind.__name__} {rows} x ({prompt} + {room}): planned {planned:.0f} MiB;"]

    def stage(name: str) -> None:
        settle()
        told.append(
            f"{name} now {(torch.cuda.memory_allocated() - before) / 2**20:.0f} peak "
            f"{(torch.cuda.max_memory_allocated() - before) / 2**20:.0f} reserved "
            f"{(torch.cuda.memory_reserved() - held) / 2**20:.0f};"
        )
        forget_peaks()

    forget_peaks()
    steps: Steps = kind(base.model, base.pad, room) if kind is GraphSteps else kind(base.model, base.pad)
    scores = steps.start([row.ids for row in batch])
    stage("prompt")
    sampler = Sampler(batch, scores.device)  # type: ignore[arg-type]
    chosen = sampler.choose(scores)
    stage("choice")
    for step in range(140 if kind is GraphSteps else 3):
        chosen = sampler.choose(steps.step(chosen))
        if step in {0, 2, 139}:
            stage(f"step {step}")
        if step >= room - 2:
            break
    return " ".join(told)


class _Row(argparse.Namespace):
    """What a row must have."""


def train_memory(options: argparse.Namespace) -> None:
    """Train under each plan."""
    for name, (_, _, cap) in PLANS.items():
        if not options.only or name in options.only:
            capped = [] if cap is None else ["--cap", str(cap)]
            child(options, "_train", "--plan", name, "--samples", str(options.samples), *capped)


def train(options: argparse.Namespace) -> None:
    """Train by one plan and print what was planned, what was taken, and where a step's time went."""
    from train_speed import data_file, run_ours  # noqa: PLC0415 - imports trl's trainer

    lengths = [100 + (index * 389) % 901 for index in range(options.samples)]
    data = data_file(options.folder, lengths, "data")
    spans = timed()
    recipe, changes, _ = PLANS[options.plan]
    found = run_ours(options.folder / "base", options.folder, recipe, changes, [], data)
    if not found:
        return
    losses = found.pop("losses")
    ratio = found["planned_gib"] / found["peak_gib"]
    print(
        f"train {options.plan} on {os.environ.get('WORLD_SIZE', '1')}: planned {found['planned_gib']} GiB, taken "
        f"{found['peak_gib']} ({ratio:.2f}), reserved {gib(torch.cuda.max_memory_reserved())}; "
        f"{found['tokens_per_second']} tokens/s, after the first step {found['after_first_step']}; "
        f"loss {losses[0]:.3f} to {losses[-1]:.3f}; {found['cut']}"
    )
    print(f"  {told(spans)}")
    newest = max(
        options.folder.glob("*/adapter/trainer_log.jsonl"), key=lambda path: path.stat().st_mtime, default=None
    )
    for line in newest.read_text(encoding="utf-8").splitlines() if newest else []:
        if "event" in json.loads(line):
            print(f"  event: {line}")


def two_gpus(options: argparse.Namespace) -> None:
    """Train and evaluate on one GPU and on two."""
    samples = str(max(options.samples, 256))
    if not options.only or "train" in options.only:
        child(options, "_train", "--plan", "fast", "--samples", samples, gpus="0", processes=1)
        child(options, "_train", "--plan", "fast", "--samples", samples, gpus="0,1", processes=2)
        twice = str(2 * int(samples))
        child(options, "_train", "--plan", "fast, batch of 32", "--samples", twice, gpus="0,1", processes=2)

    if not options.only or "evaluate" in options.only:
        for gpus in ("1", "2"):
            counts = ["--adapters", str(options.adapters), "--rows", str(options.rows), "--new-tokens", "256"]
            child(options, "_evaluate", "--gpus", gpus, *counts)


def evaluate(options: argparse.Namespace) -> None:
    """Answer for base and adapters on so many GPUs, as `harness eval` does, and print the tokens a second."""
    for seed in range(1, options.adapters):
        if not (options.folder / f"adapter-{seed}").exists():
            build_adapter(options.folder / f"adapter-{seed}", options.folder / "base", options.shape, seed)
    common: dict[str, Any] = {"base": str(options.folder / "base")}
    models = {"base": open_local(ModelSpec(text="base", label="base", backend="base", **common))}
    for seed in range(options.adapters):
        target = str(options.folder / f"adapter-{seed}")
        spec = ModelSpec(text=f"adapter:{target}", label=f"a{seed}", backend="adapter", target=target, **common)
        models[spec.label] = open_local(spec)
    requests = prompts(options.rows, SHAPES[options.shape]["vocab_size"], options.new_tokens)
    asked = {label: [replace(one, key=f"{label} {one.key}", model=label) for one in requests] for label in models}
    began, tokens, first, last = time.time(), 0, {}, {}
    sharing = Sharing(gpus=options.gpus, tokens=0, stays=True)
    with models["base"].spread(models, sharing) as members:
        one = members["base"]
        alone = itertools.chain(*(model.generate(asked[label]) for label, model in models.items()))
        for event in one.generate_together(asked) if isinstance(one, AnswersTogether) else alone:
            tokens += event.tokens_out or 0
            label, now = event.request_key.split()[0], round(time.time() - began, 1)
            first.setdefault(label, now)
            last[label] = now
        ended = time.time()
    print(
        f"evaluate on {options.gpus}: {len(last)} x {options.rows} rows, {tokens} tokens in {ended - began:.1f} s "
        f"with starting and loading: {tokens / (ended - began):.0f} tokens/s; first answers of each after {first}, "
        f"last after {last} s"
    )


def t4(options: argparse.Namespace) -> None:
    """Train and evaluate as a T4 would."""
    played = ["--cap", "14.6", "--capability", "7.5"]
    child(options, "_train", "--plan", "course-unsloth", "--samples", "32", *played)
    trainings = options.folder.glob("*/adapter/adapter_config.json")
    adapter = max(trainings, key=lambda path: path.stat().st_mtime, default=None)
    trained = ["--adapter", str(adapter.parent)] if adapter else []
    child(options, "_generate", *played, "--rows", "16", "--new-tokens", "48", *trained)


PARENTS = {
    "generate-memory": generate_memory,
    "train-memory": train_memory,
    "two-gpus": two_gpus,
    "t4": t4,
    "shard": lambda options: sharded_training.compare(options, child),
}
CHILDREN = {
    "_generate": generate,
    "_profile": profile,
    "_train": train,
    "_evaluate": evaluate,
    "_shard": sharded_training.train,
}

if __name__ == "__main__":
    main()
