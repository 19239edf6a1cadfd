"""Many workers on one plan and one store: is each verdict paid for once, and what does kill -9 of any of them cost?

Usage: python bench/many_workers.py [--store postgresql|sqlite|URL] [--workers 4] [--rounds 20] [--tasks 30] [--seed 1]
                                     [--restarts]

Every worker is `harness eval` with the same command in a folder of its own, as on a machine of its own; they share the
store alone. The judge is a server on the loopback that counts what it is asked, by prompt. In every second round one of
the workers is killed at a random call. Afterwards each verdict must have been asked for, and once, but for the calls
that a killed worker had under way; and every worker that was not killed must show the same board. In every third round
there is a limit of dollars for all of them, which must hold. With `--restarts` the PostgreSQL of the bench's own is
started anew in the middle of the first and the fourth of every four rounds, by which no worker may end. Exits with 1 if
anything else happens.
"""

import argparse
import contextlib
import hashlib
import importlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.forked import finish, fork, start
from harness.testing.servers import openai
from harness.testing.servers.loopback import Call, Step, serve
from tests.postgres import PostgresServer, postgres_server

IN_FLIGHT = 3
PRICE = 0.0002  # dollars for the 100 and 20 tokens of a call, at 1 and 5 dollars a million
PATIENCE = 180.0
MODULES = ("cli.main", "cli.eval", "runs.publish", "store.spending", "engine.execute")
COMMAND = ["eval", "--task", "t=t.jsonl", "--model", "a=echo", "--judge", "openai:test-model", "--run", "r"]


@contextlib.contextmanager
def counting_judge(log: Path, pace: float) -> Iterator[str]:
    """Run the judge in a process of its own; it notes each call before it answers. Its URL is given."""
    place = log.with_suffix(".url")

    def judge(call: Call) -> Step:
        prompt = hashlib.sha256(openai.asked(call).encode()).hexdigest()
        with log.open("a") as file:
            file.write(prompt + "\n")
        score = 1 + int(prompt[:4], 16) % 5
        return openai.reply(json.dumps({"reason": "理由", "score": score}, ensure_ascii=False)).after(pace)

    if not (process := fork()):
        with serve(judge) as server:
            place.with_suffix(".new").write_text(server.url)
            place.with_suffix(".new").rename(place)
            time.sleep(100000)
    while not place.exists():
        time.sleep(0.01)
    try:
        yield place.read_text()
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)


def calls(log: Path) -> Counter[str]:
    return Counter(log.read_text().split()) if log.exists() else Counter()


def new_folder(root: Path, name: str, n_tasks: int, judge: str) -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    rows = [{"task_id": n, "input": f"課題{n}", "output": f"正解{n}"} for n in range(n_tasks)]
    (folder / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "prices.toml").write_text('["test-model"]\ninput = 1.0\noutput = 5.0\n')
    settings = f'base_url = "{judge}"\nprices = "prices.toml"\nin_flight = {IN_FLIGHT}\n'
    (folder / "harness.toml").write_text(f"[judges.openai]\n{settings}")
    return folder


def board(folder: Path) -> object:
    return json.loads((folder / "runs/r/results.json").read_text())["rows"]


