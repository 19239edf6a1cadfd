"""People's ratings: which score belongs to which answer, and what happens to the ones that cannot be used."""

import csv
import hashlib
import statistics
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet as pq

from harness.engine.job import planned_judge
from harness.engine.plan import PlannedModel, items_of, plan_requests
from harness.errors import InputError, UnknownNameError, UsageError
from harness.protocols import ChecksRows, ChecksSamples, RatesPrompts, Ratings, prompts_share
from harness.tables import compact
from harness.templates import load_template
from harness.types import LIKERT_5, Generation, JudgeSpec, PlannedTask, Sample, Sampling, Scale, Verdict
from judges.human import HumanRatings, open_human, open_scores

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
ANSWER = Generation(request_key="k", text="答え")


def judges_in(path: Path, **settings: object) -> list[HumanRatings]:
    return open_human(JudgeSpec(text=f"human:{path}", name="human", option=str(path), settings=settings))


def rated(folder: Path, text: str, **settings: object) -> HumanRatings:
    path = folder / "scores.csv"
    path.write_text(text, encoding="utf-8")
    [judge] = judges_in(path, **settings)
    return judge


def samples(*ids: str) -> list[Sample]:
    return [Sample(id=sample_id, inputs={"input": f"問い{sample_id}"}) for sample_id in ids]


def verdict(judge: HumanRatings, model: str, sample_id: str) -> Verdict:
    return judge.for_model(model).judge(samples(sample_id)[0], ANSWER)


class TestScores:
    def test_score_belongs_to_model_and_task(self, tmp_path: Path) -> None:
        """The score is looked up by model label and task id, and the comment explains it."""
        judge = rated(tmp_path, "model,task_id,score,comment\nbase,0,3,惜しい\nbase,1,5,\nmine,0,4,\n")
        assert verdict(judge, "base", "0") == Verdict.scored(3, rationale="惜しい")
        assert verdict(judge, "base", "1") == Verdict.scored(5)
        assert verdict(judge, "mine", "0") == Verdict.scored(4)

    @pytest.mark.parametrize("cell", ["4", "4.0", " 4 ", "４", "４．０", "+4", "4点", "４点", "４ 点"])
    def test_ways_to_write_four(self, tmp_path: Path, cell: str) -> None:
        """Decimals, blanks around it and full-width digits are the same score."""
        assert verdict(rated(tmp_path, f"model,task_id,score\nm,0,{cell}\n"), "m", "0").score == 4

    def test_mean_of_several_raters(self, tmp_path: Path) -> None:
        """Several raters count once each; who left no usable score is left out of the mean."""
        judge = rated(
            tmp_path,
            "model,task_id,score,rater,comment\nm,0,2,田中,短い\nm,0,5,鈴木,\nm,0,,佐藤,\nm,0,4,高橋,良い\n",
        )
        assert verdict(judge, "m", "0") == Verdict.scored(11 / 3, rationale="田中: 短い\n高橋: 良い")

    @pytest.mark.parametrize(
        ("cell", "says"),
        [
            ("", "blank score"),
            (" ", "blank score"),
            ("0", "score 0 is outside the 1-5 scale"),
            ("6", "score 6 is outside the 1-5 scale"),
            ("5.01", "score 5.01 is outside the 1-5 scale"),
            ("良い", "score '良い' is not a number"),
            ("nan", "score 'nan' is not a number"),
            ("inf", "score 'inf' is not a number"),
            ("1_0", "score '1_0' is not a number"),
            ("4点5", "score '4点5' is not a number"),
            ("点", "score '点' is not a number"),
        ],
    )
    def test_unusable_scores_are_unscored_with_value_and_line(self, tmp_path: Path, cell: str, says: str) -> None:
        """A blank, an off-scale value or a word is never a number; the reason names value and line."""
        judge = rated(tmp_path, f"model,task_id,score\nm,1,3\nm,0,{cell}\n")
        assert verdict(judge, "m", "0") == Verdict.unscored(f"{says} ({tmp_path / 'scores.csv'}:3)")

    def test_nobody_gave_a_usable_score(self, tmp_path: Path) -> None:
        """If no rater's score can be used, every reason is given."""
        judge = rated(tmp_path, "model,task_id,score,rater\nm,0,9,a\nm,0,,b\nm,1,3,a\n")
        reason = str(verdict(judge, "m", "0").reason)
        assert "score 9 is outside" in reason
        assert "; blank score" in reason
        assert "no_usable_rating" == verdict(judge, "m", "0").code

    def test_no_rating(self, tmp_path: Path) -> None:
        """An answer that nobody rated is unscored, and says in which file."""
        judge = rated(tmp_path, "model,task_id,score\nm,0,3\n")
        expected = Verdict.unscored(f"no rating ({tmp_path / 'scores.csv'})")
        assert expected == verdict(judge, "m", "1") == verdict(judge, "other", "0")
        assert "not_rated" == verdict(judge, "m", "1").code

    def test_parquet_values(self, tmp_path: Path) -> None:
        """Numbers, nulls and infinities of a Parquet file are judged as a CSV's cells are."""
        path = tmp_path / "scores.parquet"
        scores = [4.0, None, float("inf")]
        pq.write_table(pa.table({"model": ["m"] * 3, "task_id": [0.0, 1.0, 2.0], "score": scores}), path)
        [judge] = judges_in(path)
        assert verdict(judge, "m", "0").score == 4
        assert str(verdict(judge, "m", "1").reason).startswith("blank score")
        assert str(verdict(judge, "m", "2").reason).startswith("score 'inf' is not a number")

    @pytest.mark.parametrize("encoding", ["cp932", "utf-8-sig"])
    def test_what_excel_writes(self, tmp_path: Path, encoding: str) -> None:
        """A CSV in CP932 or with BOM, with semicolons and CRLF, is read."""
        path = tmp_path / "採点.csv"
        path.write_bytes("model;task_id;score;comment\r\n基準;0;3;良い\r\n".encode(encoding))
        [judge] = judges_in(path)
        assert verdict(judge, "基準", "0") == Verdict.scored(3, rationale="良い")

    @given(st.lists(st.sampled_from(["", "0", "1", "2", "3", "4", "5", "6", "x"]), min_size=1, max_size=8))
    def test_unusable_scores_never_move_a_mean(
        self, tmp_path_factory: pytest.TempPathFactory, cells: list[str]
    ) -> None:
        """The score is the plain mean of the on-scale values, whatever stands beside them."""
        lines = [f"m,0,{cell},r{number}" for number, cell in enumerate(cells)]
        judge = rated(tmp_path_factory.mktemp("human"), "\n".join(["model,task_id,score,rater", *lines]))
        usable = [int(cell) for cell in cells if cell in "12345" and cell]
        found = verdict(judge, "m", "0")
        assert found.score == (pytest.approx(statistics.fmean(usable)) if usable else None)


