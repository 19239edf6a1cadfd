"""A store on a server: what its URL means, and what is said when it cannot be used."""

import logging
import sys
from typing import Any

import pytest
from sqlalchemy import Connection, event

from harness.engine.budget import Budget
from harness.errors import StoreError, StoreUnreachableError
from harness.ledger import Ledger
from harness.store import outages
from harness.store.database import database_of, store_exists
from harness.store.leases import Leases
from harness.store.ledger import add_rows, read_ledger
from harness.store.server import ServerDatabase, is_server_url
from harness.store.spending import StoredSpending
from harness.store.store import Store
from harness.store.writer import Writer
from harness.types import Generation
from tests.postgres import BOSS, LOCKED, PASSWORD, PostgresServer
from tests.store.test_ledger import SET, row

ROW = Generation(request_key="a", text="答え")
QUOTED = "p%40ss%3Aw%2Frd"


@pytest.mark.parametrize(
    ("url", "kept", "shown"),
    [
        ("postgresql+psycopg://me@db.example/team", "postgresql+psycopg://me@db.example/team", "me@db.example/team"),
        ("postgres://me:x@h:6432/d", "postgresql+psycopg://me@h:6432/d", "me@h:6432/d"),
        ("POSTGRESQL://h/d", "postgresql+psycopg://h/d", "h/d"),
        (
            "postgresql://me@h/d?sslmode=require&password=x&sslpassword=y",
            "postgresql+psycopg://me@h/d?sslmode=require",
            "me@h/d",
        ),
        ("postgresql:///d?host=/run/pg", "postgresql+psycopg:///d?host=%2Frun%2Fpg", "/run/pg/d"),
    ],
)
def test_a_url_is_kept_without_its_password(url: str, kept: str, shown: str) -> None:
    """In manifests and in messages alike, and it leads to the same place."""
    assert is_server_url(url)
    database = database_of(url)
    assert (kept, shown) == (database.url, database.shown)
    assert (kept, shown) == (database_of(kept).url, database_of(kept).shown)


