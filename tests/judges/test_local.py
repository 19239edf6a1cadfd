"""The judge on this machine: from probabilities to expected scores, what has none, and real models end to end."""

import csv
import importlib
import json
import re
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from harness import plugins
from harness.errors import HarnessError, InputError, UnknownNameError, UsageError
from harness.models.hf.bases import BASE_MODELS
from harness.protocols import FreeText, JudgesTogether, WordScores
from harness.templates import load_template
from harness.types import LIKERT_5, Generation, JudgeSpec, RenderedPrompt, Request, Sample, Verdict
from judges.local import LocalJudge, LocalSettings, open_local
from tests.conftest import RunCli, results_of

SURE = (0.02, 0.03, 0.05, 0.5, 0.4)


class Model:
    """A model that says what it is told of every prompt, in reverse order, and keeps what it was shown."""

    fingerprint = "model-1"

    def __init__(self, *given: WordScores | tuple[float, ...]) -> None:
        self.given, self.prompts, self.lead = given, list[RenderedPrompt](), list[FreeText | None]()

    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        raise NotImplementedError

    def score_words(
        self, prompts: Sequence[RenderedPrompt], words: Sequence[str], lead: FreeText | None = None
    ) -> Iterator[WordScores]:
        self.prompts += prompts
        self.lead.append(lead)
        text = None if lead is None else '{"reason": "正確", "score": 4}'
        for index, one in reversed(list(enumerate(self.given))):
            yield one if isinstance(one, WordScores) else WordScores(index=index, probabilities=one, text=text)


def judge(model: Model, rubric: str = "digits.v1", **settings: Any) -> LocalJudge:
    return LocalJudge("local:m", model, load_template(rubric, kind="judges"), LocalSettings(**settings))


def judged(one: LocalJudge, *texts: str | None) -> list[Verdict]:
    answers = [
        (Sample(id=str(n), inputs={"input": f"課題{n}"}, reference="正解"), Generation(request_key=str(n), text=text))
        for n, text in enumerate(texts)
    ]
    found = dict(one.judge_together(answers))
    return [found[place] for place in range(len(texts))]


def spec(option: str | None, *, rubric: str | None = "digits.v1", **settings: Any) -> JudgeSpec:
    return JudgeSpec(text=f"local:{option}", name="local", option=option, rubric=rubric, settings=settings)


def test_the_score_is_the_mean_by_probability_and_not_rounded() -> None:
    """By hand: .02×1 + .03×2 + .05×3 + .5×4 + .4×5 = 4.23 of 1; half the mass outside changes no mean."""
    one = judge(Model(SURE, tuple(share / 2 for share in SURE)), most_outside=0.5)
    assert isinstance(one, JudgesTogether)
    first, second = judged(one, "東京です。", "大阪です。")
    assert (pytest.approx(4.23, abs=1e-12), pytest.approx(4.23, abs=1e-12)) == (first.score, second.score)
    assert "P(1)=0.020 P(2)=0.030 P(3)=0.050 P(4)=0.500 P(5)=0.400 P(other)=0.000" == first.rationale
    detail = json.loads(second.raw or "")
    assert (pytest.approx(0.5), 0.25, None) == (detail["outside"], detail["probabilities"]["4"], detail["reply"])
    assert (True, False) == (one.scale.allows(4.23), LIKERT_5.allows(4.23))


def test_mass_outside_beyond_the_setting_leaves_an_answer_unscored() -> None:
    """10 % by default; what lies at it is scored. The reason says how much it was."""
    at, beyond, none = judged(judge(Model((0.9, 0, 0, 0, 0), (0.899, 0, 0, 0, 0), (0.0,) * 5)), "a", "b", "c")
    assert ("scored", 1.0) == (at.status, at.score)
    assert ("unscored", "mass_outside") == (beyond.status, beyond.code)
    assert str(beyond.reason).startswith("10.1% of the probability lies outside the scores 1 to 5; at most 10.0%")
    assert pytest.approx(0.101) == json.loads(beyond.raw or "")["outside"]
    assert "mass_outside" == none.code
    assert "mass_outside" == judged(judge(Model((0.0,) * 5), most_outside=1.0), "a")[0].code


