"""The prompt contract from end to end: a tiny Llama and adapters with contracts under ``eval``, ``ab``, ``prompt``."""

import json
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from harness.models.hf import BASE_MODELS
from harness.models.hf import backend as backend_module
from harness.models.hf import bases as bases_module
from harness.models.hf.resolved_base import ResolvedBase
from harness.models.hf.tokens import Encoder
from harness.templates import load_template
from harness.templates.contract import contract_text, make_contract
from harness.types import Message, RenderedPrompt
from tests.conftest import RunCli, notices_of, results_of

MakeAdapter = Callable[..., Path]
TASK = ("--task", "five=five.jsonl", "--judge", "rules", "--max-new-tokens", "4", "--run", "r")


@pytest.fixture(autouse=True)
def _rules(task_file: Path) -> None:
    """Give the five tasks a rule, so that they can be judged."""
    rows = [json.loads(line) for line in task_file.read_text(encoding="utf-8").splitlines()]
    with_rules = [row | {"rules": [{"type": "non_empty"}]} for row in rows]
    task_file.write_text("".join(json.dumps(row) + "\n" for row in with_rules), encoding="utf-8")


@pytest.fixture
def write_contract(llama_tokenizer: Any) -> Callable[..., Path]:
    """Return a function that writes into an adapter's folder what its training with a template would have left."""

    def write(folder: Path, prompt: str = "course.v1", tokenizer: Any = None, eos: Any = (2, "</s>")) -> Path:
        encoder = Encoder(tokenizer or llama_tokenizer, "tiny")

        def answer_tokens(_: RenderedPrompt, text: str) -> list[tuple[int, str]]:
            return [*encoder.tokens(RenderedPrompt(messages=(Message(role="user", content=text),), bos="never")), eos]

        contract = make_contract(load_template(prompt), tokens=encoder.tokens, answer_tokens=answer_tokens)
        (folder / "prompt_contract.json").write_text(contract_text(contract), encoding="utf-8")
        return folder

    return write


@pytest.fixture
def trained(tiny: Path, make_adapter: MakeAdapter, write_contract: Callable[..., Path]) -> Path:
    """An adapter that was trained with course.v1."""
    return write_contract(make_adapter(tiny))


@pytest.fixture
def no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make loading weights an error."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("weights were loaded")

    BASE_MODELS.clear()
    monkeypatch.setattr(ResolvedBase, "load", refuse)


def ask(run_cli: RunCli, tiny: Path, adapter: Path, *more: str, command: str = "eval") -> Any:
    """Run an evaluation of one adapter named ``mine``."""
    model = ("--model", f"mine=adapter:{adapter}", "--base", str(tiny))
    ran = run_cli(command, *TASK, *model, "--dtype", "float32", *more)
    said = "".join(line for line in ran.err.splitlines(keepends=True) if not line.startswith("Note: rules: "))
    return replace(ran, err=said)  # what judges by rules cannot tell is nothing of prompts


def test_the_same_prompt_is_silent(run_cli: RunCli, tiny: Path, trained: Path) -> None:
    """Nothing is said on the screen or in the files, and the run works; its provenance names the template."""
    ran = ask(run_cli, tiny, trained, "--prompt", "course.v1")
    assert 0 == ran.code, ran.err
    assert "trained with" not in ran.err + ran.out
    results = results_of(Path(), "r")
    assert not [notice for notice in notices_of(results) if "trained" in notice]
    details = results["provenance"]["model_details"]["mine"]
    assert f"course.v1 (sha256 {load_template('course.v1').sha256[:12]})" == details["training_prompt"]


def test_a_copy_under_another_name_is_the_same_prompt(run_cli: RunCli, tiny: Path, trained: Path) -> None:
    """Tokens count, not names or hashes: this file has another front matter."""
    Path("copy.j2").write_text("### 指示\n{{ input }}\n### 回答\n", encoding="utf-8")
    ran = ask(run_cli, tiny, trained, "--prompt", "copy.j2", "--dry-run")
    assert (0, "") == (ran.code, ran.err)


@pytest.mark.usefixtures("no_weights")
@pytest.mark.parametrize(
    ("prompt", "reason"),
    [
        ("course-nobos.v1", "- BOS: once at training, never now\nfrom token 1, of "),
        ("plain.v1", "- the text of the prompt differs\nfrom token 3, of "),
    ],
)
@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_another_prompt_is_refused_before_anything_is_loaded(
    run_cli: RunCli, tiny: Path, trained: Path, prompt: str, reason: str, more: tuple[str, ...]
) -> None:
    """With the difference, both templates and the way out; no file is written."""
    ran = ask(run_cli, tiny, trained, "--prompt", prompt, *more)
    assert (1, "") == (ran.code, ran.out)
    assert "Model 'mine':\ntrained with course.v1 (sha256 1fc95dee6066)\nasked with   " + prompt in ran.err
    assert reason in ran.err
    assert "Hint: Pass --prompt course.v1. --allow-prompt-mismatch evaluates it all the same" in ran.err
    assert not Path("runs").exists()


