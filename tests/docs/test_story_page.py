"""docs/story.md: its commands run one after the other on a tiny model, each with what the one before it left.

`bench/story.py` runs them on the embedded model. A random one stands in for it here, which never ends an answer, and
written answers for its samples.
"""

import importlib.util
import json
import shlex
from importlib.resources import files
from pathlib import Path

import pytest

from tests.conftest import ROOT, RunCli, results_of
from tests.docs.pages import Block, blocks, commands

PAGE = ROOT / "docs" / "story.md"
STEPS = 7  # commands from the base to the claim
SAMPLED = "--model sft=adapter:sft --repeats 3 --temperature 1"
UNSCORED = 3  # a random model's answers are not all of a kind that can be scored


def typed(found: list[Block]) -> list[str]:
    """Return the commands of a page."""
    return [
        " ".join(command.split()) for block in found if block.kind == "console" for command, _ in commands(block.text)
    ]


def test_both_languages_have_the_same_commands() -> None:
    """Only one of the pages is run."""
    twin = PAGE.with_name("story.ja.md")
    assert typed(blocks(PAGE)) == typed(blocks(twin))


@pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("trl", "peft", "bitsandbytes")),
    reason="the extra [train] is not installed",
)
def test_from_the_base_to_the_claim(
    run_cli: RunCli, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command works with what the one before it left."""
    monkeypatch.chdir(tmp_path)
    for block in blocks(PAGE):
        if block.file is not None:
            text = block.text.replace("embedded:gemma-3-270m", str(tiny)).replace("64", "8")
            Path(block.file).write_text(text, encoding="utf-8")
    rows = json.loads((files("trainers") / "demo_pairs.json").read_text(encoding="utf-8"))
    Path("prompts.json").write_text(json.dumps(rows[:40], ensure_ascii=False), encoding="utf-8")
    answers = [
        {"model": name, "output": rows[(place + moved) % 40]["output"]}
        for name, moved in {"own": 0, "another's": 7}.items()
        for place in range(40)
    ]
    Path("answers.jsonl").write_text("".join(json.dumps(one) + "\n" for one in answers), encoding="utf-8")
    ran = typed(blocks(PAGE))
    assert 1 == sum(SAMPLED in command for command in ran)
    assert STEPS == len(ran)
    for command in ran:
        words = shlex.split(command.replace(SAMPLED, "--model outputs:answers.jsonl"))[1:]
        if words[0] == "train":
            words += ["--dtype", "float32", "--set", "quantization=none"]
        done = run_cli(*words)
        assert done.code in {0, UNSCORED}, f"{command}\n{done.err}"
    margin = json.loads(Path("dpo/training.json").read_text(encoding="utf-8"))["outcome"]["heldout_margin"]
    assert isinstance(margin, float)
    claim = results_of(tmp_path, "claim")
    assert "sealed" == claim["ledger"]["bundled:ja-mini"]["part"]
    assert [("dpo", "sft")] == [(one["candidate"]["model"], one["baseline"]["model"]) for one in claim["comparisons"]]
