"""Texts that nearly are a task: changed endings, numbers and openings are found, other questions are not."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.types import Message, Sample
from trainers.data.contamination import find_hits, index
from trainers.data.examples import Example
from trainers.data.near_duplicates import NearIndex, Task, pack, shingles, unpack

ROOT = Path(__file__).resolve().parents[3]
TASK = "みかんが12個あります。3人で同じ数ずつ分けると、1人分は何個になりますか。理由も書いてください。"


def found(text: str, near: float = 0.45) -> list[float]:
    return [share for _, share in NearIndex({Task("mine", "7"): pack(shingles(TASK))}, near).found(text)]


@pytest.mark.parametrize(
    "text",
    [
        "みかんが８７個あります。５人で同じ数ずつ分けると、１人分は何個になりますか。理由も書いて下さい。",
        "みかんが十二個あります。三人で同じ数ずつ分けると、一人分は何個でしょうか。理由も説明していただけますか？",
        "算数の問題です。よく考えて答えること。" + TASK,
        "りんごが12個あります。3人で同じ数ずつ分けると、1人分は何個になりますか。",
        "次の文章を読み、最後の問いに答えてください。"
        + "今日は朝から雨が降り、駅前の店はどこも空いていた。" * 20
        + TASK,
    ],
)
def test_changed_copies(text: str) -> None:
    """Other numbers in any writing, another ending, another word, a sentence less, and the task within a long text."""
    assert [] != found(text)


@pytest.mark.parametrize(
    ("task", "text"),
    [
        (
            "ペンギンは空を飛べますか。",
            "失礼します。ぺんぎんは空を飛べますか？ 小学生にもわかるように、例を三つ挙げて説明してください。",
        ),
        ("カメラのレンズの拭き方は？", "かめらのれんずの拭き方は？"),
        ("うみがめのたまごはなぜまるいの", "ウミガメノタマゴハナゼマルイノ？"),
    ],
)
def test_kana_and_what_stands_around_a_short_task(task: str, text: str) -> None:
    """The kind of kana does not matter, and a short task is found in any text that says it without a break."""
    assert [] != NearIndex({Task("mine", "7"): pack(shingles(task))}).found(text)


def test_a_short_tasks_trigrams_in_pieces() -> None:
    """A text that says the same trigrams here and there does not say the task."""
    task, pieces = "鯨と海の話をして", ["鯨と海の", "町の話、", "海の話を", "昔の話をして"]
    text = "。船が港に着いた。".join(pieces)
    assert shingles(task) <= shingles(text)
    assert [] == NearIndex({Task("mine", "7"): pack(shingles(task))}).found(text)


@pytest.mark.parametrize(
    "text",
    [
        "みかんの皮のむき方を、理由も添えて説明してください。",
        "3人で旅行に行きます。1人分の予算はいくらがよいですか。",
        "",
        "。",
        "0",
    ],
)
def test_other_questions(text: str) -> None:
    """What shares a topic or a phrase is another question; an empty text is none."""
    assert [] == found(text)


def test_the_share_is_jaccards() -> None:
    """Counted by hand: abcde has abc bcd cde; bcdef has bcd cde def; two of four are common."""
    both = NearIndex({Task("t", "1"): pack(shingles("abcde"))}, 0.5)
    assert [(Task("t", "1"), 0.5)] == both.found("bcdef")
    assert [] == NearIndex({Task("t", "1"): pack(shingles("abcde"))}, 0.51).found("bcdef")


def test_the_closest_comes_first() -> None:
    """Of several tasks the one that shares most is named first."""
    tasks = {Task("t", str(n)): pack(shingles(text)) for n, text in enumerate(["abcdefgx", "abcdefgh"])}
    assert ["1", "0"] == [task.id for task, _ in NearIndex(tasks).found("abcdefgh")]


@given(st.text(max_size=60))
def test_equal_texts_share_everything(text: str) -> None:
    """Any text with trigrams is found by itself, with a share of 1; packing loses nothing."""
    hashes = shingles(text)
    assert hashes == unpack(pack(hashes))
    assert [1.0] * bool(hashes) == [share for _, share in NearIndex({Task("t", "1"): pack(hashes)}, 1.0).found(text)]


def test_hits_say_how_near() -> None:
    """An earlier turn is named as such; an equal input is not named again as a near one; without ``near`` no hit."""
    mine = index("mine", [Sample(id="7", inputs={"input": TASK})])
    near = TASK.replace("12", "30").replace("書いてください", "教えてほしいです")
    talk = (Message(role="user", content=near), Message(role="assistant", content="10個"))
    rows = [
        Example(where="a", inputs={"input": near}, answer="はい"),
        Example(where="b", inputs={"input": "ありがとう"}, answer="はい", history=talk),
        Example(where="c", inputs={"input": TASK}, answer="はい"),
    ]
    hits = find_hits(rows, [mine], near=0.45)
    assert ["a", "b", "c"] == [hit.where for hit in hits]
    assert hits[0].near is not None
    assert 0.45 < hits[0].near < 1
    assert str(hits[0]) == f"a: its input is nearly the input of mine task 7 ({hits[0].near:.2f})"
    assert str(hits[1]).startswith("b: an earlier turn is nearly the input of mine task 7 (0.")
    assert hits[2].near is None
    assert ["c"] == [hit.where for hit in find_hits(rows, [mine])]


def test_known_benchmarks(shared_data: Path) -> None:
    """Of the tasks of three sets, each changed in thirteen ways, 95 % are found; of 333 other questions 1 % at most."""
    script = ROOT / "bench" / "near_duplicates.py"
    command = [sys.executable, script, "--shared", shared_data.parent]
    figures = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert 13 == len(figures["found"])
    assert min(figures["found"].values()) >= 0.95
    assert 333 == figures["other_questions"]
    assert figures["false_alarms"] <= 0.01
