"""Scores of other tools: of the answer that was scored, on a scale that is known, and from a file to a board."""

import json
from pathlib import Path

import pytest

from harness.errors import InputError, NothingUsableError, UnknownNameError
from harness.types import LIKERT_5, PASS_FAIL, Generation, JudgeSpec, Sample, Scale
from judges.foreign_scores import ForeignScores, foreign_judges
from tests.conftest import RunCli, results_of
from tests.tables.foreign.made_files import (
    ANSWERS,
    TASKS,
    deepeval,
    deepeval_case,
    flexeval_line,
    inspect_eval,
    inspect_log,
    inspect_sample,
    inspect_samples,
    lm_eval_line,
    promptfoo,
    promptfoo_result,
    write_json,
    write_lines,
    write_tasks,
)

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
SAMPLES = [Sample(id=task["task_id"], inputs={"input": task["input"]}) for task in TASKS]


def judges(option: Path | str, **settings: object) -> list[ForeignScores]:
    found = foreign_judges(JudgeSpec(text=f"scores:{option}", name="scores", option=str(option), settings=settings))
    assert found is not None
    return found


def log(folder: Path, *values: object) -> Path:
    return write_json(folder / "a.json", inspect_log(inspect_samples(values=values)))


def answer(text: str) -> Generation:
    return Generation(request_key="k", text=text)


class TestVerdicts:
    def test_a_score_is_of_the_text_that_was_scored(self, tmp_path: Path) -> None:
        """Blanks around it make no other answer; another answer has no score, and says why."""
        [judge] = judges(log(tmp_path, "4", "2"))
        judge.check_samples("t", SAMPLES, [])
        assert (4.0, "理由") == ((found := judge.judge(SAMPLES[0], answer(" 2です。\n"))).score, found.rationale)
        other = judge.judge(SAMPLES[0], answer("2"))
        assert (None, "not_rated") == (other.score, other.code)
        assert "another answer to this task" in str(other.reason)
        unknown = judge.judge(Sample(id="9", inputs={"input": "x"}), answer("2です。"))
        assert (None, "not_rated") == (unknown.score, unknown.code)

    def test_one_answer_scored_apart_has_the_mean_and_it_is_told(self, tmp_path: Path) -> None:
        """As two models' same words, or two epochs'."""
        samples = [inspect_sample(0, "同じ", {"m": value}, epoch=epoch) for epoch, value in ((1, 2), (2, 5), (3, None))]
        [judge] = judges(write_json(tmp_path / "a.json", inspect_log(samples)))
        said = judge.check_samples("t", SAMPLES, [])
        assert 3.5 == judge.judge(SAMPLES[0], answer("同じ")).score
        assert any("1 answer that occurs several times" in one for one in said)
        assert any("1 of 3 scores" in one and "1 × the file has no score here" in one for one in said)

    def test_what_is_off_a_declared_scale_is_no_score(self, tmp_path: Path) -> None:
        """Nor is it cut to the scale."""
        [judge] = judges(log(tmp_path, 11, 7), scale=[0, 10])
        judge.check_samples("t", SAMPLES, [])
        assert (Scale(low=0, high=10, step=1), 7.0) == (judge.scale, judge.judge(SAMPLES[1], answer("青です。")).score)
        assert "rating_off_scale" == judge.judge(SAMPLES[0], answer("2です。")).code

    def test_a_file_about_other_tasks_is_refused(self, tmp_path: Path) -> None:
        """Though its ids are there."""
        [judge] = judges(log(tmp_path, 3, 3))
        with pytest.raises(NothingUsableError, match="no score of an answer to t"):
            judge.check_samples("t", [Sample(id="0", inputs={"input": "別の問題"})], [])


