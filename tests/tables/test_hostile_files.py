"""Files that strangers made: each kind of mischief ends in a sentence with the path and, in text, the line."""

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from harness.errors import InputError
from harness.models.outputs import Outputs, open_outputs
from harness.remote.pricing import find_price
from harness.runs.folder import RunFolder
from harness.specs import load_config
from harness.tables import read_table
from harness.tables.files import read_bytes, read_toml
from harness.tasks.files import open_file
from harness.templates import load_template
from harness.templates.contract import CONTRACT, read_contract
from harness.types import ModelSpec, TaskSpec
from tests.conftest import RunCli
from tests.patience import PATIENCE
from trainers.recipe import load_recipe

Reader = Callable[[Path], object]


def of_task(path: Path) -> object:
    return open_file(TaskSpec(name="t", source=str(path)))


def of_outputs(path: Path) -> Mapping[str, Outputs]:
    return open_outputs(ModelSpec(text="o", label="o", backend="outputs", target=str(path)))


def of_contract(path: Path) -> object:
    target = path.parent / CONTRACT
    if target != path:
        path.replace(target)
    return read_contract(path.parent)


READERS: dict[str, tuple[str, Reader]] = {
    "table": ("x.jsonl", read_table),
    "task": ("x.jsonl", of_task),
    "outputs": ("x.csv", of_outputs),
    "config": ("x.toml", lambda path: load_config(str(path))),
    "recipe": ("x.toml", lambda path: load_recipe(str(path))),
    "prices": ("x.toml", lambda path: find_price("m", str(path))),
    "run folder": ("manifest.json", lambda path: RunFolder("runs", str(path.parent)).manifest()),
    "template": ("x.j2", lambda path: load_template(str(path))),
    "rubric": ("x.j2", lambda path: load_template(str(path), kind="judges")),
    "contract": (CONTRACT, of_contract),
}


def fifo(path: Path) -> None:
    os.mkfifo(path)


def bound(path: Path) -> None:
    socket.socket(socket.AF_UNIX).bind(str(path))


def sparse(path: Path) -> None:
    """A terabyte that takes no space."""
    with path.open("wb") as file:
        file.truncate(1 << 40)


ODD: dict[str, Callable[[Path], object]] = {
    "pipe": fifo,
    "socket": bound,
    "folder": lambda path: path.mkdir(),
    "endless device": lambda path: path.symlink_to("/dev/zero"),
    "random device": lambda path: path.symlink_to("/dev/urandom"),
    "empty device": lambda path: path.symlink_to("/dev/null"),
    "link to itself": lambda path: path.symlink_to(path.name),
    "terabyte": sparse,
    "not UTF-8": lambda path: path.write_bytes(b'{"a": "\xff\xfe\xfa"}\n' * 3),
    "broken UTF-16": lambda path: path.write_bytes(b"\xff\xfe{\x00\x00\xd8\x00"),
    "UTF-16 without a mark": lambda path: path.write_bytes('{"input": "x"}\n'.encode("utf-16-le")),
    "UTF-32": lambda path: path.write_bytes('{"input": "x"}\n'.encode("utf-32")),
    "NUL": lambda path: path.write_bytes(b'a = 1\n{"input": "a\x00b"}\n'),
    "noise": lambda path: path.write_bytes(bytes(range(256)) * 40),
    "memory of the kernel": lambda path: path.symlink_to("/proc/self/mem"),
}


@pytest.mark.parametrize("what", ODD)
@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_such_file_is_refused_soon(reader: str, what: str, tmp_path: Path) -> None:
    """By every reader of strangers' files, soon, naming the path; nothing of it is kept."""
    name, read = READERS[reader]
    path = tmp_path / name
    ODD[what](path)
    began = time.monotonic()
    with pytest.raises(InputError) as refused:
        read(path)
    assert time.monotonic() - began < PATIENCE
    assert str(path) in refused.value.message
    assert len(refused.value.message) < 700


