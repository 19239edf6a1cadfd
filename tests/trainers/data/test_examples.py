"""Examples from files: the formats, what is said about bad rows and files, and the held-out split."""

import csv
import hashlib
import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet as pq

from harness.errors import HarnessError, InputError, UsageError
from harness.types import Message
from tests.trainers.data.written_rows import read, why, write
from trainers.adapter.training_record import DataFile
from trainers.data.examples import Example, read_examples, split_heldout


class TestPairs:
    def test_ichikara(self, tmp_path: Path) -> None:
        """Ichikara's JSON gives instruction and answer as they stand; CRLF reads as LF, and the ID rides along."""
        result = read(tmp_path, {"ID": "a-1", "text": "問い\r\nです ", "output": " 答え \r\n"})
        expected = Example(
            where=f"{tmp_path / 'train.json'}:2", inputs={"ID": "a-1", "input": "問い\nです "}, answer=" 答え \n"
        )
        assert ((expected,), ()) == (result.examples, result.bad)

    def test_file_record(self, tmp_path: Path) -> None:
        """A file is recorded by its name alone, with the hash of its bytes and its rows, bad ones included."""
        path = tmp_path / "train.jsonl"
        content = b'{"text": "a", "output": "b"}\n{"text": "", "output": "b"}\n'
        path.write_bytes(content)
        sha256 = hashlib.sha256(content).hexdigest()
        expected = DataFile(name="train.jsonl", sha256=sha256, rows=2, bad=1)
        assert (expected,) == read_examples([str(path)]).files

    def test_instruction_with_input(self, tmp_path: Path) -> None:
        """An Alpaca row's input follows its instruction on a new line; both parts stay at hand."""
        [first, second] = read(
            tmp_path,
            {"instruction": "要約して", "input": "長い文", "output": "短い文"},
            {"instruction": "挨拶して", "input": "", "output": "やあ"},
        ).examples
        assert {"input": "要約して\n長い文", "instruction": "要約して", "context": "長い文"} == first.inputs
        assert {"input": "挨拶して"} == second.inputs

    def test_instruction_with_context(self, tmp_path: Path) -> None:
        """A Dolly row's context follows its instruction, too."""
        [example] = read(tmp_path, {"instruction": "要約して", "context": "長い文", "response": "短い文"}).examples
        assert "要約して\n長い文" == example.inputs["input"]

    @pytest.mark.parametrize(
        "question", ["input", "prompt", "question", "text", "instruction", "指示", "質問", "入力", "問題"]
    )
    @pytest.mark.parametrize("answer", ["output", "completion", "response", "answer", "回答", "応答", "出力", "答え"])
    def test_names_of_pairs(self, tmp_path: Path, question: str, answer: str) -> None:
        """Every usual pair of column names is recognised."""
        [example] = read(tmp_path, {question: "問い", answer: "答え"}).examples
        assert ({"input": "問い"}, "答え") == (example.inputs, example.answer)

    def test_instruction_before_the_rendered_text(self, tmp_path: Path) -> None:
        """Alpaca's `text`, the whole prompt, rides along and is not taken for the instruction."""
        [example] = read(tmp_path, {"text": "### 指示 …", "instruction": "問い", "output": "答え"}).examples
        assert {"input": "問い", "text": "### 指示 …"} == example.inputs

    def test_system_column(self, tmp_path: Path) -> None:
        """A system prompt becomes the first message of the history; a blank one is none."""
        [first, second] = read(
            tmp_path,
            {"system": "丁寧に。", "input": "問い", "output": "答え"},
            {"system": " ", "input": "問い", "output": "答え"},
        ).examples
        assert ((Message(role="system", content="丁寧に。"),), ()) == (first.history, second.history)

    def test_further_columns_with_text_and_numbers_ride_along(self, tmp_path: Path) -> None:
        """Template variables are text: numbers become it, nulls and lists are left out."""
        row = {"input": "問い", "output": "答え", "level": 2, "kind": "要約", "note": None, "tags": ["a"], "new": True}
        [example] = read(tmp_path, row).examples
        assert {"input": "問い", "level": "2", "kind": "要約"} == example.inputs

    def test_mapping(self, tmp_path: Path) -> None:
        """Roles go by other columns where they are mapped."""
        row = {"q": "問い", "gold": "答え", "about": "文", "output": "別の答え"}
        [example] = read(tmp_path, row, columns={"input": "q", "answer": "gold", "context": "about"}).examples
        assert ("問い\n文", "答え", "別の答え") == (example.inputs["input"], example.answer, example.inputs["output"])

    def test_mapping_in_the_words_of_alpaca(self, tmp_path: Path) -> None:
        """With both instruction and input mapped, the input is the context."""
        row = {"q": "問い", "about": "文", "output": "答え"}
        [example] = read(tmp_path, row, columns={"instruction": "q", "input": "about"}).examples
        assert "問い\n文" == example.inputs["input"]