class TestJudges:
    def test_one_judge_per_value(self, tmp_path: Path) -> None:
        """A judge column makes one judge a value, named human:VALUE, in order of appearance."""
        path = tmp_path / "scores.csv"
        path.write_text("model,task_id,score,judge\nm,0,3,b\nm,0,4,a\nm,1,5,b\n")
        judges = judges_in(path)
        assert [judge.name for judge in judges] == ["human:b", "human:a"]
        assert [verdict(judge, "m", "0").score for judge in judges] == [3, 4]
        assert len({judge.fingerprint for judge in judges}) == 2

    def test_name_as_typed(self, tmp_path: Path) -> None:
        """Without a judge column the name is the spec."""
        judge = rated(tmp_path, "model,task_id,score\nm,0,3\n")
        assert judge.name == f"human:{tmp_path / 'scores.csv'}"
        assert judge.for_model("m").name == judge.name

    def test_protocols(self, tmp_path: Path) -> None:
        """The engine knows by the protocols that scores belong to models and that samples are checked first."""
        judge = rated(tmp_path, "model,task_id,score\nm,0,3\n")
        assert isinstance(judge, Ratings)
        assert isinstance(judge, ChecksSamples)
        assert not isinstance(judge.for_model("m"), Ratings)
        assert judge.kind == judge.for_model("m").kind == "human"
        assert judge.judge(samples("0")[0], ANSWER).status == "unscored"

    def test_fingerprint_holds_the_file(self, tmp_path: Path) -> None:
        """Another file, scale or model is another fingerprint."""
        text = "model,task_id,score\nm,0,3\n"
        judge = rated(tmp_path, text)
        assert hashlib.sha256(text.encode()).hexdigest() in judge.fingerprint
        bound = judge.for_model("m").fingerprint
        assert bound != judge.fingerprint
        assert bound != judge.for_model("n").fingerprint
        assert judge.fingerprint != rated(tmp_path, text + "m,1,3\n").fingerprint
        assert judge.fingerprint != rated(tmp_path, text, scale=[1, 7]).fingerprint

    def test_scale(self, tmp_path: Path) -> None:
        """The scale is 1 to 5 in whole steps unless harness.toml says otherwise."""
        assert rated(tmp_path, "model,task_id,score\nm,0,3\n").scale == LIKERT_5
        judge = rated(tmp_path, "model,task_id,score\nm,0,7\nm,1,11\n", scale=[0, 10])
        assert judge.scale == Scale(low=0, high=10, step=1)
        assert verdict(judge, "m", "0").score == 7
        assert "outside the 0-10 scale" in str(verdict(judge, "m", "1").reason)

    @pytest.mark.parametrize("rows", ["m,0,3.5,a\n", "m,0,3,a\nm,0,4,b\n"])
    def test_scores_between_the_steps(self, tmp_path: Path, rows: str) -> None:
        """Half points and means of raters are on no whole step, and the scale says so."""
        judge = rated(tmp_path, "model,task_id,score,rater\n" + rows)
        assert judge.scale == Scale(low=1, high=5)
        assert verdict(judge, "m", "0").score == 3.5

    @pytest.mark.parametrize("scale", [[5, 1], [1], "1-5", [1, float("nan")], [1, float("inf")], [1, 1]])
    def test_bad_scale(self, tmp_path: Path, scale: object) -> None:
        """A scale is two numbers, the lower first."""
        with pytest.raises(UsageError, match=r"\[judges.human\] scale is"):
            rated(tmp_path, "model,task_id,score\nm,0,3\n", scale=scale)

    def test_unknown_setting(self, tmp_path: Path) -> None:
        """A misspelt setting is not passed over."""
        with pytest.raises(UnknownNameError) as caught:
            rated(tmp_path, "model,task_id,score\nm,0,3\n", scal=[1, 5])
        assert caught.value.hint == "Did you mean 'scale'?"