HOSTILE_JSON = {
    "duplicate name": ('{"input": "a", "output": "4", "input": "b"}', "two values named 'input'"),
    "duplicate name inside": ('{"input": "a", "m": {"k": 1, "k": 2}}', "two values named 'k'"),
    "duplicate name by escape": ('{"input": "a", "\\u0069nput": "b"}', "two values named 'input'"),
    "deep list": ('{"input": "a", "m": ' + "[" * 101 + "]" * 101 + "}", "nested too deeply"),
    "deep object": ('{"input": "a", "m": ' + '{"k":' * 5000 + "1" + "}" * 5000 + "}", "nested too deeply"),
    "very deep": ('{"input": "a", "m": ' + "[" * 200_000 + "]" * 200_000 + "}", "nested too deeply"),
    "never closed": ('{"input": "a", "m": ' + "[" * 200_000, "nested too deeply"),
    "integer that is no float": ('{"input": "a", "n": ' + "9" * 309 + "}", "too large"),
    "huge integer": ('{"input": "a", "n": ' + "9" * 5000 + "}", "too large"),
    "huge negative integer": ('{"input": "a", "n": -' + "9" * 1_000_000 + "}", "too large"),
    "huge exponent": ('{"input": "a", "n": 1e999}', "too large"),
    "NaN": ('{"input": "a", "n": NaN}', "NaN is not a JSON value"),
    "Infinity": ('{"input": "a", "n": Infinity}', "Infinity is not a JSON value"),
    "minus Infinity": ('{"input": "a", "n": -Infinity}', "-Infinity is not a JSON value"),
    "control character": ('{"input": "a\x01b"}', "a control character in a text"),
    "half an object": ('{"input": "a"', "not JSON"),
}


@pytest.mark.parametrize("name", HOSTILE_JSON)
@pytest.mark.parametrize("form", ["lines", "array", "cell"])
def test_hostile_json_is_refused_with_its_line(name: str, form: str, tmp_path: Path) -> None:
    """On its own line, within an array, and as text in a cell that holds JSON."""
    text, says = HOSTILE_JSON[name]
    good = '{"input": "好"}'
    if form == "lines":
        path, content = tmp_path / "x.jsonl", f"{good}\n{good}\n{text}\n{good}\n"
    elif form == "array":
        path, content = tmp_path / "x.json", f"[{good},\n{good},\n{text},\n{good}]\n"
    else:
        rules = text if len(text) < 100_000 else text[:50_000]
        path, content = tmp_path / "x.jsonl", f"{good}\n{good}\n{json.dumps({'input': 'a', 'rules': rules})}\n"
    path.write_text(content, encoding="utf-8")
    began = time.monotonic()
    with pytest.raises(InputError) as refused:
        of_task(path)
    assert time.monotonic() - began < PATIENCE
    assert f"{path}:3: " in refused.value.message
    assert says in refused.value.message or form == "cell"
    assert len(refused.value.message) < 500


def test_what_is_deep_but_not_too_deep_is_read(tmp_path: Path) -> None:
    """A hundred levels, with the row's own."""
    path = tmp_path / "x.jsonl"
    path.write_text('{"input": "a", "m": ' + "[" * 99 + "]" * 99 + ', "w": [' + "[]," * 500 + "1]}")
    [row] = read_table(path).rows
    assert "a" == row.values["input"]


def test_a_line_of_a_gigabyte_is_refused_before_it_is_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here of 3 MB, with 10 MB allowed; several shorter lines of as much are read."""
    monkeypatch.setenv("HARNESS_MAX_FILE_MB", "10")
    path = tmp_path / "x.jsonl"
    short = json.dumps({"input": "a" * 1000})
    path.write_text(f"{short}\n" + json.dumps({"input": "a" * 3_000_000}) + "\n")
    with pytest.raises(InputError) as refused:
        read_table(path)
    assert f"{path}:2: a line of more than 2,500,000 bytes" in refused.value.message
    assert "HARNESS_MAX_FILE_MB=40" in str(refused.value.hint)
    path.write_text(f"{short}\n" * 4000)
    assert 4000 == len(read_table(path).rows)


def test_the_limit_of_a_table_can_be_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hint names the variable, and following it helps."""
    path = tmp_path / "x.jsonl"
    path.write_text(f"{json.dumps({'input': 'a' * 1000})}\n" * 1200)
    monkeypatch.setenv("HARNESS_MAX_FILE_MB", "1")
    with pytest.raises(InputError, match="larger than 1,000,000 bytes") as refused:
        read_table(path)
    variable, _, value = str(refused.value.hint).removesuffix(".").rpartition(" ")[2].partition("=")
    monkeypatch.setenv(variable, value)
    assert 1200 == len(read_table(path).rows)
    for wrong in ("many", "-1", "0", "1.5", "１"):
        monkeypatch.setenv("HARNESS_MAX_FILE_MB", wrong)
        with pytest.raises(InputError, match="not a number of megabytes"):
            read_table(path)


def repeated(folder: Path) -> Path:
    """A text of 100 kB in 100,000 rows: ten gigabytes in a file of a few kilobytes."""
    path = folder / "repeated.parquet"
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int32()), pa.array(["a" * 100_000]))
    pq.write_table(pa.table({"input": text}), path, compression="zstd")
    return path