class TestBadRows:
    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            ({"text": "", "output": "答え"}, "text is blank"),
            ({"text": "問い", "output": " \n"}, "output is blank"),
            ({"text": "問い"}, "output is missing"),
            ({"text": None, "output": "答え"}, "text is missing"),
            ({"text": "問い", "output": 5}, "output is not text: '5'"),
            ({"text": ["問い"], "output": "答え"}, "text is not text: \"['問い']\""),
            ({"text": "a\0b", "output": "答え"}, "holds a NUL character"),
            ("ただの文", "expected an object with named values, got 'ただの文'"),
        ],
    )
    def test_reasons(self, tmp_path: Path, row: Any, reason: str) -> None:
        """A row that cannot be learnt from is named with its reason, and the others are read."""
        assert reason == why(tmp_path, row)

    def test_half_a_surrogate_pair(self, tmp_path: Path) -> None:
        """Half of an emoji, which JSON can hold and no tokenizer can read, is a bad row."""
        path = tmp_path / "train.jsonl"
        path.write_text('{"text": "a", "output": "b"}\n{"text": "a\\ud83d", "output": "b"}\n')
        [bad] = read_examples([str(path)]).bad
        assert "holds half a surrogate pair, U+D83D" == bad.why

    def test_doubles(self, tmp_path: Path) -> None:
        """Of equal questions with equal answers the first is kept, whatever file or format the others are in."""
        first = write(tmp_path / "a.json", [{"text": "問い", "output": "答え"}])
        second = write(
            tmp_path / "b.jsonl",
            [
                {"input": "問い", "output": "答え", "id": "other"},
                {"input": "問い", "output": "別の答え"},
                {"input": "問い", "output": "答え", "system": "丁寧に。"},
            ],
        )
        result = read_examples([first, second])
        assert [f"{second}:1: same as {first}:2"] == [str(bad) for bad in result.bad]
        assert [f"{first}:2", f"{second}:2", f"{second}:3"] == [example.where for example in result.examples]
        assert [(1, 0), (3, 1)] == [(file.rows, file.bad) for file in result.files]

    def test_one_line_for_all_rows(self, tmp_path: Path) -> None:
        """Where a whole array stands on one line, rows go by their number, odd ones counted."""
        path = tmp_path / "train.json"
        path.write_text('[{"text": "a", "output": "b"}, 5, {"text": "c", "output": "d"}]')
        result = read_examples([str(path)])
        assert [f"{path} row 1", f"{path} row 3"] == [example.where for example in result.examples]
        assert [f"{path} row 2"] == [bad.where for bad in result.bad]

    def test_strict(self, tmp_path: Path) -> None:
        """Strictly read, bad rows are an error that counts them and names the first three."""
        path = write(tmp_path / "train.jsonl", [{"text": "a", "output": "b"}, *[{"text": "", "output": "b"}] * 4])
        with pytest.raises(InputError) as caught:
            read_examples([path], strict=True)
        named = "; ".join(f"{path}:{line}: text is blank" for line in (2, 3, 4))
        assert f"4 of 5 rows cannot be used: {named}; and 1 more" == caught.value.message
        assert 4 == len(read_examples([path]).bad)

    def test_nothing_usable(self, tmp_path: Path) -> None:
        """Without one usable row there is an error, strict or not."""
        path = write(tmp_path / "train.jsonl", [{"text": "", "output": "b"}])
        with pytest.raises(InputError, match=r"None of the 1 rows can be used: .*:1: text is blank"):
            read_examples([path])


