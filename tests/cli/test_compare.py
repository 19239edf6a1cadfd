"""`harness compare`: the figures of a stored run, against any baseline."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from tests.conftest import RunCli, results_of

SCORES = {"a": [3, 2, 4, 3, 2, 4, 5, 1], "b": [4, 3, 4, 4, 3, 5, 5, 2], "c": [3, 3, 4, 2, 2, 4, 5, 1]}


@pytest.fixture
def rated(run_cli: RunCli, workplace: Path) -> RunCli:
    """A run `rated` of three models with eight ratings each."""
    Path("eight.jsonl").write_text("".join(json.dumps({"input": f"問{n}"}) + "\n" for n in range(8)))
    answers = [f"{model},{task},答え" for model in SCORES for task in range(8)]
    Path("answers.csv").write_text("model,task_id,output\n" + "\n".join(answers), encoding="utf-8")
    ratings = [f"{model},{task},{score}" for model in SCORES for task, score in enumerate(SCORES[model])]
    Path("ratings.csv").write_text("model,task_id,score\n" + "\n".join(ratings), encoding="utf-8")
    ran = run_cli("eval", "--task", "eight=eight.jsonl", "--model", "outputs:answers.csv",
                  "--judge", "human:ratings.csv", "--run", "rated")  # fmt: skip
    assert 0 == ran.code, ran.err
    return run_cli


def test_the_difference_is_scipys_paired_t_interval(rated: RunCli, workplace: Path) -> None:
    """Mean difference and interval equal scipy's ttest_rel; wins, ties and losses are counted by hand."""
    [first, _] = results_of(workplace, "rated")["comparisons"]
    a, b = np.array(SCORES["a"]), np.array(SCORES["b"])
    expected = stats.ttest_rel(b, a).confidence_interval(0.95)
    assert {"model": "a", "prompt": None} == first["baseline"]
    assert {"model": "b", "prompt": None} == first["candidate"]
    assert pytest.approx((b - a).mean()) == first["difference"]
    assert pytest.approx((expected.low, expected.high)) == (first["low"], first["high"])
    assert (6, 2, 0, 8) == (first["wins"], first["ties"], first["losses"], first["n_pairs"])
    # six wins and no loss, each by one point: the two extreme sign patterns of 2^6 count half
    assert pytest.approx(2 / 2**6 / 2) == first["p_value"]
    assert pytest.approx(2 * 2 / 2**6 / 2) == first["p_adjusted"]


def test_compare_repeats_the_figures_of_the_run(rated: RunCli, workplace: Path) -> None:
    """Without options, `compare --json` has the comparisons that results.json has."""
    document = json.loads(rated("compare", "rated", "--json").out)
    assert results_of(workplace, "rated")["comparisons"] == document["comparisons"]