def blank(folder: Path) -> Path:
    """Twenty million rows of nothing in four columns."""
    path = folder / "blank.parquet"
    nothing = pa.nulls(20_000_000, pa.int8())
    pq.write_table(pa.table({"input": nothing, "a": nothing, "b": nothing, "c": nothing}), path, compression="zstd")
    return path


def zeros(folder: Path) -> Path:
    """Texts of zeros that pack well: more than five gigabytes, made of one row group after the other."""
    path = folder / "zeros.parquet"
    batch = pa.table({"input": pa.array(["0" * 20_000_000] * 3)})
    with pq.ParquetWriter(path, batch.schema, compression="zstd", use_dictionary=False) as writer:
        for _ in range(3):
            writer.write_table(batch)
    return path


def wide(folder: Path) -> Path:
    """Eleven thousand columns."""
    path = folder / "wide.parquet"
    pq.write_table(pa.table({f"c{number}": [1] for number in range(11_000)}), path)
    return path


@pytest.mark.parametrize(("make", "allowed"), [(repeated, 100), (blank, 1000), (zeros, 40), (wide, 1000)])
def test_parquet_that_unpacks_to_too_much_is_refused(
    make: Callable[[Path], Path], allowed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what it declares or while it is unpacked, in a few seconds and little memory."""
    path = make(tmp_path)
    assert path.stat().st_size < 10_000_000
    monkeypatch.setenv("HARNESS_MAX_FILE_MB", str(allowed))
    began = time.monotonic()
    with pytest.raises(InputError) as refused:
        read_table(path)
    assert time.monotonic() - began < PATIENCE
    assert str(path) in refused.value.message
    assert "unpacked" in refused.value.message or "columns" in refused.value.message


@pytest.mark.parametrize("cut", [4, 8, 100, -1, -4, -8, -100])
def test_damaged_parquet_is_refused(cut: int, tmp_path: Path) -> None:
    """Cut short anywhere, or with other bytes in the middle."""
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"input": ["あ" * 50] * 100}), path)
    whole = path.read_bytes()
    for damaged in (whole[:cut], whole[: len(whole) // 2] + b"\xff" * 60 + whole[len(whole) // 2 + 60 :]):
        path.write_bytes(damaged)
        assert said(path) in (None, str(path))


def said(path: Path) -> str | None:
    """Return the path that the refusal of a table names, or None if it is read whole."""
    try:
        rows = read_table(path).rows
    except InputError as error:
        return str(error.path)
    assert 100 == len(rows)
    return None


ODD_CELLS = {
    "time beyond the calendar": pa.array([2**62], pa.timestamp("us")),
    "date beyond the calendar": pa.array([2**31 - 1], pa.date32()),
    "duration beyond the word": pa.array([2**62], pa.duration("s")),
    "two values of one key": pa.array([[("k", "v"), ("k", "w")]], pa.map_(pa.string(), pa.string())),
    "bytes": pa.array([b"\x00\xff"]),
    "no UTF-8": pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(bytes(4) + (2).to_bytes(4, "little")), pa.py_buffer(b"\xff\xfe")]
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", ODD_CELLS)
def test_cells_of_parquet_that_are_no_values_are_refused(what: str, tmp_path: Path) -> None:
    """What Python or JSON cannot hold."""
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"input": ODD_CELLS[what]}), path)
    with pytest.raises(InputError, match=r"cannot be used|that can be read"):
        read_table(path)


@pytest.mark.parametrize(("name", "content"), [("x.csv", "," * 2_000_000 + "\n1"), ("x", "a;" * 1_000_000)])
def test_a_header_of_millions_of_columns_is_refused(name: str, content: str, tmp_path: Path) -> None:
    """Before each becomes a name."""
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(InputError, match="names no columns"):
        read_table(path)


def test_a_nul_in_utf_16_is_refused_with_its_line(tmp_path: Path) -> None:
    """Marked UTF-16 is full of zero bytes and may hold no NUL."""
    path = tmp_path / "x.csv"
    path.write_bytes("input,output\na,b\n".encode("utf-16"))
    assert 1 == len(read_table(path).rows)
    path.write_bytes("input,output\na,b\0\n".encode("utf-16"))
    with pytest.raises(InputError) as refused:
        read_table(path)
    assert 2 == refused.value.line


@pytest.mark.parametrize("number", ["9" * 13, "9" * 30, "9" * 900, "１２", "-1", "1e400", "many"])
def test_a_count_of_tokens_that_is_none_is_left_out(number: str, tmp_path: Path) -> None:
    """The store's whole numbers have an end, and a stranger's column may not break a run."""
    path = tmp_path / "x.csv"
    path.write_text(f"task_id,output,tokens_out\n0,a,{number}\n1,b,12\n")
    [outputs] = of_outputs(path).values()
    assert [None, 12] == [answer.tokens_out for answer in outputs._answers]


def test_a_file_that_grows_or_lies_about_its_size_is_read_to_the_limit(tmp_path: Path) -> None:
    """Files of the system say that they hold nothing."""
    if not Path("/proc/self/maps").exists():
        pytest.skip("no /proc")
    assert read_bytes("/proc/self/status", most=1_000_000).startswith(b"Name:")
    with pytest.raises(InputError, match="larger than 10 bytes"):
        read_bytes("/proc/self/status", most=10)


def test_a_pipe_that_takes_the_place_of_a_file_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the opening anything may happen."""
    path, pipe = tmp_path / "x.jsonl", tmp_path / "pipe"
    path.write_text("{}")
    os.mkfifo(pipe)
    really = os.open
    monkeypatch.setattr(os, "open", lambda _, flags: really(pipe, flags))
    done: list[str] = []

    def read() -> None:
        with pytest.raises(InputError, match="a pipe"):
            read_bytes(path)
        done.append("refused")

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(3)
    assert ["refused"] == done


HOSTILE_TOML = {
    "deep": "a = " + "[" * 100_000,
    "deep tables": "a" + ".b" * 20_000 + " = 1",
    "huge integer": "store = " + "9" * 10_000,
    "duplicate": 'store = "a"\nstore = "b"',
    "no date": "a = 2026-13-45",
    "control": 'store = "a\x01b"',
    "unclosed": 'store = """' + "a" * 100_000,
}


@pytest.mark.parametrize("name", HOSTILE_TOML)
def test_hostile_toml_is_refused(name: str, tmp_path: Path) -> None:
    """In a configuration and in a recipe, soon."""
    path = tmp_path / "x.toml"
    path.write_text(HOSTILE_TOML[name], encoding="utf-8")
    for read in (lambda: load_config(str(path)), lambda: load_recipe(str(path)), lambda: read_toml(path)):
        began = time.monotonic()
        with pytest.raises(InputError) as refused:
            read()
        assert time.monotonic() - began < PATIENCE
        assert str(path) in refused.value.message


HOSTILE_CONTRACTS = {
    "duplicate": '{"schema": 1, "schema": 1}',
    "deep": '{"schema": ' + "[" * 100_000 + "]" * 100_000 + "}",
    "NaN": '{"schema": NaN}',
    "huge integer": '{"schema": ' + "9" * 10_000 + "}",
    "list": "[]",
    "nothing": "",
    "text": '"schema"',
}


@pytest.mark.parametrize("name", HOSTILE_CONTRACTS)
def test_hostile_contracts_are_refused(name: str, tmp_path: Path) -> None:
    """An adapter's prompt contract is a stranger's file like any other."""
    (tmp_path / CONTRACT).write_text(HOSTILE_CONTRACTS[name])
    with pytest.raises(InputError) as refused:
        read_contract(tmp_path)
    assert str(tmp_path / CONTRACT) in refused.value.message
    assert len(refused.value.message) < 600


def test_the_command_line_answers_in_sentences(run_cli: RunCli, task_file: Path) -> None:
    """No traceback and no word of a defect, for devices and pipes wherever a path can stand."""
    os.mkfifo("pipe")
    for odd in ("/dev/zero", "pipe", "."):
        for arguments in (
            ("--task", f"t={odd}", "--model", "echo", "--judge", "rules"),
            ("--task", "five=five.jsonl", "--model", f"outputs:{odd}", "--judge", "rules"),
            ("--task", "five=five.jsonl", "--model", "echo", "--judge", f"human:{odd}"),
            ("--task", "five=five.jsonl", "--model", "echo", "--judge", "rules", "--config", odd),
            ("--task", "five=five.jsonl", "--model", "echo", "--judge", "rules", "--prompt", f"./{odd}"),
            ("submit", "--check", odd),
        ):
            ran = run_cli(*(arguments if arguments[0] == "submit" else ("eval", *arguments)))
            assert ran.code in (1, 2), (arguments, ran)
            assert "Error: " in ran.err
            assert "Traceback" not in ran.err
            assert "defect" not in ran.err
