"""Local models from the command line: base and adapters in one run, and runs that are killed."""

import json
import re
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import RunCli, notices_of, reasons_of, results_of
from tests.forked import Fork

pytest.importorskip("torch", reason="the extra [local] is not installed")

MakeAdapter = Callable[..., Path]
MODELS = ("--quantization", "none", "--dtype", "float32", "--max-new-tokens", "12")


def tasks(folder: Path, count: int) -> tuple[str, str]:
    rows = ({"input": f"{number}番目の質問に答えてください。"} for number in range(count))
    (folder / "few.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return "--task", "few=few.jsonl"


def answers(workplace: Path) -> dict[str, list[str]]:
    """Return the answers of each model in task order."""
    found: dict[str, list[str]] = {}
    with sqlite3.connect(workplace / "runs/store.sqlite") as store:
        query = "SELECT model, text FROM plan_request JOIN generation USING (request_key) ORDER BY plan, position"
        for model, text in store.execute(query):
            found.setdefault(model, []).append(text)
    return found


def test_base_and_adapters_of_one_folder(
    run_cli: RunCli, workplace: Path, tiny: Path, make_adapter: MakeAdapter
) -> None:
    """Three rows, three sets of answers, base first; a stranger's adapter is noted to have an unknown prompt."""
    one, two = (make_adapter(tiny, scale=0.5, seed=seed) for seed in (1, 2))
    command = ("eval", *tasks(workplace, 4), "--base", str(tiny), "--model", "base", "--model", f"one=adapter:{one}",
               "--model", f"two=adapter:{two}", "--judge", "rules", "--run", "r", *MODELS)  # fmt: skip
    ran = run_cli(*command)
    assert 0 == ran.code, ran.err
    results = results_of(workplace, "r")
    assert {"base", "one", "two"} == {row["model"] for row in results["rows"]}
    assert {"base"} == {comparison["baseline"]["model"] for comparison in results["comparisons"]}
    assert 3 == len({tuple(texts) for texts in answers(workplace).values()})
    assert 2 == sum("training prompt is unknown" in notice for notice in notices_of(results))
    again = run_cli(*command)
    assert (0, True) == (again.code, "12 answers (12 stored, 0 to generate)" in again.err)
    assert ran.out == again.out


def test_a_base_that_was_guessed_is_said_before_it_is_loaded(
    run_cli: RunCli, workplace: Path, tiny: Path, make_adapter: MakeAdapter, set_config: Callable[..., None]
) -> None:
    """Hours of answers of the wrong base would follow from it: already a dry run says which one is taken."""
    adapter = make_adapter(tiny, scale=0.5, seed=9)
    set_config(adapter, base_model_name_or_path=None)
    command = ("eval", *tasks(workplace, 2), "--base", str(tiny), "--model", f"mine=adapter:{adapter}", *MODELS)
    ran = run_cli(*command, "--judge", "rules", "--dry-run")
    assert 0 == ran.code, ran.err
    assert f"mine: adapter {adapter} does not record its base; {tiny} was taken" in ran.err


def test_an_adapter_without_effect_is_refused_and_the_others_finish(
    run_cli: RunCli, workplace: Path, tiny: Path, make_adapter: MakeAdapter
) -> None:
    """Base is scored; the zero adapter has no score and says why."""
    zero = make_adapter(tiny, scale=0.0)
    ran = run_cli("eval", *tasks(workplace, 3), "--base", str(tiny), "--model", f"zero=adapter:{zero}",
                  "--model", "base",
                  "--judge", "rules", "--run", "r", *MODELS)  # fmt: skip
    assert 3 == ran.code
    assert "Model 'zero' stopped" in ran.err
    rows = {row["model"]: row for row in results_of(workplace, "r")["rows"]}
    assert (3, 0) == (rows["base"]["n"], rows["zero"]["n"])
    [reason] = reasons_of(rows["zero"])
    assert "no effect" in reason


@pytest.mark.parametrize(
    ("spec", "message"),
    [("adapter:nowhere", "nowhere"), ("hf:./nowhere", "nowhere"), ("gguf:nowhere.gguf", "nowhere.gguf")],
)
def test_what_is_not_there_is_said_before_any_work(
    run_cli: RunCli, workplace: Path, monkeypatch: pytest.MonkeyPatch, spec: str, message: str
) -> None:
    """A folder or file that does not exist, with no Hub to ask, is an error in a sentence."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    ran = run_cli("eval", *tasks(workplace, 1), "--model", spec, "--judge", "rules")
    assert (True, True, False) == (ran.code in {1, 2}, message in ran.err, "Traceback" in ran.err), ran.err


def test_kill_9_three_times_during_generation(workplace: Path, tiny: Path, fork: Fork) -> None:
    """After each kill the next run finds every answer that was stored, and makes only the others."""
    total = 120
    task = tasks(workplace, total)
    (workplace / "harness.toml").write_text("[models.hf]\nmax_batch_rows = 2\n")
    command = ["eval", *task, "--base", str(tiny), "--model", "base", "--judge", "rules", "--run", "r",
               "--quantization", "none", "--dtype", "float32", "--max-new-tokens", "60"]  # fmt: skip
    before = 0
    for _ in range(3):
        process = fork(command)
        deadline = time.monotonic() + 120
        while (stored := _stored(workplace)) < before + 4:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline, "no batch was finished"
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        _, err = process.communicate()
        if found := re.search(r"(\d+) answers \((\d+) stored", err):
            assert (total, before) == (int(found[1]), int(found[2]))
        before = _stored(workplace)
        assert before >= stored
    last = fork(command)
    _, err = last.communicate()
    assert 0 == last.returncode, err
    assert f"{total} answers ({before} stored, {total - before} to generate)" in err
    assert total == results_of(workplace, "r")["rows"][0]["n"]


def _stored(workplace: Path) -> int:
    path = workplace / "runs/store.sqlite"
    if not path.exists():
        return 0
    with sqlite3.connect(path) as store:
        try:
            return int(store.execute("SELECT count(*) FROM generation").fetchone()[0])
        except sqlite3.OperationalError:  # the tables are not there yet
            return 0


@pytest.mark.slow
def test_the_competition_tasks_through_the_embedded_model(
    run_cli: RunCli, workplace: Path, shared_data: Path, embedded: str
) -> None:
    """Eight of the competition's tasks under two prompts: two rows, and answers in Japanese."""
    path = shared_data / "elyza-tasks-100-tv" / "elyza-tasks-100-TV_0.jsonl"
    ran = run_cli("eval", "--task", f"elyza-tasks-100-tv={path}", "--limit", "8", "--model", embedded,
                  "--prompt", "course.v1", "--prompt", "plain.v1", "--judge", "rules", "--max-new-tokens", "12",
                  "--run", "r")  # fmt: skip
    assert 0 == ran.code, ran.err
    rows = results_of(workplace, "r")["rows"]
    assert {("course.v1", 8), ("plain.v1", 8)} == {(row["prompt"], row["n"]) for row in rows}
    [texts] = answers(workplace).values()
    assert 16 == len(texts)
    japanese = [text for text in texts if re.search(r"[ぁ-んァ-ン一-龥]", text)]
    assert len(japanese) >= 12  # a base model of this size now and then answers with blanks or signs