@pytest.mark.usefixtures("no_weights")
def test_one_matching_prompt_does_not_excuse_the_others(run_cli: RunCli, tiny: Path, trained: Path) -> None:
    """In an A/B test as well; only the prompt that differs is named."""
    two = ("--prompt", "course.v1", "--prompt", "plain.v1")
    for command in ("eval", "ab"):
        ran = ask(run_cli, tiny, trained, *two, command=command)
        assert 1 == ran.code
        assert 1 == ran.err.count("asked with   ")
        assert "asked with   plain.v1" in ran.err


def test_the_flag_lets_it_pass_and_every_report_says_so(run_cli: RunCli, tiny: Path, trained: Path) -> None:
    """On the screen, in Markdown, HTML, results.json and the manifest; a rerun that generates nothing says it again."""
    flag = ("--prompt", "plain.v1", "--allow-prompt-mismatch")
    first, again = ask(run_cli, tiny, trained, *flag), ask(run_cli, tiny, trained, *flag)
    said = "mine: trained with course.v1 (sha256 1fc95dee6066), asked with plain.v1 (sha256 1cd6348777cd): the text of "
    for ran in (first, again):
        assert 0 == ran.code, ran.err
        assert f"Note: {said}" in ran.err
        assert said in ran.out
    assert "0 answers generated" in again.err
    folder = Path("runs/r")
    assert said in (folder / "leaderboard.md").read_text(encoding="utf-8")
    assert said in unescape((folder / "report.html").read_text(encoding="utf-8"))
    for name in ("results.json", "manifest.json"):
        notices = json.loads((folder / name).read_text())["notices"]
        [notice] = [one["text"] for one in notices if one["text"].startswith(said)]
        assert "; now: 1 <s> 280 ▁ [nothing] " in notice
        assert notice.endswith("; allowed by --allow-prompt-mismatch")
    assert said in run_cli("report", "r").out
    assert 1 == ask(run_cli, tiny, trained, "--prompt", "plain.v1").code


def test_ab_under_the_flag(run_cli: RunCli, tiny: Path, trained: Path) -> None:
    """ab.md and results.json have the note."""
    two = ("--prompt", "course.v1", "--prompt", "course-nobos.v1", "--allow-prompt-mismatch")
    ran = ask(run_cli, tiny, trained, *two, command="ab")
    assert 0 == ran.code, ran.err
    [notice] = [text for text in notices_of(results_of(Path(), "r")) if "trained with" in text]
    assert "- mine: trained with course.v1 (sha256 1fc95dee6066), asked with course-nobos.v1 " in ran.out
    assert (
        "asked with course-nobos.v1 (sha256 68033a43c238): BOS: once at training, never now (from token 1, " in notice
    )


def test_bos_that_training_never_had(
    run_cli: RunCli, tiny: Path, make_adapter: MakeAdapter, write_contract: Callable[..., Path]
) -> None:
    """The other way round, with the template of that training in the hint."""
    adapter = write_contract(make_adapter(tiny), "course-nobos.v1")
    ran = ask(run_cli, tiny, adapter)
    assert 1 == ran.code
    assert "- BOS: never at training, once now\n" in ran.err
    assert "Pass --prompt course-nobos.v1." in ran.err


def test_a_template_that_is_not_here_comes_out_of_the_contract(
    run_cli: RunCli, tiny: Path, make_adapter: MakeAdapter, write_contract: Callable[..., Path]
) -> None:
    """The hint's command prints it as it was, and the evaluation with it is silent."""
    text = "---\nbos: once\n---\n問: {{ input }}\n答: "
    Path("mine.j2").write_text(text, encoding="utf-8")
    adapter = write_contract(make_adapter(tiny), "mine.j2")
    Path("mine.j2").unlink()
    ran = ask(run_cli, tiny, adapter)
    assert 1 == ran.code
    assert f"harness prompt extract adapter:{adapter} > trained.j2, then --prompt trained.j2." in ran.err
    assert text == run_cli("prompt", "extract", f"adapter:{adapter}").out
    Path("trained.j2").write_text(text, encoding="utf-8")
    assert (0, "") == tuple(
        getattr(ask(run_cli, tiny, adapter, "--prompt", "trained.j2", "--dry-run"), name) for name in ("code", "err")
    )