class TestCheck:
    def check(self, judge: HumanRatings, ids: Sequence[str], models: Sequence[str], task: str = "t") -> list[str]:
        return judge.check_samples(task, samples(*ids), models)

    def test_nothing_to_say(self, tmp_path: Path) -> None:
        """A file that rates exactly the run's answers gives no notice."""
        judge = rated(tmp_path, "model,task_id,score\nm,0,3\nm,1.0,4\n")
        assert self.check(judge, ["0", "1"], ["m"]) == []

    def test_every_unusable_line_is_listed(self, tmp_path: Path) -> None:
        """One notice lists all lines by what is wrong with them."""
        cells = ["3", "", "", "", "9", "x", "4", "0"]
        lines = "".join(f"m,{number},{cell}\n" for number, cell in enumerate(cells))
        judge = rated(tmp_path, "model,task_id,score\n" + lines)
        path = tmp_path / "scores.csv"
        assert self.check(judge, [str(number) for number in range(8)], ["m"]) == [
            (
                f"human:{path}: 6 of 8 scores in {path} cannot be used: 3 blank (lines 3-5), "
                "2 outside the 1-5 scale (lines 6, 9), 1 not a number (line 7)."
            )
        ]

    def test_other_rows_are_counted_and_gaps_too(self, tmp_path: Path) -> None:
        """Rows of other models and tasks, and rows that name none, are ignored and counted; so are answers unrated."""
        judge = rated(tmp_path, "model,task_id,score\nm,0,3\nother,0,1\nm,7,\n,0,2\nm,,2\n")
        path = tmp_path / "scores.csv"
        assert self.check(judge, ["0", "1"], ["m"]) == [
            f"human:{path}: 1 row of {path} names task ids that t does not have and was ignored: 7.",
            f"human:{path}: 1 of 2 answers have no rating in {path}.",
        ]
        of_models = "is for models that this run does not have and was ignored (line 3)"
        assert judge.check_rows([("m", None)], ["t"]) == [
            f"human:{path}: 1 row of {path} {of_models}: 'other'.",
            f"{path}: 2 rows without a model or a task id (lines 5, 6) were ignored.",
        ]

    def test_nothing_for_this_run(self, tmp_path: Path) -> None:
        """A file that rates none of the run's answers ends the run, and says whom it rates."""
        judge = rated(tmp_path, "model,task_id,score\nm,0,3\n")
        with pytest.raises(InputError, match="no rating of these models on t") as caught:
            self.check(judge, ["0"], ["n"])
        assert "The file rates m; this run has n." in str(caught.value.hint)
        with pytest.raises(InputError, match="no rating of these models on t"):
            self.check(judge, ["1"], ["m"])

    def test_nothing_usable(self, tmp_path: Path) -> None:
        """A file whose scores are all off the scale ends the run, too."""
        judge = rated(tmp_path, "model,task_id,score\nm,0,80\nm,1,90\n")
        with pytest.raises(InputError, match=r"none of the 2 scores .* 2 outside the 1-5 scale \(lines 2, 3\)"):
            self.check(judge, ["0", "1"], ["m"])

    def test_one_judge_without_ratings_does_not_stop_the_others(self, tmp_path: Path) -> None:
        """Only a file with nothing usable ends the run; a judge with nothing says so."""
        path = tmp_path / "scores.csv"
        path.write_text("model,task_id,score,judge\nm,0,3,a\nm,9,3,b\n")
        first, second = judges_in(path)
        assert self.check(first, ["0"], ["m"]) == []
        assert f"human:b: 1 of 1 answers have no rating in {path}." in self.check(second, ["0"], ["m"])

    def test_task_column(self, tmp_path: Path) -> None:
        """Equal ids of two tasks keep their own ratings by the task column."""
        judge = rated(tmp_path, "task,model,task_id,score\nt,m,0,2\nu,m,0,4\n,m,1,5\n")
        t, u = samples("0", "1"), [Sample(id=one, inputs={"input": f"別の問い{one}"}) for one in ("0", "1")]
        for task, items in (("t", t), ("u", u)):
            assert judge.check_samples(task, items, ["m"]) == []
        path = tmp_path / "scores.csv"
        assert judge.check_rows([("m", None)], ["t"]) == [
            f"{judge.name}: 1 row of {path} is for tasks that this run does not have and was ignored (line 3): 'u'."
        ]
        bound = judge.for_model("m")
        assert [bound.judge(sample, ANSWER).score for sample in (*t, *u)] == [2, 5, 4, 5]

    def test_two_tasks_that_cannot_be_told_apart(self, tmp_path: Path) -> None:
        """Without a task column, one rating must not count for two tasks."""
        judge = rated(tmp_path, "model,task_id,score\nm,0,2\n")
        assert self.check(judge, ["0"], ["m"], "t") == []
        assert self.check(judge, ["0"], ["m"], "t") == []
        with pytest.raises(InputError, match="task id '0' is in t and in u"):
            self.check(judge, ["0"], ["m"], "u")