class TestScales:
    @pytest.mark.parametrize(
        ("values", "scale"),
        [((4, 2), LIKERT_5), ((0, 1), PASS_FAIL), ((0.5, 1), Scale(low=0, high=1)), ((1.5, 4), Scale(low=1, high=5))],
    )
    def test_a_scale_that_the_scores_tell(self, tmp_path: Path, values: tuple[float, float], scale: Scale) -> None:
        """It is said, and what lies between the steps makes it one without."""
        [judge] = judges(log(tmp_path, *values))
        assert scale == judge.scale
        assert any(f"is read on the scale {scale}." in said for said in judge.check_samples("t", SAMPLES, []))

    @pytest.mark.parametrize("values", [(1, 1), (0, 5), (7, 10), (-1, 1), (0.5, 3)])
    def test_a_scale_that_they_do_not_tell_is_asked_for(self, tmp_path: Path, values: tuple[float, float]) -> None:
        """All of 1 could be the best of 0 to 1 or the worst of 1 to 5."""
        with pytest.raises(InputError, match="does not say on which scale") as caught:
            judges(log(tmp_path, *values))
        assert "[judges.scores] scale" in str(caught.value.hint)
        [judge] = judges(log(tmp_path, *values), scale=[-10, 10])
        assert Scale(low=-10, high=10) == Scale(low=judge.scale.low, high=judge.scale.high)

    def test_a_metric_of_no_known_scale_is_left_out_among_others(self, tmp_path: Path) -> None:
        """And several that are known are several judges."""
        samples = [
            inspect_sample(0, "a", {"x": 37, "y": 3, "z": 0}),
            inspect_sample(1, "b", {"x": 2, "y": 4, "z": "C"}),
        ]
        path = write_json(tmp_path / "a.json", inspect_log(samples))
        found = judges(path)
        assert ["scores:y", "scores:z"] == [judge.name for judge in found]
        assert any(
            "x is left out: its scores run from 2 to 37" in said for said in found[0].check_samples("t", SAMPLES, [])
        )
        assert [f"scores:{path},metric=z"] == [judge.name for judge in judges(f"{path},metric=z")]
        with pytest.raises(UnknownNameError, match="'w'"):
            judges(f"{path},metric=w")

    def test_files_without_scores_are_refused(self, tmp_path: Path) -> None:
        """None at all, or none that is a number."""
        with pytest.raises(InputError, match="recognised as inspect_ai, but it holds no scores"):
            judges(write_json(tmp_path / "a.json", inspect_log([inspect_sample(0, "a", {})])))
        with pytest.raises(InputError, match="no score that is a number"):
            judges(log(tmp_path, "very good", None))


def test_a_table_is_no_tools_file(tmp_path: Path) -> None:
    """Nor is a file whose columns are named, or a spec without a path."""
    table = tmp_path / "s.csv"
    table.write_text("model,task_id,score\nm,0,1\n", encoding="utf-8")
    lines = write_lines(tmp_path / "o.jsonl", [flexeval_line(0, "a", 1)])
    for option in (str(table), f"{lines},score=llm_score", ""):
        assert foreign_judges(JudgeSpec(text="s", name="scores", option=option)) is None


def files(folder: Path, tool: str) -> Path:
    answers = ANSWERS["A"]
    if tool == "inspect_ai":
        (folder / "log.eval").write_bytes(inspect_eval(inspect_log(inspect_samples())))
        return folder / "log.eval"
    if tool == "promptfoo":
        results = [promptfoo_result(n, "A", score, passed=score > 2) for n, score in enumerate((4, 2))]
        return write_json(folder / "promptfoo.json", promptfoo(results))
    if tool == "deepeval":
        return write_json(
            folder / "run.json", deepeval([deepeval_case(n, answers[n], score) for n, score in enumerate((0.8, 0.4))])
        )
    if tool == "flexeval":
        return write_lines(folder / "o.jsonl", [flexeval_line(n, answers[n], score) for n, score in enumerate((4, 2))])
    return write_lines(
        folder / "s.jsonl", [lm_eval_line(n, answers[n], {"acc": score}) for n, score in enumerate((1.0, 0.0))]
    )


