"""Served judges through the whole program: faults, keys, model versions, money and speed, against loopback servers."""

import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from harness.testing.servers import gemini, openai
from harness.testing.servers.loopback import Call, Loopback, Step, in_turn, serve
from tests.conftest import RunCli, reasons_of, results_of
from tests.judges.served import Faulty, number_of, score_of
from tests.patience import PATIENCE

CANARY = {"gemini": "canary-gemini-5b1e-key", "openai": "canary-openai-91cd-key"}
WIRE: dict[str, Any] = {"gemini": gemini, "openai": openai}
FAST = "wait_initial = 0.005\nwait_max = 0.02\nwait_jitter = 0.005\n"


def turns(name: str, call: Call) -> list[str]:
    """What was said so far, whoever's wire it is."""
    if name == "gemini":
        return [str(turn["parts"][0]["text"]) for turn in call.body["contents"]]
    return [str(message["content"]) for message in call.body["messages"]]


def scored(name: str, number: int, **more: Any) -> Step:
    return WIRE[name].reply(json.dumps({"reason": "理由", "score": score_of(number)}, ensure_ascii=False), **more)


def faulty(name: str) -> Faulty:
    wire = WIRE[name]
    limits = [gemini.too_many()] if name == "gemini" else [openai.error(429, "Rate limit reached")]
    down = gemini.error(500, "INTERNAL") if name == "gemini" else openai.error(500, "oops")
    return Faulty(
        lambda call: scored(name, number_of(turns(name, call)[0])),
        lambda call: turns(name, call),
        passing=[*limits, down, wire.reply('{"score": 1}').cut_after(60), Step(drop=True)],
        unreadable=[wire.reply("読めない返答"), wire.reply('{"score": 9}')],
        rate=0.2,
    )


