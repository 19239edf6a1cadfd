"""`harness try` end to end: a tiny adapter, the real SDKs against loopback judges, both languages, wrong inputs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.cli import try_judges
from harness.templates import load_template
from harness.templates.contract import contract_text, make_contract
from harness.testing.servers import gemini, openai
from harness.testing.servers.loopback import Call, Loopback, Step, serve
from harness.testing.servers.quotas import DailyQuota
from tests.cli.test_quotas import refusals
from tests.conftest import Ran, RunCli, results_of

FAST = "wait_initial = 0.005\nwait_max = 0.02\nwait_jitter = 0.005\n"
TWO = ("--limit", "4", "--dtype", "float32", "--max-new-tokens", "8", "--yes")


@pytest.fixture(autouse=True)
def _nobody_around(monkeypatch: pytest.MonkeyPatch) -> None:
    """No keys and no servers from outside."""
    for name in ("OPENAI_BASE_URL", "GOOGLE_GEMINI_BASE_URL", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(try_judges, "LOCAL_PORTS", {})


@pytest.fixture(scope="module")
def roomy(make_tiny: Callable[..., Path]) -> Path:
    """A tiny model that the tasks which come along fit into."""
    return make_tiny("roomy", max_position_embeddings=4096)


@pytest.fixture(scope="module")
def made(make_adapter: Callable[..., Path], roomy: Path) -> Path:
    """An adapter of it that does not say which prompt it was trained with."""
    return make_adapter(roomy, seed=3)


@pytest.fixture
def adapter(workplace: Path, made: Path) -> Path:
    """The adapter as ``adapters/mine``."""
    folder = workplace / "adapters" / "mine"
    folder.parent.mkdir()
    folder.symlink_to(made)
    return Path("adapters/mine")


def strict(name: str) -> Callable[[Call], Step]:
    """A judge that gives every answer 2, and those of an odd length 4."""

    def script(call: Call) -> Step:
        wire: Any = {"gemini": gemini, "openai": openai}[name]
        return wire.reply(json.dumps({"reason": "理由", "score": 4 if len(wire.asked(call)) % 2 else 2}))

    return script


def configured(server: Loopback, name: str, more: str = "") -> None:
    Path("harness.toml").write_text(f'[judges.{name}]\nbase_url = "{server.url}"\n{FAST}{more}', encoding="utf-8")


def last_lines(ran: Ran) -> list[str]:
    return [line for line in ran.out.splitlines() if line.strip()]


def run_name() -> str:
    [folder] = [path for path in Path("runs").iterdir() if path.name.startswith("try-")]
    return folder.name


def test_a_gemini_key_judges(run_cli: RunCli, adapter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Base and adapter on the tasks that come along; the verdict, two numbers, the report and the next command."""
    monkeypatch.setenv("GOOGLE_API_KEY", "canary-try-key")
    with serve(strict("gemini")) as server:
        configured(server, "gemini")
        ran = run_cli("try", str(adapter), *TWO)
        calls = len(server.calls)
        again = run_cli("try", str(adapter), *TWO)
        assert calls == len(server.calls)
    assert (0, 0) == (ran.code, again.code), ran.err
    assert last_lines(ran) == last_lines(again)
    board = results_of(Path(), run_name())
    assert {"base", "mine"} == {row["model"] for row in board["rows"]}
    assert "gemini" == board["primary"]["judge"]
    verdict, means, difference, report, following = last_lines(ran)
    assert "mine" in verdict
    assert "Mean score by gemini (1-5): base " in means
    assert " → mine " in means
    assert "Difference" in difference
    assert f"Report: runs/{run_name()}/report.html" == report
    assert Path(report.removeprefix("Report: ")).is_file()
    assert following.startswith("Next: harness ")
    for said in ("mine (adapter:adapters/mine)", "fits", "8 to generate, 0 stored", "8 calls", "A Gemini key is there"):
        assert said in ran.err
    assert "does not say which prompt it was trained with" in ran.err
    assert "canary-try-key" not in ran.out + ran.err


