"""`harness report`: one run or several, in every format, and what cannot stand on one board."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest

from tests.conftest import RunCli, results_of

SCORES = {"a": [3, 2, 4, 3, 2, 4, 5, 1], "b": [4, 3, 4, 4, 3, 5, 5, 2], "c": [3, 3, 4, 2, 2, 4, 5, 1]}


def write_task(name: str, count: int = 8) -> None:
    Path(name).write_text("".join(json.dumps({"input": f"問{n}"}) + "\n" for n in range(count)), encoding="utf-8")


def evaluate(run_cli: RunCli, run: str, models: dict[str, list[int]], *more: str, answer: str = "答え") -> None:
    """Make a run of these models with these ratings."""
    rows = [f"{model},{task},{answer}" for model in models for task in range(8)]
    Path(f"{run}.csv").write_text("model,task_id,output\n" + "\n".join(rows), encoding="utf-8")
    ratings = [f"{model},{task},{score}" for model in SCORES for task, score in enumerate(SCORES[model])]
    Path("ratings.csv").write_text("model,task_id,score\n" + "\n".join(ratings), encoding="utf-8")
    ran = run_cli("eval", "--task", "eight=eight.jsonl", "--model", f"outputs:{run}.csv",
                  "--judge", "human:ratings.csv", "--run", run, *more)  # fmt: skip
    assert 0 == ran.code, ran.err


@pytest.fixture
def reported(run_cli: RunCli, workplace: Path) -> RunCli:
    """A run `one` of three models."""
    write_task("eight.jsonl")
    evaluate(run_cli, "one", SCORES)
    return run_cli


def test_eval_writes_the_page_once(reported: RunCli, workplace: Path) -> None:
    """report.html stands beside the leaderboard, a rerun leaves it alone, and a lost one is written anew."""
    page = workplace / "runs/one/report.html"
    before = page.stat().st_mtime_ns
    evaluate(reported, "one", SCORES)
    assert before == page.stat().st_mtime_ns
    text = page.read_text(encoding="utf-8")
    page.unlink()
    evaluate(reported, "one", SCORES)
    assert text.count("<table") == page.read_text(encoding="utf-8").count("<table")


@pytest.mark.parametrize("is_cached", [True, False])
def test_only_a_run_that_is_written_loads_what_draws_the_page(
    reported: RunCli, workplace: Path, is_cached: bool
) -> None:
    """A rerun that finds everything done draws nothing."""
    if not is_cached:
        (workplace / "runs/one/report.html").unlink()
    code = (
        "import sys\nsys.argv = ['harness', 'eval', '--task', 'eight=eight.jsonl', '--model', 'outputs:one.csv', "
        "'--judge', 'human:ratings.csv', '--run', 'one']\nfrom harness.cli.main import main\ntry:\n    main()\n"
        "finally:\n    drawing = {'reports.charts', 'reports.html', 'reports.svg'}\n"
        "    print(sorted(drawing & set(sys.modules)), file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert 0 == ended.returncode, ended.stderr
    loaded = [] if is_cached else ["reports.charts", "reports.html", "reports.svg"]
    assert str(loaded) == ended.stderr.splitlines()[-1]


def test_every_format_of_one_run(reported: RunCli, workplace: Path) -> None:
    """Markdown, JSON and CSV are printed as the run's own files have them; HTML goes to the run's folder."""
    assert (workplace / "runs/one/leaderboard.md").read_text(encoding="utf-8") == reported("report", "one").out
    assert results_of(workplace, "one") == json.loads(reported("report", "one", "--format", "json").out)
    rows = list(csv.DictReader(io.StringIO(reported("report", "one", "--format", "csv").out)))
    assert {"a": 3.0, "b": 3.75, "c": 3.0} == {row["model"]: float(row["mean"]) for row in rows}
    assert "runs/one/report.html\n" == reported("report", "one", "--format", "html").out


def test_the_verdict_alone_is_printed_or_drawn(reported: RunCli, workplace: Path) -> None:
    """As text to stdout; as a page into the run's folder, in the language that is asked for; `all` leaves them out."""
    assert "Better than the baseline a: 1 of 2 rows" in reported("report", "one", "--format", "text").out
    ran = reported("report", "one", "--format", "png", "--lang", "ja")
    if ran.code == 1:
        assert "fonts-ipafont-gothic" in ran.err
    else:
        assert "runs/one/verdict.ja.png\n" == ran.out
        assert (workplace / "runs/one/verdict.ja.png").read_bytes().startswith(b"\x89PNG")
    assert "runs/one/verdict.pdf\n" == reported("report", "one", "--format", "pdf").out


