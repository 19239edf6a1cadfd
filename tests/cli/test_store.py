"""`harness store`: copying and looking, from the command line."""

from pathlib import Path

from harness.store.store import Store
from harness.types import Generation
from tests.conftest import RunCli, results_of
from tests.postgres import LOCKED, PASSWORD, PostgresServer
from tests.store.conftest import changed

RUN = ("eval", "--task", "five=five.jsonl", "--model", "echo", "--judge", "rules", "--run", "r")


def test_a_run_goes_to_a_server_and_back(run_cli: RunCli, task_file: Path, postgres_url: str) -> None:
    """The same board from each, and nothing is made anew."""
    assert 0 == run_cli(*RUN).code
    whole = results_of(task_file.parent, "r")["rows"]
    there = run_cli("store", "copy", "runs/store.sqlite", postgres_url)
    assert 0 == there.code, there.err
    assert ["table", "rows", "new", "kept", "SHA-256"] == there.out.splitlines()[0].split()
    lines = {line.split()[0]: line.split()[1:] for line in there.out.splitlines()[1:]}
    assert ["5", "5", "0"] == lines["generation"][:3]
    back = run_cli("store", "copy", postgres_url, "back.sqlite")
    assert 0 == back.code, back.err
    assert [line.split()[-1] for line in there.out.splitlines()] == [line.split()[-1] for line in back.out.splitlines()]
    for url in (postgres_url, "back.sqlite"):
        again = run_cli(*RUN, "--overwrite", "--store", url)
        assert (0, True) == (again.code, "0 answers generated, 0 judged anew" in again.out + again.err), again.err
        assert whole == results_of(task_file.parent, "r")["rows"]
    info = run_cli("store", "info", "--store", postgres_url)
    assert (0, True) == (info.code, info.out.splitlines()[0].endswith("/postgres, schema 1"))
    assert ["generation", "5"] in [line.split() for line in info.out.splitlines()]


def test_without_to_the_store_of_the_settings_is_meant(run_cli: RunCli, workplace: Path) -> None:
    """As everywhere else."""
    with Store("from.sqlite") as store:
        store.write(generations=[Generation(request_key="a", text="x")])
    assert 0 == run_cli("store", "copy", "from.sqlite").code
    with Store("runs/store.sqlite", read_only=True) as store:
        assert ["a"] == list(store.generations(["a"]))


def test_what_cannot_be_copied_is_refused(run_cli: RunCli, workplace: Path) -> None:
    """A store into itself, from nowhere, or into one of a newer version."""
    with Store("s.sqlite") as store:
        store.write(generations=[Generation(request_key="a", text="x")])
    ran = run_cli("store", "copy", "s.sqlite", f"sqlite:///{workplace}/s.sqlite")
    assert (2, True) == (ran.code, "FROM and TO are the same store" in ran.err)
    ran = run_cli("store", "copy", "nowhere.sqlite", "t.sqlite")
    assert (1, True) == (ran.code, "There is no store at" in ran.err)
    assert not Path("t.sqlite").exists()
    with Store("newer.sqlite") as newer:
        changed(newer, "UPDATE meta SET value = '99'")
    for places in (("s.sqlite", "newer.sqlite"), ("newer.sqlite", "s.sqlite")):
        ran = run_cli("store", "copy", *places)
        assert (1, True) == (ran.code, "has schema 99" in ran.err)
    ran = run_cli("store", "info", "--store", "nowhere.sqlite")
    assert (1, True) == (ran.code, "There is no store at" in ran.err)


def test_a_password_is_not_shown(run_cli: RunCli, workplace: Path, postgres: PostgresServer) -> None:
    """Whichever of the two needs it."""
    url = postgres.url(postgres.new_database(f"OWNER {LOCKED}"), LOCKED, "p%40ss%3Aw%2Frd")
    Store("s.sqlite").close()
    for places in (("s.sqlite", url), (url, "t.sqlite"), (url, url)):
        ran = run_cli("store", "copy", *places)
        assert PASSWORD not in ran.out + ran.err
        assert "p%40ss" not in ran.out + ran.err


def test_a_store_that_is_not_there_says_where_to_look(run_cli: RunCli, workplace: Path) -> None:
    """The file that was probably meant; else, for a copy, where runs write to, and for a look, how to name another."""
    with Store("team.sqlite"):
        pass
    near = run_cli("store", "copy", "teem.sqlite", "t.sqlite")
    assert (1, True) == (near.code, "Did you mean team.sqlite?" in near.err), near.err
    far = run_cli("store", "copy", "quite/else.db")
    assert all(part in far.err for part in ("FROM is", str(workplace / "runs" / "store.sqlite"), "--store"))
    look = run_cli("store", "info")
    assert all(part in look.err for part in ("The first evaluation makes one", "--store PATH"))
    server = run_cli("store", "info", "--store", "teem.sqlite")
    assert "Did you mean team.sqlite?" in server.err