class TestPrompts:
    """Rows that name a prompt rate that prompt's answer, and no other."""

    TEXT = "model,prompt,task_id,score\nm,course.v1,0,2\nm,mine.j2,0,5\nm,mine.j2,1,4\nn,course.v1,0,3\n"

    def score(self, judge: HumanRatings, label: str, prompt: str | None, one: str = "0") -> float | None:
        return judge.for_model(label, prompt).judge(samples(one)[0], ANSWER).score

    def test_each_prompt_has_its_own(self, tmp_path: Path) -> None:
        """One model, one task, two prompts: two scores, and none for an answer whose prompt nobody rated."""
        judge = rated(tmp_path, self.TEXT)
        judge.check_rows([("m", "course.v1"), ("m", "mine.j2"), ("n", "course.v1"), ("n", "mine.j2")], ["t"])
        assert [2, 5] == [self.score(judge, "m", prompt) for prompt in ("course.v1", "mine.j2")]
        assert [None, 4] == [self.score(judge, "m", prompt, "1") for prompt in ("course.v1", "mine.j2")]
        assert [3, None] == [self.score(judge, "n", prompt) for prompt in ("course.v1", "mine.j2")]
        assert [None, None] == [self.score(judge, "m", prompt) for prompt in (None, "plain.v1")]
        assert (True, True, False) == (isinstance(judge, RatesPrompts), judge.names_prompts, prompts_share(judge, "m"))

    @pytest.mark.parametrize(
        ("typed", "found"),
        [("mine.j2", 5), ("./mine.j2", 5), ("prompts/mine.j2", 5), ("prompts/mine", 5), ("yours.j2", None)],
    )
    def test_a_prompt_by_path_and_by_name(self, tmp_path: Path, typed: str, found: float | None) -> None:
        """A template is the same by its path, by another way to write it, and by its bare name."""
        judge = rated(tmp_path, self.TEXT)
        judge.check_rows([("m", "course.v1"), ("m", typed)], ["t"])
        assert found == self.score(judge, "m", typed)

    def test_a_name_that_fits_two_prompts_fits_none(self, tmp_path: Path) -> None:
        """Two templates of one file name cannot be told apart by it; and two paths that differ are never the same."""
        judge = rated(tmp_path, self.TEXT)
        rows = [("m", "a/mine.j2"), ("m", "b/mine.j2")]
        notices = judge.check_rows(rows, ["t"])
        assert [None, None] == [self.score(judge, *row) for row in rows]
        assert "for prompts that this run does not have" in notices[-1]
        other = rated(tmp_path, "model,prompt,task_id,score\nm,a/x.j2,0,2\n")
        other.check_rows([("m", "b/x.j2")], ["t"])
        assert self.score(other, "m", "b/x.j2") is None

    def test_what_the_run_does_not_have_is_named(self, tmp_path: Path) -> None:
        """Models and prompts by name, with the one that was meant."""
        judge = rated(tmp_path, self.TEXT + "bsae,course.v1,0,3\nxyz,course.v1,0,3\nm,cuorse.v1,3,3\n")
        rows = [("m", "course.v1"), ("base", "course.v1"), ("n", "course.v1")]
        path = tmp_path / "scores.csv"
        models, prompts = judge.check_rows(rows, ["t"])
        assert models == (
            f"{judge.name}: 2 rows of {path} are for models that this run does not have and were ignored (lines 6, 7): "
            "'bsae' (did you mean 'base'?), 'xyz'."
        )
        assert prompts == (
            f"{judge.name}: 3 rows of {path} are for prompts that this run does not have and were ignored "
            "(lines 3, 4, 8): 'mine.j2', 'cuorse.v1' (did you mean 'course.v1'?)."
        )
        assert isinstance(judge, ChecksRows)
        assert [f"{judge.name}: 4 of 6 answers have no rating in {path}."] == judge.check_samples(
            "t", samples("0", "1"), ["m", "base", "n"]
        )

    def test_no_prompt_of_the_run_is_in_the_file(self, tmp_path: Path) -> None:
        """Nothing usable: the prompts of both sides are named."""
        judge = rated(tmp_path, self.TEXT)
        judge.check_rows([("m", "plain.v1"), ("n", "plain.v1")], ["t"])
        with pytest.raises(InputError, match="no rating of these prompts on t") as caught:
            judge.check_samples("t", samples("0"), ["m", "n"])
        assert "The file is about course.v1, mine.j2; this run has plain.v1." in str(caught.value.hint)

    def test_answers_from_a_file_have_no_prompt(self, tmp_path: Path) -> None:
        """A blank prompt rates them, in a file that names prompts of other models."""
        judge = rated(tmp_path, "model,prompt,task_id,score\nfiled,,0,4\nm,course.v1,0,2\n")
        judge.check_rows([("filed", None), ("m", "course.v1")], ["t"])
        assert (4, 2) == (self.score(judge, "filed", None), self.score(judge, "m", "course.v1"))
        assert (True, False) == (prompts_share(judge, "filed"), prompts_share(judge, "m"))
        with pytest.raises(InputError, match=r":2: no prompt, though this run has 2 of model 'filed'"):
            judge.check_rows([("filed", "a"), ("filed", "b"), ("m", "course.v1")], ["t"])

    @pytest.mark.parametrize("text", ["model,task_id,score\nm,0,4\n", "model,prompt,task_id,score\nm,,0,4\n"])
    def test_without_prompts_all_share(self, tmp_path: Path, text: str) -> None:
        """No column, or an empty one: every prompt of the model has the rating, and cannot be compared by it."""
        judge = rated(tmp_path, text)
        assert [4, 4, 4] == [self.score(judge, "m", prompt) for prompt in (None, "a", "b")]
        assert (False, True) == (judge.names_prompts, prompts_share(judge, "m"))

    def test_rows_that_only_sometimes_name_a_prompt(self, tmp_path: Path) -> None:
        """Which answer the others rate cannot be known."""
        with pytest.raises(InputError, match=r"scores.csv:3: no prompt, though other rows of model 'm' name one"):
            rated(tmp_path, "model,prompt,task_id,score\nm,course.v1,0,2\nm,,1,2\n")

    def test_one_rater_may_rate_each_prompt_once(self, tmp_path: Path) -> None:
        """The same task twice is a double only under the same prompt."""
        with pytest.raises(InputError, match=r":4: a second rating of model 'm' under 'a' on task '0', after line 2"):
            rated(tmp_path, "model,prompt,task_id,score\nm,a,0,2\nm,b,0,2\nm,a,0,2\n")

    def test_keys_hold_the_prompt_where_rows_name_it(self, tmp_path: Path) -> None:
        """Two prompts of equal text are two ratings; without a column they are one."""
        task = PlannedTask(name="t", samples=tuple(samples("0")))
        model = PlannedModel(label="m", fingerprint="f")
        templates = [load_template("course.v1"), load_template("plain.v1")]
        requests = plan_requests([task], [model], templates, sampling=Sampling())
        answers = {row.key: Generation(request_key=row.key, text="同じ") for row in requests}
        named, alike = (
            {item.key for item in items_of([task], requests, answers, [planned_judge(judge)])}
            for judge in (rated(tmp_path, self.TEXT), rated(tmp_path, "model,task_id,score\nm,0,4\n"))
        )
        assert (2, 1) == (len(named), len(alike))