def test_all_formats_go_to_a_folder_in_either_language(reported: RunCli, workplace: Path) -> None:
    """--output makes the folder; what has words in it carries the language in its name."""
    out = reported("report", "one", "--format", "all", "--lang", "ja", "--output", "shared").out
    names = {"leaderboard.ja.md", "report.ja.html", "results.json", "results.csv", "results.xlsx"}
    assert names == {Path(line).name for line in out.split()} == {path.name for path in Path("shared").iterdir()}
    assert "リーダーボード" in Path("shared/report.ja.html").read_text(encoding="utf-8")
    assert "3.75" in Path("shared/leaderboard.ja.md").read_text(encoding="utf-8")


def test_another_baseline_and_one_judge(reported: RunCli) -> None:
    """--baseline turns the differences; an unknown judge is named."""
    document = json.loads(reported("report", "one", "--format", "json", "--baseline", "b").out)
    assert {"b"} == {comparison["baseline"]["model"] for comparison in document["comparisons"]}
    ran = reported("report", "one", "--judge", "gemini")
    assert (2, True) == (ran.code, "No judge in this run named 'gemini'." in ran.err)


def test_two_runs_on_one_board(reported: RunCli, workplace: Path) -> None:
    """The board of two runs has the figures that one run of all models would have, and says where each came from."""
    evaluate(reported, "first", {"a": SCORES["a"]})
    evaluate(reported, "second", {"b": SCORES["b"], "c": SCORES["c"]})
    merged = json.loads(reported("report", "first", "second", "--format", "json").out)
    whole = results_of(workplace, "one")
    assert whole["rows"] == merged["rows"]
    unknown = {"p_ledger": None, "try": None}  # each run was compared with another baseline
    assert [one | unknown for one in whole["comparisons"]] == merged["comparisons"]
    assert ["first", "second"] == list(merged["provenance"]["runs"])
    assert reported("report", "first", "second", "--format", "html").out == "runs/first+second/report.html\n"


def test_a_row_in_both_runs_is_there_once(reported: RunCli) -> None:
    """Equal answers of one label are one row."""
    arguments = ("eval", "--task", "eight=eight.jsonl", "--model", "echo")
    reported(*arguments, "--judge", "rules", "--run", "x")
    reported(*arguments, "--model", "two=echo", "--judge", "rules", "--run", "y")
    found = json.loads(reported("report", "x", "y", "--format", "json").out)
    assert ["echo", "two"] == sorted(row["model"] for row in found["rows"])
    assert {8} == {row["n"] for row in found["rows"]}


def test_two_rows_of_one_name_are_told_apart(reported: RunCli) -> None:
    """Other answers under the same label carry their run's name."""
    evaluate(reported, "same", {"a": SCORES["a"]})
    evaluate(reported, "other", {"a": SCORES["a"]}, answer="別の答え")
    found = json.loads(reported("report", "same", "other", "--format", "json").out)
    assert {"a (same)", "a (other)"} == {row["model"] for row in found["rows"]}
    assert "a (same)" == found["comparisons"][0]["baseline"]["model"]


