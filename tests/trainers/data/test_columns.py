"""Which column is what: names that are known, mappings, and files where none fits."""

from pathlib import Path

import pytest

from harness.errors import HarnessError, InputError, UnknownNameError, UsageError
from tests.trainers.data.written_rows import read, refused, write
from trainers.data.examples import read_examples


class TestBadFiles:
    def test_no_column_for_the_answer(self, tmp_path: Path) -> None:
        """A file without an answer says which columns it has and how to name one of them."""
        error = refused(tmp_path, {"question": "問い", "chosen": "答え"})
        assert f"{tmp_path / 'train.json'}: no column for the answer" == error.message
        assert "The columns are: question, chosen. Name yours: --columns answer=NAME." == error.hint

    def test_no_column_at_all(self, tmp_path: Path) -> None:
        """A file that wraps its rows in an object has neither part, and its one column is shown."""
        error = refused(tmp_path, {"data": [{"text": "a", "output": "b"}]})
        assert error.message.endswith("no column for the instruction, the answer")
        assert "The columns are: data. Name yours: --columns input=NAME --columns answer=NAME." == error.hint

    def test_two_columns_for_the_answer(self, tmp_path: Path) -> None:
        """Two possible answers are not chosen between; a mapping does that."""
        row = {"question": "問い", "answer": "正解", "output": "モデルの出力"}
        assert refused(tmp_path, row).message.endswith("'output', 'answer' could each be the answer")
        assert "正解" == read(tmp_path, row, columns={"answer": "answer"}).examples[0].answer

    @pytest.mark.parametrize("names", [("input", "question"), ("prompt", "text"), ("質問", "入力")])
    def test_two_columns_for_the_instruction(self, tmp_path: Path, names: tuple[str, str]) -> None:
        """Neither is dropped in silence: a mapping says which it is, and what becomes of the other."""
        first, second = names
        row = {first: "甲", second: "乙", "answer": "答え"}
        error = refused(tmp_path, row)
        assert error.message.endswith(f"'{first}', '{second}' could each be the instruction")
        assert "--columns input=NAME" in str(error.hint)
        [example] = read(tmp_path, row, columns={"instruction": second, "context": first}).examples
        assert "乙\n甲" == example.inputs["input"]

    def test_the_alpaca_pair_in_japanese(self, tmp_path: Path) -> None:
        """入力 beside 指示 is what the instruction is about, as input is beside instruction."""
        [example] = read(tmp_path, {"指示": "要約して", "入力": "長い文", "出力": "短い文"}).examples
        assert ("要約して\n長い文", "短い文") == (example.inputs["input"], example.answer)

    @pytest.mark.parametrize("column", ["指示", "設問"])
    def test_a_mapping_the_wrong_way_round(self, tmp_path: Path, column: str) -> None:
        """COLUMN=ROLE, whether or not the column's name is a role's, too: the hint has it the right way."""
        with pytest.raises(HarnessError) as caught:
            read(tmp_path, {column: "問い", "output": "答え"}, columns={column: "input"})
        assert f"The order is ROLE=COLUMN: --columns input={column}" in str(caught.value.hint)

    def test_mapped_column_that_is_not_there(self, tmp_path: Path) -> None:
        """A mapped column that no row has is an error that lists those present."""
        error = refused(tmp_path, {"q": "問い", "output": "答え"}, columns={"input": "question"})
        assert error.message.endswith("no column 'question' (mapped to input)")
        assert "The columns are: q, output." == error.hint

    def test_unknown_role(self, tmp_path: Path) -> None:
        """A mapping to what is no role suggests the nearest one."""
        with pytest.raises(UnknownNameError) as caught:
            read(tmp_path, {"q": "問い", "output": "答え"}, columns={"imput": "q"})
        assert ("No column role named 'imput'.", "Did you mean 'input'?") == (caught.value.message, caught.value.hint)

    @pytest.mark.parametrize("columns", [{"input": "q", "prompt": "r"}, {"messages": "q", "answer": "r"}])
    def test_mapping_against_itself(self, tmp_path: Path, columns: dict[str, str]) -> None:
        """Two columns for one role, or a conversation and a part of a pair, are refused."""
        with pytest.raises(UsageError, match="mapped to"):
            read(tmp_path, {"q": "問い", "r": "答え"}, columns=columns)

    def test_hidden_input(self, tmp_path: Path) -> None:
        """A column `input` that the mapping would hide is an error, as in task files."""
        error = refused(tmp_path, {"q": "問い", "input": "文", "output": "答え"}, columns={"input": "q"})
        assert error.message.endswith("column 'input' would be hidden, because 'q' is mapped to input")

    @pytest.mark.parametrize(
        ("name", "text", "message"),
        [
            ("a.json", "指示と回答", "not JSON"),
            ("a.json", '[{"text": "a", "output": "b"}', "never closed"),
            ("a.jsonl", " \n", "the file is empty"),
            ("a.json", "[]", "the file has no rows"),
            ("a.json", "[1, 2]", "expected an object with named values"),
            ("a.csv", "text,output\n", "the file has no rows"),
        ],
    )
    def test_no_table(self, tmp_path: Path, name: str, text: str, message: str) -> None:
        """A file that is no table of rows is an error that names it."""
        path = tmp_path / name
        path.write_text(text)
        with pytest.raises(InputError, match=message) as caught:
            read_examples([str(path)])
        assert caught.value.message.startswith(str(path))

    def test_no_file(self, tmp_path: Path) -> None:
        """A file that is not there suggests the nearest one."""
        path = write(tmp_path / "train.json", [{"text": "a", "output": "b"}])
        with pytest.raises(InputError) as caught:
            read_examples([str(tmp_path / "trian.json")])
        assert f"Did you mean {path}?" == caught.value.hint

    def test_no_source(self) -> None:
        """Nothing to read is an error of usage."""
        with pytest.raises(UsageError, match="No data to train on"):
            read_examples([])
