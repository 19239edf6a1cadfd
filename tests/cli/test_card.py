"""`harness card`: the card of an adapter from the command line, with the scores of runs, and the push."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.models.hf.digests import content_digest
from tests.conftest import ROOT, RunCli
from tests.servers.hub import hub
from tests.trainers.adapter_folders import record_of, write_folder
from trainers.adapter.card_scores import BEGIN, END
from trainers.adapter.publishing import PUBLISHED

TOKEN = "hf_" + "s3cret" * 5


@pytest.fixture
def adapter(workplace: Path) -> Path:
    """An adapter `out` without a card."""
    return write_folder(workplace / "out")


@pytest.fixture
def evaluated(run_cli: RunCli, task_file: Path, adapter: Path) -> RunCli:
    """A run `first` of base and of the adapter, whose answers are better.

    The answers come from a file; the provenance of the run is then given what local models write into it.
    """
    rows = [{"model": "base", "task_id": number, "output": "違う" + "x" * number} for number in range(5)]
    rows += [{"model": "adapter:out", "task_id": number, "output": f"答え{number}"} for number in range(5)]
    Path("answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    ran = run_cli("eval", "--task", f"mine={task_file}", "--model", "outputs:answers.jsonl", "--judge", "reference",
                  "--run", "first")  # fmt: skip
    assert 0 == ran.code, ran.err
    patch("first", {"base": None, "adapter:out": digest(adapter)})
    return run_cli


def digest(adapter: Path) -> str:
    """Return an adapter's identity as evaluation computes it."""
    return content_digest([adapter / "adapter_config.json", adapter / "adapter_model.safetensors"])


def patch(run: str, digests: dict[str, str | None]) -> None:
    """Write the adapters' digests into a run's results.json."""
    path = Path("runs") / run / "results.json"
    results: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    results["provenance"]["model_details"] = {label: {"adapter_digest": known} for label, known in digests.items()}
    path.write_text(json.dumps(results), encoding="utf-8")


def section(adapter: Path) -> str:
    """Return the scores of a card."""
    return (adapter / "README.md").read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]