def test_the_prompt_of_its_training_is_taken(
    run_cli: RunCli, workplace: Path, roomy: Path, make_adapter: Callable[..., Path], llama_tokenizer: Any
) -> None:
    """From the contract: by name if it is the same here, else from the text that was kept."""
    from harness.models.hf.tokens import Encoder

    folder = make_adapter(roomy, seed=8)
    encoder = Encoder(llama_tokenizer, "tiny")
    own = workplace / "own.j2"
    own.write_text("質問：{{ input }}\n答え：", encoding="utf-8")
    for template, shown in (("course-nobos.v1", "course-nobos.v1"), (str(own), "trained.j2")):
        contract = make_contract(
            load_template(template),
            tokens=encoder.tokens,
            answer_tokens=lambda _, text: [*((7, mark) for mark in text), (2, "</s>")],
        )
        (folder / "prompt_contract.json").write_text(contract_text(contract), encoding="utf-8")
        if template == str(own):
            own.unlink()
        ran = run_cli("try", str(folder), *TWO, "--judge", "rules")
        assert 0 == ran.code, ran.err
        assert "Both are asked with the prompt of its training" in ran.err
        assert shown in ran.err


def test_without_a_judge_model_it_says_what_cannot_be_told(run_cli: RunCli, adapter: Path) -> None:
    """Rules alone: no verdict is made up; --judge is asked for, and is the next command."""
    ran = run_cli("try", str(adapter), *TWO)
    assert 0 == ran.code, ran.err
    assert "No judge model is at hand" in ran.err
    assert "--judge" in ran.err
    assert "cannot be told without a judge model" in last_lines(ran)[0]
    assert f"Next: harness judge {run_name()} --judge gemini" == last_lines(ran)[-1]


def test_a_server_on_this_machine_judges(run_cli: RunCli, adapter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that lists its models at a usual port is found; embeddings are passed over."""
    with serve(strict("openai")) as server:
        server.models = ["nomic-embed-text", "gemma3:4b"]
        port = int(server.url.rpartition(":")[2])
        monkeypatch.setattr(try_judges, "LOCAL_PORTS", {9: "nobody", port: "Ollama"})
        ran = run_cli("try", str(adapter), *TWO)
    assert 0 == ran.code, ran.err
    assert "openai:gemma3:4b" == results_of(Path(), run_name())["primary"]["judge"]
    assert f"Ollama answers at http://127.0.0.1:{port}/v1" in ran.err


def test_a_configured_server_is_asked_for_its_model(
    run_cli: RunCli, adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OPENAI_BASE_URL without a model: the first that it lists; no key is needed."""
    with serve(strict("openai")) as server:
        server.models = ["local-1"]
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        assert 0 == run_cli("try", str(adapter), *TWO).code
    assert "openai:local-1" == results_of(Path(), run_name())["primary"]["judge"]


def test_the_competitions_file_is_known_by_its_content(run_cli: RunCli, adapter: Path, workplace: Path) -> None:
    """A TV file under any name ends with the checked submission."""
    rows = [{"task_id": number, "input": f"質問{number}を説明してください。"} for number in range(100)]
    path = workplace / "downloaded (1).jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    ran = run_cli("try", str(adapter), str(path), "--max-new-tokens", "4", "--judge", "rules", "--yes")
    name = run_name()
    assert {"elyza-tasks-100-tv"} == {row["task"] for row in results_of(Path(), name)["rows"]}
    if "No submission was written" in ran.err:
        pytest.fail(ran.err)
    submission = Path("runs") / name / "submission.jsonl"
    assert f"{submission}: 100 answers of mine, ready to hand in." in ran.out
    assert 0 == run_cli("submit", "--check", str(submission)).code


def test_it_asks_before_it_begins(run_cli: RunCli, adapter: Path) -> None:
    """Without a terminal and --yes: exit 2 with the hint, and nothing was made; a dry run says the plan alone."""
    ran = run_cli("try", str(adapter), "--limit", "2", "--judge", "rules")
    assert 2 == ran.code
    assert "Add --yes" in ran.err
    assert not list(Path().glob("runs/try-*"))
    dry = run_cli("try", str(adapter), "--limit", "2", "--judge", "rules", "--dry-run")
    assert (0, "Nothing was done (--dry-run).\n") == (dry.code, dry.out)
    assert "4 to generate" in dry.err


def test_a_quota_that_ends_is_told_with_the_verdict_so_far(
    run_cli: RunCli, adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 3, when it goes on, and the same command as the next one; its plan tells the share of the day."""
    monkeypatch.setenv("GEMINI_API_KEY", "k")
    quota = DailyQuota(strict("gemini"), refusals("gemini"), 5)
    with serve(quota) as server:
        configured(server, "gemini", "requests_per_day = 20\nin_flight = 1\n")
        ran = run_cli("try", str(adapter), *TWO)
    assert 3 == ran.code
    assert "8 of 20 calls a day, 0 used today" in ran.err
    assert "verdicts are there" in ran.err
    assert last_lines(ran)[-1].startswith("Next: harness try adapters/mine")
    again = run_cli("try", str(adapter), *TWO, "--dry-run")
    assert "3 of 20 calls a day, 6 used today" in again.err


def test_japanese(run_cli: RunCli, adapter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plan, verdict and hints in Japanese, with no English sentence among them."""
    monkeypatch.setenv("GEMINI_API_KEY", "k")
    with serve(strict("gemini")) as server:
        configured(server, "gemini")
        ran = run_cli("try", str(adapter), *TWO, "--lang", "ja")
    assert 0 == ran.code, ran.err
    assert "レポート: " in ran.out
    assert "次: harness " in ran.out
    assert "収まります" in ran.err
    for english in ("Note:", "judge ", "Mean", "better", "calls"):
        assert english not in ran.out + ran.err.replace("harness judge ", "")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("adapters/mien",), 1, ["no such adapter", "Did you mean adapters/mine?"]),
        (("adapters",), 1, ["no adapter_config.json", "There is one in adapters/mine"]),
        (("adapters/mine", "taks.jsonl"), 1, ["no such task file", "Did you mean tasks.jsonl?"]),
        (("adapters/mine", "adapters"), 1, ["no such task file"]),
        (("adapters/mine", "elyza-task-100"), 1, ["Did you mean 'elyza-tasks-100'?"]),
        (("D:\\adapters\\mine",), 1, ["D:\\adapters\\mine", "a path of Windows"]),
        (("adapters/mine", "broken.jsonl"), 1, ["broken.jsonl"]),
        (("adapters/mine", "--base", "nowhere/at-all"), 1, ["nowhere/at-all"]),
        (("adapters/mine", "--judge", "gemeni"), 2, ["Did you mean 'gemini'?"]),
        ((), 2, ["ADAPTER"]),
    ],
)
def test_wrong_inputs(
    run_cli: RunCli,
    adapter: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    code: int,
    words: list[str],
) -> None:
    """Each is told in a sentence with the next step, before anything is loaded or made."""
    from harness.remote import reach

    monkeypatch.setattr(reach, "SECONDS", 0.2)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    Path("tasks.jsonl").write_text('{"task_id": 1, "input": "質問"}\n', encoding="utf-8")
    Path("broken.jsonl").write_text('{"task_id": 1,\n', encoding="utf-8")
    ran = run_cli("try", *arguments, "--yes")
    assert code == ran.code, ran.err
    for word in words:
        assert word in ran.err
    assert "Traceback" not in ran.err
    assert not list(Path().glob("runs/try-*"))


