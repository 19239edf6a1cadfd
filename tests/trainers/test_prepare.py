"""All that is settled before a weight is loaded, on a tiny random Llama: refused, noted, counted, planned."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError, UsageError
from harness.models.hf import open_local
from harness.templates import load_template
from harness.types import ModelSpec, Sample
from trainers import prepare as preparation
from trainers.adapter.training_record import differences, record_text
from trainers.memory_plan import GIB
from trainers.prepare import Prepared, TrainingRequest, prepare
from trainers.recipe import load_recipe
from trainers.summary import summary

Prepare = Callable[..., Prepared]
ROWS = [{"ID": n, "text": f"{n}番目の質問です。", "output": f"答え{n}です。"} for n in range(20)]


@pytest.fixture
def ready(tmp_path: Path, tiny: Path) -> Prepare:
    """Return a function that prepares a training on rows, or on files by name."""

    def make(
        rows: Any = ROWS,
        *changes: str,
        recipe: str = "cpu-demo",
        base: str | None = None,
        strict: bool = False,
        against: Mapping[str, Sequence[Sample]] | None = None,
        near: float | None = None,
        said: list[str] | None = None,
        shares: Sequence[str] = (),
    ) -> Prepared:
        files = rows if isinstance(rows, dict) else {"rows.json": rows}
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        held = () if any("heldout" in change for change in changes) else ("heldout=0",)
        request = TrainingRequest(
            recipe=load_recipe(recipe, ["quantization=none", *held, *changes]),
            data=tuple(
                f"{tmp_path / name}{share}" for name, share in zip(files, shares or [""] * len(files), strict=True)
            ),
            base=base or str(tiny),
            columns={},
            strict=strict,
            against=against or {},
            near=near,
            settings={},
        )
        return prepare(request, (said if said is not None else []).append)

    return make


def test_the_contract_is_what_an_evaluation_finds(ready: Prepare, tiny: Path) -> None:
    """Oracle: `LocalModel.tokens` of the probe, as `harness eval` compares it with the contract."""
    contract = ready().contract
    model = open_local(ModelSpec(text=f"hf:{tiny}", label="m", backend="hf", target=str(tiny)))
    rendered = load_template("course.v1").render(contract.probe.inputs)
    assert [token for token, _ in model.tokens(rendered)] == list(contract.probe.prompt_ids)
    assert ("once", 1, 2) == (contract.bos.policy, contract.bos.id, contract.eos.id)
    assert 2 == contract.probe.answer_ids[-1]


@pytest.mark.parametrize("recipe", ["cpu-demo", "dpo"])
def test_sources_are_mixed_after_what_may_not_be_learnt_is_gone(ready: Prepare, recipe: str) -> None:
    """A task of a benchmark counts for no share; held out is a part of the mixture, and repeats are none of it."""
    one, two = (
        [
            {"text": f"{name}の{n}番目の質問です", "output": f"答え{n}", "chosen": f"答え{n}", "rejected": f"別{n}"}
            for n in range(12)
        ]
        for name in ("甲", "乙")
    )
    if recipe == "dpo":
        one, two = ([{k: v for k, v in row.items() if k != "output"} for row in rows] for rows in (one, two))
    against = {"exam": [Sample(id="q", inputs={"input": "乙の3番目の質問です"})]}
    files = {"one.json": one, "two.json": two}
    plain = ready(files, recipe=recipe, against=against, shares=(":0.5", ":0.5:8"))
    assert (16, [8, 8]) == (plain.record.samples, [file.taken for file in plain.record.data])
    assert "Mixture: one.json: 8 of 12 (50.0%), two.json: 8 of 11 (50.0%)" in summary(plain)
    assert len({sample.where for sample in plain.train.samples}) == 16
    more = ready(files, "mixture_samples=32", "heldout=4", recipe=recipe, against=against, shares=(":0.25", ":0.75:8"))
    held = {sample.where for sample in more.heldout}
    learnt = [sample.where for sample in more.train.samples]
    assert 4 == more.record.heldout
    assert not held & set(learnt)
    assert any("two.json: 8 samples for a larger share: each is learnt 3.00 times" in note for note in more.notices)
    each = {where: learnt.count(where) // more.recipe.each for where in learnt}
    assert {3} == {count for where, count in each.items() if "two.json" in where}
    assert {1} == {count for where, count in each.items() if "one.json" in where}
    assert (0.75, 8, 8, 3.0) == (
        *(more.record.data[1].share, more.record.data[1].cap),
        *(more.record.data[1].taken, more.record.data[1].times),
    )
    changed = ready(files, recipe=recipe, against=against, shares=(":0.5", ":0.5:7"))
    assert "the shares or caps of one.json, two.json changed" in differences(plain.record, changed.record)


def test_the_record_says_what_goes_in(ready: Prepare, tiny: Path) -> None:
    """The base as typed, the recipe's values after changes, files by name alone, and the numbers of samples."""
    prepared = ready(ROWS, "heldout=4", "lora_r=4")
    record = prepared.record
    assert (str(tiny), "cpu-demo", 16, 4) == (record.base, record.recipe_name, record.samples, record.heldout)
    assert (4, ("heldout", "lora_r", "quantization")) == (record.recipe["lora_r"], record.changed)
    assert [("rows.json", 20, 0, 0)] == [(file.name, file.rows, file.bad, file.refused) for file in record.data]
    assert (("course.v1", "none"), None) == ((record.prompt, record.quantization), record.outcome)
    assert "torch" in record.versions
    assert json.loads(record_text(record))["samples"] == 16


