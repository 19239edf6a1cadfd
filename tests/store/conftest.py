"""An open store, in a file and on a server."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from harness.store.store import Store


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with Store(store_url, lock_timeout=5) as opened:
        yield opened


def asked(store: Store, question: str) -> list[tuple[Any, ...]]:
    """Return what a store's database answers, on another connection than the store's own."""
    with Store(store.url, read_only=True) as other, other.transaction() as connection:
        return [tuple(row) for row in connection.execute(text(question))]


def changed(store: Store, *statements: str) -> None:
    """Change what a store holds, behind its back."""
    with Store(store.url) as other, other.transaction(write=True) as connection:
        for statement in statements:
            connection.execute(text(statement))