@pytest.mark.usefixtures("no_weights")
def test_another_tokenizer_is_named_as_the_reason(
    run_cli: RunCli, tiny: Path, make_adapter: MakeAdapter, write_contract: Callable[..., Path], llama_tokenizer: Any
) -> None:
    """The same template becomes other tokens: no other prompt can help, the right base can."""
    from transformers import PreTrainedTokenizerFast

    state = json.loads(llama_tokenizer.backend_tokenizer.to_str())
    state["model"]["merges"] = state["model"]["merges"][:5]
    from tokenizers import Tokenizer

    other = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(state)), bos_token="<s>", eos_token="</s>"
    )
    adapter = write_contract(make_adapter(tiny), "course.v1", other)
    ran = ask(run_cli, tiny, adapter)
    assert 1 == ran.code
    assert "- the tokenizer is another one: the very text of training becomes other tokens" in ran.err
    assert "the text of the prompt differs" not in ran.err
    assert "Hint: Evaluate it on the base of its training: --base SPEC. --allow" in ran.err


@pytest.mark.usefixtures("no_weights")
@pytest.mark.parametrize("flag", [(), ("--allow-prompt-mismatch",)])
def test_a_damaged_contract_is_an_error_with_or_without_the_flag(
    run_cli: RunCli, tiny: Path, trained: Path, flag: tuple[str, ...]
) -> None:
    """It is never taken for an adapter without contract."""
    path = trained / "prompt_contract.json"
    path.write_text(path.read_text(encoding="utf-8")[:-40], encoding="utf-8")
    ran = ask(run_cli, tiny, trained, *flag)
    assert (1, "") == (ran.code, ran.out)
    assert f"{path}: not a prompt contract: " in ran.err


def test_another_end_of_answers_than_in_training_is_noted(
    run_cli: RunCli, tiny: Path, make_adapter: MakeAdapter, write_contract: Callable[..., Path]
) -> None:
    """The adapter learnt to stop with a token at which this base does not stop: every answer runs to its limit."""
    ran = ask(run_cli, tiny, write_contract(make_adapter(tiny), eos=(3, "<pad>")))
    assert 0 == ran.code, ran.err
    said = [text for text in notices_of(results_of(Path(), "r")) if "training ended" in text]
    assert [
        "mine: training ended every answer with <pad> (id 3), at which generation with this base does not stop"
    ] == said


def test_no_contract_is_only_noted(run_cli: RunCli, tiny: Path, make_adapter: MakeAdapter) -> None:
    """A stranger's adapter can be asked with anything; the report says that its training prompt is unknown."""
    ran = ask(run_cli, tiny, make_adapter(tiny), "--prompt", "plain.v1")
    assert 0 == ran.code, ran.err
    assert "has no prompt_contract.json: its training prompt is unknown" in ran.out


def test_one_tokenizer_is_read_for_all_adapters_and_prompts(
    run_cli: RunCli, tiny: Path, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two adapters and three prompts: reading a large vocabulary takes a second or two."""
    from transformers import AutoTokenizer

    read: list[Path] = []

    class Counting:
        @staticmethod
        def from_pretrained(folder: Path, **options: Any) -> Any:
            read.append(folder)
            return AutoTokenizer.from_pretrained(folder, **options)

    monkeypatch.setattr(bases_module, "AutoTokenizer", Counting)
    backend_module._encoder.cache_clear()
    prompts = ("--prompt", "course.v1", "--prompt", "plain.v1", "--prompt", "polite.v1")
    second = ("--model", f"second=adapter:{trained}")
    ran = ask(run_cli, tiny, trained, *prompts, *second, "--allow-prompt-mismatch", "--dry-run")
    assert 0 == ran.code, ran.err
    assert 4 == ran.err.count("Note: ")
    assert [tiny] == read


@pytest.mark.usefixtures("no_weights")
def test_lint_compares_with_an_adapter(run_cli: RunCli, tiny: Path, trained: Path) -> None:
    """By folder or by spec; the finding is an error."""
    for adapter in (str(trained), f"adapter:{trained}"):
        ran = run_cli("prompt", "lint", "course.v1", "course-nobos.v1", "--adapter", adapter, "--base", str(tiny))
        assert 1 == ran.code
        assert "course.v1: nothing to remark\n" in ran.out
        assert (
            "course-nobos.v1: error: the adapter was trained with course.v1 (sha256 1fc95dee6066), asked wi" in ran.out
        )
        assert "BOS: once at training, never now (from token 1, " in ran.out
        assert ran.out.endswith(" (contract)\n")
    same = run_cli("prompt", "lint", "course.v1", "--adapter", str(trained), "--base", str(tiny))
    assert (0, "course.v1: nothing to remark\n") == (same.code, same.out)


def test_lint_and_extract_say_that_there_is_no_contract(run_cli: RunCli, tiny: Path, make_adapter: MakeAdapter) -> None:
    """Nothing is compared with nothing."""
    adapter = str(make_adapter(tiny))
    for arguments in (("lint", "course.v1", "--adapter", adapter, "--base", str(tiny)), ("extract", adapter)):
        ran = run_cli("prompt", *arguments)
        assert (1, "") == (ran.code, ran.out)
        assert f"{adapter!r} has no prompt_contract.json: its training prompt is unknown." in ran.err