@pytest.mark.parametrize(
    ("changes", "steps"),
    [((), 2), (("num_train_epochs=3",), 6), (("num_train_epochs=0.5",), 1), (("max_steps=5",), 5),
     (("per_device_train_batch_size=20",), 1), (("gradient_accumulation_steps=2",), 1)],
)  # fmt: skip
def test_optimizer_steps_are_counted_as_transformers_does(ready: Prepare, changes: tuple[str, ...], steps: int) -> None:
    """20 samples in batches of 17: ceil(20 / 17) a whole epoch, ceil of that times the epochs, or max_steps."""
    assert steps == ready(ROWS, *changes).steps


@pytest.mark.parametrize(
    ("steps", "warmup", "warns"), [(1, 10, True), (11, 10, True), (12, 10, False), (1, 0, True), (2, 0, False)]
)
def test_a_run_within_its_warmup_is_warned_of(ready: Prepare, steps: int, warmup: int, warns: bool) -> None:
    """The article's max_steps = 1 with warmup 10 trains at learning rate 0 (FACTS.md): no more than warmup + 1."""
    prepared = ready(ROWS, f"max_steps={steps}", f"warmup_steps={warmup}", recipe="article")
    assert warns == any("trains almost nothing" in notice for notice in prepared.notices)


def test_the_articles_one_step_is_warned_of_in_words(ready: Prepare) -> None:
    """As somebody would who copies the list from the article."""
    notices = ready(ROWS, "max_steps=1", recipe="article").notices
    assert (
        "1 optimizer step with warmup_steps 10: the learning rate does not get past its warmup, so this trains almost "
        "nothing (take more data, more epochs or --set warmup_steps=0)"
    ) in notices


def test_bad_rows_are_named_and_counted(ready: Prepare) -> None:
    """At most twenty lines of each kind, and how many more there are."""
    bad = [{"text": "", "output": f"x{n}"} for n in range(23)]
    prepared = ready([*ROWS, *bad])
    lines = summary(prepared)
    left_out = [line for line in lines if line.startswith("  left out: ")]
    assert (21, "  left out: 3 more") == (len(left_out), left_out[-1])
    assert "text is blank" in left_out[0]
    assert "Note: 23 rows left out" in lines
    assert 23 == prepared.record.data[0].bad


def test_twenty_bad_rows_are_all_named(ready: Prepare) -> None:
    """Nothing more is said to come where nothing does."""
    lines = summary(ready([*ROWS, *({"text": "", "output": f"x{n}"} for n in range(20))]))
    assert 20 == len([line for line in lines if line.startswith("  left out: ")])


