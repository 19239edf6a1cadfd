"""Writes trainers/benchmark_hashes.json, the shipped hashes of known benchmarks, from task files.

Usage, from the repository's root, with copies of the two ELYZA sets:

    python bench/benchmark_hashes.py elyza-tasks-100=PATH/test.jsonl \
        elyza-tasks-100-tv=PATH/elyza-tasks-100-TV_0.jsonl bundled:ja-mini > trainers/benchmark_hashes.json

Each argument is NAME=PATH, or the name of a bundled set. The file holds hashes and task ids, no text.
"""

import argparse

from harness.tasks.bundled import open_bundled
from harness.tasks.files import open_file
from harness.types import TaskSpec
from trainers.data.contamination import BenchmarkIndex, index, index_text


def benchmark(argument: str) -> BenchmarkIndex:
    name, _, path = argument.partition("=")
    tasks = open_file(TaskSpec(name=name, source=path)) if path else open_bundled(TaskSpec(name=name))
    return index(name, tasks.samples())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("benchmark", nargs="+", help="NAME=PATH, or a bundled set's name")
    print(index_text([benchmark(argument) for argument in parser.parse_args().benchmark]), end="")


if __name__ == "__main__":
    main()