class Campaign:
    """Rounds of workers on one server of stores."""

    def __init__(
        self,
        options: argparse.Namespace,
        root: Path,
        new_store: Callable[[Path], str],
        server: PostgresServer | None,
    ) -> None:
        self.options, self.root, self.new_store, self.server = options, root, new_store, server
        self.dice = random.Random(options.seed)  # noqa: S311 - what was tried can be tried again
        self.twice = self.killed = self.restarted = self.seconds = 0.0

    def round(self, number: int) -> str:
        """Return "" if all went as it must, else what did not."""
        n_tasks, kill, limited = self.options.tasks, number % 2 == 1, number % 3 == 2
        root = self.root / f"round-{number}"
        root.mkdir()
        log, store = root / "log", self.new_store(root)
        with counting_judge(log, self.options.pace) as judge:
            folders = [new_folder(root, f"worker-{place}", n_tasks, judge) for place in range(self.options.workers)]
            limit = n_tasks // 2 * PRICE
            more = ["--max-cost", f"{limit:.6f}"] if limited else []
            begun = time.monotonic()
            workers = [start([*COMMAND, "--store", store, *more], folder) for folder in folders]
            if self.server is not None and self.options.restarts and number % 4 in (0, 3):
                self.start_anew(self.server, log, n_tasks // 4)
            victim = self.kill(workers, log, n_tasks // 2 if limited else n_tasks) if kill else None
            codes = {place: finish(worker, PATIENCE) for place, worker in enumerate(workers) if place != victim}
            self.seconds += time.monotonic() - begun
            made = calls(log)
            problems = [f"a limit of {limit} was passed: {made.total()} calls"] * (
                limited and made.total() * PRICE > limit + 1e-9
            )
            problems += [
                f"ended with {code}: {self.said(folders[place])}"
                for place, code in codes.items()
                if code not in ((0, 3) if limited else (0,))
            ]
            if limited:  # the rest, by one worker alone
                rest = finish(start([*COMMAND, "--store", store], folders[0]), PATIENCE)
                problems += [f"the rest ended with {rest}"] if rest else []
                made = calls(log)
        return "; ".join([*problems, *self.problems(made, [f for p, f in enumerate(folders) if p != victim], victim)])

    def said(self, folder: Path) -> str:
        return (folder / "said").read_text(errors="replace")[-400:]

    def start_anew(self, server: PostgresServer, log: Path, n_calls: int) -> None:
        deadline = time.monotonic() + PATIENCE
        while calls(log).total() < n_calls and time.monotonic() < deadline:
            time.sleep(0.003)
        server.stop()
        time.sleep(self.dice.random())
        server.start()
        self.restarted += 1

    def kill(self, workers: list[int], log: Path, n_calls: int) -> int:
        at, deadline = self.dice.randrange(1, max(2, n_calls - 4)), time.monotonic() + PATIENCE
        while calls(log).total() < at and time.monotonic() < deadline:
            time.sleep(0.003)
        victim = self.dice.randrange(len(workers))
        os.kill(workers[victim], signal.SIGKILL)
        os.waitpid(workers[victim], 0)
        self.killed += 1
        return victim

    def problems(self, made: Counter[str], folders: list[Path], victim: int | None) -> list[str]:
        twice = sum(count - 1 for count in made.values())
        self.twice += twice
        found = [f"{len(made)} verdicts asked for of {self.options.tasks}"] * (len(made) != self.options.tasks)
        found += [f"{twice} calls made twice"] * (twice > (0 if victim is None else IN_FLIGHT))
        shown = [board(folder) for folder in folders if (folder / "runs/r/results.json").exists()]
        whole = [rows for rows in shown if all(row["n"] == self.options.tasks for row in rows)]
        found += ["boards differ"] * any(rows != whole[0] for rows in whole)
        found += ["no whole board"] * (not whole)
        return found


@contextlib.contextmanager
def stores(kind: str) -> Iterator[tuple[Callable[[Path], str], PostgresServer | None]]:
    """Give a function that makes an empty store and returns its URL, and the server if it is the bench's own."""
    if kind == "sqlite":
        yield lambda root: f"sqlite:///{root}/store.sqlite", None
    elif kind == "postgresql":
        with postgres_server(settings=()) as server:
            yield lambda _: server.new_schema(), server
    else:
        yield lambda _: kind, None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", default="postgresql")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--tasks", type=int, default=30)
    parser.add_argument("--pace", type=float, default=0.05, help="seconds that the judge takes for a verdict")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--restarts", action="store_true")
    options = parser.parse_args()
    os.environ.setdefault("OPENAI_API_KEY", "no-key")
    for module in MODULES:  # before the first fork
        importlib.import_module(f"harness.{module}")
    for module in ("openai", "psycopg", "judges.openai"):
        importlib.import_module(module)
    root, wrong = Path(tempfile.mkdtemp(prefix="workers-")), 0
    try:
        with stores(options.store) as (new_store, server):
            campaign = Campaign(options, root, new_store, server)
            for number in range(options.rounds):
                if said := campaign.round(number):
                    wrong += 1
                    print(f"    round {number}: {said}", file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    columns = (
        "store",
        "workers",
        "rounds",
        "killed",
        "servers started anew",
        "verdicts a round",
        "asked for twice",
        "wrong",
        "seconds a round",
    )
    row = (options.store.partition(":")[0], options.workers, options.rounds, f"{campaign.killed:.0f}")
    row += (f"{campaign.restarted:.0f}", options.tasks)
    row += (f"{campaign.twice:.0f}", wrong, f"{campaign.seconds / max(1, options.rounds):.1f}")
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}\n| {' | '.join(map(str, row))} |")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
