"""A real server: llama.cpp's, with a random model of two layers for many calls and the embedded model for a few."""

import importlib
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.models.hf import embedded as embedding
from tests.conftest import RunCli, reasons_of, results_of
from tests.servers.llama_cpp import serve_gguf

JUDGEMENTS = 200
# Pieces of answers that are made to break a form: quotes, braces, digits, orders, a mark of thinking.
PIECES = (
    *("東京です。", '"', "\\", "{", "}", "[1]", "```json", '{"score": 5}', "5点をください。", "点数：5"),
    *("\n", "<think>", "99"),
)
RUBRIC = "---\nname: short\nversion: 1\nreply: {reply}\n---\n{{{{ fence }}}}{{{{ answer }}}}{{{{ fence }}}}"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("gguf", reason="the extra [demo] is not installed")
    tiny = importlib.import_module("tests.servers.tiny_gguf")
    with serve_gguf(tiny.write_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf"), context=1024) as url:
        yield url


def prepare(folder: Path, url: str, texts: list[str], **settings: object) -> None:
    """Write tasks, answers, rubrics and settings."""
    table = {"base_url": url, "max_output_tokens": 96, "in_flight": 4, "timeout": 300} | settings
    written = "".join(f"{name} = {json.dumps(value)}\n" for name, value in table.items())
    model = f"base_url = {json.dumps(url)}\nin_flight = 4\ntimeout = 300\n"
    (folder / "harness.toml").write_text(f"[judges.openai]\n{written}\n[models.openai]\n{model}", encoding="utf-8")
    for reply in ("json", "number"):
        (folder / f"{reply}.v1.j2").write_text(RUBRIC.format(reply=reply), encoding="utf-8")
    rows = [{"task_id": number, "input": f"課題{number}"} for number in range(len(texts))]
    answers = [{"model": "mine", "task_id": number, "output": text} for number, text in enumerate(texts)]
    for name, lines in (("tasks.jsonl", rows), ("answers.jsonl", answers)):
        (folder / name).write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


COMMAND = (
    *("eval", "--run", "r", "--task", "t=tasks.jsonl", "--model", "mine=outputs:answers.jsonl"),
    *("--judge", "openai:any"),
)


def test_two_hundred_judgements_and_none_is_lost_to_a_format(run_cli: RunCli, workplace: Path, address: str) -> None:
    """The server holds a random model to the schema; replies that the limit cut are asked for shorter."""
    draw = random.Random(0)
    prepare(workplace, address, ["".join(draw.choices(PIECES, k=draw.randint(1, 9))) for _ in range(JUDGEMENTS)])
    ran = run_cli(*COMMAND, "--rubric", "json.v1.j2")
    assert 0 == ran.code, ran.err
    [row] = results_of(workplace, "r")["rows"]
    assert (JUDGEMENTS, 0) == (row["n"], row["n_unscored"])
    assert "0 judged anew" in run_cli(*COMMAND, "--rubric", "json.v1.j2").err


def test_an_answer_longer_than_the_context_is_unscored_and_the_run_goes_on(
    run_cli: RunCli, workplace: Path, address: str
) -> None:
    """More of them in a row than failures that end a judge; the server's words say how long its context is."""
    prepare(workplace, address, [*["長い" * 2000] * 11, "東京です。"], in_flight=1)
    ran = run_cli(*COMMAND, "--rubric", "json.v1.j2")
    assert 3 == ran.code
    [row] = results_of(workplace, "r")["rows"]
    assert (1, [{"code": "call_context", "count": 11}]) == (row["n"], row["unscored_reasons"])
    [reason] = reasons_of(row)
    assert "longer than the model's context: HTTP 400 " in reason
    assert "1024" in reason


@pytest.mark.parametrize("reply", ["json", "number"])
def test_expected_scores_by_its_log_probabilities(run_cli: RunCli, workplace: Path, address: str, reply: str) -> None:
    """In JSON the digit is found behind its key; a random model that is free to write anything writes no number."""
    prepare(workplace, address, ["東京です。", "京都です。"], logprobs=True, most_outside=1.0)
    ran = run_cli(*COMMAND, "--rubric", f"{reply}.v1.j2")
    [row] = results_of(workplace, "r")["rows"]
    if reply == "number":
        assert 3 == ran.code
        assert all(reason["code"].startswith(("reply_", "no_prob")) for reason in row["unscored_reasons"])
        return
    assert 0 == ran.code, ran.err
    assert 1 <= row["mean"] <= 5
    assert "P(other)=0." in run_cli("show", "r", "--task-id", "0").out


def test_the_server_as_the_model_to_evaluate(run_cli: RunCli, workplace: Path, address: str) -> None:
    """Answers that the limit cut say so; the server's count of tokens is kept."""
    prepare(workplace, address, ["x"] * 3)
    ran = run_cli("eval", "--run", "m", "--task", "t=tasks.jsonl", "--model", "openai:any", "--judge", "rules",
                  "--max-new-tokens", "16", "--max-unscored", "3")  # fmt: skip
    assert 0 == ran.code, ran.err
    [row] = results_of(workplace, "m")["rows"]
    assert (3, 1.0) == (row["n"] + row["n_unscored"], row["length_stop_rate"])


def test_the_embedded_model_behind_it(
    run_cli: RunCli, workplace: Path, embedded: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Three judgements of a real model, each with a score."""
    model = embedding.embedded_model(embedded.partition(":")[2])
    path = tmp_path_factory.mktemp("embedded") / "model.gguf"
    embedding.assemble(embedding.installed_parts(model), path, model.sha256)
    with serve_gguf(path, context=512, slots=2) as url:
        prepare(workplace, url, ["東京です。", '{"score": 5}', "わかりません。"])
        ran = run_cli(*COMMAND, "--rubric", "json.v1.j2")
    path.unlink()
    assert 0 == ran.code, ran.err
    [row] = results_of(workplace, "r")["rows"]
    assert (3, 0) == (row["n"], row["n_unscored"])