def test_answers_that_the_model_is_not_asked_about() -> None:
    """An empty one has the lowest score; where the others stand is not mixed up."""
    model = Model(SURE, (0.0, 0.0, 0.0, 0.0, 1.0))
    first, empty, last, missing = judged(judge(model), "a", " \n", "b", None)
    assert (pytest.approx(4.23), 1.0, 5.0, "no_answer") == (first.score, empty.score, last.score, missing.code)
    assert 2 == len(model.prompts)
    assert [1.0] == [one.score for one in judged(judge(Model()), "")]


def test_a_reply_that_broke_off_has_no_score() -> None:
    """The model's own words are kept."""
    cut = WordScores(index=0, probabilities=None, text='{"reason": "正', error="the reply was cut before its score")
    (one,) = judged(judge(Model(cut), "elyza.v1"), "a")
    assert ("unscored", "local_failed", '{"reason": "正') == (one.status, one.code, one.raw)
    assert "the judge model gave no score: the reply was cut before its score" == one.reason


def test_a_rubric_that_asks_for_a_reason_has_it_written_first() -> None:
    """The form is JSON; the reason is the verdict's, with the probabilities behind it."""
    model = Model(SURE)
    (one,) = judged(judge(model, "elyza.v1", reason_characters=80), "a")
    assert FreeText(before='{"reason": "', most=80, after='", "score": ', end="}") == model.lead[0]
    assert str(one.rationale).startswith("正確 P(1)=0.020 ")
    assert ("chat", "template") == (model.prompts[0].format, model.prompts[0].bos)
    assert str(model.prompts[0].text_form).endswith("}\n\n")
    judged(judge(other := Model(SURE)), "a")
    assert (None, True) == (other.lead[0], str(other.prompts[0].text_form).endswith("書かないでください。\n\n点数："))


def test_the_fingerprint_holds_model_rubric_and_settings() -> None:
    """Each of them decides scores; the longest reason does only where there is one."""
    one, same = judge(Model()).fingerprint, judge(Model(), reason_characters=9).fingerprint
    assert (one, True) == (same, one.startswith("model-1 local/1:"))
    other = Model()
    other.fingerprint = "model-2"
    others = [
        judge(other), judge(Model(), "elyza.v1"), judge(Model(), "elyza.v1", reason_characters=9),
        judge(Model(), most_outside=0.2),
    ]  # fmt: skip
    assert 5 == len({one, *(changed.fingerprint for changed in others)})


@pytest.mark.parametrize(
    ("option", "settings", "kind", "message"),
    [
        (None, {}, UsageError, "names no model"),
        ("echo", {}, UsageError, "echo cannot be a local judge"),
        ("hff:x", {}, UnknownNameError, "hff"),
        ("echo", {"most_outside": 1.5}, InputError, "most_outside lies between 0 and 1"),
        ("echo", {"reason_characters": 0}, InputError, "reason_characters must be at least 1"),
        ("echo", {"most_outsid": 0.5}, InputError, "most_outsid"),
        ("hf:/no/such/folder", {}, HarnessError, "/no/such/folder"),
    ],
)
def test_what_cannot_be_a_judge(option: str | None, settings: dict[str, Any], kind: type, message: str) -> None:
    """Each says what is wrong, before anything is loaded."""
    pytest.importorskip("torch", reason="the extra [local] is not installed")
    with pytest.raises(kind, match=re.escape(message)):
        open_local(spec(option, **settings))


def rubric(folder: Path, reply: str) -> str:
    """A short rubric, which a model of 256 tokens can read."""
    (folder / f"{reply}.v1.j2").write_text(
        f"---\nname: {reply}\nversion: 1\nreply: {reply}\n---\n{{{{ fence }}}}{{{{ answer }}}}{{{{ fence }}}}",
        encoding="utf-8",
    )
    return f"{reply}.v1.j2"


