"""Quick reading of GGUF files: what comes out is what the package's own reader makes."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.models.hf.gguf_reading import quick_reading

gguf = pytest.importorskip("gguf", reason="the extra [demo] is not installed")

ARRAYS = {
    "words": (gguf.GGUFValueType.STRING, ["", "a", "東京", "▁" * 300]),
    "bytes": (gguf.GGUFValueType.UINT8, [0, 255]),
    "signed": (gguf.GGUFValueType.INT8, [-128, 127]),
    "kinds": (gguf.GGUFValueType.INT32, [1, 6, -3, 2**31 - 1]),
    "scores": (gguf.GGUFValueType.FLOAT32, [-1.5, 0.1, 3e38]),
    "doubles": (gguf.GGUFValueType.FLOAT64, [0.1]),
    "large": (gguf.GGUFValueType.UINT64, [2**63 + 1]),
    "flags": (gguf.GGUFValueType.BOOL, [True, False]),
    "empty": (gguf.GGUFValueType.STRING, []),
}


def header(arrays: dict[str, tuple[Any, list[Any]]], tail: bytes = b"") -> bytes:
    """A GGUF file without tensors, written after the format's description, with ``arrays`` as its metadata."""
    out = b"GGUF" + struct.pack("<IQQ", 3, 0, len(arrays))
    codes = {"UINT8": "B", "INT8": "b", "INT32": "i", "FLOAT32": "f", "FLOAT64": "d", "UINT64": "Q", "BOOL": "?"}
    for name, (kind, values) in arrays.items():
        out += struct.pack("<Q", len(name)) + name.encode() + struct.pack("<IIQ", 9, kind, len(values))
        for value in values:
            text = value.encode() if isinstance(value, str) else b""
            out += struct.pack("<Q", len(text)) + text if kind == 8 else struct.pack("<" + codes[kind.name], value)
    return out + tail


def fields(path: Path) -> dict[str, Any]:
    """All that a reader made of a file's metadata."""
    return {
        name: (field.offset, field.types, field.data, [(part.dtype, part.tolist()) for part in field.parts])
        for name, field in gguf.GGUFReader(path).fields.items()
    }


def outcome(path: Path) -> object:
    """What a reader made of a file, or the kind of its error."""
    try:
        return fields(path)
    except Exception as error:  # noqa: BLE001 - whatever it is
        return type(error)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[bytes], Path]:
    """Return a function that writes a file."""

    def write(content: bytes) -> Path:
        (tmp_path / "x.gguf").write_bytes(content + b"\0" * 64)
        return tmp_path / "x.gguf"

    return write


def test_every_kind_of_array(write: Callable[[bytes], Path]) -> None:
    """Offsets, types and values are those of the package's own reader, and those that were written."""
    path = write(header(ARRAYS))
    expected = fields(path)
    with quick_reading():
        assert expected == fields(path)
        for name, (kind, values) in ARRAYS.items():
            field = gguf.GGUFReader(path).fields[name]
            found = [bytes(field.parts[at]).decode() if kind == 8 else field.parts[at][0] for at in field.data]
            assert [np.float32(value) if name == "scores" else value for value in values] == found


def test_its_own_way_is_not_taken(write: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Elements are not read one by one: only an empty array is left to the package."""
    asked = []
    plain = gguf.GGUFReader._get_field_parts
    monkeypatch.setattr(
        gguf.GGUFReader, "_get_field_parts", lambda self, at, kind: asked.append(kind) or plain(self, at, kind)
    )
    with quick_reading():
        gguf.GGUFReader(write(header(ARRAYS)))
    assert [gguf.GGUFValueType.ARRAY] == asked


@pytest.mark.parametrize("missing", [1, 4, 11, 20, 400])
@pytest.mark.parametrize("name", ["words", "scores"])
def test_a_torn_file(tmp_path: Path, name: str, missing: int) -> None:
    """What ends too early is refused, or put up with, as the package does."""
    path = tmp_path / "x.gguf"
    path.write_bytes(header({name: ARRAYS[name]})[:-missing])
    own = outcome(path)
    with quick_reading():
        assert own == outcome(path)


def test_another_byte_order(write: Callable[[bytes], Path]) -> None:
    """A file of a machine of the other kind is read as before."""
    name, words = b"words", [b"ab", b""]
    content = b"GGUF" + struct.pack(">IQQ", 3, 0, 1) + struct.pack(">Q", 5) + name + struct.pack(">IIQ", 9, 8, 2)
    path = write(content + b"".join(struct.pack(">Q", len(word)) + word for word in words))
    expected = fields(path)
    with quick_reading():
        assert expected == fields(path)
    assert words == [bytes(part[1]) for part in (expected["words"][3][at] for at in expected["words"][2])]


def test_afterwards_all_is_as_it_was() -> None:
    """An error inside changes nothing of that."""
    before = gguf.GGUFReader._get_field_parts, gguf.get_tensor_name_map
    with pytest.raises(ZeroDivisionError), quick_reading():  # noqa: PT012
        assert before != (gguf.GGUFReader._get_field_parts, gguf.get_tensor_name_map)
        raise ZeroDivisionError
    assert before == (gguf.GGUFReader._get_field_parts, gguf.get_tensor_name_map)


def test_a_reader_that_works_otherwise(write: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the method that is replaced, nothing is."""
    plain = gguf.GGUFReader._get_field_parts
    monkeypatch.setattr(gguf, "GGUFReader", type("Other", (), {}))
    with quick_reading():
        assert not hasattr(gguf.GGUFReader, plain.__name__)