def test_a_run_is_found_by_its_folder_from_anywhere(
    rated: RunCli, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The manifest knows its store wherever the command is typed."""
    (workplace / "elsewhere").mkdir()
    monkeypatch.chdir(workplace / "elsewhere")
    ran = rated("compare", "../runs/rated", "--json")
    assert 0 == ran.code, ran.err
    assert 2 == len(json.loads(ran.out)["comparisons"])


def test_another_baseline_and_all_pairs(rated: RunCli) -> None:
    """--baseline turns the sign; --family all-pairs compares every pair."""
    turned = json.loads(rated("compare", "rated", "--baseline", "b", "--json").out)["comparisons"]
    assert ["b", "b"] == [comparison["baseline"]["model"] for comparison in turned]
    assert pytest.approx(-0.75) == turned[0]["difference"]
    everything = json.loads(rated("compare", "rated", "--family", "all-pairs", "--json").out)["comparisons"]
    assert 3 == len(everything)


def test_many_comparisons_are_cut_and_counted(rated: RunCli) -> None:
    """The table shows the first; what is left out is said, and no figure of those shown changes."""
    whole = rated("compare", "rated", "--family", "all-pairs").out
    cut = rated("compare", "rated", "--family", "all-pairs", "--top", "2").out
    assert whole == rated("compare", "rated", "--family", "all-pairs", "--top", "0").out
    assert "1 of the 3 comparisons are not shown here: --top 0 shows all" in cut
    rows = [line.split() for line in cut.splitlines() if line.startswith("| ")]
    assert rows == [line.split() for line in whole.splitlines() if line.startswith("| ")][: len(rows)]
    assert 3 == len(rows)  # with the heading


def test_the_table_says_what_the_board_can_tell(rated: RunCli) -> None:
    """The Markdown has the figures and one sentence on resolution."""
    out = rated("compare", "rated", "--judge", "human:ratings.csv").out
    assert "+0.75" in out
    assert "6/2/0" in out
    assert "With 8 tasks, a row that is truly better than another by about" in out
    assert "nan" not in out.lower()
    japanese = rated("compare", "rated", "--judge", "human:ratings.csv", "--lang", "ja").out
    assert japanese.startswith("# 比較: rated\n")
    assert "問のうち差があるのは" in japanese, "the cautions of the statistics are in Japanese too"
    assert "tasks" not in japanese


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["ratde"], 2, "Did you mean 'rated'?"),
        (["rated", "--baseline", "d"], 2, "No model label in this run named 'd'."),
        (["rated", "--judge", "gemini"], 2, "No judge in this run named 'gemini'."),
        (["rated", "--store", "sqlite:///elsewhere.sqlite"], 1, "/elsewhere.sqlite."),
        (["empty-folder"], 1, "holds no finished run"),
    ],
)
def test_wrong_names_are_named(rated: RunCli, arguments: list[str], code: int, message: str) -> None:
    """Unknown runs, labels, judges and stores are said by name."""
    Path("runs/empty-folder").mkdir(exist_ok=True)
    ran = rated("compare", *arguments)
    assert (code, True) == (ran.code, message in ran.err), ran.err


def test_repeats_say_where_the_noise_comes_from(rated: RunCli, workplace: Path, example_plugin: Path) -> None:
    """A board with repeated generations has variance components, and says what as much work again would buy."""
    command = (
        "eval",
        "--task",
        "eight=eight.jsonl",
        "--model",
        "noisy:1",
        "--model",
        "noisy:2",
        "--judge",
        "length:40",
    )
    ran = rated(*command, "--repeats", "3", "--temperature", "1", "--run", "noisy")
    assert 0 == ran.code, ran.err
    [plan] = results_of(workplace, "noisy")["plans"]
    components = plan["repeats"]["components"]
    assert (8, 3, 1) == tuple(components[key] for key in ("n_tasks", "n_generations", "n_judgements"))
    assert components["generation"] > 0
    assert {"tasks", "generations"} == {purchase["what"] for purchase in plan["repeats"]["purchases"]}
    assert "As much work again would best go into" in rated("compare", "noisy").out


def test_a_requirement_is_met_or_not_with_a_sentence(rated: RunCli) -> None:
    """Exit code 0 or 1, one line on stdout; eight ratings show that b is better than a, and nothing of c."""
    ran = rated("compare", "rated", "--require", "better", "--candidate", "b")
    assert (0, 1) == (ran.code, ran.out.count("\n")), ran.err
    assert ran.out.startswith("Met. b is better than the baseline a: +0.75 (")
    ran = rated("compare", "rated", "--require", "no-worse", "--candidate", "c", "--lang", "ja")
    assert (1, 1) == (ran.code, ran.out.count("\n")), ran.err
    assert ran.out.startswith("条件を満たしません: c が許容差を超えて悪くないとはいえません。")
    wide = rated("compare", "rated", "--require", "no-worse", "--candidate", "c", "--margin", "1.5")
    assert 0 == wide.code, wide.out


def test_a_requirement_as_json(rated: RunCli) -> None:
    """For pipelines: whether it is met, why, and the figures."""
    ran = rated("compare", "rated", "--require", "better", "--candidate", "c", "--json")
    document = json.loads(ran.out)
    assert (1, "better", False) == (ran.code, document["require"], document["met"])
    [one] = document["comparisons"]
    assert ("c", "a", False) == (one["candidate"]["model"], one["baseline"]["model"], one["met"])
    assert one["verdict"] != "better"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--require", "better"), "2 models could be the candidate: b, c."),
        (("--require", "better", "--candidate", "a"), "No primary board compares 'a' with the baseline."),
        (("--require", "better", "--candidate", "nobody"), "nobody"),
        (("--require", "better", "--family", "all-pairs", "--candidate", "b"), "all pairs have several"),
        (("--candidate", "b"), "Add --require better"),
        (("--margin", "9"), "The margin is 9, and the whole scale of 'human:ratings.csv' is 1-5."),
        (("--margin", "0"), "--margin"),
    ],
)
def test_wrong_requirements_are_told(rated: RunCli, options: tuple[str, ...], said: str) -> None:
    """What is wrong, and what to type instead."""
    ran = rated("compare", "rated", *options)
    assert (2, "") == (ran.code, ran.out)
    assert said in ran.err


def test_another_margin_is_said_to_be_declared_late(rated: RunCli) -> None:
    """Of a finished run: for this output alone, and kept where eval declares it."""
    assert "the default of this scale" in rated("compare", "rated").out
    assert "declared after looking; before, it was the default" in rated("compare", "rated", "--margin", "0.5").out
