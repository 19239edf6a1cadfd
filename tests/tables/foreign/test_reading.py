"""Recognised by content: under any name, in a folder, and nothing else."""

import json
from pathlib import Path

import pytest

from harness.errors import InputError
from harness.tables.foreign import read_foreign
from tests.tables.foreign.made_files import (
    deepeval,
    deepeval_case,
    flexeval_line,
    inspect_eval,
    inspect_log,
    inspect_samples,
    lm_eval_line,
    promptfoo,
    promptfoo_result,
    text_of,
    write_json,
    write_lines,
)

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "peers"
MADE = {
    "inspect_ai": text_of(inspect_log(inspect_samples())),
    "lm-evaluation-harness": text_of(lm_eval_line(0, "a", {"acc": 1})),
    "promptfoo": text_of(promptfoo([promptfoo_result(0, "A", 3, passed=True)])),
    "deepeval": text_of(deepeval([deepeval_case(0, "a", 1)])),
    "flexeval": text_of(flexeval_line(0, "a", 3)),
}


@pytest.mark.parametrize("tool", MADE)
def test_a_name_says_nothing(tmp_path: Path, tool: str) -> None:
    """Under another suffix, and with a byte order mark."""
    path = tmp_path / "x.txt"
    path.write_bytes(b"\xef\xbb\xbf" + MADE[tool].encode())
    file = read_foreign(str(path))
    assert file is not None
    assert tool == file.tool


@pytest.mark.parametrize(
    "text",
    ["", "a,b\n1,2\n", '{"task_id": 0, "output": "a"}\n', '[{"doc_id": 0}]', '{"results": [1]}', '{"eval": 3}',
     '{"testCases": 3, "testPassed": 1}', '{"doc_id": 1, "output": "a"}', '{"lm_output": "a", "id": 1}',
     '{"results": {"results": [{"score": 1}]}}', '{"output": "the \\"results\\" are"}\n{"output": "b"}\n'],
)  # fmt: skip
def test_tables_stay_tables(tmp_path: Path, text: str) -> None:
    """Names of theirs in a text, or one of their keys alone, make no file of a tool."""
    path = tmp_path / "x.json"
    path.write_text(text, encoding="utf-8")
    assert read_foreign(str(path)) is None


def test_a_folder_is_all_its_files(tmp_path: Path) -> None:
    """What is no tool's is told, figures of lm-evaluation-harness included; without any it is no folder of answers."""
    (tmp_path / "notes.txt").write_text("x", encoding="utf-8")
    write_json(tmp_path / "results.json", {"results": {}, "n-shot": {}})
    (tmp_path / "deeper").mkdir()
    assert read_foreign(str(tmp_path)) is None
    (tmp_path / "a.eval").write_bytes(inspect_eval(inspect_log(inspect_samples())))
    (tmp_path / "b.eval").write_bytes(inspect_eval(inspect_log(inspect_samples("B"), model="m/B", status="started")))
    file = read_foreign(str(tmp_path))
    assert file is not None
    assert (4, ("m/A", "m/B")) == (len(file.rows), file.models)
    assert [
        "b.eval: the log's status is 'started': samples may be missing",
        "not read, since no tool's answers: notes.txt, results.json",
    ] == [str(said) for said in file.cautions]


def test_a_folder_of_too_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is hardly one of logs."""
    monkeypatch.setattr("harness.tables.foreign.reading._MOST_FILES", 1)
    for name in "ab":
        (tmp_path / name).write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match="more than 1 files"):
        read_foreign(str(tmp_path))


def test_a_log_cut_short_says_so(tmp_path: Path) -> None:
    """Under the tool's own suffix; other damaged ZIP files are for others to tell of."""
    data = inspect_eval(inspect_log(inspect_samples()))
    for name in ("a.eval", "a.zip"):
        (tmp_path / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match="damaged, or not whole"):
        read_foreign(str(tmp_path / "a.eval"))
    assert read_foreign(str(tmp_path / "a.zip")) is None


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data are not here")
def test_what_the_tools_wrote_is_read_whole() -> None:
    """Ten tasks each; the mean of a log is the one that inspect_ai wrote down, that of promptfoo as well."""
    found = {path.name: read_foreign(str(path)) for path in SHARED.glob("*") if path.name != "lmeval_results.json"}
    assert found.pop("promptfoo.csv") is None
    assert {"promptfoo.json": 20} | dict.fromkeys(found.keys() - {"promptfoo.json"}, 10) == {
        name: len(file.rows) for name, file in found.items() if file is not None
    }
    log = found["inspect_A.json"]
    assert log is not None
    document = json.loads((SHARED / "inspect_A.json").read_text(encoding="utf-8"))
    own = document["results"]["scores"][0]["metrics"]["mean"]["value"]
    assert own == pytest.approx(sum(row.scores[0].value or 0 for row in log.rows) / 10)
    evaluation = json.loads((SHARED / "promptfoo.json").read_text(encoding="utf-8"))
    totals = {prompt["provider"]: prompt["metrics"]["score"] for prompt in evaluation["results"]["prompts"]}
    made = found["promptfoo.json"]
    assert made is not None
    assert totals == {
        model: sum(row.scores[0].value or 0 for row in made.rows if row.model == model) for model in made.models
    }


def test_a_log_in_one_line_that_speaks_of_another_tools_keys(tmp_path: Path) -> None:
    """The first line of a log that was not laid out is all of it."""
    samples = [sample | {"metadata": {"doc_id": 1, "lm_output": "x"}} for sample in inspect_samples()]
    file = read_foreign(str(write_json(tmp_path / "log.json", inspect_log(samples))))
    assert file is not None
    assert ("inspect_ai", 2) == (file.tool, len(file.rows))


@pytest.mark.parametrize("name", ["log.eval", "log.json", "samples.jsonl"])
def test_a_file_that_is_too_large_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """With how to allow it; an archive by what it unpacks to, which may be four times a table."""
    monkeypatch.setenv("HARNESS_MAX_FILE_MB", "1")
    long = [sample | {"metadata": {"notes": "長い" * 400_000}} for sample in inspect_samples()]
    (tmp_path / "log.eval").write_bytes(inspect_eval(inspect_log(long)))
    write_json(tmp_path / "log.json", inspect_log(long))
    write_lines(tmp_path / "samples.jsonl", [lm_eval_line(0, "長い" * 400_000, {"acc": 1})])
    with pytest.raises(InputError, match="larger than") as refused:
        read_foreign(str(tmp_path / name))
    assert "HARNESS_MAX_FILE_MB=4" in str(refused.value.hint)
