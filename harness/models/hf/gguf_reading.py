"""The gguf package, quick enough for a vocabulary and for every module's names.

Its reader makes an array element by element, each of several slices of a memory map: 8 s of a CPU core for the arrays
of 262,000 entries that a vocabulary is, and transformers reads a file three times to load it. Here an array is cut up
at once; what comes out is the same. Whatever is unusual is left to the package's own way, and so is everything if
another version of it works otherwise.
"""

import contextlib
import functools
import importlib
import struct
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np

_HEAD = 12  # bytes before an array's first element: what the elements are, and how many
_LENGTH = struct.Struct("=Q")  # before each string
_READ, _NAMES = "_get_field_parts", "get_tensor_name_map"

FieldParts = tuple[int, list[Any], list[int], list[Any]]
"""A field as the package's reader gives it: its size in bytes, its parts, which of them are values, its types."""


@contextlib.contextmanager
def quick_reading() -> Iterator[None]:
    """Have the gguf package cut up arrays at once, and make its table of tensor names once for all modules of a model.

    Raises:
        ImportError: the package is not installed.
    """
    gguf = importlib.import_module("gguf")
    reader, names = gguf.GGUFReader, gguf.get_tensor_name_map
    plain = vars(reader).get(_READ)
    setattr(gguf, _NAMES, functools.cache(names))  # transformers asks once a module: 313 times for 18 layers
    if plain is not None:
        setattr(reader, _READ, _quicker(plain, gguf))
    try:
        yield
    finally:
        setattr(gguf, _NAMES, names)
        if plain is not None:
            setattr(reader, _READ, plain)


def _quicker(plain: Callable[..., FieldParts], gguf: ModuleType) -> Callable[..., FieldParts]:
    """Return the reader's method with a short cut for arrays."""

    @functools.wraps(plain)
    def read(self: Any, offset: int, kind: int) -> FieldParts:  # noqa: ANN401 - the package has no types
        found = _array(self, int(offset), gguf) if kind == gguf.GGUFValueType.ARRAY else None
        return plain(self, offset, kind) if found is None else found

    return read


def _array(reader: Any, offset: int, gguf: ModuleType) -> FieldParts | None:  # noqa: ANN401 - it has no types
    """Return an array of strings or of numbers; None for any other, a torn one, and another byte order than ours."""
    if reader.byte_order != "I":
        return None
    data, start = np.asarray(reader.data), offset + _HEAD
    head: list[Any] = [data[offset : offset + 4].view(np.uint32), data[offset + 4 : start].view(np.uint64)]
    kind, count = gguf.GGUFValueType(head[0][0]), int(head[1][0])
    types = [gguf.GGUFValueType.ARRAY, kind]
    if not count:
        return None
    if kind == gguf.GGUFValueType.STRING:
        parts, end = _strings(data, start, count)
        return (end - offset, head + parts, list(range(3, 3 + len(parts), 2)), types) if parts else None
    number = reader.gguf_scalar_to_np.get(kind)
    if number is None or start + count * np.dtype(number).itemsize > data.size:
        return None
    values = data[start : start + count * np.dtype(number).itemsize].view(number)
    return _HEAD + values.nbytes, [*head, *values.reshape(-1, 1)], list(range(2, 2 + count)), types


def _strings(data: np.ndarray[Any, np.dtype[np.uint8]], start: int, count: int) -> tuple[list[Any], int]:
    """Return length and bytes of each string, and where the last one ends; nothing if the data end before."""
    parts: list[Any] = []
    end, raw = start, data.data
    for _ in range(count):
        begin = end + _LENGTH.size
        if begin > data.size:
            return [], start
        length: int = _LENGTH.unpack_from(raw, end)[0]
        if begin + length > data.size:
            return [], start
        parts += (data[end:begin].view(np.uint64), data[begin : begin + length])
        end = begin + length
    return parts, end
