"""`harness train` from the command line: wrong input ends in one sentence before anything is written."""

import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest

from tests.conftest import Ran, RunCli
from tests.servers.hub import Repository, hub
from tests.trainers.adapter_folders import record_of, write_folder
from trainers.adapter.adapter_folder import save_record
from trainers.adapter.training_record import read_log, read_record

NEEDED = ("torch", "transformers", "peft", "accelerate", "bitsandbytes", "trl", "datasets")
pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in NEEDED), reason="the extra [train] is not installed"
)

ROWS = [{"ID": n, "text": f"{n}番目の質問です。", "output": f"答え{n}です。"} for n in range(12)]
TINY = ("--set", "quantization=none", "--set", "heldout=0")

Train = Callable[..., Ran]


@pytest.fixture
def train(run_cli: RunCli, tiny: Path) -> Train:
    """Run `harness train` with twelve rows on the tiny Llama, unless told otherwise."""
    Path("rows.json").write_text(json.dumps(ROWS, ensure_ascii=False), encoding="utf-8")

    def run(*more: str, recipe: str = "cpu-demo", data: str = "rows.json", base: str | None = None) -> Ran:
        return run_cli(
            "train", "--recipe", recipe, "--data", data, "--base", base or str(tiny), *TINY, *more
        )  # fmt: skip

    return run


def complaint(ran: Ran) -> str:
    """Return the one error message of a command that failed as it should, with nothing on stdout."""
    errors = re.findall(r"^Error: (.*)$", ran.err, re.MULTILINE)
    assert (1, "") == (len(errors), ran.out), ran.err
    for word in ("Traceback", "defect", "Error: Error"):
        assert word not in ran.err
    return str(errors[0])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"text": "a"', "not JSON"),
        ("", "the file is empty"),
        ("[]", "the file has no rows"),
        ('[{"q": "a", "a": "b"}]', "no column for the instruction, the answer"),
        ('[{"text": "a"}]', "no column for the answer"),
        ('[{"text": "", "output": ""}]', "None of the 1 rows can be used: bad.json:1: text is blank"),
        ('[{"text": "質問", "output": 3}]', "output is not text"),
        (json.dumps([{"text": "長い" * 300, "output": "答え"}] * 1), "the prompt alone has"),
    ],
)
def test_bad_data_is_one_sentence(train: Train, content: str, expected: str) -> None:
    """Not JSON, empty, without the columns, nothing usable, all too long: exit 1 with the file's name."""
    Path("bad.json").write_text(content, encoding="utf-8")
    ran = train("--output", "out", data="bad.json")
    assert (1, True) == (ran.code, expected in complaint(ran)), ran.err
    assert "bad.json" in complaint(ran)
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "expected", "hint"),
    [
        (["--set", "lerning_rate=1"], 2, "No recipe key named 'lerning_rate'.", "Did you mean 'learning_rate'?"),
        (["--set", "learning_rate=fast"], 2, "--set: learning_rate: input should be a valid number", None),
        (["--set", "lora_r=8", "--set", "lora_r=9"], 2, "--set lora_r is given twice: 8 and 9.", "Give it once."),
        (["--set", "prompt=gone.j2"], 1, "gone.j2: no such template file", None),
        (["--set", 'target_modules=["q"]'], 1, "names no linear layer of the base", "all-linear"),
        (["--columns", "input"], 2, "--columns 'input' is not ROLE=COLUMN.", "--columns input=question"),
        (["--columns", "input=a", "--columns", "input=b"], 2, "--columns input is given twice", None),
        (["--columns", "foo=text"], 2, "No column role named 'foo'.", "Known: answer"),
        (["--columns", "answer=gone"], 1, "rows.json: no column 'gone' (mapped to answer)", "ID, text, output"),
        (["--against", "gone"], 2, "No task named 'gone'.", "Known: "),
        (["--against", "gone.jsonl"], 1, "gone.jsonl: no such file", None),
        (["--memory", "0.1"], 1, "Training needs at least", "a smaller base"),
        (["--lr", "1e-4"], 2, "train has no option --lr.", "--set learning_rate=VALUE"),
        (["--lora-r=8"], 2, "train has no option --lora-r.", "--set lora_r=VALUE"),
        (["--push-to-hub", "a b"], 2, "--push-to-hub 'a b' is no name of a repository.", "OWNER/NAME"),
    ],
)
def test_bad_arguments_are_one_sentence(
    train: Train, arguments: list[str], code: int, expected: str, hint: str | None
) -> None:
    """What is wrong, which value, and the next step; nothing is written."""
    ran = train("--output", "out", *arguments)
    assert (code, True) == (ran.code, expected in complaint(ran)), ran.err
    if hint:
        assert hint in ran.err.partition("Hint: ")[2]
    assert not Path("out").exists()


