"""Kill -9 in the middle of runs, and damage to stores: is the board afterwards the same, or refused in a sentence?

Usage: python bench/kill_and_damage.py [--kills 60] [--damages 24] [--seed 1] [--keep FOLDER]

Every kill hits `harness eval` or `harness judge` at a random call; half of them have a second process at work on the
same run, which goes on. Then the same command is run to its end, and board, answers and verdicts are compared with
those of an undisturbed run. Calls that were made twice are counted: a judge's may be those that the killed process had
under way, a free model's those whose answers were not on the disk yet, and none else. Every damage is done to a copy of
a finished run's store (or of one whose process was killed), after which `harness report` and `harness eval` must give
the same board or refuse. Exits with 1 if anything else happens. Processes are forked, so that most of the time goes
into what is tried.
"""

import argparse
import contextlib
import importlib
import itertools
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.forked import finish, start

N_TASKS = 30
IN_FLIGHT = 4  # as the judge below says
PATIENCE = 120.0
EVAL = ["eval", "--task", "t=t.jsonl", "--model", "a=paced:a", "--model", "b=paced:b", "--judge", "paced", "--run", "r"]
JUDGE = ["judge", "r", "--judge", "paced:2"]
PLUGIN = """
import hashlib, os, time
from harness.types import LIKERT_5, Generation, Verdict

def called(what):
    with open("log", "a") as file:
        file.write(f"{os.getpid()} {what}\\n")
    time.sleep(float(os.environ.get("PACE", "0")))

class Model:
    def __init__(self, spec):
        self.fingerprint = f"paced {spec.target}"
    def generate(self, requests):
        for request in requests:
            called(f"answer {request.key}")
            yield Generation(request_key=request.key, text=f"{request.key[:40]} 答え" * 3)

class Judge:
    scale = LIKERT_5
    in_flight = 4
    kind = "quality"
    def __init__(self, spec):
        self.name = spec.text
        self.fingerprint = f"paced {spec.option}"
    def judge(self, sample, generation):
        called(f"verdict {self.name} {generation.request_key}")
        return Verdict.scored(hashlib.sha256((generation.text + self.name).encode()).digest()[0] % 5 + 1)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended, with what it said."""

    code: int
    said: str

    @property
    def is_refusal(self) -> bool:
        """Whether it failed with a sentence that is for people."""
        return self.code in (1, 2) and "Error: " in self.said and "defect" not in self.said and "Trace" not in self.said


def install_plugin(folder: Path) -> None:
    """Make the model and the judge ``paced`` importable."""
    package = folder / "paced-1.dist-info"
    package.mkdir(parents=True)
    (folder / "paced_plugin.py").write_text(PLUGIN)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: paced\nVersion: 1\n")
    (package / "entry_points.txt").write_text(
        "[harness.models]\npaced = paced_plugin:Model\n[harness.judges]\npaced = paced_plugin:Judge\n"
    )
    sys.path.insert(0, str(folder))


def waited(process: int, folder: Path, out: str = "said") -> Ended:
    """Wait for a process; one that does not end is killed and counts as hung."""
    return Ended(code=finish(process, PATIENCE), said=(folder / out).read_text(errors="replace"))


def run(command: list[str], folder: Path, *, file_limit: int = 0) -> Ended:
    return waited(start(command, folder, file_limit=file_limit), folder)


def calls(folder: Path, process: int | None = None) -> Counter[str]:
    """Count the calls made so far, by what was asked; those of one process, or all."""
    log = folder / "log"
    lines = [line.split(" ", 1) for line in log.read_text().splitlines()] if log.exists() else []
    return Counter(what for made_by, what in lines if process in (None, int(made_by)))


def board(folder: Path) -> object:
    """Return what must be the same: the figures of results.json."""
    try:
        results = json.loads((folder / "runs/r/results.json").read_text())
    except (OSError, ValueError) as error:
        return repr(error)
    return results["rows"], results["comparisons"]