class TestScoresOfNoPerson:
    """`scores:PATH` reads the same columns, and no report may call what is in it people's ratings."""

    def judges(self, folder: Path, text: str) -> list[HumanRatings]:
        path = folder / "llm.csv"
        path.write_text(text, encoding="utf-8")
        return open_scores(JudgeSpec(text=f"scores:{path}", name="scores", option=str(path)))

    def test_kind_and_words(self, tmp_path: Path) -> None:
        """They are of kind quality, from a file; no message speaks of a rating."""
        [judge] = self.judges(tmp_path, "model,task_id,score\nm,0,4\nm,1,\nm,2,7\nm,9,1\n")
        planned = planned_judge(judge, 3)
        assert ("quality", "file", 1) == (planned.kind, planned.scored_by, planned.repeats)
        said = [*judge.check_rows([("m", None)], ["t"]), *judge.check_samples("t", samples("0", "1", "2", "3"), ["m"])]
        assert 3 == len(said)
        assert "1 blank (line 3), 1 outside the 1-5 scale (line 4)" in said[0]
        assert "1 of 4 answers have no score in" in said[2]
        verdicts = [judge.for_model("m").judge(sample, ANSWER) for sample in samples("0", "1", "2", "3")]
        assert [4, None, None, None] == [verdict.score for verdict in verdicts]
        assert "rating" not in " ".join([*said, *(str(verdict.reason) for verdict in verdicts)])

    def test_two_judges_in_one_file(self, tmp_path: Path) -> None:
        """One judge a value, named scores:VALUE, never sharing a key with the same file read as people's."""
        text = "model,task_id,score,judge\nm,0,3,gpt\nm,0,4,gemini\n"
        found = self.judges(tmp_path, text)
        assert ["scores:gpt", "scores:gemini"] == [judge.name for judge in found]
        people = open_human(JudgeSpec(text="human:x", name="human", option=str(tmp_path / "llm.csv")))
        assert 4 == len({judge.fingerprint for judge in [*found, *people]})

    def test_a_kind_column_declares(self, tmp_path: Path) -> None:
        """Of two judges in one file, one may be people: each is what its rows say."""
        path = tmp_path / "scores.csv"
        path.write_text("model,task_id,score,judge,kind\nm,0,3,gpt,quality\nm,0,4,tanaka,Human\n", encoding="utf-8")
        kinds = {judge.name: (judge.kind, judge.scored_by) for judge in judges_in(path)}
        assert {"human:gpt": ("quality", "file"), "human:tanaka": ("human", None)} == kinds

    @pytest.mark.parametrize(
        ("kinds", "says"),
        [
            (("qualty", ""), "llm.csv:2: kind 'qualty' is none of quality, checks, similarity, human"),
            (("", "checks", "quality"), "llm.csv:4: kind 'quality', after 'checks' in line 3: one judge has one kind"),
            (("human",), "llm.csv:2: kind 'human' in a file of scores that no person gave"),
        ],
    )
    def test_kinds_that_cannot_be(self, tmp_path: Path, kinds: Sequence[str], says: str) -> None:
        """A misspelt one, two in one judge, people among what no person gave."""
        rows = "".join(f"m,{number},3,{kind}\n" for number, kind in enumerate(kinds))
        with pytest.raises(InputError) as caught:
            self.judges(tmp_path, "model,task_id,score,kind\n" + rows)
        assert says in str(caught.value)

    def test_without_a_file(self) -> None:
        """The message names the judge that was typed."""
        with pytest.raises(UsageError, match="'scores' needs a file"):
            open_scores(JudgeSpec(text="scores", name="scores"))