class TestFolders:
    def test_data_files_by_name(self, tmp_path: Path) -> None:
        """A folder stands for its data files by name; other and hidden files are passed over."""
        write(tmp_path / "b.json", [{"text": "b", "output": "x"}])
        write(tmp_path / "a.jsonl", [{"text": "a", "output": "x"}])
        write(tmp_path / ".hidden.json", [{"text": "c", "output": "x"}])
        (tmp_path / "README.md").write_text("# 読んで")
        result = read_examples([str(tmp_path)])
        assert ["a", "b"] == [example.inputs["input"] for example in result.examples]
        assert ["a.jsonl", "b.json"] == [file.name for file in result.files]

    def test_no_data_file(self, tmp_path: Path) -> None:
        """A folder without data files is an error that says what it holds."""
        (tmp_path / "data").mkdir()
        with pytest.raises(InputError, match="no data file") as caught:
            read_examples([str(tmp_path)])
        assert "It holds: data." == caught.value.hint

    def test_same_file_twice(self, tmp_path: Path) -> None:
        """A file given by itself and with its folder is an error, not a hundred doubled rows."""
        path = write(tmp_path / "a.json", [{"text": "a", "output": "x"}])
        with pytest.raises(UsageError, match="was given twice"):
            read_examples([str(tmp_path), path])


# Characters that every one of the formats can hold: no half surrogates, no NUL, and no carriage return, which a
# reader turns into a line feed together with the one that follows.
_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=30)
_ROWS = st.lists(st.fixed_dictionaries({"ID": _TEXT, "text": _TEXT, "output": _TEXT}), min_size=1, max_size=8)


@given(rows=_ROWS)
def test_formats_agree(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]]) -> None:
    """The same rows as JSON, JSONL, CSV, TSV and Parquet give equal examples, and as many bad rows."""
    folder = tmp_path_factory.mktemp("formats")
    rows = [*rows, {"ID": "0", "text": "問い", "output": "答え"}]
    paths = [write(folder / "a.json", rows), write(folder / "a.jsonl", rows)]
    for name, delimiter in (("a.csv", ","), ("a.tsv", "\t")):
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, ["ID", "text", "output"], delimiter=delimiter, quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(rows)
        (folder / name).write_bytes(buffer.getvalue().encode())
        paths.append(str(folder / name))
    pq.write_table(pa.Table.from_pylist(rows), folder / "a.parquet")
    results = [read_examples([path]) for path in [*paths, str(folder / "a.parquet")]]
    shapes = [
        ([(e.inputs, e.answer, e.history) for e in result.examples], len(result.bad), result.files[0].rows)
        for result in results
    ]
    assert [shapes[0]] * 5 == shapes
    assert len(rows) == shapes[0][2] == len(shapes[0][0]) + shapes[0][1]


def examples_of(*questions: str) -> list[Example]:
    return [
        Example(where=f"a:{line}", inputs={"input": question}, answer=str(line))
        for line, question in enumerate(questions, start=1)
    ]


