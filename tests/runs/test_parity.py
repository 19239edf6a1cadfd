"""An engine's certificate in a run: measured once, before the first answer, kept, and in the way of others."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.runs.load import load_run
from harness.runs.parity import PROMPTS, _bundled, questions_of
from harness.templates import load_template
from harness.types import Message, RenderedPrompt, Request, Sampling
from tests.conftest import RunCli, results_of

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def base(make_tiny: Callable[..., Path]) -> Path:
    """A tiny Llama that takes long prompts."""
    return make_tiny("engines", max_position_embeddings=4096)


@pytest.fixture(scope="module")
def adapter(base: Path, make_adapter: Callable[..., Path]) -> Path:
    """An adapter on it."""
    return make_adapter(base)


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch, workplace: Path) -> dict[str, Any]:
    """Local models answered for by a second engine: all that was opened, by label; ``lost``: without adapters."""
    from harness.runs import assemble
    from tests.second_engine import Second

    opened: dict[str, Any] = {"lost": False}
    plain = assemble.open_model

    def open_second(spec: Any) -> Any:
        made = {}
        for label, model in plain(spec).items():
            instead = None
            if opened["lost"] and spec.backend == "adapter":
                from dataclasses import replace

                instead = next(iter(plain(replace(spec, backend="base", target=None, adapter=None)).values()))
            made[label] = opened[label] = Second(model, instead)
        return made

    monkeypatch.setattr(assemble, "open_model", open_second)
    monkeypatch.setenv("HARNESS_CACHE", str(workplace / "cache"))
    return opened


@pytest.fixture
def evaluate(run_cli: RunCli, base: Path, adapter: Path, workplace: Path) -> Callable[..., Any]:
    """Return a function that evaluates base and adapter on ten tasks."""
    rows = [json.dumps({"input": f"質問{number}について"}, ensure_ascii=False) for number in range(10)]
    Path("ten.jsonl").write_text("\n".join(rows), encoding="utf-8")
    asked = ["--task", "ten=ten.jsonl", "--judge", "rules", "--base", f"hf:{base}", "--dtype", "float32"]
    models = ["--model", "base", "--model", f"tuned=adapter:{adapter}", "--max-new-tokens", "12"]

    def evaluate(name: str, *more: str) -> Any:
        return run_cli("eval", *asked, *models, "--run", name, *more)

    return evaluate


def test_an_engine_is_measured_once_before_it_answers_and_the_run_keeps_it(
    evaluate: Callable[..., Any], seconds: dict[str, Any], workplace: Path
) -> None:
    """In the manifest, results.json and the report; another run finds it in the cache, a rerun needs none."""
    ran = evaluate("first")
    assert 0 == ran.code, ran.err
    assert "Comparing other 1.0 with transformers" in ran.err
    assert 1 == seconds["tuned"].asked
    known = results_of(workplace, "first")["provenance"]["parity"]
    assert {"base", "tuned"} == set(known)
    assert {("equal", "other 1.0", PROMPTS)} == {
        (one["verdict"], one["engine"], one["prompts"]) for one in known.values()
    }
    assert known["tuned"]["share"] == pytest.approx(1, abs=1e-3)
    assert known == load_run("first").manifest.provenance["parity"]
    assert "other 1.0 computes what transformers does" in (workplace / "runs" / "first" / "leaderboard.md").read_text(
        encoding="utf-8"
    )

    ran = evaluate("second", "--limit", "9", "--max-new-tokens", "11")
    assert 0 == ran.code, ran.err
    assert "Comparing" not in ran.err
    assert 0 == seconds["tuned"].asked
    assert known == results_of(workplace, "second")["provenance"]["parity"]

    for kept in (workplace / "cache" / "parity").iterdir():
        kept.unlink()
    ran = evaluate("first")
    assert 0 == ran.code, ran.err
    assert 0 == seconds["tuned"].asked
    assert known == results_of(workplace, "first")["provenance"]["parity"]


def test_a_new_adapter_is_measured_beside_the_base_and_a_few_of_those_that_are_certified(
    evaluate: Callable[..., Any],
    seconds: dict[str, Any],
    base: Path,
    make_adapter: Callable[..., Path],
    workplace: Path,
) -> None:
    """What was certified stays, what is measured on the way is kept, and the new one answers whole before others."""
    more = [part for seed in range(2, 6) for part in ("--model", f"a{seed}=adapter:{make_adapter(base, seed=seed)}")]
    few = ("--limit", "3", "--max-new-tokens", "4")
    assert 0 == evaluate("known", *few, *more).code
    known = results_of(Path(), "known")["provenance"]["parity"]
    assert [8, 8, 8, 2, 2, 2] == [one["answered"] for one in known.values()]
    ran = evaluate("grown", *few, *more, "--model", f"new=adapter:{make_adapter(base, seed=7)}")
    assert 0 == ran.code, ran.err
    [told] = [line for line in ran.err.splitlines() if "Comparing" in line]
    assert told.endswith("once for these models: base, new, tuned, a2, a3")
    grown = results_of(Path(), "grown")["provenance"]["parity"]
    assert ["base", "tuned", "a2", "a3", "a4", "a5", "new"] == list(grown)
    assert known == {label: grown[label] for label in known}
    assert grown["new"]["answered"] == 8
    for kept in (workplace / "cache" / "parity").iterdir():  # lost, with every answer but one model's stored
        kept.unlink()
    assert 0 == evaluate("lost", *few, *more, "--model", f"late=adapter:{make_adapter(base, seed=8)}").code
    again = results_of(Path(), "lost")["provenance"]["parity"]
    assert ["base", "tuned", "a2", "a3", "late"] == list(again)


def test_an_engine_that_loses_an_adapter_answers_nothing(
    evaluate: Callable[..., Any], seconds: dict[str, Any], workplace: Path
) -> None:
    """Exit 1 with the figures, before anything is stored; nothing is kept either. Three tasks and four tokens suffice.

    Bundled tasks are asked beside those of the run, and answers are longer.
    """
    few = ("--limit", "3", "--max-new-tokens", "4")
    seconds["lost"] = True
    ran = evaluate("lost", *few)
    assert 1 == ran.code
    assert "other 1.0 does not compute what transformers does for 'tuned'" in ran.err
    assert "the adapter is not applied: 0 % of its effect is there" in " ".join(ran.err.split())
    assert not (workplace / "cache" / "parity").exists()
    seconds["lost"] = False
    ran = evaluate("lost", *few)
    assert 0 == ran.code, ran.err
    assert "6 answers generated" in ran.err
    assert PROMPTS == results_of(workplace, "lost")["provenance"]["parity"]["tuned"]["prompts"]


def test_prompts_are_spread_over_the_tasks_and_filled_up() -> None:
    """Eight of twenty different ones, each once; of three, three with others; answers are of one length."""

    def requests(count: int, most: int) -> list[Request]:
        return [
            Request(
                key=f"{number} {model}",
                task="t",
                sample_id=str(number),
                model=model,
                prompt="p",
                repeat=0,
                rendered=RenderedPrompt(messages=(Message(role="user", content=str(number)),)),
                sampling=Sampling(max_new_tokens=most, temperature=0.5, repetition_penalty=1.1),
            )
            for model in "ab"
            for number in range(count)
        ]

    asked = questions_of(requests(20, 512))
    assert ["0", "2", "5", "7", "10", "12", "15", "17"] == [prompt.text for prompt in asked.prompts]
    assert Sampling(max_new_tokens=48, repetition_penalty=1.1) == asked.sampling
    others = [RenderedPrompt(messages=(Message(role="user", content=text),)) for text in ("1", "x", "y", "z")]
    asked = questions_of(requests(3, 7), most=5, fill=lambda: others)
    assert ["0", "1", "2", "x", "y"] == [prompt.text for prompt in asked.prompts]
    assert 48 == asked.sampling.max_new_tokens


def test_a_template_that_asks_for_other_columns_gets_the_bundled_tasks_as_they_are(tmp_path: Path) -> None:
    """As text; one that can be filled fills them."""
    own = tmp_path / "own.j2"
    own.write_text("{{ question }} と {{ context }}", encoding="utf-8")
    plain, filled = (_bundled(load_template(name)) for name in (str(own), "course.v1"))
    assert len(plain) == len(filled) > PROMPTS
    assert all(one.text in other.text != one.text for one, other in zip(plain, filled, strict=True))
