"""What a store's URL leads to."""

from pathlib import Path

import pytest

from harness.errors import StoreError
from harness.store.database import database_of, located, store_exists
from harness.store.server import ServerDatabase
from harness.store.store import Store
from harness.store.store_file import FileDatabase


def test_a_path_and_each_kind_of_url_lead_to_their_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path starts in the current folder, once and for all."""
    monkeypatch.chdir(tmp_path)
    for url in ("a/s.sqlite", "sqlite:///a/s.sqlite", "sqlite+pysqlite:///a/s.sqlite"):
        database = database_of(url)
        assert isinstance(database, FileDatabase)
        assert f"sqlite:///{tmp_path}/a/s.sqlite" == database.url
    assert isinstance(database_of("postgresql://h/d"), ServerDatabase)
    for url in ("mysql://h/d", "sqlite://", "postgresqlx://h/d", "postgresql+psycopg2://h/d"):
        with pytest.raises(StoreError):
            database_of(url)


def test_a_store_is_there_once_it_was_opened(store_url: str) -> None:
    """Looking makes none."""
    assert not store_exists(store_url)
    assert not store_exists(store_url)
    Store(store_url).close()
    assert store_exists(store_url)


def test_a_manifests_server_is_where_it_was_and_its_file_beside_it(tmp_path: Path) -> None:
    """A folder that was moved takes a file of its own with it."""
    server = "postgresql+psycopg://me@h/d"
    assert (server, f"sqlite:///{tmp_path}/s.sqlite") == (located(server, tmp_path), located("s.sqlite", tmp_path))