def test_what_cannot_stand_on_one_board(reported: RunCli) -> None:
    """Another content under one task name, another judge under one judge name, no common task: errors that say so."""
    evaluate(reported, "short", SCORES, "--limit", "4")
    ran = reported("report", "one", "short")
    assert (1, "") == (ran.code, ran.out)
    assert "Task set 'eight' is not the same in runs 'one' (8 tasks) and 'short' (4 tasks)" in ran.err
    SCORES["a"][0] = 5
    try:
        evaluate(reported, "rerated", SCORES)
    finally:
        SCORES["a"][0] = 3
    ran = reported("report", "one", "rerated")
    assert (1, True) == (ran.code, "Judge 'human:ratings.csv' is not the same in runs" in ran.err)
    write_task("nine.jsonl", 9)
    reported("eval", "--task", "nine=nine.jsonl", "--model", "echo", "--judge", "rules", "--run", "nine")
    ran = reported("report", "one", "nine")
    assert (1, True) == (ran.code, "share no task set" in ran.err)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["oen"], 2, "Did you mean 'one'?"),
        (["one", "one"], 2, "Run 'one' was given twice."),
        (["one", "--baseline", "d"], 2, "No model label in this run named 'd'."),
        (["one", "--format", "docx"], 2, "Invalid value for '--format'"),
        (["one", "--format", "all", "--output", "one.csv"], 1, "Cannot write"),
        ([], 2, "Missing argument 'RUN...'"),
    ],
)
def test_wrong_arguments_are_named(reported: RunCli, arguments: list[str], code: int, message: str) -> None:
    """Unknown runs, labels and formats, and a folder that is a file."""
    ran = reported("report", *arguments)
    assert (code, "", True) == (ran.code, ran.out, message in ran.err), ran.err


def test_sixty_models_and_four_judges_in_every_format(shared_data: Path, workplace: Path) -> None:
    """The whole board is written, and the page is 15 MB or less (bench/ says how long it takes)."""
    harness = [sys.executable, "-c", "from harness.cli.main import main; main()"]
    made = subprocess.run(
        [*harness, "eval", "--run", "board", "--max-unscored", "36",
         "--task", f"elyza-tasks-100={shared_data}/elyza-tasks-100/test.jsonl",
         "--model", f"outputs:{shared_data}/shaberi/answers.parquet",
         "--judge", f"human:{shared_data}/shaberi/scores.csv"],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert 0 == made.returncode, made.stderr
    ended = subprocess.run(
        [*harness, "report", "board", "--format", "all"], capture_output=True, text=True, check=False
    )
    assert 0 == ended.returncode, ended.stderr
    page = (workplace / "runs/board/report.html").read_bytes()
    assert len(page) <= 15_000_000
    assert 4 == page.count(b'<section class="board"')


def test_workbook(reported: RunCli, workplace: Path) -> None:
    """`--format xlsx` writes the same rows as the CSV beside the run, with sheets of comparisons and notices."""
    ran = reported("report", "one", "--format", "xlsx")
    assert (0, "runs/one/results.xlsx\n") == (ran.code, ran.out)
    book = openpyxl.load_workbook(workplace / "runs/one/results.xlsx")
    assert ["rows", "comparisons", "notices"] == book.sheetnames
    header, *rows = book["rows"].iter_rows(values_only=True)
    expected = list(csv.DictReader(io.StringIO(reported("report", "one", "--format", "csv").out)))
    assert [(row["model"], float(row["mean"])) for row in expected] == [
        (row[header.index("model")], row[header.index("mean")]) for row in rows
    ]
    names, *compared = book["comparisons"].iter_rows(values_only=True)
    assert [one["p_value"] for one in results_of(workplace, "one")["comparisons"]] == [
        row[names.index("p_value")] for row in compared
    ]


def test_where_a_report_goes_is_a_path(reported: RunCli, workplace: Path) -> None:
    """Also where it looks like a run's name; what cannot be written there is answered with the option."""
    name = next(path.name for path in Path("runs").iterdir() if path.is_dir())
    for output in ("./here", "there"):
        ran = reported("report", name, "--format", "html", "--output", output)
        assert 0 == ran.code, ran.err
        assert Path(output, "report.html").is_file()
    assert {name} == {path.name for path in Path("runs").iterdir() if path.is_dir()}
    Path("taken").write_text("", encoding="utf-8")
    for output in ("taken", "taken/deeper"):
        ran = reported("report", name, "--format", "md", "--output", output)
        assert (1, True) == (ran.code, "Choose another folder with --output DIR." in ran.err), ran.err
        assert "harness.toml" not in ran.err
