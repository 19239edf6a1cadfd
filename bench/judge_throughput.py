"""How long 400 judgements take with the default settings, against a server that answers each call after one second.

The bound is 400 / 32 = 12.5 rounds, so 13 seconds; the goal is 1.2 times that, from the first request's arrival to the
last verdict, where the server is well; twice the clean time where it refuses 12 % of the calls (429) and breaks down on
4 % (503) at random; and no more refusals than with a law that halves at each of them, where it has a true quota, of
calls at once or of calls a second. The server runs in a process of its own, as a real one would. Run from the
repository; ``--halving`` takes that other law instead of ours:

    python bench/judge_throughput.py [--judgements 400] [--seconds 1.0] [--server clean …] [--judge openai] [--halving]
"""

import argparse
import itertools
import json
import math
import multiprocessing
import multiprocessing.connection
import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from harness.remote import pacing
from harness.testing.servers import gemini, openai
from harness.testing.servers.loopback import Call, Step, serve
from harness.types import Generation, JudgeSpec, Sample
from judges.gemini import open_gemini
from judges.openai import open_openai

REPLY = json.dumps({"reason": "正確で自然な回答です。", "score": 4}, ensure_ascii=False)
JUDGES = {"gemini": (open_gemini, gemini.reply), "openai": (open_openai, openai.reply)}
REFUSED = {
    "gemini": gemini.error(429, "RESOURCE_EXHAUSTED", "later"),
    "openai": openai.error(429, "later"),
}
BROKEN = {"gemini": gemini.error(503, "UNAVAILABLE"), "openai": openai.error(503, "down")}
SERVERS = ("clean", "random", "at-once", "a-second")
AT_ONCE, A_SECOND, BURST = 10, 10.0, 10.0


class Server:
    """A server of one kind; ``refused`` counts its 429s."""

    def __init__(self, name: str, kind: str, seconds: float) -> None:
        self.name, self.kind, self.seconds = name, kind, seconds
        self.refused, self.busy, self.level, self.last = 0, 0, BURST, time.monotonic()
        self.chance = random.Random(20261126)  # noqa: S311 - draws faults, guards nothing
        self.lock = threading.Lock()

    def __call__(self, _: Call) -> Step:
        """Answer after a while, or refuse at once."""
        with self.lock:
            fate = self._fate()
            self.refused += fate == "refused"
            self.busy += fate == "taken"
        if fate != "taken":
            return {"refused": REFUSED, "broken": BROKEN}[fate][self.name]
        time.sleep(self.seconds)
        with self.lock:
            self.busy -= 1
        return JUDGES[self.name][1](REPLY)

    def _fate(self) -> str:
        if self.kind == "random":
            drawn = self.chance.random()
            return "refused" if drawn < 0.12 else "broken" if drawn < 0.16 else "taken"
        if self.kind == "at-once":
            return "taken" if self.busy < AT_ONCE else "refused"
        if self.kind == "a-second":
            now = time.monotonic()
            self.level, self.last = min(BURST, self.level + (now - self.last) * A_SECOND), now
            if self.level < 1:
                return "refused"
            self.level -= 1
        return "taken"


class Halving:
    """The law before: half at every refusal, once a round, and one more a round."""

    def __init__(self, maximum: int) -> None:
        self.maximum, self.limit, self.cuts = maximum, float(maximum), 0

    @property
    def current(self) -> int:
        """How many calls may be in flight now."""
        return max(1, int(self.limit))

    def left(self) -> int:
        """Return the ticket of a call."""
        return self.cuts

    def worked(self, _: int) -> None:
        """Count a success."""
        self.limit = min(self.maximum, self.limit + 1 / self.limit)

    def refused(self, ticket: int, *, names_a_quota: bool = False) -> bool:
        """Count a refusal."""
        del names_a_quota
        if ticket == self.cuts:
            self.cuts += 1
            self.limit = max(1.0, self.limit / 2)
        return False


def run_server(name: str, kind: str, seconds: float, pipe: multiprocessing.connection.Connection) -> None:
    """Serve until told to stop, then report when the first call arrived and how many there were."""
    script = Server(name, kind, seconds)
    with serve(script) as server:
        pipe.send(server.url)
        pipe.recv()
        pipe.send((server.calls[0].at, len(server.calls), server.most_at_once, script.refused))


def measure(name: str, kind: str, judgements: int, seconds: float) -> tuple[float, int, int, int, int]:
    """Seconds from first request to last verdict, calls made, most calls open at once, refusals, verdicts lost."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=run_server, args=(name, kind, seconds, theirs), daemon=True)
    process.start()
    judge = JUDGES[name][0](
        JudgeSpec(text=f"{name}:m", name=name, option="m", rubric="elyza.v1", settings={"base_url": ours.recv()})
    )
    samples = [Sample(id=str(n), inputs={"input": f"課題{n}"}, reference="正解" * 50) for n in range(judgements)]
    with ThreadPoolExecutor(judge.in_flight) as pool:
        verdicts = list(pool.map(lambda one: judge.judge(one, Generation(request_key="", text="回答" * 200)), samples))
    last = time.monotonic()  # the same clock in both processes
    ours.send("stop")
    first, calls, most, refused = ours.recv()
    process.join()
    return last - first, calls, most, refused, sum(verdict.score != 4 for verdict in verdicts)


def main() -> None:
    """Print one line per judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judgements", type=int, default=400)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--server", choices=SERVERS, nargs="+", default=list(SERVERS))
    parser.add_argument("--judge", choices=list(JUDGES), nargs="+", default=list(JUDGES))
    parser.add_argument("--halving", action="store_true", help="The law before, for comparison.")
    options = parser.parse_args()
    if options.halving:
        pacing.Congestion = Halving  # type: ignore[assignment,misc]
    os.environ.setdefault("GEMINI_API_KEY", "none")
    bound = math.ceil(options.judgements / 32) * options.seconds
    for name, kind in itertools.product(options.judge, options.server):
        taken, calls, most, refused, lost = measure(name, kind, options.judgements, options.seconds)
        print(
            f"{name}, {kind}: {options.judgements} judgements in {taken:.2f} s, {taken / bound:.2f} x the bound of "
            f"{bound:g} s; {calls} calls, {refused} refused, {lost} lost, at most {most} at once",
            flush=True,
        )


if __name__ == "__main__":
    main()