def test_the_summary_says_what_is_trained_on_what(ready: Prepare, tiny: Path) -> None:
    """Recipe, base, prompt, samples, tokens and steps, in that order."""
    said: list[str] = []
    lines = summary(ready(ROWS, "heldout=3", said=said))
    assert ["Encoding 20 samples with course.v1 ..."] == said
    assert lines[0].startswith("Recipe cpu-demo: ")
    assert lines[1].startswith(f"Base {tiny} (")
    assert lines[1].endswith(", prompt course.v1")
    assert lines[2].startswith("17 samples of ")
    assert lines[2].endswith(", 3 held out; 1 optimizer step of 17 samples")


def task(text: str, reference: str | None = None) -> Sample:
    """Return a task of a benchmark."""
    return Sample(id="7", inputs={"input": text}, reference=reference)


def test_samples_that_are_tasks_are_refused_by_name(ready: Prepare, tmp_path: Path) -> None:
    """Each with its row and the task that it equals; each counted with its own file, though names are alike."""
    one, two = ROWS[:10], ROWS[10:]
    prepared = ready(
        {"a/rows.json": one, "b/rows.json": [{"text": " ", "output": "x"}, *two]},
        against={"mine": [task("３番目の質問です"), task("12番目の 質問です。"), task("13番目の質問です！")]},
    )
    assert [
        f"{tmp_path}/a/rows.json row 4: its input is the input of mine task 7",
        f"{tmp_path}/b/rows.json row 4: its input is the input of mine task 7",
        f"{tmp_path}/b/rows.json row 5: its input is the input of mine task 7",
    ] == list(prepared.refused)
    assert [("rows.json", 0, 1), ("rows.json", 1, 2)] == [(f.name, f.bad, f.refused) for f in prepared.record.data]
    assert 17 == prepared.record.samples
    assert "3 of the samples are tasks of a benchmark: not trained on" in prepared.notices
    assert 3 == len([line for line in summary(prepared) if line.startswith("  refused: ")])


def test_known_benchmarks_are_refused_unasked(ready: Prepare, shared_data: Path) -> None:
    """A task of ELYZA-tasks-100 among the data is found by the shipped hashes."""
    line = (shared_data / "elyza-tasks-100" / "test.jsonl").read_text(encoding="utf-8").splitlines()[0]
    copied = {"text": json.loads(line)["input"], "output": "答え"}
    refused = ready([*ROWS, copied], "max_length=200").refused
    assert (1, True) == (len(refused), "elyza-tasks-100" in refused[0])


def test_samples_that_nearly_are_tasks_are_refused_too(ready: Prepare, tmp_path: Path) -> None:
    """By the share that was asked for: rows that differ in their number alone are one question."""
    asked = {"text": "みかんを３０個、五人で分けると何個ずつですか？", "output": "6個"}
    mine = {"mine": [task("みかんを12個、3人で分けると何個ずつになりますか。")]}
    assert () == ready([*ROWS, asked], against=mine, near=None).refused
    [refused] = ready([*ROWS, asked], against=mine, near=0.45).refused
    assert refused.startswith(f"{tmp_path}/rows.json row 21: its input is nearly the input of mine task 7 (0.")


def test_data_that_is_all_benchmark_is_an_error(ready: Prepare) -> None:
    """Nothing would be left; the first is named."""
    with pytest.raises(HarnessError, match=r"All 2 samples are tasks of a benchmark \(first: .*rows\.json row 1: "):
        ready(ROWS[:2], against={"mine": [task(str(row["text"])) for row in ROWS[:2]]})


def test_strict_stops_at_everything_that_is_left_out(ready: Prepare) -> None:
    """A bad row, a task of a benchmark, and a sample that cannot be encoded."""
    mine = {"mine": [task("3番目の質問です。"), task("4番目の質問です。")]}
    with pytest.raises(HarnessError, match="1 of 21 rows cannot be used"):
        ready([*ROWS, {"text": "", "output": "x"}], strict=True)
    with pytest.raises(HarnessError, match=r"--strict: .*row 4: its input is .* mine task 7, and 1 more\."):
        ready(strict=True, against=mine)
    with pytest.raises(HarnessError, match=r"--strict: .*row 21: the answer holds the special token </s> as text\."):
        ready([*ROWS, {"text": "終わり", "output": "</s>とは"}], strict=True)