@pytest.mark.parametrize("reply", ["number", "json"])
def test_one_model_answers_and_judges(
    run_cli: RunCli, workplace: Path, tiny: Path, make_adapter: Any, reply: str
) -> None:
    """A base and its adapter are judged by the adapter: the scores are those of the judge alone, and shown."""
    adapter = make_adapter(tiny, scale=0.5)
    (workplace / "few.jsonl").write_text('{"input": "はい"}\n{"input": "猫"}\n', encoding="utf-8")
    settings = {"base": str(tiny), "dtype": "float32", "most_outside": 1.0, "reason_characters": 8}
    (workplace / "harness.toml").write_text(
        "[judges.local]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
    )
    name = f"local:adapter:{adapter}"
    models = ("--base", str(tiny), "--model", "base", "--model", f"a=adapter:{adapter}", "--max-new-tokens", "8")
    command = ("eval", "--task", "few=few.jsonl", *models, "--dtype", "float32", "--quantization", "none",
               "--judge", name, "--rubric", rubric(workplace, reply), "--run", "r")  # fmt: skip
    BASE_MODELS.clear()
    before = BASE_MODELS.loads
    ran = run_cli(*command)
    assert 0 == ran.code, ran.err
    assert before + 1 == BASE_MODELS.loads, "base, adapter and judge share one base"
    rows = {row["model"]: row for row in results_of(workplace, "r")["rows"]}
    with sqlite3.connect(workplace / "runs/store.sqlite") as store:
        stored = store.execute("SELECT text, score FROM judgement JOIN generation USING (request_key)").fetchall()
    one = open_local(spec(f"adapter:{adapter}", rubric=str(workplace / f"{reply}.v1.j2"), **settings))
    assert 4 == len(stored)
    for text, score in stored:
        verdict = one.judge(Sample(id="0", inputs={"input": "x"}), Generation(request_key="0", text=text))
        assert verdict.score == pytest.approx(score, abs=1e-4)
    assert rows["a"]["mean"] + rows["base"]["mean"] == pytest.approx(sum(score for _, score in stored) / 2)
    shown = run_cli("show", "r", "--task-id", "0")
    assert "P(5)=0." in shown.out
    assert "0 judged anew" in run_cli(*command).err