class TestSplit:
    @given(
        questions=st.lists(st.sampled_from("abcdefghijkl"), min_size=2, max_size=30),
        heldout=st.one_of(st.integers(0, 30), st.floats(0, 0.99)),
        seed=st.integers(0, 5),
    )
    def test_partition(self, questions: list[str], heldout: float, seed: int) -> None:
        """Each example is on one side, in order; no question is on both; the seed decides, not the call."""
        examples = examples_of(*questions)
        wanted = heldout if isinstance(heldout, int) or not heldout else max(1, round(heldout * len(examples)))
        least = min(map(questions.count, questions))
        too_few = 0 < wanted < least and (isinstance(heldout, int) or least == len(examples))
        if wanted >= len(examples) or too_few:
            with pytest.raises(HarnessError):
                split_heldout(examples, heldout, seed)
            return
        train, held = split_heldout(examples, heldout, seed)
        assert len(held) <= max(wanted, least)
        assert bool(held) == bool(wanted)
        assert examples == sorted([*train, *held], key=examples.index)
        assert list(train) == sorted(train, key=examples.index)
        assert list(held) == sorted(held, key=examples.index)
        assert not {e.question for e in train} & {e.question for e in held}
        assert (train, held) == split_heldout(examples, heldout, seed)

    def test_sizes(self) -> None:
        """A fraction and a count hold out as many as they say, and a small fraction one."""
        examples = examples_of(*map(str, range(100)))
        sizes = [len(split_heldout(examples, heldout, 0)[1]) for heldout in (0.1, 10, 0.001, 0, 0.0, 99)]
        assert [10, 10, 1, 0, 0, 99] == sizes

    def test_seeds_differ(self) -> None:
        """Another seed holds out others."""
        examples = examples_of(*map(str, range(100)))
        assert split_heldout(examples, 10, 0) != split_heldout(examples, 10, 1)

    def test_growing_file(self) -> None:
        """The choice depends on the questions, not on their order, and most stay as a file grows by a tenth."""
        examples = examples_of(*map(str, range(110)))
        _, held = split_heldout(examples[:100], 10, 0)
        _, reordered = split_heldout(examples[99::-1], 10, 0)
        _, grown = split_heldout(examples, 10, 0)
        assert set(map(id, held)) == set(map(id, reordered))
        assert 7 <= len({e.where for e in held} & {e.where for e in grown})

    def test_same_question_after_another_history(self) -> None:
        """A question counts as equal only after equal earlier messages."""
        alone, talk = examples_of("続けて", "続けて")
        talk = Example(where=talk.where, inputs=talk.inputs, answer="x", history=(Message(role="user", content="あ"),))
        train, held = split_heldout([alone, talk], 1, 0)
        assert (1, 1) == (len(train), len(held))

    def test_conversations_stay_on_one_side(self, tmp_path: Path) -> None:
        """A held-out answer is in the history of no sample that is trained on."""
        talks = [
            [{"role": role, "content": f"{role}{turn}の{talk}"} for turn in range(3) for role in ("user", "assistant")]
            for talk in range(10)
        ]
        examples = read(tmp_path, *({"messages": talk} for talk in talks)).examples
        train, held = split_heldout(examples, 0.2, 0)
        assert (24, 6) == (len(train), len(held))
        said = {message.content for example in train for message in example.history}
        assert not said & {example.answer for example in held}

    def test_a_share_smaller_than_a_conversation(self, tmp_path: Path) -> None:
        """A fraction holds out one conversation at least; a count says how many it takes."""
        talks = [
            [{"role": role, "content": f"{role}{turn}の{talk}"} for turn in range(4) for role in ("user", "assistant")]
            for talk in range(10)
        ]
        examples = read(tmp_path, *({"messages": talk} for talk in talks)).examples
        train, held = split_heldout(examples, 0.05, 0)
        assert (36, 4) == (len(train), len(held))
        assert 1 == len({example.opening for example in held})
        with pytest.raises(HarnessError, match="of one conversation") as caught:
            split_heldout(examples, 3, 0)
        assert "Hold out at least 4" in str(caught.value.hint)

    @pytest.mark.parametrize("heldout", [5, 6])
    def test_nothing_left(self, heldout: int) -> None:
        """Holding out all that there is would train on nothing."""
        with pytest.raises(HarnessError, match="Nothing is left to train on: heldout=") as caught:
            split_heldout(examples_of(*"abcde"), heldout, 0)
        assert "--set heldout=0" in str(caught.value.hint)

    def test_one_question(self) -> None:
        """One question stays on one side, so that nothing can be held out."""
        with pytest.raises(HarnessError, match="same question"):
            split_heldout(examples_of(*"aaaaa"), 2, 0)

    @pytest.mark.parametrize("heldout", [-1, 1.0, 1.5, -0.1, float("nan")])
    def test_no_such_share(self, heldout: float) -> None:
        """What is neither a fraction nor a count is an error of usage."""
        with pytest.raises(UsageError, match="cannot be held out"):
            split_heldout(examples_of(*"abcde"), heldout, 0)
