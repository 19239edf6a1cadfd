"""Batches against one prompt at a time, on the CPU with the embedded model: speed, and whether the tokens are the same.

    python bench/cpu_generate.py [--rows 40] [--new-tokens 48] [--batch 32] [--dtype float32]
    python bench/cpu_generate.py --uneven --rows 64 --batch 16     # places of answers that ended: left empty, refilled

Both ways generate the same number of greedy tokens for the tasks of bundled:ja-mini (no end token, so that the work is
equal). Where they differ, the first differing position is given with the gap between the two best scores there: a gap
of the size of float32's rounding explains it. Prints JSON.
"""

import argparse
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import torch
from refills import counted, uneven

from harness.models.hf import LocalModel, open_local
from harness.models.hf.batching import BatchRow, plan_batches
from harness.models.hf.decoding import decode
from harness.models.hf.forward_eager import EagerSteps
from harness.models.hf.progress import TokenMeter
from harness.models.hf.sampling import Sampler
from harness.tasks.bundled import open_bundled
from harness.types import Message, ModelSpec, RenderedPrompt, Request, Sampling, TaskSpec

Tokens = dict[str, list[int]]


def requests(rows: int, new_tokens: int) -> list[Request]:
    """Return the first tasks of bundled:ja-mini under the course prompt."""
    samples = list(open_bundled(TaskSpec(name="bundled:ja-mini")).samples())
    asked = [(f"{sample.id} {index // len(samples)}", sample) for index, sample in zip(range(rows), cycle(samples))]
    return [
        Request(
            key=key,
            task="bundled:ja-mini",
            sample_id=sample.id,
            model="embedded",
            prompt="course",
            repeat=0,
            rendered=RenderedPrompt(messages=(Message(role="user", content=f"### 指示\n{sample.input}\n### 回答\n"),)),
            sampling=Sampling(max_new_tokens=new_tokens),
        )
        for key, sample in asked
    ]


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds on the clock and of processor time; only the latter mean much on a machine that is busy otherwise."""

    wall: float
    cpu: float


def generate(model: LocalModel, batches: Sequence[Sequence[BatchRow]]) -> tuple[Tokens, Took]:
    """Return the tokens of every row and the time that they took."""
    base = model._base()  # noqa: SLF001 - the loop is measured without what surrounds it
    tokens: Tokens = {}
    began, cpu = time.perf_counter(), time.process_time()
    for batch in batches:
        steps = EagerSteps(base.model, base.pad)
        meter = TokenMeter("bench", len(batch), sum(row.limit for row in batch))
        for answer in decode(batch, steps, base.encoder, frozenset(), meter):
            tokens[answer.row.request.key] = list(answer.tokens)
    return tokens, Took(time.perf_counter() - began, time.process_time() - cpu)


def compare_refilling(model: LocalModel, rows: Sequence[Request]) -> dict[str, Any]:
    """Return what the product's own loop takes for answers of unlike length without refilled places and with them."""
    texts: list[dict[str, str | None]] = []
    loops: list[dict[str, Any]] = []
    list(model.generate(rows[:1]))
    for refilling in (False, True):
        began, cpu = time.perf_counter(), time.process_time()
        with counted(refilling=refilling) as found:
            answers = list(model.generate(rows))
        tokens = sum(answer.tokens_out or 0 for answer in answers)
        wall, spent = time.perf_counter() - began, time.process_time() - cpu
        found |= {
            "tokens": tokens,
            "tokens_per_s": round(tokens / wall, 1),
            "tokens_per_cpu_s": round(tokens / spent, 1),
        }
        loops.append(found)
        texts.append({answer.request_key: answer.text for answer in answers})
    return {"loops": loops, "same_texts": sum(texts[0][key] == text for key, text in texts[1].items())}


@torch.inference_mode()
def explain(model: LocalModel, row: BatchRow, alone: Sequence[int], together: Sequence[int]) -> dict[str, Any]:
    """Return where two answers part, and how far apart the two best scores are there."""
    base = model._base()  # noqa: SLF001 - as above
    position = next(index for index, (one, other) in enumerate(zip(alone, together, strict=True)) if one != other)
    prefix = [*row.ids, *alone[:position]]
    scores = EagerSteps(base.model, base.pad).start([prefix])
    sampler = Sampler([BatchRow(request=row.request, ids=prefix, limit=1)], scores.device)
    best, second = sampler.adjusted(scores)[0].topk(2).values.tolist()
    return {"task": row.request.key, "position": position, "gap": best - second, "best": best}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=40)
    parser.add_argument("--new-tokens", type=int, default=48)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--uneven", action="store_true", help="answers of unlike length, without refilling and with it")
    options = parser.parse_args()
    model = open_local(
        ModelSpec(
            text="embedded:gemma-3-270m",
            label="embedded",
            backend="embedded",
            target="gemma-3-270m",
            dtype=options.dtype,
            settings={"max_batch_rows": options.batch},
        )
    )
    if options.uneven:
        asked = uneven(requests(options.rows, options.new_tokens))
        print(json.dumps(compare_refilling(model, asked), ensure_ascii=False, indent=1))
        return
    base = model._base()  # noqa: SLF001 - as above
    rows, _, _ = model._encode(base, requests(options.rows, options.new_tokens))  # noqa: SLF001 - as above
    planned = plan_batches(rows, model._budget(base))  # noqa: SLF001 - as above
    generate(model, [rows[:1]])  # warms up
    together, batched = generate(model, planned)
    full, first = generate(model, planned[:1])
    alone, single = generate(model, [[row] for row in rows])
    different = [row for row in rows if alone[row.request.key] != together[row.request.key]]
    count = sum(len(tokens) for tokens in alone.values())
    first_count = sum(len(tokens) for tokens in full.values())
    print(
        json.dumps(
            {
                "date": time.strftime("%Y-%m-%d"),
                "cores": os.cpu_count(),
                "torch": torch.__version__,
                "dtype": options.dtype,
                "tokens": count,
                "batches": [len(batch) for batch in planned],
                "tokens_per_s": {
                    "one at a time": round(count / single.wall, 1),
                    "all batches": round(count / batched.wall, 1),
                    "first batch": round(first_count / first.wall, 1),
                },
                "tokens_per_cpu_s": {
                    "one at a time": round(count / single.cpu, 1),
                    "all batches": round(count / batched.cpu, 1),
                    "first batch": round(first_count / first.cpu, 1),
                },
                "equal": f"{len(rows) - len(different)} of {len(rows)}",
                "differences": [
                    explain(model, row, alone[row.request.key], together[row.request.key]) for row in different
                ],
            },
            ensure_ascii=False,
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
