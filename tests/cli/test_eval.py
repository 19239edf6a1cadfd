"""`harness eval` from the command line to its files, with models, judges and tasks that need no network."""

import json
import sqlite3
from pathlib import Path

import pytest

from tests.conftest import RunCli, reasons_of, results_of

FIVE = ("--task", "five=five.jsonl")


def write_answers(path: Path, **models: list[str | None]) -> None:
    rows = [
        {"model": model, "task_id": number, "output": answer}
        for model, answers in models.items()
        for number, answer in enumerate(answers)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def test_a_run_leaves_its_files_and_prints_the_leaderboard(run_cli: RunCli, task_file: Path, workplace: Path) -> None:
    """The leaderboard on stdout is the one in the run's folder, and results.json holds the same rows."""
    ran = run_cli("eval", *FIVE, "--model", "echo", "--judge", "reference", "--run", "first")
    assert 0 == ran.code, ran.err
    assert (workplace / "runs/first/leaderboard.md").read_text(encoding="utf-8") == ran.out
    results = results_of(workplace, "first")
    assert 2 == results["schema"]
    assert ["five"] == results["tasks"]
    [row] = results["rows"]
    assert ("five", "reference", "echo", "course.v1", 5, 0) == tuple(
        row[key] for key in ("task", "judge", "model", "prompt", "n", "n_unscored")
    )
    assert [0, 100] == row["scale"]
    assert 0 < row["low"] < row["mean"] < row["high"] < 100


def test_json_prints_results_json(run_cli: RunCli, task_file: Path, workplace: Path) -> None:
    """--json prints what results.json holds."""
    ran = run_cli("eval", *FIVE, "--model", "echo", "--judge", "reference", "--run", "first", "--json")
    assert results_of(workplace, "first") == json.loads(ran.out)


def test_human_scores_follow_the_model_label_even_where_texts_are_equal(run_cli: RunCli, task_file: Path) -> None:
    """Two models with the same answers keep their own ratings."""
    write_answers(Path("answers.jsonl"), a=["同じ"] * 5, b=["同じ"] * 5)
    rows = [f"{model},{number},{score}" for model, score in (("a", 2), ("b", 4)) for number in range(5)]
    Path("ratings.csv").write_text("model,task_id,score\n" + "\n".join(rows), encoding="utf-8")
    ran = run_cli("eval", *FIVE, "--model", "outputs:answers.jsonl", "--judge", "human:ratings.csv", "--run", "r")
    assert 0 == ran.code, ran.err
    rows = {row["model"]: row for row in results_of(Path(), "r")["rows"]}
    assert {"a": 2.0, "b": 4.0} == {model: row["mean"] for model, row in rows.items()}
    assert {"human:ratings.csv"} == {row["judge"] for row in rows.values()}
    assert {None} == {row["prompt"] for row in rows.values()}


def test_missing_answers_are_unscored_and_an_empty_one_is_an_answer(run_cli: RunCli, task_file: Path) -> None:
    """A null answer moves no mean, is counted with its reason, and the exit code says that something is missing."""
    write_answers(Path("answers.jsonl"), m=["答え0", None, "", "答え3", "答え4"])
    arguments = ("eval", *FIVE, "--model", "outputs:answers.jsonl", "--judge", "reference", "--run", "r")
    ran = run_cli(*arguments)
    assert 3 == ran.code
    assert "1 of 5 verdicts are missing" in ran.err
    [row] = results_of(Path(), "r")["rows"]
    assert (4, 1, 75.0) == (row["n"], row["n_unscored"], row["mean"])
    assert {"no answer in answers.jsonl": 1} == reasons_of(row)
    assert 0 == run_cli(*arguments, "--max-unscored", "1").code


def test_an_unchanged_rerun_calls_nothing_and_leaves_the_files_alone(
    run_cli: RunCli, task_file: Path, workplace: Path, example_plugin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second run reads the store: no call, no new file, the same output."""
    monkeypatch.setenv("COUNT_LOG", str(workplace / "log"))
    arguments = ("eval", *FIVE, "--model", "counting:a", "--judge", "length", "--run", "r")
    first = run_cli(*arguments)
    calls = Path("log").read_text()
    times = {path.name: path.stat().st_mtime_ns for path in Path("runs/r").iterdir()}
    second = run_cli(*arguments)
    assert (0, first.out) == (second.code, second.out)
    assert calls == Path("log").read_text()
    assert times == {path.name: path.stat().st_mtime_ns for path in Path("runs/r").iterdir()}


@pytest.mark.parametrize(
    ("more", "generated", "judged"),
    [
        (("--model", "counting:b"), 5, 5),
        (("--prompt", "course.v1", "--prompt", "plain.v1"), 5, 5),
        (("--judge", "length:3"), 0, 5),
        (("--seed", "7"), 0, 0),
        (("--model", "again=counting:a"), 0, 0),
        (("--repeats", "2"), 5, 5),
    ],
    ids=["model", "prompt", "judge", "seed of a greedy run", "a second label", "repeat"],
)
def test_what_is_added_costs_only_its_own_work(
    run_cli: RunCli,
    task_file: Path,
    workplace: Path,
    example_plugin: Path,
    monkeypatch: pytest.MonkeyPatch,
    more: tuple[str, ...],
    generated: int,
    judged: int,
) -> None:
    """Adding one thing to a finished run generates and judges that thing alone."""
    arguments = ("eval", *FIVE, "--model", "counting:a", "--judge", "length")
    assert 0 == run_cli(*arguments).code
    monkeypatch.setenv("COUNT_LOG", str(workplace / "log"))
    assert 0 == run_cli(*arguments, *more).code
    calls = Path("log").read_text().split("\n") if Path("log").exists() else []
    assert (generated, judged) == tuple(sum(call.startswith(kind) for call in calls) for kind in ("generate", "judge"))


def test_ten_more_tasks_cost_ten_answers(
    run_cli: RunCli, workplace: Path, example_plugin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Raising --limit asks for the new tasks only."""
    Path("many.jsonl").write_text("".join(json.dumps({"input": f"問{n}"}) + "\n" for n in range(30)))
    arguments = ("eval", "--task", "many=many.jsonl", "--model", "counting:a", "--judge", "length", "--limit")
    run_cli(*arguments, "20")
    monkeypatch.setenv("COUNT_LOG", str(workplace / "log"))
    run_cli(*arguments, "30")
    assert 20 == len(Path("log").read_text().split()) // 2


def test_a_model_that_dies_does_not_take_the_others_with_it(
    run_cli: RunCli, task_file: Path, example_plugin: Path
) -> None:
    """The dying model keeps the answers it gave, its others say why they are missing, and the other model is whole."""
    ran = run_cli("eval", *FIVE, "--model", "dying:2", "--model", "counting:a", "--judge", "length:100", "--run", "r")
    assert 3 == ran.code
    assert "Model 'dying:2' stopped: The machine cannot hold this model. Use a smaller one." in ran.err
    rows = {row["model"]: row for row in results_of(Path(), "r")["rows"]}
    assert (2, 3) == (rows["dying:2"]["n"], rows["dying:2"]["n_unscored"])
    assert (5, 0) == (rows["counting:a"]["n"], rows["counting:a"]["n_unscored"])
    reason = "generation failed: The machine cannot hold this model. Use a smaller one."
    assert {reason: 3} == reasons_of(rows["dying:2"])


def test_a_failure_is_stored_but_tried_again(run_cli: RunCli, task_file: Path, example_plugin: Path) -> None:
    """A failed answer is in the store with its error, and a rerun asks for it once more."""
    arguments = ("eval", *FIVE, "--model", "dying:4", "--judge", "length:100", "--run", "r")
    run_cli(*arguments)
    with sqlite3.connect("runs/store.sqlite") as store:
        [(error,)] = store.execute("SELECT error FROM generation WHERE text IS NULL").fetchall()
    assert error.startswith("The machine cannot hold this model.")
    again = run_cli(*arguments)
    assert "5 answers (4 stored, 1 to generate)" in again.err
    assert 0 == again.code  # the one answer left is the first of its batch now


def test_a_backend_that_forgets_a_request_is_found_out(run_cli: RunCli, task_file: Path, example_plugin: Path) -> None:
    """What the backend leaves out is failed, and what nobody asked for is dropped."""
    ran = run_cli("eval", *FIVE, "--model", "forgetful", "--judge", "length", "--run", "r")
    assert 3 == ran.code
    [row] = results_of(Path(), "r")["rows"]
    assert (4, 1, 1.0) == (row["n"], row["n_unscored"], row["length_stop_rate"])
    assert {"generation failed: the model gave no answer to this request": 1} == reasons_of(row)


def test_a_judge_that_crashes_leaves_its_answer_unscored(
    run_cli: RunCli, task_file: Path, example_plugin: Path
) -> None:
    """An exception in a judge is that verdict's reason and nobody's score."""
    ran = run_cli("eval", *FIVE, "--model", "echo", "--judge", "crashing", "--run", "r")
    assert 3 == ran.code
    [row] = results_of(Path(), "r")["rows"]
    assert {"the judge crashed: ZeroDivisionError: oh": 1} == reasons_of(row)
    assert (4, 0.5) == (row["n"], row["mean"])


def test_a_judge_that_cannot_go_on_is_asked_once(
    run_cli: RunCli, task_file: Path, workplace: Path, example_plugin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rejected key stops that judge at once; all its verdicts carry the reason."""
    monkeypatch.setenv("COUNT_LOG", str(workplace / "log"))
    ran = run_cli("eval", *FIVE, "--model", "echo", "--judge", "locked-out", "--run", "r")
    assert 3 == ran.code
    assert "judge\n" == Path("log").read_text()
    [row] = results_of(Path(), "r")["rows"]
    assert [{"code": "judge_unavailable", "count": 5}] == row["unscored_reasons"]
    assert "5 × The key was rejected" in Path("runs/r/leaderboard.md").read_text()
    assert None is row["mean"]


def test_a_judge_that_waits_is_called_in_parallel(run_cli: RunCli, workplace: Path, example_plugin: Path) -> None:
    """A judge with in_flight 4 gets four calls at once."""
    Path("eight.jsonl").write_text("".join(json.dumps({"input": f"問{n}"}) + "\n" for n in range(8)))
    ran = run_cli("eval", "--task", "eight=eight.jsonl", "--model", "echo", "--judge", "parallel", "--run", "r")
    assert 0 == ran.code, ran.err
    assert 1.0 == results_of(Path(), "r")["rows"][0]["mean"]
    assert "wilson" in results_of(Path(), "r")["rows"][0]["method"].lower()


def test_dry_run_says_what_is_left_to_do_and_does_nothing(run_cli: RunCli, task_file: Path) -> None:
    """Before: five answers to make. After: none. Neither touches the disk."""
    arguments = ("eval", *FIVE, "--model", "echo", "--judge", "reference", "--dry-run", "--json")
    before = json.loads(run_cli(*arguments).out)
    assert (5, 0, 5, {"reference": 5}) == tuple(
        before[key] for key in ("requests", "cached", "to_generate", "judge_calls")
    )
    assert not Path("runs").exists()
    run_cli(*arguments[:-2])
    after = json.loads(run_cli(*arguments).out)
    assert (5, 5, 0, {"reference": 0}) == tuple(
        after[key] for key in ("requests", "cached", "to_generate", "judge_calls")
    )


def test_means_by_tag(run_cli: RunCli, workplace: Path, example_plugin: Path) -> None:
    """Each tag has its own mean over its own tasks."""
    rows = [{"input": "短い", "tags": ["short"]}, {"input": "とても長い質問です。" * 3, "tags": ["long"]}]
    Path("two.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    run_cli(
        "eval", "--task", "two=two.jsonl", "--prompt", "plain.v1", "--model", "echo", "--judge", "length", "--run", "r"
    )
    tags = results_of(Path(), "r")["rows"][0]["tags"]
    assert {"short": 1.0, "long": 0.0} == {tag["tag"]: tag["mean"] for tag in tags}


def test_odd_answers_survive_the_whole_way(run_cli: RunCli, task_file: Path) -> None:
    """NUL bytes, lone surrogates and control characters are answers like others: stored whole, shown as text."""
    odd = ["\x00", "\ud800", "\x1b[31m赤", "| a | b |\n<script>", "\u202eabc"]
    write_answers(Path("answers.jsonl"), m=odd)
    ran = run_cli("eval", *FIVE, "--model", "outputs:answers.jsonl", "--judge", "rules", "--run", "r")
    assert 0 == ran.code, ran.err
    with sqlite3.connect("runs/store.sqlite") as store:
        stored = [row[0] for row in store.execute("SELECT text FROM generation")]
    whole = {text.decode("utf-8", "surrogatepass") if isinstance(text, bytes) else text for text in stored}
    assert set(odd) == whole


def test_harness_toml_gives_defaults_and_flags_win(run_cli: RunCli, workplace: Path) -> None:
    """Store, runs folder, task path and columns, and sampling come from the file; a flag overrides."""
    Path("q.csv").write_text("question,gold\n一,1\n二,2\n", encoding="utf-8")
    Path("harness.toml").write_text(
        'store = "sqlite:///kept/here.sqlite"\nruns = "out"\n[generation]\nmax_new_tokens = 7\ntemperature = 0.5\n'
        '[tasks.mine]\npath = "q.csv"\ncolumns = { input = "question", reference = "gold" }\n'
    )
    ran = run_cli(
        "eval", "--task", "mine", "--model", "echo", "--judge", "reference", "--temperature", "0", "--run", "r"
    )
    assert 0 == ran.code, ran.err
    assert Path("kept/here.sqlite").exists()
    results = json.loads(Path("out/r/results.json").read_text())
    assert (7, 0) == tuple(results["provenance"]["sampling"][key] for key in ("max_new_tokens", "temperature"))
    assert 2 == results["rows"][0]["n"]


def test_the_store_can_be_chosen_by_flag_or_environment(
    run_cli: RunCli, task_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--store wins over HARNESS_STORE."""
    monkeypatch.setenv("HARNESS_STORE", "sqlite:///env.sqlite")
    arguments = ("eval", *FIVE, "--model", "echo", "--judge", "reference")
    run_cli(*arguments)
    run_cli(*arguments, "--store", "sqlite:///flag.sqlite")
    assert (True, True, False) == tuple(
        Path(name).exists() for name in ("env.sqlite", "flag.sqlite", "runs/store.sqlite")
    )


def test_ratings_of_one_task_leave_the_other_unscored(run_cli: RunCli, task_file: Path, workplace: Path) -> None:
    """A file that rates one of two tasks is used for that one; the other's answers are unscored, and it is said."""
    Path("more.jsonl").write_text('{"id": "x", "input": "別の質問"}\n', encoding="utf-8")
    Path("ratings.csv").write_text("model,task_id,score\n" + "".join(f"echo,{n},4\n" for n in range(5)))
    arguments = ("--task", "more=more.jsonl", *FIVE, "--model", "echo", "--judge", "human:ratings.csv", "--run", "r")
    ran = run_cli("eval", *arguments)
    assert 3 == ran.code, ran.err
    assert "ratings.csv: no rating of these models on more" in ran.err
    rows = {row["task"]: (row["mean"], row["n"], row["n_unscored"]) for row in results_of(workplace, "r")["rows"]}
    assert {"five": (4.0, 5, 0), "more": (None, 0, 1)} == rows


def test_the_board_is_printed_in_the_language_of_the_command(run_cli: RunCli, task_file: Path) -> None:
    """It is the file in the run's folder, which follows the command; `harness report` writes the others."""
    ran = run_cli("--lang", "ja", "eval", *FIVE, "--model", "echo", "--judge", "reference", "--run", "r")
    assert 0 == ran.code, ran.err
    assert ran.out.startswith("# リーダーボード: r")
    assert Path("runs/r/leaderboard.md").read_text(encoding="utf-8") == ran.out