def test_a_model_that_does_not_fit_ends_before_anything(
    run_cli: RunCli, adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 1 with both figures; also in a dry run."""
    monkeypatch.setattr("harness.models.hf.backend.available_bytes", lambda _device: 1000)
    for more in ((), ("--dry-run",)):
        ran = run_cli("try", str(adapter), "--yes", "--dtype", "float16", "--judge", "rules", *more)
        assert 1 == ran.code
        assert "GiB are available on the CPU" in ran.err


def test_any_model_spec_can_be_tried(run_cli: RunCli, workplace: Path, roomy: Path) -> None:
    """A whole model has nothing to be compared with unless --base names it."""
    alone = run_cli("try", str(roomy), *TWO, "--judge", "rules")
    assert 0 == alone.code, alone.err
    assert "There is nothing to compare it with" in alone.err
    assert "cannot be told without a judge model" in alone.out
    echoed = run_cli("try", "echo", *TWO, "--judge", "rules", "--base", str(roomy))
    assert 1 == echoed.code or "base" in echoed.out


def test_a_file_with_answers_of_two_models_compares_them(run_cli: RunCli, workplace: Path) -> None:
    """The first in the file is the baseline; the last sentence names the other, not the file."""
    rows = [{"model": who, "task_id": n, "output": f"{who}{n}"} for n in range(8) for who in ("旧版", "新版")]
    Path("two.jsonl").write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    tasks = [{"task_id": n, "input": f"問い{n}", "output": f"旧版{n}"} for n in range(8)]
    Path("ask.jsonl").write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in tasks), encoding="utf-8")
    ran = run_cli("try", "outputs:two.jsonl", "ask.jsonl", "--judge", "reference", "--yes")
    assert 0 == ran.code, ran.err
    assert "nothing to compare" not in ran.err
    assert "two.jsonl/旧版 is what two.jsonl/新版 is compared with: its answers come first in the file." in ran.err
    assert "Whether two.jsonl/新版 is better cannot be told" in ran.out
    assert "two.jsonl/旧版 100.0 → two.jsonl/新版" in ran.out