def test_all_samples_too_long_is_an_error_with_the_first(ready: Prepare) -> None:
    """With its tokens and the limit, and what to set."""
    with pytest.raises(
        HarnessError, match=r"None of the 20 samples .* row 1: the prompt alone has \d+ tokens"
    ) as caught:
        ready(ROWS, "max_length=8")
    assert "--set max_length=" in str(caught.value.hint)


@pytest.mark.parametrize(("held", "what"), [(slice(0, 1), "held out"), (slice(1, None), "to train on")])
def test_one_side_of_a_split_that_cannot_be_used_is_said_so(
    ready: Prepare, monkeypatch: pytest.MonkeyPatch, held: slice, what: str
) -> None:
    """Every held-out sample, or every other one, is too long: no loss of nothing is computed."""

    def split(examples: Sequence[Any], *_: object) -> tuple[Sequence[Any], Sequence[Any]]:
        chosen = examples[held]
        return [example for example in examples if example not in chosen], chosen

    monkeypatch.setattr(preparation, "split_heldout", split)
    rows = [{"text": "長い" * 300, "output": "答え"}, *ROWS]
    with pytest.raises(HarnessError, match=rf"None of the 1 sample {what} can be used: .* row 1: the prompt alone"):
        ready(rows)


def test_rows_left_out_of_the_held_out_part_are_named_too(ready: Prepare) -> None:
    """Whatever side of the split a bad sample was to be on."""
    rows = [*ROWS, *({"text": f"終わり{n}", "output": "</s>とは"} for n in range(5))]
    prepared = ready(rows, "heldout=0.5")
    assert 5 == len(prepared.bad)
    assert 20 == prepared.record.samples + prepared.record.heldout


def test_samples_past_the_bases_context_are_refused(ready: Prepare) -> None:
    """The tiny Llama takes 256 positions: the message names both lengths and what to set."""
    with pytest.raises(
        HarnessError, match=r"longest sample has 300 tokens, and the base takes no more than 256"
    ) as caught:
        ready([*ROWS, {"text": "長い" * 40, "output": "答え" * 400}], "max_length=300")
    assert "--set max_length=256" in str(caught.value.hint)


@pytest.mark.parametrize("base", ["adapter:somewhere", "a folder with an adapter"])
def test_an_adapter_is_no_base(ready: Prepare, tmp_path: Path, base: str) -> None:
    """Named with or without its prefix."""
    if not base.startswith("adapter:"):
        base = str(tmp_path)
        (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(UsageError, match="is an adapter; a new adapter is trained on a base model"):
        ready(base=base)


@pytest.mark.parametrize("targets", ['["q_prj"]', "q_prj", ".*nothing"])
def test_targets_that_the_base_does_not_have_are_refused(ready: Prepare, targets: str) -> None:
    """Before anything is loaded, with what fits everywhere."""
    with pytest.raises(HarnessError, match="names no linear layer of the base") as caught:
        ready(ROWS, f"target_modules={targets}")
    assert "all-linear" in str(caught.value.hint)


def test_the_plan_takes_the_longest_samples_that_can_come_together(ready: Prepare) -> None:
    """The costliest batch is planned for; on two devices each gets half of it; the batch stays the recipe's."""
    prepared = ready(ROWS, "per_device_train_batch_size=2", "gradient_accumulation_steps=4")
    lengths = sorted((len(sample) for sample in prepared.train.samples), reverse=True)
    alone, two = prepared.plan(memory=20 * GIB), prepared.plan(world=2, memory=20 * GIB)
    assert sum(lengths[:8]) == alone.tokens
    assert max(lengths) <= two.tokens <= sum(lengths[:8]) - sum(lengths[4:8]) + lengths[0]
    assert 8 == prepared.recipe.batch_size
    with pytest.raises(HarnessError, match="Training needs at least"):
        prepared.plan(memory=GIB // 10)


def test_memory_that_is_there_decides(ready: Prepare, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without ``memory`` the plan asks the machine."""
    prepared = ready()
    assert prepared.plan().estimate.total < 20 * GIB
    monkeypatch.setattr(preparation, "available_bytes", lambda _: GIB // 10)
    with pytest.raises(HarnessError, match=r"of the 0\.1 GiB that are free may be used"):
        prepared.plan()
