"""Training data that equals a benchmark's task: planted copies are found, other text is not."""

import json
import re
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

from harness.tables import read_rows
from harness.tasks.bundled import open_bundled
from harness.tasks.elyza import open_elyza, open_elyza_tv
from harness.types import Message, Sample, TaskSpec
from trainers.data.contamination import Hit, find_hits, index, known_benchmarks
from trainers.data.examples import Example

ROOT = Path(__file__).resolve().parents[3]
ELYZA = Path("elyza-tasks-100") / "test.jsonl"
TV = Path("elyza-tasks-100-tv") / "elyza-tasks-100-TV_0.jsonl"
LONG = "東京は日本の首都であり、政治や経済、文化の中心として、多くの人が集まる大きな都市です。"


def example(question: str, answer: str = "はい。", **parts: str) -> Example:
    return Example(where="train.json:1", inputs={"input": question, **parts}, answer=answer)


def disguised(text: str) -> str:
    """Return a copy as other editors would leave it: wide letters, CRLF, more spaces, other stops and quotes."""
    wide = "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)
    stops = wide.replace("。", "．").replace("、", "，").replace("「", "『").replace("」", "』").replace("〜", "～")
    spaced = "\u3000".join(stops)
    return "\ufeff " + spaced.replace("\n", "\r\n\r\n") + "\n"


class TestHits:
    MINE = index(
        "mine",
        [
            Sample(id="a", inputs={"input": "日本の首都はどこですか。"}, reference=LONG),
            Sample(id="b", inputs={"input": "1+1=?"}, reference="二"),
            Sample(id="c", inputs={"input": "次の文を要約してください。\n\n雨が降った。"}, reference="雨だった。"),
        ],
    )

    def hits(self, *examples: Example) -> list[tuple[str, str]]:
        return [(hit.task_id, hit.what) for hit in find_hits(examples, [self.MINE])]

    def test_input_and_reference(self) -> None:
        """An example may equal a task in its input and in its answer; each is a hit."""
        expected = [
            Hit(where="train.json:1", benchmark="mine", task_id="a", what="input"),
            Hit(where="train.json:1", benchmark="mine", task_id="a", what="reference"),
        ]
        assert expected == find_hits([example(disguised("日本の首都はどこですか。"), LONG + "\n")], [self.MINE])
        assert "train.json:1: its answer is the reference of mine task a" == str(expected[1])

    def test_other_texts(self) -> None:
        """A task with a word more, a short reference and an input of few characters are no hits."""
        assert [] == self.hits(
            example("日本の首都はどこですか。教えてください。"),
            example("二ですか", "二"),
            example("1+1=?"),
            example("11"),
        )

    def test_answer_that_is_an_input(self) -> None:
        """An answer is compared with references alone, and an input with inputs alone."""
        assert [] == self.hits(example(LONG, "日本の首都はどこですか。"))

    def test_parts(self) -> None:
        """An Alpaca row is compared as a whole, by its instruction and by its input."""
        whole = example("次の文を要約してください。\n雨が降った。")
        first = example("日本の首都はどこですか。\n表", instruction="日本の首都はどこですか。", context="表")
        second = example("訳して\n日本の首都はどこですか。", instruction="訳して", context="日本の首都はどこですか。")
        assert [("c", "input"), ("a", "input"), ("a", "input")] == self.hits(whole, first, second)

    def test_history(self) -> None:
        """Earlier turns are compared, too: the user's with inputs, the assistant's with references."""
        talk = (Message(role="user", content="日本の首都はどこですか？"), Message(role="assistant", content=LONG))
        swapped = (Message(role="user", content=LONG), Message(role="assistant", content="日本の首都はどこですか？"))
        found = [
            self.hits(Example(where="1", inputs={"input": "ありがとう"}, answer="はい", history=history))
            for history in (talk, swapped)
        ]
        assert [[("a", "input"), ("a", "reference")], []] == found

    def test_an_earlier_turn_is_named_as_such(self) -> None:
        """The example's own input is not blamed for what was asked before it."""
        talk = (Message(role="user", content="日本の首都はどこですか？"), Message(role="assistant", content="東京"))
        example = Example(where="t turn 4", inputs={"input": "ありがとうございます"}, answer="はい", history=talk)
        mine = index("mine", [Sample(id="7", inputs={"input": "日本の首都はどこですか。"})])
        [hit] = find_hits([example], [mine])
        assert "t turn 4: an earlier turn is the input of mine task 7" == str(hit)

    def test_once(self) -> None:
        """An example that holds a task several times is one hit."""
        talk = (Message(role="user", content="日本の首都はどこですか？"), Message(role="assistant", content="東京"))
        twice = Example(where="1", inputs={"input": "日本の首都はどこですか。"}, answer="東京", history=talk)
        assert [("a", "input")] == self.hits(twice)

    def test_length_of_a_reference(self) -> None:
        """A reference of 40 characters is not compared, one of 41 is."""
        samples = [Sample(id=str(n), inputs={"input": f"{n}番目の問いです"}, reference="あ" * n) for n in (40, 41)]
        assert ["41"] == list(index("mine", samples).references.values())


