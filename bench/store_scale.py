"""A store of very many answers: how long do planning, writing, resuming and a board take, in a file and on a server?

Usage: python bench/store_scale.py [--answers 1000000] [--store sqlite postgresql]

One task set of `answers` / (models) tasks, whose answers have 60 characters each, with a verdict of one judge on every
answer. Each step is the harness's own: `Store.save_plan`, `Store.write` in portions of 512 rows as the writing thread
hands them over, `Store.generations` and `Store.judgements` of everything as a run does that finds all of it stored, and
`load_plan` with all rows and the scores of every model as `harness report` begins. Then `harness store copy` from the
first store to the second. PostgreSQL is a cluster of its own with its default settings (fsync on), on this machine.
"""

import argparse
import json
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from harness.engine.plan import PlannedModel, plan_digest, plan_requests
from harness.store.copying import copy_store
from harness.store.store import Store
from harness.templates import load_template
from harness.types import Generation, Judgement, PlannedTask, Sample, Sampling, Verdict
from tests.postgres import postgres_server

N_MODELS = 10
PORTION = 512
TEXT = (
    "日本の首都は東京です。人口はおよそ一千四百万人で、世界でも最大級の都市圏の中心にあります。以上が答えになります。"
)


def timed(figures: dict[str, Any], name: str, step: Callable[[], Any]) -> Any:
    begun = time.perf_counter()
    found = step()
    figures[name] = round(time.perf_counter() - begun, 2)
    print(f"  {name}: {figures[name]} s", file=sys.stderr, flush=True)
    return found


def answers(requests: list[Any]) -> Iterator[Generation]:
    for number, request in enumerate(requests):
        yield Generation(
            request_key=request.key, text=f"{TEXT}{number}", tokens_in=40, tokens_out=30, seconds=number / 7
        )


def judgements(requests: list[Any]) -> Iterator[Judgement]:
    for number, request in enumerate(requests):
        verdict = Verdict.scored(1 + number % 5, rationale="正しい", raw='{"score": 4}', version="m-1", cost=0.0002)
        yield Judgement(
            key=f"v{request.key[1:]}", request_key=request.key, judge="gemini", judge_fingerprint="f", repeat=0,
            verdict=verdict,
        )  # fmt: skip


def portions(rows: Iterator[Any]) -> Iterator[list[Any]]:
    part: list[Any] = []
    for row in rows:
        part.append(row)
        if len(part) == PORTION:
            yield part
            part = []
    if part:
        yield part


def board(store: Store, plan: str) -> dict[str, float]:
    """Return the mean of each model, from what is stored alone."""
    _, requests = store.load_plan(plan)
    found = store.judgements([f"v{request.key[1:]}" for request in requests])
    scores: dict[str, list[float]] = {}
    for request in requests:
        scores.setdefault(request.model, []).append(found[f"v{request.key[1:]}"].verdict.score or 0.0)
    return {model: float(np.mean(values)) for model, values in scores.items()}


def measure(url: str, task: PlannedTask, requests: list[Any], plan: str) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    with Store(url) as store:
        timed(figures, "plan", lambda: store.save_plan(plan, {task.name: task.samples}, requests))
        timed(figures, "plan, again", lambda: store.save_plan(plan, {task.name: task.samples}, requests))
        timed(figures, "write answers", lambda: [store.write(generations=p) for p in portions(answers(requests))])
        timed(figures, "write verdicts", lambda: [store.write(judgements=p) for p in portions(judgements(requests))])
    keys = [request.key for request in requests]
    with Store(url) as store:
        found = timed(figures, "resume: all answers", lambda: len(store.generations(keys)))
        assert found == len(keys)
        found = timed(figures, "resume: all verdicts", lambda: len(store.judgements([f"v{key[1:]}" for key in keys])))
        assert found == len(keys)
    with Store(url, read_only=True) as store:
        figures["means"] = timed(figures, "board: plan and scores", lambda: board(store, plan))
    return figures


@contextmanager
def stores(kinds: list[str], folder: Path) -> Iterator[dict[str, str]]:
    with ExitStack() as stack:
        urls = {"sqlite": f"sqlite:///{folder}/store.sqlite"} if "sqlite" in kinds else {}
        if "postgresql" in kinds:
            urls["postgresql"] = stack.enter_context(postgres_server(settings=())).new_schema()
        yield urls


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", type=int, default=1_000_000)
    parser.add_argument("--store", nargs="+", choices=["sqlite", "postgresql"], default=["sqlite", "postgresql"])
    options = parser.parse_args()
    samples = tuple(
        Sample(id=str(number), inputs={"input": f"質問{number}"}) for number in range(options.answers // N_MODELS)
    )
    task, made = PlannedTask(name="many", samples=samples), {}
    models = [PlannedModel(label=f"m{number}", fingerprint=f"m{number}") for number in range(N_MODELS)]
    prompt = [load_template("plain.v1")]
    requests = timed(made, "make the plan", lambda: plan_requests([task], models, prompt, sampling=Sampling()))
    plan = timed(made, "its digest", lambda: plan_digest([task], requests))
    with tempfile.TemporaryDirectory() as folder, stores(options.store, Path(folder)) as urls:
        figures: dict[str, Any] = {}
        for kind, url in urls.items():
            print(kind, file=sys.stderr)
            figures[kind] = measure(url, task, requests, plan)
        means = {kind: found.pop("means") for kind, found in figures.items()}
        if len(urls) == 2:
            assert means["sqlite"] == means["postgresql"]
            with Store(urls["sqlite"], read_only=True) as source, Store(urls["postgresql"]) as target:
                copied = timed(made, "copy, all there", lambda: copy_store(source, target, tell=lambda _: None))
                assert not sum(table.new for table in copied)
        print(
            json.dumps(
                {
                    "date": datetime.now(tz=UTC).date().isoformat(),
                    "machine": platform.platform(),
                    "answers": len(requests),
                    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
                    "seconds": {"plan": made, **figures},
                },
                indent=1,
            )
        )


if __name__ == "__main__":
    main()
