"""Conversations as training data: turns, roles, and what is no conversation."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from harness.types import Message
from tests.trainers.data.written_rows import read, why
from trainers.data.examples import read_examples


class TestChats:
    TALK = (
        {"role": "system", "content": "丁寧に。"},
        {"role": "user", "content": "やあ"},
        {"role": "assistant", "content": "はい"},
        {"role": "user", "content": "首都は？"},
        {"role": "assistant", "content": "東京"},
    )

    def test_messages(self, tmp_path: Path) -> None:
        """Every assistant turn is an answer, the user turn before it the input, all before that the history."""
        first, second = read(tmp_path, {"messages": list(self.TALK), "id": "x"}).examples
        system, *talk = (Message(**turn) for turn in self.TALK[:3])
        assert ({"id": "x", "input": "やあ"}, "はい", (system,)) == (first.inputs, first.answer, first.history)
        assert ({"id": "x", "input": "首都は？"}, "東京") == (second.inputs, second.answer)
        assert (system, *talk) == second.history

    def test_places(self, tmp_path: Path) -> None:
        """An answer is named by its turn where the conversation has several, and each counts as a row."""
        result = read(tmp_path, {"messages": list(self.TALK)}, {"messages": list(self.TALK[1:3])})
        places = [example.where.partition(":")[2] for example in result.examples]
        assert ["2 turn 3", "2 turn 5", "3"] == places
        assert 3 == result.files[0].rows

    def test_a_question_without_answer_at_the_end(self, tmp_path: Path) -> None:
        """What was answered before it is learnt; the question is named."""
        result = read(tmp_path, {"messages": list(self.TALK[1:4])})
        assert ["はい"] == [example.answer for example in result.examples]
        [bad] = result.bad
        assert bad.where.endswith(":2 turn 3")
        assert "the conversation ends with a user turn, so there is no answer to learn" == bad.why

    def test_conversations_that_begin_alike(self, tmp_path: Path) -> None:
        """What a later one shares with an earlier one is learnt once and is no bad row; only a whole repetition is."""
        branch = [*self.TALK[:3], {"role": "user", "content": "国は？"}, {"role": "assistant", "content": "日本"}]
        talks = [list(self.TALK), branch, list(self.TALK)]
        result = read(tmp_path, *({"messages": talk} for talk in talks))
        assert ["はい", "東京", "日本"] == [example.answer for example in result.examples]
        assert ["same as"] == [bad.why[:7] for bad in result.bad]
        assert (4, 1) == (result.files[0].rows, result.files[0].bad)

    def test_system_column(self, tmp_path: Path) -> None:
        """A system prompt in a column of its own stands before every answer's history, unless the talk has one."""
        own = read(tmp_path, {"messages": list(self.TALK), "system": "別の指示"}).examples
        column = read(tmp_path, {"messages": list(self.TALK[1:]), "system": "別の指示"}).examples
        assert ["丁寧に。", "丁寧に。"] == [example.history[0].content for example in own]
        assert ["別の指示", "別の指示"] == [example.history[0].content for example in column]
        assert [1, 3] == [len(example.history) for example in column]

    def test_sharegpt(self, tmp_path: Path) -> None:
        """ShareGPT's from and value, human and gpt, say the same."""
        names = {"system": "system", "user": "human", "assistant": "gpt"}
        turns = [{"from": names[turn["role"]], "value": turn["content"]} for turn in self.TALK]
        expected = read(tmp_path, {"messages": list(self.TALK)}).examples
        assert 2 == len(expected)
        assert expected == read(tmp_path, {"conversations": turns}).examples

    @pytest.mark.parametrize("suffix", [".csv", ".parquet"])
    def test_other_files(self, tmp_path: Path, suffix: str) -> None:
        """A cell of a CSV holds a conversation as JSON text, one of a Parquet file as a list."""
        path = tmp_path / f"chats{suffix}"
        turns = list(self.TALK)
        if suffix == ".csv":
            cell = json.dumps(turns, ensure_ascii=False).replace('"', '""')
            path.write_text(f'id,messages\n1,"{cell}"\n')
        else:
            pq.write_table(pa.table({"id": ["1"], "messages": [turns]}), path)
        example = read_examples([str(path)]).examples[-1]
        assert ("首都は？", "東京", 3) == (example.inputs["input"], example.answer, len(example.history))

    def test_messages_before_a_prompt(self, tmp_path: Path) -> None:
        """Beside messages a prompt column rides along; mapped to input it is one half of a pair."""
        row = {"prompt": "問い", "messages": list(self.TALK), "response": "答え"}
        chat = read(tmp_path, row).examples[-1]
        [pair] = read(tmp_path, row, columns={"input": "prompt"}).examples
        assert ("首都は？", "問い") == (chat.inputs["input"], chat.inputs["prompt"])
        assert ("問い", "答え") == (pair.inputs["input"], pair.answer)

    @pytest.mark.parametrize(
        ("turns", "reason"),
        [
            (TALK[:2], "the conversation ends with a user turn, so there is no answer to learn"),
            (TALK[:1], "a conversation without a user turn"),
            (TALK[2:], "turn 1 is an assistant turn where a user turn is expected"),
            ([*TALK[:2], *TALK[3:]], "turn 3 is a user turn where an assistant turn is expected"),
            ([*TALK[1:], TALK[0]], "turn 5 is a system turn where a user turn is expected"),
            ([TALK[1], {"role": "assistant", "content": " "}], "turn 2 is blank"),
            ([TALK[1], {"role": "assistant", "content": None}], "turn 2 is not text: 'None'"),
            ([{"role": "tool", "content": "x"}], "turn 1 is by 'tool'; known: system, user, human, assistant, gpt"),
            (["やあ"], "turn 1 has neither role and content nor from and value: 'やあ'"),
            ("[1", "the conversation is not JSON (Expecting ',' delimiter: line 1 column 3 (char 2)): '[1'"),
            ({"role": "user"}, "the conversation is not a list of turns: \"{'role': 'user'}\""),
            ([], "no conversation"),
            (None, "no conversation"),
        ],
    )
    def test_no_conversation(self, tmp_path: Path, turns: Any, reason: str) -> None:
        """What is no conversation of user and assistant is a bad row that says why."""
        cell = list(turns) if isinstance(turns, tuple) else turns
        assert reason == why(tmp_path, {"messages": cell}, good={"messages": list(self.TALK)})