class TestFiles:
    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("task_id,score\n0,3\n", "no column 'model'"),
            ("model,score\nm,3\n", "no column 'task_id'"),
            ("model,task_id\nm,0\n", "no column 'score'"),
            ("model,task_id,score\n,0,3\n", "no row has both a model and a task_id"),
            ("model,task_id,score,judge\nm,0,3,a\nm,1,3,\n", "scores.csv:3: no judge"),
            (
                "model,task_id,score\nm,0,3\nm,1,3\nm,0,3\n",
                "scores.csv:4: a second rating of model 'm' on task '0', after line 2",
            ),
            ("model,task_id,score\nm,0,3\nm,0.0,\n", "scores.csv:3: a second rating"),
            ("model,task_id,score,rater\nm,0,3,a\nm,0,4,b\nm,0,5,a\n", "scores.csv:4: a second rating by rater 'a'"),
            ("model,task_id,score,rater\nm,0,3,\nm,0,4,\n", "scores.csv:3: a second rating of model"),
        ],
    )
    def test_files_that_cannot_be_used(self, tmp_path: Path, text: str, says: str) -> None:
        """Missing columns and double ratings are errors with their lines."""
        with pytest.raises(InputError) as caught:
            rated(tmp_path, text)
        assert says in str(caught.value)

    def test_no_path(self) -> None:
        """`--judge human` without a file is a usage error."""
        with pytest.raises(UsageError, match="needs a file"):
            open_human(JudgeSpec(text="human", name="human"))


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data folder is not here")
def test_real_ratings() -> None:
    """24,000 real scores: each model's mean is the plain mean of its on-scale scores, read here by csv alone.

    The scores were given by four LLM judges, which stand in for people.
    """
    path = SHARED / "shaberi" / "scores.csv"
    expected = defaultdict(list)
    unusable = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as file:
        for line, row in enumerate(csv.DictReader(file), start=2):
            if row["score"] in {"1", "2", "3", "4", "5"}:
                expected[row["judge"], row["model"]].append(int(row["score"]))
            else:
                unusable[row["judge"], row["score"]].append(line)
    items = samples(*map(str, range(100)))
    models = list(dict.fromkeys(model for _, model in expected))
    assert (len(models), sum(map(len, unusable.values()))) == (60, 36)
    for judge in judges_in(path):
        value = judge.name.removeprefix("human:")
        notice = "".join(judge.check_samples("elyza-tasks-100", items, models))
        assert bool(notice) == any(lines for (name, _), lines in unusable.items() if name == value)
        for cell, problem in (("", "blank"), ("0", "outside the 1-5 scale")):
            if lines := unusable[value, cell]:
                assert f"{len(lines)} {problem} (lines {compact(lines)})" in notice
        for model in models:
            bound = judge.for_model(model)
            scores = [found for sample in items if (found := bound.judge(sample, ANSWER).score) is not None]
            assert statistics.fmean(expected[value, model]) == statistics.fmean(scores)
            assert len(expected[value, model]) == len(scores)