def test_a_missing_card_is_written_from_the_record(run_cli: RunCli, adapter: Path) -> None:
    """With the picture, if the log is there and it is not; the path is the result. Who wrote in it keeps that."""
    ran = run_cli("card", "out")
    assert (0, "out/README.md\n", "") == (ran.code, ran.out, ran.err)
    text = (adapter / "README.md").read_text(encoding="utf-8")
    assert text.startswith("---\nbase_model: llm-jp/llm-jp-3-13b\n")
    assert "# out\n" in text
    assert "](loss.png)" in text
    assert (adapter / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert "was not evaluated yet" in section(adapter)
    (adapter / "README.md").write_bytes(b"# mine\r\n")
    assert 0 == run_cli("card", "out").code
    assert b"# mine\r\n" == (adapter / "README.md").read_bytes()


def test_a_record_without_log_gives_a_card_without_picture(run_cli: RunCli, adapter: Path) -> None:
    """No link to a file that is not there."""
    (adapter / "trainer_log.jsonl").unlink()
    assert 0 == run_cli("card", "out").code
    assert "![" not in (adapter / "README.md").read_text(encoding="utf-8")
    assert not (adapter / "loss.png").exists()


def test_the_scores_of_a_run_are_those_of_its_results(evaluated: RunCli, adapter: Path) -> None:
    """Base and adapter with means, intervals and the comparison, as results.json has them."""
    ran = evaluated("card", "out", "--run", "first")
    assert (0, "out/README.md\n") == (ran.code, ran.out), ran.err
    results = json.loads(Path("runs/first/results.json").read_text(encoding="utf-8"))
    own = next(row for row in results["rows"] if row["model"] == "adapter:out")
    compared = results["comparisons"][0]
    line = next(line for line in section(adapter).splitlines() if line.startswith("| adapter:out"))
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert ["adapter:out", f"{own['mean']:.1f}", f"{own['low']:.1f} – {own['high']:.1f}", "5", "0"] == cells[:5]
    assert [f"{compared['difference']:+.1f}", f"{compared['p_adjusted']:.3f}"] == [cells[5], cells[7]]
    assert "| base (baseline)" in section(adapter)
    before = (adapter / "README.md").read_bytes()
    assert 0 == evaluated("card", "out", "--run", "first", "--run", "runs/first").code
    assert section(adapter).count("### mine") == 1
    assert before == (adapter / "README.md").read_bytes()


def test_the_scores_of_an_older_training_stay_out(evaluated: RunCli, adapter: Path) -> None:
    """The weights changed since the run: an error with both digests, and the card is as it was."""
    before = digest(adapter)
    evaluated("card", "out")
    written = (adapter / "README.md").read_bytes()
    (adapter / "adapter_model.safetensors").write_bytes(b"trained again")
    ran = evaluated("card", "out", "--run", "first")
    assert (1, "") == (ran.code, ran.out)
    assert f"Run 'first' did not evaluate this adapter ({digest(adapter)[:12]})" in ran.err
    assert f"it evaluated adapter:out (adapter {before[:12]}), base." in ran.err
    assert "Traceback" not in ran.err
    assert written == (adapter / "README.md").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere: no such folder."),
        (["empty"], "empty: no adapter_config.json, so no adapter."),
        (["strangers"], "strangers: no training.json, so what it was trained on is not on record."),
        (["half"], "harness train --resume"),
        (["damaged"], "damaged/training.json: steps: no such key"),
        (["out", "--run", "frist"], "No run named 'frist'.\nHint: Did you mean 'first'?"),
        (["out", "--run", "./unfinished"], "unfinished holds no finished run"),
        (["out", "--push-to-hub", "me/x"], "There is no token for the Hub"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    evaluated: RunCli, adapter: Path, arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 1 or 2, what and where, no traceback."""
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", "no-token")
    for name in ("empty", "unfinished"):
        Path(name).mkdir()
    (write_folder(Path("strangers")) / "training.json").unlink()
    (write_folder(Path("half")) / "adapter_model.safetensors").unlink()
    damaged = write_folder(Path("damaged")) / "training.json"
    damaged.write_text(
        damaged.read_text(encoding="utf-8").replace('"schema"', '"steps": 1, "schema"'), encoding="utf-8"
    )
    ran = evaluated("card", *arguments)
    assert ran.code in {1, 2}
    assert message in ran.err
    assert "Traceback" not in ran.err


def test_public_without_a_push_is_a_mistake(run_cli: RunCli, adapter: Path) -> None:
    """Usage: exit code 2."""
    ran = run_cli("card", "out", "--public")
    assert 2 == ran.code
    assert "Add --push-to-hub REPO." in ran.err


def test_a_folder_that_may_not_be_written(run_cli: RunCli, adapter: Path) -> None:
    """The file is named."""
    (adapter / ".README.md.part").mkdir()
    ran = run_cli("card", "out")
    assert 1 == ran.code
    assert "out/README.md cannot be written" in ran.err


def pushed(program: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    return subprocess.run(program, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("public", [False, True])
def test_the_push_honours_hf_endpoint_and_says_where_it_is(workplace: Path, adapter: Path, public: bool) -> None:
    """A process of its own: HF_ENDPOINT, HF_TOKEN; the paths on stdout, the token nowhere, also with --debug."""
    with hub(TOKEN) as server:
        environment = os.environ | {
            "HF_ENDPOINT": server.url, "HF_TOKEN": TOKEN, "HF_HOME": str(workplace / "hf"), "PYTHONPATH": str(ROOT)
        }  # fmt: skip
        program = [sys.executable, "-c", "from harness.cli.main import main; main()", "card", "out"]
        program += ["--push-to-hub", "someone/mine", "--debug", *(["--public"] if public else [])]
        ended = pushed(program, environment)
        assert (0, f"out/README.md\n{server.url}/someone/mine\n") == (ended.returncode, ended.stdout), ended.stderr
        assert TOKEN not in ended.stderr
        assert public != server.repositories["someone/mine"].private
        assert sorted(PUBLISHED) == sorted(server.repositories["someone/mine"].files)
        environment["HF_TOKEN"] = "hf_of_yesterday"
        ended = pushed(program, environment)
        assert 1 == ended.returncode
        assert "The Hub does not accept the token" in ended.stderr
        assert "hf_of_yesterday" not in ended.stderr


def test_an_embedded_base_can_be_pushed(workplace: Path, monkeypatch: pytest.MonkeyPatch, run_cli: RunCli) -> None:
    """Its card names no base in the front matter, which the Hub would refuse."""
    write_folder(workplace / "demo", record_of(base="embedded:gemma-3-270m", base_revision=None))
    with hub(TOKEN) as server:
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.url)
        ran = run_cli("card", "demo", "--push-to-hub", "demo")
    assert (0, f"demo/README.md\n{server.url}/someone/demo\n") == (ran.code, ran.out), ran.err