def test_float16_without_a_gpu_is_refused_early(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sentence before a weight is loaded, not a failure in the first step."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    ran = train("--output", "out", "--dtype", "float16")
    assert (2, "float16 can only be trained on a GPU, and there is none here.") == (ran.code, complaint(ran))
    assert "--dtype float32" in ran.err
    assert not Path("out").exists()


def test_an_unknown_recipe_has_a_near_one(train: Train) -> None:
    """By name with what was meant, by path with the names there are."""
    ran = train(recipe="course-unslot")
    assert (2, "No recipe named 'course-unslot'.") == (ran.code, complaint(ran))
    assert "Did you mean 'course-unsloth'?" in ran.err
    ran = train(recipe="gone.toml")
    assert (1, "gone.toml: no such recipe file.") == (ran.code, complaint(ran))
    assert "cpu-demo" in ran.err


def test_an_unknown_key_in_a_file_has_a_near_one(train: Train) -> None:
    """With the file's name."""
    Path("mine.toml").write_text("lora_rank = 8\n")
    ran = train("--dry-run", recipe="mine.toml")
    assert (1, "mine.toml: no recipe key is named 'lora_rank'.") == (ran.code, complaint(ran))
    assert "Did you mean 'lora_" in ran.err


@pytest.mark.parametrize(
    ("base", "code", "expected"),
    [
        ("gone", 1, "gone: no such model folder."),
        ("gone/deeper/folder", 1, "no such model folder."),
        ("embedded:gema", 2, "No embedded model named 'gema'."),
        ("gguf:gone.gguf", 1, "no such GGUF file."),
        ("adapter:mine", 2, "--base adapter:mine is an adapter; a new adapter is trained on a base model."),
        ("mine", 2, "--base mine is an adapter; a new adapter is trained on a base model."),
        ("empty", 1, "empty: no config.json, so no model."),
    ],
)
def test_a_base_that_is_none_is_one_sentence(train: Train, base: str, code: int, expected: str) -> None:
    """Not there, an adapter with or without its prefix, or no model at all."""
    write_folder(Path("mine"))
    Path("empty").mkdir()
    ran = train("--output", "out", base=base)
    assert (code, True) == (ran.code, expected in complaint(ran)), ran.err
    assert not Path("out").exists()


@pytest.mark.parametrize("output", ["file", "file/below", "others", "finished", "unfinished"])
def test_an_output_that_is_taken_is_refused_before_data_is_read(train: Train, output: str) -> None:
    """A file, a path below one, a folder with other files or another run: nothing of it changes."""
    Path("file").write_text("mine")
    Path("others").mkdir()
    (Path("others") / "notes.txt").write_text("mine")
    write_folder(Path("finished"))
    write_folder(Path("unfinished"), record_of(outcome=None))
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    ran = train("--output", output, data="gone.json")
    assert (1, True) == (ran.code, complaint(ran).startswith(f"{output.partition('/')[0]}: ")), ran.err
    assert "--output" in ran.err
    assert before == {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}


def test_another_run_is_not_resumed_into(train: Train, tiny: Path) -> None:
    """With ``--resume`` and other settings: all that differs is named, nothing is trained."""
    write_folder(Path("out"), record_of(outcome=None, base=str(tiny)))
    ran = train("--output", "out", "--resume")
    assert 1 == ran.code
    message = complaint(ran)
    for part in ("out: holds another run: ", "lora_r was 32, now 16", "the data was ichikara.json, more.jsonl"):
        assert part in message
    assert "base was" not in message


def test_without_an_output_nothing_is_trained(train: Train) -> None:
    """Only ``--preview`` and ``--dry-run`` do without."""
    ran = train()
    assert (2, "No --output was given.") == (ran.code, complaint(ran))


def test_publishing_without_a_token_fails_before_anything_is_read(
    train: Train, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Not after hours: the data is not even looked for."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    ran = train("--output", "out", "--push-to-hub", "someone/mine", data="gone.json")
    assert (1, True) == (ran.code, "no token for the Hub" in complaint(ran))


@pytest.mark.parametrize("name", ["trl", "torch", "bitsandbytes"])
def test_a_missing_package_names_the_extra(train: Train, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Before the data is read, with what to install."""
    monkeypatch.setitem(sys.modules, name, None)
    ran = train("--output", "out", data="gone.json")
    assert (1, "The command train needs packages that are not installed.") == (ran.code, complaint(ran))
    assert "[train]'" in ran.err


def test_strict_stops_at_bad_rows_that_are_else_left_out(train: Train) -> None:
    """Without it they are named on stderr."""
    Path("some.json").write_text(json.dumps([*ROWS, {"text": "", "output": "x"}]), encoding="utf-8")
    ran = train("--dry-run", "--strict", data="some.json")
    assert (1, True) == (ran.code, "1 of 13 rows cannot be used: some.json" in complaint(ran))
    ran = train("--dry-run", data="some.json")
    assert (0, True) == (ran.code, "left out: some.json row 13: text is blank" in ran.err)


def test_dry_run_prints_the_plan_and_writes_nothing(train: Train) -> None:
    """The table and the plan are the result; all else is on stderr."""
    ran = train("--dry-run", "--memory", "8", "--output", "out")
    assert 0 == ran.code, ran.err
    lines = ran.out.splitlines()
    assert lines[0].startswith("| micro-batch ")
    assert "Plan: " in lines[-1]
    assert "of the 4.8 GiB that may be used" in lines[-1]
    assert "Recipe cpu-demo: " in ran.err
    assert not Path("out").exists()


def test_preview_prints_samples_with_their_mask(train: Train) -> None:
    """Two samples, the answer between brackets with EOS at its end; nothing is written."""
    ran = train("--preview", "2")
    assert 0 == ran.code, ran.err
    blocks = ran.out.rstrip("\n").split("\n\n")
    assert 2 == len(blocks)
    for number, block in enumerate(blocks):
        head, prompt, answer = block.splitlines()
        assert re.fullmatch(rf"rows\.json row {number + 1}: \d+ tokens, \d+ in the loss; EOS \(2\) is learnt", head)
        assert prompt.startswith("  <s>|")
        assert (answer[2], answer[-6:]) == ("⟦", "|</s>⟧")
        assert "⟦" not in prompt


def test_a_preview_and_a_plan_come_together_and_need_no_free_folder(train: Train) -> None:
    """The preview first; what lies in --output does not matter, as nothing is written."""
    write_folder(Path("finished"))
    ran = train("--preview", "1", "--dry-run", "--output", "finished")
    assert 0 == ran.code, ran.err
    assert ran.out.startswith("rows.json row 1: ")
    assert ran.out.index("⟧") < ran.out.index("| micro-batch ") < ran.out.index("Plan: ")


def test_of_several_processes_one_prints(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under torchrun the preview and the plan come once, from the first process."""
    monkeypatch.setenv("WORLD_SIZE", "2")
    printed = []
    for rank in ("0", "1"):
        monkeypatch.setenv("RANK", rank)
        ran = train("--preview", "1", "--dry-run")
        assert 0 == ran.code, ran.err
        printed.append(ran.out)
    first, second = printed
    assert "Plan: " in first
    assert "" == second


def test_a_preview_cannot_be_of_nothing(train: Train) -> None:
    """The number is checked like any other option."""
    assert 2 == train("--preview", "0").code


def trained(train: Train, *more: str) -> dict[str, Any]:
    """Train for two steps and return the record as JSON."""
    ran = train("--output", "out", "--set", "max_steps=2", "--set", "lora_r=2", *more)
    assert 0 == ran.code, ran.err
    assert "kernels" not in ran.err
    return dict(json.loads((Path("out") / "training.json").read_text(encoding="utf-8")))


def test_samples_of_a_benchmark_are_refused_by_name_and_counted(train: Train) -> None:
    """By a task file's path: each row is named, training.json counts them, and the others are trained on."""
    tasks = [{"task_id": n, "input": row["text"]} for n, row in enumerate(ROWS[:2])]
    Path("tasks.jsonl").write_text("".join(json.dumps(task) + "\n" for task in tasks), encoding="utf-8")
    ran = train("--dry-run", "--against", "tasks.jsonl", "--near", "1")
    assert 0 == ran.code, ran.err
    for number in (0, 1):
        name = f"refused: rows.json row {number + 1}: its input is the input of tasks.jsonl task {number}"
        assert name in ran.err
    record = trained(train, "--against", "tasks.jsonl", "--near", "1")
    assert (2, 10) == (record["data"][0]["refused"], record["samples"])


def test_a_task_by_name_is_refused_too(train: Train) -> None:
    """``--against bundled:ja-mini`` and the shipped hashes agree: the row is named once."""
    text = (files("harness.tasks") / "data" / "ja-mini.jsonl").read_text(encoding="utf-8").splitlines()[0]
    task = json.loads(text)
    rows = [*ROWS, {"text": task["input"], "output": "答え"}]
    Path("copied.json").write_text(json.dumps(rows), encoding="utf-8")
    ran = train("--dry-run", "--against", "bundled:ja-mini", data="copied.json")
    refused = [line for line in ran.err.splitlines() if "refused: " in line]
    assert (0, 1) == (ran.code, len(refused)), ran.err
    assert f"copied.json row 13: its input is the input of bundled:ja-mini task {task['task_id']}" in refused[0]


@pytest.mark.parametrize("more", [[], ["--resume"]])
def test_a_run_that_came_to_nothing_makes_way(train: Train, more: list[str]) -> None:
    """As after memory ran out before a checkpoint: other settings train in the same folder, with a log of their own."""
    Path("out").mkdir()
    save_record(Path("out"), record_of(outcome=None))
    (Path("out") / "trainer_log.jsonl").write_text('{"step": 77, "loss": 2.0}\n')
    record = trained(train, *more)
    assert (2, "cpu-demo") == (record["outcome"]["steps"], record["recipe_name"])
    assert 77 not in [row["step"] for row in read_log(Path("out"))]


def test_a_finished_run_is_told_when_it_is_resumed(train: Train) -> None:
    """The same command again with ``--resume`` trains nothing and says so."""
    record = trained(train)
    assert 2 == record["outcome"]["steps"]
    assert read_record(Path("out")) is not None
    ran = train("--output", "out", "--set", "max_steps=2", "--set", "lora_r=2", "--resume")
    assert (0, True) == (ran.code, "holds this very run, finished after 2 steps" in ran.err)
    assert "loss" in ran.out


def test_no_folder_of_this_machine_is_recorded_but_where_a_command_needs_it(
    train: Train,
) -> None:
    """The command has last names; the card is called by its name and loads the adapter from where it lies."""
    ran = train("--output=deep/out", "--set", "max_steps=1", "--set", "lora_r=2", data=str(Path("rows.json").resolve()))
    assert 0 == ran.code, ran.err
    record = read_record(Path("deep/out"))
    assert record is not None
    assert "/" not in record.command
    for part in ("harness train --recipe cpu-demo --data rows.json --base ", " --output=out --set max_steps=1 "):
        assert part in record.command
    card = (Path("deep/out") / "README.md").read_text(encoding="utf-8")
    assert ("\n# out\n" in card, "--model adapter:deep/out " in card) == (True, True)


def test_a_public_repository_is_refused_before_anything_is_read(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not after hours, and with what to do."""
    with hub("hf_" + "s3cret" * 5) as server:
        server.repositories["someone/shown"] = Repository(private=False)
        monkeypatch.setenv("HF_TOKEN", "hf_" + "s3cret" * 5)
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", server.url)
        ran = train("--output", "out", "--push-to-hub", "someone/shown", data="gone.json")
    assert (1, "The repository someone/shown is there already, and public.") == (ran.code, complaint(ran))
    assert "harness card DIR --push-to-hub someone/shown --public" in ran.err


HELP = """
import json, sys
sys.argv = ["harness", *sys.argv[1:]]
from harness.cli.main import main
try:
    main()
finally:
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr)
"""


@pytest.mark.parametrize("arguments", [["train", "--help"], ["ls", "recipes"]])
def test_help_and_recipes_load_no_torch(arguments: list[str]) -> None:
    """What only shows text is there at once."""
    ended = subprocess.run(
        [sys.executable, "-c", HELP, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(json.loads(ended.stderr))
    assert set() == {"torch", "transformers", "peft", "trl", "datasets", "matplotlib", "bitsandbytes"} & loaded
    assert "cpu-demo" in ended.stdout or "--recipe" in ended.stdout


def test_a_base_that_an_adapter_does_not_record_is_said_before_anything_is_trained(
    train: Train, tiny: Path, make_adapter: Callable[..., Path], set_config: Callable[..., None]
) -> None:
    """`--from` such an adapter: which base is taken, by name, with the plan."""
    adapter = make_adapter(tiny, scale=0.5, seed=9)
    set_config(adapter, base_model_name_or_path=None)
    ran = train("--from", str(adapter), "--dry-run")
    assert 0 == ran.code, ran.err
    assert f"Note: adapter {adapter} does not record its base; {tiny} was taken" in ran.err


def test_a_recipe_may_name_its_data(run_cli: RunCli, tiny: Path) -> None:
    """With shares; --data counts instead where it is given, and the record holds no folder."""
    Path("deep").mkdir()
    Path("deep/a.json").write_text(json.dumps(ROWS[:6], ensure_ascii=False), encoding="utf-8")
    Path("b.json").write_text(json.dumps(ROWS[6:], ensure_ascii=False), encoding="utf-8")
    Path("mine.toml").write_text(
        'data = ["deep/a.json:0.5", "b.json:0.5:4"]\nquantization = "none"\n', encoding="utf-8"
    )
    command = ("train", "--recipe", "mine.toml", "--base", str(tiny), "--dry-run")
    ran = run_cli(*command)
    assert 0 == ran.code, ran.err
    assert "Mixture: a.json: 4 of 6 (50.0%), b.json: 4 of 6 (50.0%)" in ran.err
    assert "Mixture" not in run_cli(*command, "--data", "b.json").err
    assert "add up to 0.9" in run_cli(*command, "--data", "b.json:0.9").err
    Path("mine.toml").write_text("lora_r = 4\n", encoding="utf-8")
    nothing = run_cli(*command)
    assert (2, True) == (nothing.code, "No data to train on" in nothing.err)


def test_the_base_of_the_adapter_that_training_goes_on_from_is_the_record_s(
    run_cli: RunCli, tiny: Path, make_adapter: Callable[..., Path]
) -> None:
    """Without --base, and whatever harness.toml names for new adapters."""
    Path("rows.json").write_text(json.dumps(ROWS, ensure_ascii=False), encoding="utf-8")
    Path("harness.toml").write_text('[models]\nbase = "embedded:gemma-3-270m"\n', encoding="utf-8")
    command = ("train", "--recipe", "cpu-demo", "--data", "rows.json", *TINY, "--dry-run")
    ran = run_cli(*command, "--from", str(make_adapter(tiny, scale=0.5, seed=3)))
    assert 0 == ran.code, ran.err
    assert f"Base {tiny} (cpu" in ran.err


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--eval-judge", "rules"), "--eval-judge"),
        (("--eval-every", "4"), "--eval-every"),
        (("--eval-limit", "9"), "--eval-limit"),
        (("--set", "eval_patience=2"), "--set eval_patience"),
    ],
)
def test_options_of_an_evaluation_that_there_is_none_of(train: Train, options: tuple[str, str], named: str) -> None:
    """They would be silently without effect."""
    ran = train("--output", "out", *options)
    expected = f"{named} is for tasks that are answered on the way, and none is named."
    assert (2, expected) == (ran.code, complaint(ran))


def test_a_sealed_task_is_not_trained_on(train: Train, run_cli: RunCli) -> None:
    """Though its file is not named, and the data have answers that the set has not."""
    tasks = [{"id": n, "input": f"{chr(0x4E00 + 97 * n) * 9}の短歌を詠んで。"} for n in range(20)]
    Path("exam.jsonl").write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in tasks), encoding="utf-8")
    ran = run_cli("eval", "--task", "exam=exam.jsonl", "--model", "echo", "--judge", "rules", "--seal")
    assert 0 == ran.code, ran.err
    rows = [*ROWS, *({"text": row["input"], "output": "はい。"} for row in tasks)]
    Path("rows.json").write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    ran = train("--dry-run", "--near", "1")
    assert 0 == ran.code, ran.err
    assert 10 == len(re.findall(r"its input is the input of exam \(sealed\) task \d+$", ran.err, re.MULTILINE)), ran.err
