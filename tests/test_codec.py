"""Content hashes and what people write: one text for one value, and every fault of a document at once."""

import hashlib
import json
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.codec import canonical, decode, digest, sample_digest
from harness.errors import InputError
from harness.types import LIKERT_5, Sample

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)  # fmt: skip


@given(JSON)
def test_canonical_json_is_json_of_the_same_value(value: object) -> None:
    """ASCII alone, and read back as what it was."""
    text = canonical(value)
    assert text.isascii()
    assert value == json.loads(text)


@given(st.dictionaries(st.text(), st.integers(), min_size=2))
def test_the_order_of_keys_changes_no_digest(value: dict[str, int]) -> None:
    """Any other value does."""
    turned = dict(reversed(list(value.items())))
    assert digest(value) == digest(turned)
    key = next(iter(value))
    assert digest(value) != digest(value | {key: value[key] + 1})


def test_a_digest_once_written_stays() -> None:
    """Store keys rest on it: computed with hashlib and json alone."""
    assert hashlib.sha256(b'{"a":[1,null,"\\u732b"],"b":1.5}').hexdigest() == digest({"b": 1.5, "a": (1, None, "猫")})


def test_records_sets_and_numpy_have_one_form() -> None:
    """A record is its fields, a set is sorted, a scalar of a Parquet column is the number."""
    assert '{"high":5,"low":1,"step":1}' == canonical(LIKERT_5)
    assert canonical(["a", "b"]) == canonical({"b", "a"})
    assert canonical([1, 1.5]) == canonical([np.int64(1), np.float64(1.5)])


def test_all_that_a_judge_sees_of_a_sample_is_in_its_digest() -> None:
    """Its id, tags and cluster are not: the same task under another number is the same work."""
    one = Sample(id="1", inputs={"input": "x"}, reference="r", criteria="c", rules=({"type": "json"},))
    same = replace(one, id="2", tags=("t",), cluster="k")
    others = [
        replace(one, inputs={"input": "y"}),
        *(replace(one, **{name: None}) for name in ("reference", "criteria")),
    ]
    others.append(replace(one, rules=()))
    assert sample_digest(one) == sample_digest(same)
    assert 5 == len({sample_digest(other) for other in [one, *others]})


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    """A table within a document."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - as pydantic wants it
    size: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer:
    """A document."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - as pydantic wants it
    name: str
    inner: Inner
    wanted: tuple[int, ...] = ()


def test_a_document_becomes_its_record() -> None:
    """From a mapping and from JSON text alike."""
    document = {"name": "a", "inner": {"size": 2}, "wanted": [1, 2]}
    expected = Outer(name="a", inner=Inner(size=2), wanted=(1, 2))
    assert expected == decode(Outer, document, where="x") == decode(Outer, json.dumps(document), where="x")


def test_every_fault_is_told_at_once_with_its_path() -> None:
    """And the nearest key of the record that a misspelt one stands in."""
    with pytest.raises(InputError) as caught:
        decode(Outer, {"inner": {"sise": 2, "size": "large"}, "wanted": [1, "b"]}, where="my.toml")
    message = caught.value.message
    parts = (
        "my.toml: ",
        "name: field required",
        "inner.sise: no such key",
        "inner.size: ",
        "(got 'large')",
        "wanted.1: ",
    )
    assert all(part in message for part in parts), message
    assert "Did you mean 'size'?" == caught.value.hint


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", '"x"'])
def test_text_that_is_no_such_document_is_refused(text: str) -> None:
    """Not with a traceback of the parser's."""
    with pytest.raises(InputError, match=r"my\.json: "):
        decode(Outer, text, where="my.json")