class TestBoards:
    @pytest.mark.parametrize(
        ("tool", "mean", "scale"),
        [("inspect_ai", 3.0, [1, 5]), ("promptfoo", 3.0, [1, 5]), ("flexeval", 3.0, [1, 5]),
         ("deepeval", 0.6, [0, 1]), ("lm-evaluation-harness", 0.5, [0, 1])],
    )  # fmt: skip
    def test_each_tool_from_file_to_board(
        self, run_cli: RunCli, workplace: Path, tool: str, mean: float, scale: list[float]
    ) -> None:
        """One file gives the answers and the scores; what was recognised is said, once."""
        path, tasks = files(workplace, tool), write_tasks(workplace)
        ran = run_cli(
            "eval", "--run", "r", "--task", f"t={tasks.name}", "--model", f"mine=outputs:{path.name}",
            "--judge", f"scores:{path.name}",
        )  # fmt: skip
        assert 0 == ran.code, ran.err
        [row] = results_of(workplace, "r")["rows"]
        assert ("mine", scale, 2, 0) == (row["model"], row["scale"], row["n"], row["n_unscored"])
        assert mean == pytest.approx(row["mean"])
        assert 1 == ran.err.count(f"recognised as {tool}: 2 answers")

    def test_logs_of_two_models_with_epochs_in_a_folder(self, run_cli: RunCli, workplace: Path) -> None:
        """Epochs are repeats, each with the score of its own answer; a model with one epoch has one."""
        tasks, logs = write_tasks(workplace), workplace / "logs"
        logs.mkdir()
        twice = [
            inspect_sample(n, f"{n} {epoch}", {"graded": grade}, epoch=epoch)
            for epoch, grades in ((1, (5, 4)), (2, (3, 2)))
            for n, grade in enumerate(grades)
        ]
        (logs / "a.eval").write_bytes(inspect_eval(inspect_log(twice)))
        (logs / "b.eval").write_bytes(inspect_eval(inspect_log(inspect_samples("B", (1, 2)), model="m/B")))
        ran = run_cli(
            "eval", "--run", "r", "--task", f"t={tasks.name}", "--model", "outputs:logs", "--judge", "scores:logs"
        )
        assert 0 == ran.code, ran.err
        means = {row["model"]: row["mean"] for row in results_of(workplace, "r")["rows"]}
        assert {"m/A": 3.5, "m/B": 1.5} == means
        run_cli("export", "r", "--format", "jsonl", "--output", "x.jsonl")
        exported = [json.loads(line) for line in (workplace / "x.jsonl").read_text(encoding="utf-8").splitlines()]
        assert {("0", 0): 5, ("1", 0): 4, ("0", 1): 3, ("1", 1): 2} == {
            (row["task_id"], row["repeat"]): row["score"] for row in exported if row["model"] == "m/A"
        }

    def test_a_damaged_log_and_another_task_set_end_in_a_sentence(self, run_cli: RunCli, workplace: Path) -> None:
        """In Japanese too, and nothing is left behind."""
        tasks = write_tasks(workplace)
        data = inspect_eval(inspect_log(inspect_samples()))
        (workplace / "cut.eval").write_bytes(data[:-30])
        other = [inspect_sample(0, "a", {"m": 3}) | {"input": "別の問題"}]
        write_json(workplace / "other.json", inspect_log(other))
        for name, said in (("cut.eval", "壊れている"), ("other.json", "当たる問題が t にありません")):
            ran = run_cli(
                "--lang", "ja", "eval", "--task", f"t={tasks.name}", "--model", f"outputs:{name}", "--judge", "rules"
            )
            assert 1 == ran.code
            assert said in ran.err
            assert name in ran.err
        assert not (workplace / "runs").exists()

    @pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data are not here")
    def test_the_tools_own_files_make_boards(self, run_cli: RunCli, workplace: Path) -> None:
        """Two models' logs side by side, with the means that inspect_ai wrote down."""
        lines = (SHARED / "elyza-tasks-100" / "test.jsonl").read_text(encoding="utf-8").splitlines()[:10]
        (workplace / "ten.jsonl").write_text("\n".join(lines), encoding="utf-8")
        logs = workplace / "logs"
        logs.mkdir()
        for name in ("inspect_A.eval", "inspect_B.eval"):
            (logs / name).write_bytes((SHARED / "peers" / name).read_bytes())
        ran = run_cli(
            "eval", "--run", "r", "--task", "ten=ten.jsonl", "--model", "outputs:logs", "--judge", "scores:logs"
        )
        assert 0 == ran.code, ran.err
        means = {row["model"]: row["mean"] for row in results_of(workplace, "r")["rows"]}
        assert {"mockllm/A": 2.7, "mockllm/B": 3.1} == pytest.approx(means)

    def test_two_tools_files_make_one_board(self, run_cli: RunCli, workplace: Path) -> None:
        """One model from each, under a judge of ours; each tool's own scores are a judge apart, never mixed."""
        tasks, logs = write_tasks(workplace), workplace / "logs"
        logs.mkdir()
        (logs / "a.eval").write_bytes(inspect_eval(inspect_log(inspect_samples())))
        results = [promptfoo_result(n, "B", score, passed=score > 2) for n, score in enumerate((5, 3))]
        write_json(logs / "b.json", promptfoo(results))
        command = ("eval", "--run", "r", "--task", f"t={tasks.name}", "--model", "outputs:logs", "--judge", "rules",
                   "--judge", "scores:logs", "--max-unscored", "4")  # fmt: skip
        ran = run_cli(*command)
        assert 0 == ran.code, ran.err
        rows = {(row["judge"], row["model"]): row for row in results_of(workplace, "r")["rows"]}
        assert (2, 2) == tuple(rows["rules", model]["n"] for model in ("m/A", "B"))
        assert (3.0, 4.0) == (rows["scores:graded", "m/A"]["mean"], rows["scores:llm-rubric", "B"]["mean"])
        assert (None, None) == (rows["scores:graded", "B"]["mean"], rows["scores:llm-rubric", "m/A"]["mean"])
        assert [{"code": "not_rated", "count": 2}] == rows["scores:graded", "B"]["unscored_reasons"]
        assert "recognised as inspect_ai, promptfoo: 4 answers, models: m/A, B" in ran.err