def rows(folder: Path) -> dict[str, object]:
    """Return every answer and verdict that the store holds, and the leases that are left."""
    queries = {
        "answers": "SELECT request_key, text FROM generation",
        "verdicts": "SELECT key, status, score FROM judgement",
        "leases": "SELECT key FROM lease",
    }
    with contextlib.closing(sqlite3.connect(folder / "runs/store.sqlite")) as store:
        return {name: sorted(store.execute(query)) for name, query in queries.items()}


def durable(folder: Path) -> set[str]:
    """Return the keys of the answers and verdicts that are on the disk, as the plugin's calls name them."""
    if not (folder / "runs/store.sqlite").exists():
        return set()
    with tempfile.TemporaryDirectory() as copy:  # whoever opens the store itself would put it in order
        for path in (folder / "runs").glob("store.sqlite*"):
            shutil.copy(path, copy)
        with contextlib.closing(sqlite3.connect(f"{copy}/store.sqlite")) as store:
            tables = {name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if not {"generation", "judgement"} <= tables:
                return set()  # it is only being made
            answers = {f"answer {key}" for (key,) in store.execute("SELECT request_key FROM generation")}
            verdicts = store.execute("SELECT judge, request_key FROM judgement")
            return answers | {f"verdict {judge} {key}" for judge, key in verdicts}


def new_folder(root: Path, name: str) -> Path:
    folder = root / name
    folder.mkdir()
    lines = (json.dumps({"input": f"問{number}"}, ensure_ascii=False) + "\n" for number in range(N_TASKS))
    (folder / "t.jsonl").write_text("".join(lines))
    return folder


def kill_once(root: Path, number: int, whole: dict[str, Any], dice: random.Random) -> str:
    """Kill one process of one or two and return "" if nothing shows afterwards, else what went wrong."""
    two, judging = number % 2 == 1, number % 4 >= 2
    folder = new_folder(root, f"kill-{number}")
    if judging:
        run(EVAL, folder)
    before, command = sum(calls(folder).values()), JUDGE if judging else EVAL
    total = (1 if judging else 2) * 2 * N_TASKS
    at = before + dice.randrange(0, total)
    processes = [start(command, folder, pace=0.01, out=f"said-{place}") for place in range(1 + two)]
    deadline = time.monotonic() + PATIENCE
    while sum(calls(folder).values()) < at and time.monotonic() < deadline:
        time.sleep(0.002)
    time.sleep(dice.random() * 0.02)
    victim = dice.randrange(len(processes))
    others = [process for process in processes if process != processes[victim]]
    for process in others:  # they stand still until it is known what the killed one lost
        os.kill(process, signal.SIGSTOP)
    os.kill(processes[victim], signal.SIGKILL)
    os.waitpid(processes[victim], 0)
    lost = set(calls(folder, processes[victim])) - durable(folder)
    for process in others:
        os.kill(process, signal.SIGCONT)
    survivors = [waited(one, folder, f"said-{place}") for place, one in enumerate(processes) if place != victim]
    last = run(command, folder)
    if not judging:
        last = run(JUDGE, folder) if last.code == 0 else last
    problems = [f"{one.code}: {one.said[-300:]}" for one in (*survivors, last) if one.code]
    twice = {what: count - 1 for what, count in calls(folder).items() if count > 1}
    kill_once.twice += sum(twice.values())
    paid = sum(what.startswith("verdict") for what in lost)
    problems += ["another board"] * (board(folder) != whole["board"])
    problems += [f"other {name}" for name, here in rows(folder).items() if here != whole["rows"][name]]
    problems += [f"made twice, and not lost: {sorted(twice.keys() - lost)}"] * (not twice.keys() <= lost)
    problems += ["calls made three times"] * any(count > 1 for count in twice.values())
    problems += [f"{paid} verdicts lost"] * (paid > IN_FLIGHT)
    problems += ["calls were left out"] * (set(calls(folder)) != whole["calls"])
    return "; ".join(problems)


kill_once.twice = 0


def flip(path: Path, places: Iterator[int] | list[int]) -> None:
    data = bytearray(path.read_bytes())
    for place in places:
        data[place % len(data)] ^= 0x55
    path.write_bytes(data)


def zero(path: Path, start_at: int, length: int) -> None:
    data = bytearray(path.read_bytes())
    data[start_at : start_at + length] = bytes(min(length, max(0, len(data) - start_at)))
    path.write_bytes(data)


def replace(path: Path, make: Callable[[Path], object]) -> None:
    for name in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        name.unlink(missing_ok=True)
    make(path)


def foreign(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE recipe (name TEXT)")
        other.commit()


def alter(path: Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as store:
        for statement in statements:
            store.execute(statement)
        store.commit()


def damages(dice: random.Random) -> dict[str, Callable[[Path], object]]:
    """Return what is done to the path of a store, by name; those on "-wal" get a store whose process was killed."""

    def wal(path: Path) -> Path:
        return path.with_name(path.name + "-wal")

    def anywhere(path: Path, count: int) -> list[int]:
        return [dice.randrange(path.stat().st_size) for _ in range(count)]

    def pages(path: Path) -> list[int]:
        return [4096 * dice.randrange(1, path.stat().st_size // 4096) + dice.randrange(12) for _ in range(8)]

    return {
        "no bytes": lambda path: path.write_bytes(b""),
        "cut to a third": lambda path: os.truncate(path, path.stat().st_size // 3),
        "cut by one page": lambda path: os.truncate(path, path.stat().st_size - 4096),
        "cut by one byte": lambda path: os.truncate(path, path.stat().st_size - 1),
        "header flipped": lambda path: flip(path, range(16)),
        "header fields flipped": lambda path: flip(path, range(16, 100, 3)),
        "schema flipped": lambda path: flip(path, [dice.randrange(100, 4096) for _ in range(64)]),
        "page heads flipped": lambda path: flip(path, pages(path)),
        "a byte flipped": lambda path: flip(path, anywhere(path, 1)),
        "4 bytes flipped": lambda path: flip(path, anywhere(path, 4)),
        "64 bytes flipped": lambda path: flip(path, anywhere(path, 64)),
        "a thousand bytes flipped": lambda path: flip(path, anywhere(path, 1000)),
        "first page zeroed": lambda path: zero(path, 0, 4096),
        "middle page zeroed": lambda path: zero(path, path.stat().st_size // 8192 * 4096, 4096),
        "-wal gone": lambda path: wal(path).unlink(),
        "-wal cut": lambda path: os.truncate(wal(path), wal(path).stat().st_size // 2),
        "-wal flipped": lambda path: flip(wal(path), anywhere(wal(path), 16)),
        "-wal and -shm of nobody": lambda path: [
            path.with_name(path.name + end).write_bytes(dice.randbytes(5000)) for end in ("-wal", "-shm")
        ],
        "a folder in its place": lambda path: replace(path, Path.mkdir),
        "text in its place": lambda path: replace(path, lambda at: at.write_text("no database\n" * 50)),
        "read-only": lambda path: path.chmod(0o400),
        "another program's database": lambda path: replace(path, foreign),
        "a newer version": lambda path: alter(path, "UPDATE meta SET value = '99' WHERE key = 'schema'"),
        "no version": lambda path: alter(path, "DELETE FROM meta"),
        "a table gone": lambda path: alter(path, "DROP TABLE judgement"),
        "store gone": lambda path: replace(path, lambda _: None),
        "a link to nowhere": lambda path: replace(path, lambda at: at.symlink_to(path.parent / "no/where.sqlite")),
        "disk full": lambda path: alter(path, "DELETE FROM judgement"),
    }


def damage_once(root: Path, name: str, damage: Callable[[Path], object], sources: dict[str, Path], place: int) -> str:
    """Damage a copy of a store; return how the commands took it, beginning with "WRONG" if a figure is another one."""
    folder = root / f"damage-{place}"
    shutil.copytree(sources["killed" if name.startswith("-wal") and "nobody" not in name else "whole"], folder)
    path = folder / "runs/store.sqlite"
    damage(path)
    limit = path.stat().st_size + 8192 if name == "disk full" else 0
    found = []
    for command in (["report", "r", "--format", "json", "--store", "sqlite:///runs/store.sqlite"], EVAL):
        ended = run(command, folder, file_limit=limit)
        if ended.is_refusal:
            found.append("refused (" + next(line for line in ended.said.splitlines() if "Error: " in line)[7:] + ")")
        elif ended.code == 0 and _figures(command, ended.said, folder) == board(sources["whole"]):
            found.append("same board")
        else:
            found.append(f"WRONG ({ended.code}: {ended.said[-300:]!r})")
    return ", ".join(found)


def _figures(command: list[str], said: str, folder: Path) -> object:
    """Return the figures that a command left in the run's folder, or printed."""
    if command is EVAL:
        return board(folder)
    results = json.loads(said)
    return results["rows"], results["comparisons"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument(
        "--damages", type=int, default=28, help="kinds of damage, in turn; more than there are go round"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="keep what was tried in this folder")
    options = parser.parse_args()
    dice = random.Random(options.seed)  # noqa: S311 - what was tried can be tried again
    with tempfile.TemporaryDirectory() as temporary:
        root = options.keep or Path(temporary)
        root.mkdir(exist_ok=True)
        install_plugin(root / "site")
        for module in ("cli.main", "cli.eval", "cli.judge", "cli.report", "runs.publish"):  # before the first fork
            importlib.import_module(f"harness.{module}")

        return campaign(root, options.kills, options.damages, dice)


def campaign(root: Path, n_kills: int, n_damages: int, dice: random.Random) -> int:
    sources = {"whole": new_folder(root, "whole")}
    for command in (EVAL, JUDGE):
        ended = run(command, sources["whole"])
        assert ended.code == 0, ended.said
    whole = {"board": board(sources["whole"]), "rows": rows(sources["whole"]), "calls": set(calls(sources["whole"]))}
    print("| tried | of | same board | refused | wrong |\n|---|---|---|---|---|")
    wrong = 0
    kinds = ("eval, alone", "eval, two processes", "judge, alone", "judge, two processes")
    for kind, label in enumerate(kinds):
        problems = [kill_once(root, number, whole, dice) for number in range(n_kills) if number % 4 == kind]
        found = [problem for problem in problems if problem]
        print(f"| kill -9: {label} | {len(problems)} | {len(problems) - len(found)} | 0 | {len(found)} |", flush=True)
        for problem in found:
            print(f"    {problem}", file=sys.stderr)
        wrong += len(found)
    sources["killed"] = killed_source(root)
    total: Counter[str] = Counter()
    table = damages(dice)
    kinds_of_damage = dice.sample(list(table), min(n_damages, len(table))) or list(table)
    for place, name in enumerate(itertools.islice(itertools.cycle(kinds_of_damage), n_damages)):
        taken = damage_once(root, name, table[name], sources, place)
        total["wrong" if "WRONG" in taken else "refused" if "refused" in taken else "same"] += 1
        print(f"  {name}: report, eval: {taken}", file=sys.stderr, flush=True)
    print(f"| damaged stores | {n_damages} | {total['same']} | {total['refused']} | {total['wrong']} |")
    print(f"\ncalls made twice over all kills: {kill_once.twice}")
    return 1 if wrong or total["wrong"] else 0


def killed_source(root: Path) -> Path:
    """Return a folder with the files of a finished run, whose store was left by a killed process with its -wal."""
    folder = new_folder(root, "killed")
    shutil.copytree(root / "whole/runs", folder / "runs")
    holder = start_holder(folder / "runs/store.sqlite")
    shutil.copytree(folder, root / "killed-source")
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert (root / "killed-source/runs/store.sqlite-wal").stat().st_size
    return root / "killed-source"


def start_holder(path: Path) -> subprocess.Popen[str]:
    """Keep a store open in another process, after a write, so that its -wal is there."""
    program = (
        "import sqlite3, sys, time\nstore = sqlite3.connect(sys.argv[1])\n"
        "store.execute('PRAGMA wal_autocheckpoint = 0')\n"
        "store.execute('PRAGMA journal_mode = WAL')\nstore.execute('UPDATE judgement SET rowid = rowid + 100000')\n"
        "store.commit()\nprint(1, flush=True)\ntime.sleep(99)"
    )
    holder = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    holder.stdout.readline()
    return holder


if __name__ == "__main__":
    sys.exit(main())