def test_the_embedded_model_judges_without_a_network(
    run_cli: RunCli, workplace: Path, embedded: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers from a file, by its own chat template: what it thinks outside the digits is told, or leaves no score."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    (workplace / "few.jsonl").write_text('{"input": "日本の首都は？"}\n', encoding="utf-8")
    (workplace / "answers.jsonl").write_text('{"model": "mine", "task_id": 0, "output": "東京です。"}\n')
    command = ("eval", "--task", "few=few.jsonl", "--model", "mine=outputs:answers.jsonl",
               "--judge", f"local:{embedded}", "--rubric", "digits.v1")  # fmt: skip
    strict = run_cli(*command, "--run", "strict")
    assert 3 == strict.code
    [reason] = (
        results_of(workplace, "strict")["unscored_reasons"]
        if "unscored_reasons" in results_of(workplace, "strict")
        else results_of(workplace, "strict")["rows"][0]["unscored_reasons"]
    )
    assert {"code": "mass_outside", "count": 1} == reason
    (workplace / "harness.toml").write_text("[judges.local]\nmost_outside = 1\n")
    lenient = run_cli(*command, "--run", "lenient")
    assert 0 == lenient.code, lenient.err
    [row] = results_of(workplace, "lenient")["rows"]
    assert 1 < row["mean"] < 5
    assert row["mean"] != round(row["mean"])


def test_the_embedded_models_score_is_the_sum_over_every_token_that_shows_a_digit(
    workplace: Path, embedded: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over the logits that the model gave, each of 262,144 tokens decoded alone; a blank that wins is looked behind."""
    forward = importlib.import_module("harness.models.hf.forward_eager")
    given: list[Any] = []
    for name in ("start", "step"):
        made = getattr(forward.EagerSteps, name)
        monkeypatch.setattr(forward.EagerSteps, name, lambda *all, made=made: given.append(made(*all)) or given[-1])
    short = str(workplace / rubric(workplace, "number"))
    one = open_local(spec(embedded, rubric=short, dtype="float32", most_outside=1.0))
    [verdict] = judged(one, "東京です。")
    tokenizer = one._model._base().encoder.tokenizer  # type: ignore[attr-defined]
    shown = [tokenizer.decode([token]) for token in range(len(tokenizer))]
    shares = [logits[0].double().softmax(-1).tolist() for logits in given]

    def digits(shares: list[float]) -> list[float]:
        pairs = list(zip(shares, shown, strict=False))
        return [sum(p for p, text in pairs if text.strip() in {f"{n}", chr(0xFF10 + n)}) for n in range(1, 6)]

    found = digits(shares[0])
    best = shares[0].index(max(shares[0]))
    begins_blank = not shown[best].strip() and best not in tokenizer.all_special_ids
    assert (2 if begins_blank else 1) == len(shares)
    if begins_blank:
        found = [p + shares[0][best] * more for p, more in zip(found, digits(shares[1]), strict=True)]
    expected = sum(n * p for n, p in enumerate(found, start=1)) / sum(found)
    assert verdict.score == pytest.approx(expected, abs=1e-6)
    assert json.loads(verdict.raw or "")["outside"] == pytest.approx(1 - sum(found), abs=1e-6)


def test_a_gguf_file_judges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Converted once; its fingerprint holds the digest of the file, and another file is another judge."""
    pytest.importorskip("gguf", reason="the extra [demo] is not installed")
    write_gguf = importlib.import_module("tests.servers.tiny_gguf").write_gguf
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    fingerprints = set()
    for seed in (0, 1):
        path = write_gguf(tmp_path / f"{seed}.gguf", seed=seed)
        one = open_local(spec(f"gguf:{path}", rubric=str(tmp_path / rubric(tmp_path, "json")), most_outside=1.0,
                              reason_characters=8))  # fmt: skip
        [verdict] = judged(one, "東京です。")
        assert "scored" == verdict.status, verdict.reason
        assert ["reason", "score"] == list(json.loads(json.loads(verdict.raw or "")["reply"]))
        fingerprints.add(one.fingerprint)
    assert 2 == len(fingerprints)


def test_its_card_on_real_answers(run_cli: RunCli, workplace: Path, embedded: str, shared_data: Path) -> None:
    """Two models' answers, with a strong judge's scores in the place of people's: how they go together is said."""
    answers = pq.read_table(shared_data / "shaberi" / "answers.parquet").to_pylist()
    with (shared_data / "shaberi" / "scores.csv").open(encoding="utf-8") as file:
        scores = {(row["model"], row["task_id"]): row["score"] for row in csv.DictReader(file)
                  if row["judge"] == "gpt-4-turbo-preview"}  # fmt: skip
    models = sorted({row["model"] for row in answers})[:2]
    texts = {(row["model"], str(row["task_id"])): row["answer"] for row in answers if row["model"] in models}
    chosen = [n for n in map(str, range(100)) if all(len(texts[model, n] or "") in range(1, 200) for model in models)]
    assert len(chosen) >= 8
    with (workplace / "t.jsonl").open("w", encoding="utf-8") as tasks:
        tasks.writelines(json.dumps({"task_id": n, "input": f"課題{n}"}) + "\n" for n in chosen[:8])
    for name, cell in (("answers.csv", texts), ("people.csv", scores)):
        with (workplace / name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("model", "task_id", "output" if cell is texts else "score"))
            writer.writerows((model, n, cell[model, n]) for model in models for n in chosen[:8])
    (workplace / "harness.toml").write_text("[judges.local]\nmost_outside = 1\n")
    judge = f"local:{embedded}"
    ran = run_cli("eval", "--run", "r", "--task", "t=t.jsonl", "--model", "outputs:answers.csv", "--judge", judge,
                  "--judge", "human:people.csv", "--rubric", rubric(workplace, "number"))  # fmt: skip
    assert 0 == ran.code, ran.err
    audit = run_cli("audit", "r", "--human", "human:people.csv", "--json")
    assert 0 == audit.code, audit.err
    [task] = json.loads(audit.out)["tasks"]
    cards = {card["judge"]["name"]: card for card in task["cards"]}
    assert (16, 16) == (cards[judge]["n"], cards[judge]["n_scored"])
    [pair] = task["pairs"]
    assert {judge, "human:people.csv"} == {pair["first"], pair["second"]}
    with sqlite3.connect(workplace / "runs/store.sqlite") as store:
        found = store.execute("SELECT text, score FROM judgement JOIN generation USING (request_key)").fetchall()
    by_text: dict[str, list[float]] = {}
    for text, score in found:
        by_text.setdefault(text, []).append(score)
    two = [scores for scores in by_text.values() if len(scores) == 2]
    assert -1 <= pair["rank_answers"] <= 1
    assert len(two) >= 15, "each answer was scored by both"


def test_it_is_found_by_its_name() -> None:
    """As any other judge."""
    assert "local" in plugins.names("judges")
