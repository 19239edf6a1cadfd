"""How many reworded copies of benchmark tasks `harness train` finds, and how many other questions it takes for copies.

Usage: python bench/near_duplicates.py [--shared ../shared] [--near 0.45]. Each task of ELYZA-tasks-100, its TV set and
the bundled set is changed in thirteen ways; the other questions are those of Tengu-Bench, Rakuda and Japanese MT-Bench
and of the demonstration data. Prints JSON. Needs the shared data.
"""

import argparse
import json
import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.tables import read_rows
from harness.tasks.bundled import open_bundled
from harness.types import TaskSpec
from trainers.data.contamination import find_hits, known_benchmarks
from trainers.data.examples import Example
from trainers.data.near_duplicates import DEFAULT_NEAR

ENDINGS = [
    ("してください", "していただけますか"),
    ("してください", "して下さい"),
    ("してください", "せよ"),
    ("ください", "もらえますか"),
    ("ですか", "でしょうか"),
    ("ますか", "るのか教えて"),
    ("か？", "かを教えてください"),
    ("教えて", "説明して"),
]
OPENINGS = ["以下の質問に答えてください。\n", "あなたは優秀なアシスタントです。", "次の問題を考えてみましょう。\n"]
WORDS = ["ネコ", "会社", "りんご", "先生", "東京都"]
POLITE = [
    ("お忙しいところ恐れ入りますが、", "どうぞよろしくお願いいたします。"),
    ("すみません、", "ありがとうございます！"),
    ("もしよろしければ、", "初心者にもわかるようにお願いします。"),
]
FRAMES = [
    "以下は、タスクを説明する指示です。要求を適切に満たす応答を書きなさい。\n\n### 指示:\n{}\n\n### 応答:\n",
    "あなたは誠実で優秀な日本人のアシスタントです。段階的に考えてから回答してください。\n\n質問: {}\n回答:",
    "Please answer the following question in Japanese. Think step by step.\n\nQuestion: {}\nAnswer:",
    "「{}」という質問に、専門家として二百字程度で回答し、最後に要点を箇条書きでまとめてください。",
]
SYNONYMS = [
    ("以下の", "次の"), ("文章", "テキスト"), ("理由", "わけ"), ("説明して", "解説して"), ("方法", "やり方"),
    ("問題", "課題"), ("書いて", "執筆して"), ("意味", "内容"), ("言葉", "単語"), ("どのような", "どんな"),
    ("違い", "相違点"), ("使って", "用いて"), ("について", "に関して"), ("場合", "とき"), ("簡単", "かんたん"),
]  # fmt: skip
NEGATIVES = ("tengu.jsonl", "rakuda.jsonl", "ja-mt-1shot.jsonl")


def ending(text: str, rng: random.Random) -> str:
    """Ask in another way at the end."""
    fitting = [(old, new) for old, new in ENDINGS if old in text]
    if not fitting:
        return text.rstrip() + rng.choice(["お願いします。", "教えてください。", "詳しくお願いします。"])
    old, new = rng.choice(fitting)
    head, _, tail = text.rpartition(old)
    return head + new + tail


def numbers(text: str, rng: random.Random) -> str:
    """Put other numbers in place of those in digits."""
    return re.sub(r"\d+", lambda found: str(rng.randint(1, 10 ** len(found[0]))), text)


def full_width(text: str, _: random.Random) -> str:
    """Write ASCII in full width."""
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


def opening(text: str, rng: random.Random) -> str:
    """Put a sentence before it."""
    return rng.choice(OPENINGS) + text


def word(text: str, rng: random.Random) -> str:
    """Put another word in place of one, wherever it stands."""
    words = re.findall("[ァ-ヴー]{3,}|[一-龠]{2,}", text)
    return text.replace(rng.choice(words), rng.choice(WORDS)) if words else text


def shorter(text: str, _: random.Random) -> str:
    """Leave out the last sentence of three or more."""
    parts = [part for part in re.split(r"(?<=[。\n])", text) if part.strip()]
    return "".join(parts[:-1]) if len(parts) > 2 else text


def together(text: str, rng: random.Random) -> str:
    """Another ending, other numbers, full width."""
    return full_width(numbers(ending(text, rng), rng), rng)


def hiragana(text: str, _: random.Random) -> str:
    """Write katakana as hiragana."""
    return "".join(chr(ord(char) - 0x60) if "ァ" <= char <= "ヶ" else char for char in text)


def katakana(text: str, _: random.Random) -> str:
    """Write hiragana as katakana."""
    return "".join(chr(ord(char) + 0x60) if "ぁ" <= char <= "ゖ" else char for char in text)


def polite(text: str, rng: random.Random) -> str:
    """Put courtesies before and after it."""
    before, after = rng.choice(POLITE)
    return before + text.rstrip() + after


def framed(text: str, rng: random.Random) -> str:
    """Put it into an instruction's frame."""
    return rng.choice(FRAMES).format(text)


def swapped(text: str, _: random.Random) -> str:
    """Say its sentences, or the clauses of its only one, in the opposite order."""
    parts = [part.strip() for part in re.split(r"(?<=[。\n！？])", text) if part.strip()]
    if len(parts) > 1:
        return "\n".join(reversed(parts))
    first, comma, rest = text.partition("、")
    return f"{rest}、{first}。" if comma else text


def synonyms(text: str, _: random.Random) -> str:
    """Say every word that has one by a synonym."""
    for old, new in SYNONYMS:
        text = text.replace(old, new)
    return text


CHANGES: Sequence[Callable[[str, random.Random], str]] = (
    ending,
    numbers,
    full_width,
    opening,
    word,
    shorter,
    together,
    hiragana,
    katakana,
    polite,
    framed,
    swapped,
    synonyms,
)


def hits(texts: Sequence[str], near: float) -> list[str]:
    """Return those of some questions that are taken for tasks of the known benchmarks."""
    rows = [Example(where=str(place), inputs={"input": text}, answer="はい。") for place, text in enumerate(texts)]
    found = {hit.where for hit in find_hits(rows, known_benchmarks(), near=near)}
    return [text for place, text in enumerate(texts) if str(place) in found]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--shared", type=Path, default=Path(__file__).resolve().parents[1].parent / "shared")
    parser.add_argument("--near", type=float, default=DEFAULT_NEAR)
    chosen = parser.parse_args()
    data = chosen.shared / "data"
    files = ["elyza-tasks-100/test.jsonl", "elyza-tasks-100-tv/elyza-tasks-100-TV_0.jsonl"]
    tasks = [str(row.values["input"]) for file in files for row in read_rows(data / file)]
    tasks += [sample.input for sample in open_bundled(TaskSpec(name="bundled:ja-mini")).samples()]
    others = [str(row.values["input"]) for file in NEGATIVES for row in read_rows(data / "ja-freeform" / file)]
    demo = Path(__file__).resolve().parents[1] / "trainers" / "demo_pairs.json"
    others += [str(row.values["text"]) for row in read_rows(demo)]
    found = {}
    for change in CHANGES:
        rng = random.Random(1)  # noqa: S311 - a benchmark's choices
        found[change.__name__] = round(len(hits([change(task, rng) for task in tasks], chosen.near)) / len(tasks), 4)
    alarms = hits(others, chosen.near)
    print(
        json.dumps(
            {
                "near": chosen.near,
                "tasks": len(tasks),
                "found": found,
                "other_questions": len(others),
                "false_alarms": round(len(alarms) / len(others), 4),
                "alarms": alarms,
            },
            ensure_ascii=False,
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
