"""The types of columns: any text whole, compared by its bytes."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import select

from harness.store import schema
from harness.store.column_types import as_text, of_text
from harness.store.store import Store
from harness.types import Generation
from tests.store.conftest import asked

ANY = st.text(st.characters(exclude_categories=[]))


@given(ANY)
@example("\x010000")
@example("\x01\x00")
@example("\ud83d\ude00")
def test_what_a_server_refuses_is_written_otherwise_and_comes_back(text: str) -> None:
    """And what it does not refuse stands there as it is."""
    kept = as_text(text)
    assert text == of_text(kept)
    assert "\x00" not in kept
    kept.encode()
    if not any(sign in text for sign in "\x00\x01") and text.isprintable():
        assert text == kept


@given(ANY, ANY)
def test_unlike_texts_stay_unlike(one: str, other: str) -> None:
    """Else two answers would be the same row."""
    assert (one == other) == (as_text(one) == as_text(other))


def test_text_is_compared_by_its_bytes(store: Store) -> None:
    """Not by a language's rules: the same order in every place."""
    keys = ["a", "B", "Z", "z", "é", "あ", "ア", "亜", "_", "-", "ａ"]
    store.write(generations=[Generation(request_key=key, text=key) for key in keys])
    with store.transaction() as connection:
        column = schema.generations.c.text
        found = [text for (text,) in connection.execute(select(column).order_by(column))]
    assert sorted(keys, key=str.encode) == found


@pytest.mark.parametrize("count", [True, 2**31])
def test_what_a_plugin_takes_for_a_count_is_one(store: Store, count: int) -> None:
    """And its row is not taken for a damaged one."""
    store.write(generations=[Generation(request_key="a", text="x", tokens_in=count)])
    assert count == store.generations(["a"])["a"].tokens_in


def test_programs_outside_read_the_text_itself(store: Store) -> None:
    """What is documented as tables is readable as such."""
    store.write(generations=[Generation(request_key="a", text="答え\n「一」")])
    assert [("答え\n「一」",)] == asked(store, "SELECT text FROM generation")
