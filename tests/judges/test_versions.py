"""The versions in the fingerprints of the built-in judges, which stand where a plugin's key has the hash of its code.

A verdict is stored under its judge's version. So whatever makes a judge say something else must raise it: each version
has the digest of its scores on the same answers here, and a digest once written stays as it is.
"""

from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from harness.codec import digest
from harness.types import Generation, JudgeSpec, Sample, Verdict
from judges.human import open_human
from judges.reference import open_reference
from judges.rules import open_rules

# Raise the version where it stands and add a line; the old lines are what is in people's stores.
SCORES = {
    "rules/1": "1993576da5b75ac4",
    "reference.v1": "e9c8efa0a8aadf29",
    "human.v2": "8afd0c99d736e501",
}

# The answers and rules do not change either: a digest is of exactly these.
TEXTS = (
    "", " \u200b\n", "はい", "はい。" * 50, "Tokyo",
    "42", "这是什么", "東京は日本の首都です。", "ＡＢＣ　１２３", "三 文\n字",
    "①赤\n②青", "・赤\n・青\n・白", "1. 犬\n2. 猫\n3. 鳥\n4. 魚",
    "はい。どうぞ。いいえ！", "赤、青、白", "10時です", "ﾀﾞﾒ",
    "１２３－４５６７", "答えは３．５です", '{"a": [1, 2]}',
    '```json\n{"a": 1}\n```', "# 見出し\n**太字**", "吾輩は猫である",
)  # fmt: skip
RULES: tuple[Mapping[str, Any], ...] = (
    {"type": "non_empty"}, {"type": "japanese_ratio", "min": 0.8}, {"type": "script_ratio", "script": "hiragana"},
    {"type": "max_repetition", "share": 0.2, "n": 2}, {"type": "length", "min": 3, "max": 8},
    {"type": "exactly_n_items", "n": 2}, {"type": "exactly_n_items", "n": 3}, {"type": "max_sentences", "n": 1},
    {"type": "must_include", "any": ["１０時", "猫"]}, {"type": "must_not_include", "any": ["ダメ", "はい"]},
    {"type": "regex", "pattern": "[0-9]{3}-[0-9]{4}"}, {"type": "json"},
)  # fmt: skip
CELLS = (
    "1",
    "5",
    "４",
    "3.5",
    "4点",
    " 2 ",
    "+3",
    "0",
    "6",
    "",
    "x",
    "4/5",
    "1e0",
    "5.0",
    "４．５点",
    "④",
    "nan",
    "-1",
)


def said(verdict: Verdict) -> list[object]:
    return [verdict.status, None if verdict.score is None else round(verdict.score, 9)]


def by_rules(folder: Path) -> tuple[str, list[object]]:
    judge = open_rules(JudgeSpec(text="rules", name="rules"))
    samples = [Sample(id="0", inputs={"input": "問"}, rules=(rule,)) for rule in RULES]
    found = [said(judge.judge(*pair)) for pair in product(samples, map(answer, TEXTS))]
    return judge.fingerprint.rpartition("/")[0], found


def by_reference(folder: Path) -> tuple[str, list[object]]:
    judge = open_reference(JudgeSpec(text="reference", name="reference"))
    samples = [Sample(id="0", inputs={"input": "問"}, reference=text) for text in TEXTS]
    return judge.fingerprint.split()[0], [said(judge.judge(*pair)) for pair in product(samples, map(answer, TEXTS))]


def by_people(folder: Path) -> tuple[str, list[object]]:
    path = folder / "h.csv"
    rows = [f"m,{prompt},{number},{cell}," for prompt in ("a", "b") for number, cell in enumerate(CELLS)]
    rows += [f"m,a,two,{score},{rater}" for score, rater in (("2", "x"), ("5", "y"), ("", "z"))]
    path.write_text("\n".join(["model,prompt,task_id,score,rater", *rows]), encoding="utf-8")
    [judge] = open_human(JudgeSpec(text="human", name="human", option=str(path)))
    ids = [*map(str, range(len(CELLS))), "two", "none"]
    found = [
        said(judge.for_model("m", prompt).judge(Sample(id=one, inputs={"input": "問"}), answer("答")))
        for prompt, one in product(("a", "b", None), ids)
    ]
    return judge.fingerprint.split()[0], found


def answer(text: str) -> Generation:
    return Generation(request_key="k", text=text)


@pytest.mark.parametrize("judge", [by_rules, by_reference, by_people])
def test_another_score_needs_another_version(judge: Callable[[Path], tuple[str, list[object]]], tmp_path: Path) -> None:
    """If this fails, the judge says something else than what stands in stores under its version: raise that."""
    version, scores = judge(tmp_path)
    assert len({str(score) for score in scores}) > 4  # the answers do tell scores apart
    assert SCORES[version] == digest(scores)[:16]