class TestKnown:
    @pytest.mark.parametrize("name", ["elyza-tasks-100", "elyza-tasks-100-tv", "bundled:ja-mini"])
    def test_planted(self, shared_data: Path, name: str) -> None:
        """Each task of a known benchmark is found by its input and by its long reference, however it was copied."""
        match name:
            case "elyza-tasks-100":
                tasks = open_elyza(TaskSpec(name=name, source=str(shared_data / ELYZA)))
            case "elyza-tasks-100-tv":
                tasks = open_elyza_tv(TaskSpec(name=name, source=str(shared_data / TV)))
            case _:
                tasks = open_bundled(TaskSpec(name=name))
        samples = list(tasks.samples())
        planted = [example(disguised(sample.input)) for sample in samples]
        found = [[(hit.benchmark, hit.task_id) for hit in find_hits([one], known_benchmarks())] for one in planted]
        assert [[(name, sample.id)] for sample in samples] == found
        long = [sample for sample in samples if len((sample.reference or "").strip()) > 40]
        answers = [example("別の問いです", disguised(sample.reference or "")) for sample in long]
        by_answer = [[(hit.task_id, hit.what) for hit in find_hits([one], known_benchmarks())] for one in answers]
        assert [[(sample.id, "reference")] for sample in long] == by_answer
        assert (name == "elyza-tasks-100-tv") == (not long)

    def test_shipped_file(self, shared_data: Path) -> None:
        """The shipped file is what the script makes of the task files."""
        sets = [f"elyza-tasks-100={shared_data / ELYZA}", f"elyza-tasks-100-tv={shared_data / TV}", "bundled:ja-mini"]
        script = ROOT / "bench" / "benchmark_hashes.py"
        made = subprocess.run([sys.executable, script, *sets], check=True, capture_output=True, text=True).stdout
        assert (resources.files("trainers") / "benchmark_hashes.json").read_text(encoding="utf-8") == made

    def test_hashes_alone(self) -> None:
        """The shipped file holds hashes and task ids and no text of a task."""
        text = (resources.files("trainers") / "benchmark_hashes.json").read_text(encoding="utf-8")
        assert text.isascii()
        for benchmark in json.loads(text)["benchmarks"]:
            for key in [*benchmark["inputs"], *benchmark["references"]]:
                assert re.fullmatch(r"[0-9a-f]{16}", key)

    def test_brackets_tell_tasks_apart(self, shared_data: Path) -> None:
        """Number 48 of the two ELYZA sets differs in its brackets alone, and each is found as itself."""
        tasks = [read_rows(shared_data / path)[48].values["input"] for path in (ELYZA, TV)]
        found = [[hit.benchmark for hit in find_hits([example(task)], known_benchmarks())] for task in tasks]
        assert [["elyza-tasks-100"], ["elyza-tasks-100-tv"]] == found

    def test_real_answers_are_no_copies(self, shared_data: Path) -> None:
        """None of 6,000 real models' answers to ELYZA's tasks equals a reference of over 40 characters."""
        answers = read_rows(shared_data / "shaberi" / "answers.parquet")
        given = [example("別の問いです", str(row.values["answer"])) for row in answers if row.values["answer"]]
        assert 5_900 < len(given)
        assert [] == find_hits(given, known_benchmarks())
