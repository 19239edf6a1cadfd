"""How long 400 judgements take with the default settings, against a server that answers each call after one second.

The bound is 400 / 32 = 12.5 rounds, so 13 seconds; the goal is 1.2 times that, from the first request's arrival to the
last verdict. The server runs in a process of its own, as a real one would. Run from the repository:

    python bench/judge_throughput.py [--judgements 400] [--seconds 1.0]
"""

import argparse
import json
import math
import multiprocessing
import multiprocessing.connection
import os
import time
from concurrent.futures import ThreadPoolExecutor

from harness.types import Generation, JudgeSpec, Sample
from judges.gemini import open_gemini
from judges.openai import open_openai
from tests.servers import gemini, openai
from tests.servers.loopback import Script, serve

REPLY = json.dumps({"reason": "正確で自然な回答です。", "score": 4}, ensure_ascii=False)
JUDGES = {"gemini": (open_gemini, gemini.reply), "openai": (open_openai, openai.reply)}


def script(name: str, seconds: float) -> Script:
    """The server's answers."""
    step = JUDGES[name][1](REPLY).after(seconds)
    return lambda _: step


def run_server(name: str, seconds: float, pipe: multiprocessing.connection.Connection) -> None:
    """Serve until told to stop, then report when the first call arrived and how many there were."""
    with serve(script(name, seconds)) as server:
        pipe.send(server.url)
        pipe.recv()
        pipe.send((server.calls[0].at, len(server.calls), server.most_at_once))


def measure(name: str, judgements: int, seconds: float) -> tuple[float, int, int]:
    """Seconds from first request to last verdict, calls made, and most calls open at once."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=run_server, args=(name, seconds, theirs), daemon=True)
    process.start()
    judge = JUDGES[name][0](
        JudgeSpec(text=f"{name}:m", name=name, option="m", rubric="elyza.v1", settings={"base_url": ours.recv()})
    )
    samples = [Sample(id=str(n), inputs={"input": f"課題{n}"}, reference="正解" * 50) for n in range(judgements)]
    with ThreadPoolExecutor(judge.in_flight) as pool:
        verdicts = list(pool.map(lambda one: judge.judge(one, Generation(request_key="", text="回答" * 200)), samples))
    last = time.monotonic()  # the same clock in both processes
    ours.send("stop")
    first, calls, most = ours.recv()
    process.join()
    assert all(verdict.score == 4 for verdict in verdicts)
    return last - first, calls, most


def main() -> None:
    """Print one line per judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judgements", type=int, default=400)
    parser.add_argument("--seconds", type=float, default=1.0)
    options = parser.parse_args()
    os.environ.setdefault("GEMINI_API_KEY", "none")
    bound = math.ceil(options.judgements / 32) * options.seconds
    for name in JUDGES:
        taken, calls, most = measure(name, options.judgements, options.seconds)
        print(
            f"{name}: {options.judgements} judgements in {taken:.2f} s, {taken / bound:.2f} x the bound of {bound:g} s "
            f"(goal: 1.2 x); {calls} calls, at most {most} at once"
        )


if __name__ == "__main__":
    main()