@pytest.fixture
def run(run_cli: RunCli, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> RunCli:
    """The command line with both keys in its environment."""
    for name in ("GOOGLE_GEMINI_BASE_URL", "OPENAI_BASE_URL", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GEMINI_API_KEY", CANARY["gemini"])
    monkeypatch.setenv("OPENAI_API_KEY", CANARY["openai"])
    return run_cli


def write_tasks(count: int) -> None:
    rows = [{"task_id": n, "input": f"課題({n})", "output": f"正解({n})"} for n in range(count)]
    Path("tasks.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def configure(server: Loopback, name: str, more: str = FAST) -> None:
    Path("harness.toml").write_text(f'[judges.{name}]\nbase_url = "{server.url}"\n{more}', encoding="utf-8")


def evaluate(run: RunCli, judge: str, *more: str) -> Any:
    return run("eval", "--task", "mine=tasks.jsonl", "--model", "echo", "--judge", judge, "--run", "r", *more)


def rows_in_store(judge: str) -> list[tuple[str, str, float | None]]:
    with sqlite3.connect("runs/store.sqlite") as store:
        return store.execute(
            "SELECT request_key, status, score FROM judgement WHERE judge = ? ORDER BY request_key", (judge,)
        ).fetchall()


@pytest.mark.parametrize("name", ["gemini", "openai"])
def test_500_items_at_20_percent_faults_lose_and_double_none(run: RunCli, name: str) -> None:
    """One row per item in the store, all scored, each with its own item's score; a rerun asks nothing."""
    write_tasks(500)
    script = faulty(name)
    with serve(script) as server:
        configure(server, name)
        ran = evaluate(run, f"{name}:test-model")
        assert 0 == ran.code, ran.err
        calls = len(server.calls)
        assert 0 == evaluate(run, f"{name}:test-model").code
        assert calls == len(server.calls)
    assert dict.fromkeys(range(500), 1) == script.served
    stored = rows_in_store(f"{name}:test-model")
    assert (500, {"scored"}) == (len(stored), {status for _, status, _ in stored})
    assert 500 == len({key for key, _, _ in stored})
    [row] = results_of(Path(), "r")["rows"]
    expected = sum(score_of(number) for number in range(500)) / 500
    assert (500, 0, pytest.approx(expected)) == (row["n"], row["n_unscored"], row["mean"])


@pytest.mark.parametrize("name", ["gemini", "openai"])
def test_no_key_is_ever_written_or_shown(run: RunCli, name: str) -> None:
    """Not in store, manifest, reports, sheets or output of any command with --debug, even if a server sends it back."""
    write_tasks(6)
    with serve(lambda call: scored(name, number_of(turns(name, call)[0]))) as server:
        configure(server, name)
        judge = f"{name}:test-model"
        ran = [evaluate(run, judge, "--debug"), evaluate(run, judge, "--debug", "--dry-run")]
        rejected = (
            gemini.bad_key(CANARY[name])
            if name == "gemini"
            else openai.error(401, f"Incorrect API key provided: {CANARY[name]}", code="invalid_api_key")
        )
        server.script = in_turn(rejected)
        ran.append(run("judge", "r", "--judge", judge, "--rubric", "digits.v1", "--debug"))
        assert 3 == ran[-1].code
        assert "stopped" in ran[-1].err
        ran += [
            run("rate", "export", "r", "--debug"),
            run("audit", "r", "--debug"),
            run("audit", "r", "--json", "--debug"),
            run("compare", "r", "--debug"),
            run("report", "r", "--format", "all", "--debug"),
            run("ls", "runs", "--debug"),
            run("doctor", "--debug"),
        ]
    files = [path for path in Path().rglob("*") if path.is_file()]
    assert {"store.sqlite", "manifest.json", "results.json", "leaderboard.md"} <= {path.name for path in files}
    for path in files:
        assert CANARY[name].encode() not in path.read_bytes(), path
    for one in ran:
        assert CANARY[name] not in one.out + one.err


@pytest.mark.parametrize("name", ["gemini", "openai"])
def test_a_model_version_that_changes_within_a_run_is_said_on_the_board(run: RunCli, name: str) -> None:
    """Scores of the two never meet in a figure: those of one version are unscored, by a code of their own."""
    write_tasks(8)

    def script(call: Call) -> Step:
        return scored(name, number_of(turns(name, call)[0]), version="model-001" if call.number < 4 else "model-002")

    with serve(script) as server:
        configure(server, name)
        first = evaluate(run, f"{name}:test-model", "--limit", "4")
        assert (0, False) == (first.code, "The judge changed" in first.out)
        second = evaluate(run, f"{name}:test-model", "--overwrite")
    assert 3 == second.code
    assert "4 of 8 verdicts are by another version of their judge" in second.err
    assert "The judge changed: model-001 4, model-002 4" in second.out
    [row] = results_of(Path(), "r")["rows"]
    assert (4, 4, [{"code": "other_version", "count": 4}]) == (row["n"], row["n_unscored"], row["unscored_reasons"])
    assert "versions.held" in [one["code"] for one in results_of(Path(), "r")["notices"]]
    assert "several model versions: model-001, model-002" in run("audit", "r").out


def test_another_rubric_is_another_judge_beside_the_first(run: RunCli) -> None:
    """The rubric's name tells them apart; the old rows stay, and the same command again asks nothing."""
    write_tasks(5)
    with serve(lambda call: scored("gemini", number_of(turns("gemini", call)[0]))) as server:
        configure(server, "gemini")
        assert 0 == evaluate(run, "gemini:test-model").code
        before = results_of(Path(), "r")["rows"]
        command = ("judge", "r", "--judge", "gemini:test-model", "--rubric")
        added = run(*command, "elyza-sandwich.v1")
        assert (0, 10) == (added.code, len(server.calls))
        assert "the new one is named 'gemini:test-model (elyza-sandwich.v1)'" in added.err
        assert before == [row for row in results_of(Path(), "r")["rows"] if row["judge"] == "gemini:test-model"]
        assert added.out == run(*command, "elyza-sandwich.v1").out
        assert 0 == run(*command, "elyza.v1").code
        assert 10 == len(server.calls)
    assert {"gemini:test-model", "gemini:test-model (elyza-sandwich.v1)"} == {
        row["judge"] for row in results_of(Path(), "r")["rows"]
    }


def test_the_cost_limit_of_a_served_judge(run: RunCli) -> None:
    """100 tokens in and 20 out at 1 and 5 dollars a million: 0.0002 each. A limit of 0.0011 pays for five."""
    write_tasks(40)
    Path("prices.toml").write_text('["test-model"]\ninput = 1.0\noutput = 5.0\n')
    with serve(lambda call: scored("gemini", number_of(turns("gemini", call)[0])).after(0.02)) as server:
        configure(server, "gemini", 'prices = "prices.toml"\n')
        dry = evaluate(run, "gemini:test-model", "--dry-run", "--json")
        expected = json.loads(dry.out)["expected"]["gemini:test-model"]
        assert (40, True) == (expected["calls"], expected["cost"] > 0)
        ran = evaluate(run, "gemini:test-model", "--max-cost", "0.0011")
        assert (3, 5) == (ran.code, len(server.calls))
        assert "Stopped at the cost limit: $0.0010 was spent." in ran.err
        rest = evaluate(run, "gemini:test-model")
        assert (0, 40) == (rest.code, len(server.calls))
    assert 40 == results_of(Path(), "r")["rows"][0]["n"]


def test_the_cost_limit_of_a_served_model(run: RunCli) -> None:
    """Answers are paid for too: 0.0002 each, five on 0.0011; a free judge judges those; a rerun makes the rest."""
    write_tasks(40)
    Path("prices.toml").write_text('["test-model"]\ninput = 1.0\noutput = 5.0\n')
    arguments = ("eval", "--task", "mine=tasks.jsonl", "--model", "openai:test-model", "--judge", "rules", "--run", "r")
    with serve(lambda _: openai.reply("東京です。")) as server:
        Path("harness.toml").write_text(f'[models.openai]\nbase_url = "{server.url}"\nprices = "prices.toml"\n')
        expected = json.loads(run(*arguments, "--dry-run", "--json").out)["expected"]["openai:test-model"]
        assert (40, 40 * 512) == (expected["calls"], expected["tokens_out"])
        ran = run(*arguments, "--max-cost", "0.0011")
        assert (3, 5) == (ran.code, len(server.calls))
        assert {"no answer was generated": 35} == reasons_of(results_of(Path(), "r")["rows"][0])
        assert (0, 40) == (run(*arguments).code, len(server.calls))


@pytest.mark.parametrize("name", ["gemini", "openai"])
@pytest.mark.parametrize("claim", [-(10**12), 0, "many"])
def test_no_token_count_of_a_server_ends_the_cost_limit(run: RunCli, name: str, claim: Any) -> None:
    """Counts that cannot be are no money: what such a verdict or answer costs is estimated, and the limit holds."""
    write_tasks(40)
    Path("prices.toml").write_text('["test-model"]\ninput = 1.0\noutput = 5.0\n')

    def told(step: Step) -> Step:
        body = json.loads(step.payload)
        usage = {"promptTokenCount": claim, "candidatesTokenCount": claim}
        usage |= {"prompt_tokens": claim, "completion_tokens": claim}
        body["usageMetadata" if name == "gemini" else "usage"] = usage
        return Step(body)

    price = 'prices = "prices.toml"\n'
    with serve(lambda call: told(scored(name, number_of(turns(name, call)[0])))) as server:
        configure(server, name, price)
        ran = evaluate(run, f"{name}:test-model", "--max-cost", "0.002")
        assert (3, True) == (ran.code, 1 <= len(server.calls) <= 5)
        assert "Stopped at the cost limit" in ran.err
    with serve(lambda _: told(WIRE[name].reply("東京です。" * 40))) as server:
        Path("harness.toml").write_text(f'[models.{name}]\nbase_url = "{server.url}"\n{price}')
        arguments = ("--task", "mine=tasks.jsonl", "--model", f"{name}:test-model", "--judge", "rules", "--run", "s")
        ran = run("eval", *arguments, "--max-cost", "0.004")
        assert (3, True) == (ran.code, 1 <= len(server.calls) <= 5)


def test_a_limit_without_a_known_price_is_refused_before_the_first_call(run: RunCli) -> None:
    """No table has the model: an error that says where to put its price."""
    write_tasks(2)
    with serve(lambda _: scored("openai", 1)) as server:
        configure(server, "openai")
        ran = evaluate(run, "openai:test-model", "--max-cost", "1")
        assert (1, 0) == (ran.code, len(server.calls))
    assert "The cost of judge 'openai:test-model' cannot be limited" in ran.err
    assert "prices" in ran.err


def test_a_server_that_is_gone_ends_a_hopeless_run_early(run: RunCli) -> None:
    """Nobody answers: the judge is given up after a few tries, the answers are kept, the message says what to do."""
    write_tasks(300)
    with serve(lambda _: Step(drop=True)) as server:
        configure(server, "openai", FAST + "attempts = 2\nin_flight = 4\n")
        ran = evaluate(run, "openai:test-model")
        calls = len(server.calls)
        assert 3 == ran.code
        assert calls < 100
        assert "Error: Judge 'openai:test-model' stopped:" in ran.err
        assert "the same command" in ran.err
        server.script = lambda call: scored("openai", number_of(turns("openai", call)[0]))
        assert 0 == evaluate(run, "openai:test-model").code
    assert 300 == results_of(Path(), "r")["rows"][0]["n"]


@pytest.mark.parametrize("name", ["gemini", "openai"])
def test_as_many_calls_are_open_as_the_default_says(run: RunCli, name: str) -> None:
    """32: each waits for the others, so fewer would wait for ever. How long rounds take is in bench/."""
    write_tasks(64)
    together = threading.Barrier(32, timeout=PATIENCE)

    def meet(_: Call) -> Step:
        together.wait()
        return scored(name, 3)

    with serve(meet) as server:
        configure(server, name)
        ran = evaluate(run, f"{name}:test-model")
    assert (0, 64, 32) == (ran.code, len(server.calls), server.most_at_once), ran.err


def test_the_page_has_the_prompt_and_the_reply_of_every_verdict(run: RunCli, workplace: Path) -> None:
    """As they went over the wire: what the server got is the prompt with the answer in its place."""
    write_tasks(2)
    asked: list[str] = []

    def answer(call: Call) -> Step:
        asked.append(turns("openai", call)[-1])
        return scored("openai", number_of(asked[-1]))

    with serve(answer) as server:
        configure(server, "openai")
        assert 0 == evaluate(run, "openai:m").code
    page = (workplace / "runs/r/report.html").read_text(encoding="utf-8")
    data = json.loads(page.partition('id="data">')[2].partition("</script>")[0])
    texts, prompts = data["texts"], data["asked"]["0"]["0"]
    for sample, place in enumerate(prompts):
        [[[[_, _, raw]]]] = [data["verdicts"][0][0][sample]]
        assert "理由" in texts[raw]
        before, _, after = texts[place].partition(data["slot"])
        [[[answered, _, _]]] = [data["answers"][0][sample][0]]
        # the marks around the answer are taken from the answer itself, and differ
        [sent] = [text for text in asked if f"課題({sample})" in text]
        assert sent.startswith(before[:200])
        assert texts[answered] in sent
        assert sent.endswith(after[-100:])