def test_a_password_of_this_process_opens_what_a_manifest_names(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the URL, PGPASSWORD or HARNESS_STORE; without any it is refused in a sentence."""
    monkeypatch.setattr("harness.store.server._passwords", {})
    name = postgres.new_database(f"OWNER {LOCKED}")
    plain, whole = postgres.url(name, LOCKED), postgres.url(name, LOCKED, QUOTED)
    with pytest.raises(StoreError) as refused:
        Store(plain)
    assert f"The store {LOCKED}@127.0.0.1:{postgres.port}/{name} refused the user or the password." == str(
        refused.value
    )
    assert "PGPASSWORD or ~/.pgpass" in str(refused.value.hint)
    with Store(whole) as store:
        assert plain == store.url
        store.write(generations=[ROW])
    with Store(plain, read_only=True) as again:
        assert {"a": ROW} == again.generations(["a"])
    monkeypatch.setattr("harness.store.server._passwords", {})
    monkeypatch.setenv("HARNESS_STORE", whole)
    assert store_exists(plain)
    monkeypatch.setattr("harness.store.server._passwords", {})
    monkeypatch.delenv("HARNESS_STORE")
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    assert store_exists(plain)


def refused(url: str) -> tuple[str, str]:
    """Return message and hint of the refusal of a store."""
    with pytest.raises(StoreError) as found:
        Store(url)
    for text in (str(found.value), str(found.value.hint), repr(found.value)):
        assert "s3cr3t" not in text
        assert PASSWORD not in text
        assert QUOTED not in text
    return str(found.value), str(found.value.hint)


def test_what_cannot_be_reached_is_said(postgres: PostgresServer) -> None:
    """A wrong password, user, database or port: which value, and what to do next."""
    name = postgres.new_database()
    here = f"127.0.0.1:{postgres.port}"
    said, hint = refused(postgres.url(name, LOCKED, "s3cr3t"))
    assert (f"The store {LOCKED}@{here}/{name} refused the user or the password.", True) == (said, "PGPASSWORD" in hint)
    said, hint = refused(postgres.url("nowhere", password="s3cr3t"))
    assert f"The server of {BOSS}@{here}/nowhere has no database 'nowhere'." == said
    assert "createdb --encoding UTF8 nowhere" in hint
    said, hint = refused(postgres.url(name, "nobody_here", "s3cr3t"))
    assert f"The server of nobody_here@{here}/{name} knows no user 'nobody_here'." == said
    said, hint = refused("postgresql://me:s3cr3t@127.0.0.1:9/team")
    assert said == "The server of me@127.0.0.1:9/team cannot be reached: nobody listens there"
    assert "Check that it runs, and host and port in --store" in hint
    said, hint = refused("postgresql://me:s3cr3t@no-such-host.invalid/team")
    assert said.startswith("The server of me@no-such-host.invalid/team cannot be reached: the name of the server")


def test_who_may_make_no_tables_is_told_what_to_ask_for(postgres: PostgresServer) -> None:
    """The usual state of a new user: the schema belongs to somebody else."""
    name = postgres.new_database()
    said, hint = refused(postgres.url(name, LOCKED, QUOTED))
    assert said.startswith(f"The user '{LOCKED}' may not do this in the store {LOCKED}@127.0.0.1:")
    assert "permission denied for schema public" in said
    assert f"GRANT CREATE, USAGE ON SCHEMA public TO {LOCKED};" in hint


def test_rights_are_those_that_the_page_names(postgres: PostgresServer) -> None:
    """Who may read alone reads; who may write rows needs no right to make tables."""
    name = postgres.new_database()
    with Store(postgres.url(name)) as owners:
        owners.write(generations=[ROW])
    postgres.run(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {LOCKED}", database=name)
    theirs = postgres.url(name, LOCKED, QUOTED)
    with Store(theirs, read_only=True) as reading:
        assert ({"a": ROW}, Ledger()) == (reading.generations(["a"]), read_ledger(reading))
    with Store(theirs) as store, pytest.raises(StoreError, match=f"The user '{LOCKED}' may not do this in the store"):
        store.write(generations=[ROW])
    postgres.run(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {LOCKED}", database=name)
    with Store(theirs) as store, Leases(store) as leases:
        assert {"b"} == leases.claim(["b"])
        store.write(generations=[Generation(request_key="b", text="y")])
        assert 1 == len(add_rows(store, [SET], [row("tried")]).rows)
        assert 1 == Budget(1.0, account=StoredSpending(store, leases, "run")).admit("judge")


def test_a_newer_schema_and_a_strangers_database_are_refused(postgres: PostgresServer) -> None:
    """And stay as they are."""
    url = postgres.new_schema()
    Store(url).close()
    with Store(url) as store, store.transaction(write=True) as connection:
        connection.exec_driver_sql("UPDATE meta SET value = '99'")
    said, hint = refused(url)
    assert "has schema 99; this version of ja-harness knows schema 1." in said
    assert "Take a newer version" in hint
    name = postgres.new_database()
    postgres.run("CREATE TABLE recipe (name text)", database=name)
    assert refused(postgres.url(name))[0].endswith("is a database, but not a store of ja-harness.")
    assert [("recipe",)] == postgres.run("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", database=name)


def test_a_database_that_cannot_hold_japanese_is_refused(postgres: PostgresServer) -> None:
    """Before anything is lost."""
    name = postgres.new_database("ENCODING LATIN1 TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    said, hint = refused(postgres.url(name))
    assert said.endswith("keeps text as LATIN1, which does not hold every language.")
    assert "--encoding UTF8" in hint


def test_without_the_driver_the_way_to_install_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line to copy."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    said, hint = refused("postgresql+psycopg://me:s3cr3t@h/team")
    assert "The store me@h/team needs the PostgreSQL driver psycopg, which is not installed." == said
    assert "install" in hint
    assert "[postgres]" in hint


def test_no_log_holds_a_password(postgres: PostgresServer, caplog: pytest.LogCaptureFixture) -> None:
    """Also where everything is logged."""
    caplog.set_level(logging.DEBUG)
    with Store(postgres.url(postgres.new_database(f"OWNER {LOCKED}"), LOCKED, QUOTED)) as store:
        store.write(generations=[ROW])
    assert PASSWORD not in caplog.text
    assert QUOTED not in caplog.text


def test_what_is_read_is_one_moment_and_what_only_reads_writes_nothing(postgres_url: str) -> None:
    """A transaction that reads sees nothing that is written after it began; one that is to write waits its turn."""
    Store(postgres_url).close()
    with Store(postgres_url) as writing, Store(postgres_url, read_only=True) as reading:
        with reading.transaction() as connection:
            count = "SELECT count(*) FROM generation"
            assert 0 == connection.exec_driver_sql(count).scalar_one()
            writing.write(generations=[ROW])
            assert 0 == connection.exec_driver_sql(count).scalar_one()
        assert {"a": ROW} == reading.generations(["a"])
        with pytest.raises(StoreError, match=r"cannot be written: cannot execute .* in a read-only transaction"):
            reading.write(generations=[ROW])


def test_a_server_that_was_started_anew_is_reached_again(postgres: PostgresServer) -> None:
    """Connections that broke meanwhile are made anew: nothing was lost, and nothing fails."""
    with Store(postgres.new_schema()) as store:
        store.write(generations=[ROW])
        postgres.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ja-harness'")
        assert {"a": ROW} == store.generations(["a"])


def test_the_module_does_not_need_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever works with a file needs no package more."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert "me@h/team" == ServerDatabase("postgresql://me@h/team").shown


def cut_off(store: Store, server: PostgresServer, statement: str, *, times: int = 1) -> list[str]:
    """Have the server end a store's next connections that begin a statement so, and return what they had said."""
    said: list[str] = []

    @event.listens_for(store._engine, "before_cursor_execute")
    def end(connection: Connection, cursor: Any, text: str, *_: object) -> None:
        if text.startswith(statement) and len(said) < times:
            said.append(text)
            server.run(f"SELECT pg_terminate_backend({cursor.connection.info.backend_pid})")

    return said


def test_a_line_that_is_cut_in_the_middle_of_anything_costs_nothing(
    postgres: PostgresServer, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Claims, rows and readings begin anew on the next connection; one sentence each says why it took longer."""
    with Store(postgres.new_schema()) as store, Leases(store) as leases:
        cuts = [cut_off(store, postgres, f"INSERT INTO {table} ") for table in ("lease_owner", "lease", "generation")]
        cuts += [cut_off(store, postgres, f"DELETE FROM {table} ") for table in ("lease",)]
        assert {"a", "b"} == leases.claim(["a", "b"])
        with Writer(store, leases) as writer:
            writer.add(ROW)
        cuts += [cut_off(store, postgres, "SELECT generation."), cut_off(store, postgres, "SELECT lease.")]
        assert {"a": ROW} == store.generations(["a"])
        assert {"b"} == leases.claim(["a", "b"])
        with Leases(store) as other:
            assert not other.claim(["a", "b"])
    assert [1] * 6 == [len(cut) for cut in cuts]
    told = capsys.readouterr().err.count("cannot be reached for now; this run goes on when it is back")
    assert 5 == told, "the row's and the end of its lease are one transaction"
    assert [] == caplog.records


def test_a_server_that_stays_away_ends_the_run_in_a_sentence(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a while, and at once where nothing was open yet: then the name or the port is wrong."""
    monkeypatch.setattr(outages, "LASTS", 1.0)
    with Store(postgres.new_schema()) as store:
        said = cut_off(store, postgres, "INSERT", times=1000)
        with pytest.raises(StoreUnreachableError, match="cannot be reached: ") as caught:
            store.write(generations=[ROW])
        assert "Check that it runs" in str(caught.value.hint)
        assert 2 <= len(said) <= 4
    monkeypatch.setattr(outages, "LASTS", 1e9)
    with pytest.raises(StoreUnreachableError, match="cannot be reached"):
        Store("postgresql+psycopg://me@127.0.0.1:9/d")
