"""What the tests share: the shared data, the command line in this process, and an installed example plugin."""

import contextlib
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import harness
from harness import notices, plugins
from harness.cli import main as command_line
from harness.cli.say import speak
from harness.locale import Text
from harness.runs import assemble
from harness.testing import load_profile
from reports import results

pytest_plugins = ["tests.forked", "tests.postgres", "tests.tiny_models"]

# A shell that starts the tests in the background has them ignore Ctrl-C, and the programs they start with them.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The tests read English, whatever the system speaks; those of the language choose it themselves.
os.environ["HARNESS_LANG"] = "en"

load_profile()

with contextlib.suppress(ImportError):
    importlib.import_module("setuptools")  # peft's boft needs it before anything has imported Python's own distutils

gc.disable()  # until everything is imported: what is collected stays to the end


def pytest_collection_finish() -> None:
    """Leave what is there by now out of every collection of garbage: trainers ask for one after each training."""
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with a slow test go first: what begins last runs alone while the other process has nothing left to do."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(autouse=True)
def _english() -> None:
    """What a test before chose as the language of this process is not the next one's."""
    speak("en")


@pytest.fixture(scope="session", autouse=True)
def _no_message_without_a_code() -> Iterator[None]:
    """Whatever a test makes the product say of a run has a code: a message of ours without one is an error.

    Text of a plugin, which is no message of ours, is "other".
    """
    notice, code = notices.as_notice, results.code_of

    def checked(text: str) -> notices.Notice:
        assert isinstance(text, notices.Notice) or not isinstance(text, Text), f"a notice that has no code: {text!r}"
        return notice(text)

    def checked_code(text: str) -> str:
        assert isinstance(text, notices.Notice) or not isinstance(text, Text), f"a notice that has no code: {text!r}"
        return code(text)

    with pytest.MonkeyPatch.context() as patch:
        for module in (notices, assemble):
            patch.setattr(module, "as_notice", checked)
        patch.setattr(results, "code_of", checked_code)
        yield


ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real tasks, answers and scores; tests that need them skip without them."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip("the shared data is not beside this checkout")
    return folder


@dataclass(frozen=True)
class Ran:
    """How one command ended."""

    code: int
    out: str
    err: str


RunCli = Callable[..., Ran]


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, without a store or keys from outside."""
    monkeypatch.chdir(tmp_path)
    for name in ("HARNESS_STORE", "HARNESS_CACHE", "GEMINI_API_KEY", "GOOGLE_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def run_cli(workplace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunCli:
    """Run the command line in this process and return how it ended."""

    def run(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["harness", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            command_line.main()
        captured = capsys.readouterr()
        return Ran(int(stop.value.code or 0), captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def plugin_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the example plugin package is installed."""
    target = tmp_path_factory.mktemp("site")
    source = tmp_path_factory.mktemp("plugin-source")
    for file in (ROOT / "tests" / "plugin").glob("*.*"):
        (source / file.name).write_bytes(file.read_bytes())  # built from a copy: a build leaves files behind
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation",
         "--target", str(target), str(source)],
        check=True,
    )  # fmt: skip
    return target


@pytest.fixture
def example_plugin(plugin_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The example plugin, importable in this process."""
    monkeypatch.syspath_prepend(str(plugin_folder))
    plugins._found.cache_clear()
    yield plugin_folder
    plugins._found.cache_clear()


@pytest.fixture
def task_file(workplace: Path) -> Path:
    """Five tasks in a file ``five.jsonl``."""
    path = workplace / "five.jsonl"
    rows = [{"task_id": number, "input": f"質問{number}", "output": f"答え{number}"} for number in range(5)]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def results_of(workplace: Path, run: str) -> dict:
    """Return the results.json of a run."""
    return json.loads((workplace / "runs" / run / "results.json").read_text(encoding="utf-8"))


def reasons_of(row: dict, run: str = "r") -> dict[str, int]:
    """Return why verdicts of a row of results.json are missing, in words, with their number, from the run's store."""
    found = harness.load_run(run)
    said = Counter(
        str(found.verdict(item).reason)
        for item in found.items
        if [row["task"], row["judge"], row["model"], row["prompt"]]
        == [item.request.task, item.judge, item.request.model, item.request.prompt]
        and found.verdict(item).score is None
    )
    assert said.total() == sum(reason["count"] for reason in row["unscored_reasons"])
    return dict(said)


def notices_of(results: dict, severity: str = "note") -> list[str]:
    """Return the texts of the notices of a results.json."""
    return [notice["text"] for notice in results["notices"] if notice["severity"] == severity]
