"""Two processes on the CPU, told of each other as torchrun tells them: the same adapter as one, one voice, one end."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.errors import HarnessError
from tests.forked import Fork
from tests.trainers.training.conftest import Workbench, losses, rows, weights, write_pairs
from trainers.training.processes import _together

SETTINGS: dict[str, Any] = {
    "per_device_train_batch_size": 3,
    "gradient_accumulation_steps": 1,
    "num_train_epochs": 2.0,
    "learning_rate": 1e-3,
    "heldout": 3,
    "eval_steps": 2,
    "logging_steps": 2,
}  # thirteen pairs: ten samples in steps of 3, 3, 3 and 1


@dataclass(frozen=True)
class Ended:
    """How a launch ended."""

    code: int
    out: str
    err: str


DYING = """
import os, itertools
from trainers.training.trainer import AdapterTrainer
step, calls = AdapterTrainer.training_step, itertools.count()
def dying(*arguments):
    if os.environ["RANK"] == "1" and next(calls) == 5: os._exit(3)
    return step(*arguments)
AdapterTrainer.training_step = dying
"""  # the second process, before the sixth step

SHORT_OF_MEMORY = """
import os, itertools, torch
from trainers.training.sharded import LayerShards
use, calls = LayerShards.use, itertools.count()
def short(self, index):
    use(self, index)
    if os.environ["RANK"] == "1" and self._due and next(calls) == 26:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
LayerShards.use = short
"""  # the second process, in the backward pass of its first step


def launch_two(fork: Fork, command: list[str], *, before: str = "") -> Ended:
    """Run the command line in two processes, and end one that is left as torchrun does."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1]), "WORLD_SIZE": "2"}
    ranks = [
        fork(
            command,
            env=place | {"RANK": rank, "LOCAL_RANK": rank, "LOCAL_WORLD_SIZE": "2"},
            before=before,
        )
        for rank in "01"
    ]
    out, err = ranks[0].communicate()
    if ranks[0].returncode:
        ranks[1].send_signal(signal.SIGTERM)
    outs, errs = ranks[1].communicate()
    return Ended(ranks[0].returncode or ranks[1].returncode or 0, out + outs, err + errs)


def launch_script(script: Path, command: list[str]) -> Ended:
    """Run a file of Python in two processes, by torchrun."""
    ended = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script), *command],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).resolve().parents[3])},
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def assert_same_run(expected: Path, actual: Path) -> None:
    """Compare adapters, losses, held-out losses and tokens, at float32's precision."""
    before, after = weights(expected), weights(actual)
    for name, weight in before.items():
        torch.testing.assert_close(after[name], weight, rtol=0, atol=2e-5, msg=name)
    for key in ("loss", "heldout_loss"):
        found = [[(row["step"], row[key]) for row in rows(run) if key in row] for run in (expected, actual)]
        assert [step for step, _ in found[0]] == [step for step, _ in found[1]]
        assert [loss for _, loss in found[0]] == pytest.approx([loss for _, loss in found[1]], abs=2e-5)
    seen = [[row["tokens"] for row in rows(run) if "tokens" in row] for run in (expected, actual)]
    assert seen[0] == seen[1]


@pytest.mark.slow
def test_two_processes_train_the_adapter_of_one(
    make_tiny: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fork: Fork
) -> None:
    """Three samples to two processes, and one in an epoch's last step.

    Where they share the base's weights, the adapter is the same to the last bit; cut off and resumed by two that share
    them, of which one runs out of memory, it is the same but for last digits.
    """
    monkeypatch.chdir(tmp_path)
    bench = Workbench(make_tiny("tiny-four", num_hidden_layers=4), write_pairs(tmp_path / "pairs.json", 13))
    bench.train(tmp_path / "one", **SETTINGS)
    asking = SETTINGS | {"sample_prompts": 2, "sample_max_new_tokens": 4}
    both = launch_two(fork, bench.command(tmp_path / "two", **asking))
    assert 0 == both.code, both.err
    assert_same_run(tmp_path / "one", tmp_path / "two")
    assert 2 == json.loads((tmp_path / "two" / "training.json").read_text())["processes"]
    assert 1 == both.out.count(f"{tmp_path / 'two'}: 8 steps")
    assert 1 == both.err.count("Trying the longest batch")
    assert [1, 2, 4, 6, 8] == [step for step, _ in losses(tmp_path / "two")]

    shared = bench.command(tmp_path / "cut", **asking, shard=True)
    cut = launch_two(fork, shared, before=DYING)
    assert 0 != cut.code
    assert "the layers' weights shared among 2 processes" in cut.err
    found = [[(row["step"], row["loss"]) for row in rows(tmp_path / run) if "loss" in row] for run in ("two", "cut")]
    assert found[0][:3] == found[1][:3]
    said = "Error: Another process of this training does not answer any more: "
    assert said in cut.err, cut.err
    assert "This is a defect" not in cut.err
    assert not (tmp_path / "cut" / "adapter_config.json").exists()
    again = launch_two(fork, [*shared, "--resume"], before=SHORT_OF_MEMORY)
    assert 0 == again.code, again.err
    assert 1 == again.err.count("Going on from step ")
    assert 1 == again.err.count("out of memory: going on with")
    assert_same_run(tmp_path / "one", tmp_path / "cut")
    answers = [(tmp_path / run / "samples.jsonl").read_text().splitlines() for run in ("two", "cut")]
    assert 10 == len(answers[0])
    assert answers[0][:6] == answers[1][:6]  # of steps 0, 2 and 4: until it was cut off
    config = [(tmp_path / run / "adapter_config.json").read_bytes() for run in ("two", "cut")]
    assert config[0] == config[1]
    assert 2 == json.loads((tmp_path / "cut" / "training.json").read_text())["sessions"][-1]["cut"]["shards"]


def test_a_process_that_has_gone_is_said_in_words() -> None:
    """With the reason, and how to go on."""
    gone = pytest.raises(HarnessError, match=r"does not answer any more: Connection closed by peer$")
    with gone as caught, _together():
        raise RuntimeError("Connection closed by peer\nand a stack")
    assert "--resume goes on from the last checkpoint" in str(caught.value.hint)


@pytest.mark.slow
def test_processes_that_end_right_after_an_exchange_end_well(tmp_path: Path) -> None:
    """The thread that exchanged still takes Python's lock once; it gets its turn even from a process that holds on."""
    script = tmp_path / "exchange.py"
    script.write_text(
        "import sys, torch, torch.distributed\n"
        "from trainers.training.processes import all_reduce_sum, all_reduce_max\n"
        "torch.distributed.init_process_group('gloo')\n"
        "sys.setswitchinterval(60)\n"
        "all_reduce_max(1)\n"
        "assert (2.0, 7) == (all_reduce_sum(torch.ones(1)).item(), all_reduce_max(int(sys.argv[1])))\n"
    )
    ended = launch_script(script, ["7"])
    assert 0 == ended.code, ended.err


@pytest.mark.slow
def test_bad_data_ends_both_with_one_message(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fork: Fork
) -> None:
    """The first process says what is wrong; the second waits to be ended."""
    monkeypatch.chdir(tmp_path)
    bench.data.write_text("[]")
    ended = launch_two(fork, bench.command(tmp_path / "a", **SETTINGS))
    assert 0 != ended.code
    assert 1 == sum(line.startswith("Error: ") for line in ended.err.splitlines()), ended.err
    assert str(bench.data.name) in ended.err
