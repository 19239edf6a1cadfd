"""The blocks of pages that need models, keys or servers: run with tiny models, made-up files and loopback servers.

The commands are those of the page, letter by letter; what they name lies in the folder that they are run in. Their
Japanese twins have the same commands, which `test_pages` compares.
"""

import csv
import importlib.util
import json
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.cli import try_judges
from harness.testing.servers import gemini, openai
from harness.testing.servers.loopback import Call, Step, serve
from tests.cli.test_rate_import import saved
from tests.conftest import ROOT, RunCli
from tests.docs.pages import Block, blocks, check_output, commands

if any(importlib.util.find_spec(name) is None for name in ("transformers", "peft", "bitsandbytes", "trl")):
    pytest.skip("the extra [train] is not installed", allow_module_level=True)

PAGES = [path for path in (*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md") if ".ja." not in path.name]
STAGED = [page for page in PAGES if any(block.stand_ins for block in blocks(page))]
SETTINGS = """
[models]
base = "tiny"
[generation]
max_new_tokens = 3
[judges.gemini]
base_url = "{gemini}"
[judges.openai]
base_url = "{openai}/v1"
[tasks.elyza-tasks-100]
path = "FOLDER/elyza-tasks-100.jsonl"
[tasks.ja-freeform]
path = "FOLDER"
[tasks.tengu-bench]
path = "FOLDER/tengu-bench.jsonl"
"""
SLOW = {"fewer-calls.md", "local-judge.md", "training.md"}  # 320 tasks; a tiny model that judges, one that is trained
SETS = {"elyza-tasks-100": 100, "tengu-bench": 120, "ja-mt-bench-1shot": 60, "rakuda": 40}
FEWER = 44  # of ELYZA-tasks-100, where a part will do


class Terminal:
    """Somebody at a terminal who takes what is proposed."""

    def isatty(self) -> bool:
        return True

    def readline(self, *_: object) -> str:
        return "\n"


@pytest.fixture(scope="session")
def tiny_base(make_tiny: Callable[..., Path]) -> Path:
    """A base that the prompts of the pages fit into."""
    return make_tiny("stage", max_position_embeddings=4096)


@pytest.fixture(scope="session")
def tiny_adapters(make_adapter: Callable[..., Path], tiny_base: Path) -> list[Path]:
    """Adapters of it."""
    return [make_adapter(tiny_base, seed=seed) for seed in range(5)]


def rows(count: int, **columns: str) -> str:
    made = ({"task_id": n, **{name: f"{text}{n}" for name, text in columns.items()}} for n in range(count))
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in made)


def write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")


def score(call: Call) -> Step:
    """Judge by the length of what is asked, in the form of the service."""
    wire: Any = gemini if "generateContent" in call.path else openai
    return wire.reply(json.dumps({"reason": "理由", "score": 1 + len(wire.asked(call)) % 5}))


@pytest.fixture
def stage(
    workplace: Path, tiny_base: Path, tiny_adapters: list[Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A folder in which everything that the pages name is there, and servers that they may ask."""
    for name in ("tiny", "REPO_OR_DIR"):
        Path(name).symlink_to(tiny_base)
    places = ("adapters/mine", "mine", "v1", "v2", "v3", "v4", "v9", "my-judge", "ME/MY-ADAPTER",
              "someone/their-adapter", "ACRMiyamoto/llm-jp-3-13b-it_lora")  # fmt: skip
    for place, name in enumerate(places):
        shutil.copytree(tiny_adapters[place % len(tiny_adapters)], name)
    for name, size in SETS.items():
        write(f"FOLDER/{name}.jsonl", rows(size, input=f"{name}の問題", output="答え", eval_aspect="要点"))
    write("elyza-tasks-100-TV_0.jsonl", rows(12, input="問題"))
    write("mine.jsonl", rows(12, input="問い", output="答え"))
    write("tasks.jsonl", rows(12, input="問い", output="答え"))
    write("ichikara.json", json.dumps([{"ID": str(n), "text": f"指示{n}", "output": f"答え{n}"} for n in range(16)]))
    with Path("answers.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["model", "task_id", "output"])
        writer.writerows([model, n, f"{model}の答え{n}"] for model in ("old", "new") for n in range(12))
    for name in ("a.csv", "b.csv", "ratings.csv"):
        lines = [f"{m},{n},{1 + (n + len(m) + ord(name[0])) % 5}" for m in ("old", "new") for n in range(12)]
        write(name, "\n".join(["model,task_id,score", *lines, ""]))
    monkeypatch.setattr(try_judges, "LOCAL_PORTS", {})
    monkeypatch.setattr(sys, "stdin", Terminal())
    for name in ("OPENAI_BASE_URL", "GOOGLE_GEMINI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("GEMINI_API_KEY", "k")
    monkeypatch.setenv("HARNESS_CACHE", str(workplace / "cache"))
    with serve(score) as server:
        server.models = ["gemini-3.8-flash", "gpt-5"]
        write("harness.toml", SETTINGS.format(gemini=server.url, openai=server.url))
        yield workplace


def fill_sheets() -> None:
    """Rate what `harness rate` drew, as two people would: sheets, and the files that pages save."""
    for number, sheet in enumerate(sorted(Path("runs/team").rglob("*sheet*.csv")), start=1):
        with sheet.open(newline="", encoding="utf-8-sig") as file:
            found = list(csv.DictReader(file))
        for place, row in enumerate(found):
            row["score"] = str(1 + (place + number) % 5)
        with Path(f"sheet-{number}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(found[0]))
            writer.writeheader()
            writer.writerows(found)
    for number, page in enumerate(sorted(Path().rglob("*rater*.html")), start=1):
        saved(page, f"ratings-bcdf-rater-{number}.json", lambda place, _: {"score": 1 + place % 5})


def earlier(page: str, run_cli: RunCli) -> None:
    """Do what a page's block takes for done."""
    outputs = ("eval", "--task", "t=tasks.jsonl", "--model", "outputs:answers.csv", "--judge", "reference")
    if page in {"panels.md", "local-judge.md"}:
        assert 0 == run_cli(*outputs, "--run", "RUN").code
    if page in {"start-team.md", "rating.md"}:
        assert 0 == run_cli(*outputs, "--run", "team").code
        what = "export" if page == "start-team.md" else "page"
        ran = run_cli("rate", what, "team", "--raters", "2")
        assert 0 == ran.code, ran.err
        fill_sheets()
    if page != "fewer-calls.md":
        write("FOLDER/elyza-tasks-100.jsonl", rows(FEWER, input="問題", output="答え", eval_aspect="要点"))
    if page == "start-adapter.md":
        write("elyza-tasks-100-TV_0.jsonl", rows(100, input="問題"))
        outputs = ("--model", "base", "--model", "mine=adapter:ME/MY-ADAPTER", "--judge", "rules", "--run", "first")
        ran = run_cli("eval", "--task", "elyza-tasks-100-tv=elyza-tasks-100-TV_0.jsonl", *outputs)
        assert 0 == ran.code, ran.err
    if page == "store.md":
        assert 0 == run_cli("eval", "--task", "t=tasks.jsonl", "--model", "echo", "--judge", "rules", "--run", "x").code
    if page == "training.md":
        shutil.rmtree("adapters/mine")


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, id=page.name, marks=pytest.mark.slow if page.name in SLOW else ()) for page in STAGED],
)
def test_the_blocks_run_with_stand_ins(
    page: Path,
    stage: Path,
    tiny_adapters: list[Path],
    run_cli: RunCli,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    """From top to bottom, each command as it stands there; a judge that gave no score here and there is no failure."""
    earlier(page.name, run_cli)
    if page.name == "store.md":
        monkeypatch.setenv("HARNESS_STORE", request.getfixturevalue("postgres_url"))
    for block in blocks(page):
        if block.stand_ins:
            run_block(block, run_cli, monkeypatch, tiny_adapters[1])


def run_block(block: Block, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch, adapter: Path) -> None:
    for command, shown in commands(block.text):
        program, *arguments = shlex.split(command, comments=True)
        if arguments[:1] == ["merge"]:  # two steps of training change less than rounding does
            shutil.rmtree("adapters/mine")
            shutil.copytree(adapter, "adapters/mine")
        if program == "export":
            name, _, value = arguments[0].partition("=")
            monkeypatch.setenv(name, os.environ.get(name) or value)
            continue
        assert program == "harness", command
        ran = run_cli(*arguments)
        assert ran.code in (0, 3), f"{command}\n{ran.err}"
        if shown:
            check_output(shown, ran.out, command)
