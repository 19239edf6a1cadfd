"""``harness store``: copy a store into another one, between files and servers, and say what one holds."""

from pathlib import Path

import click

from harness.cli.options import common_options
from harness.cli.say import say
from harness.errors import StoreGoneError, UsageError
from harness.locale import tr
from harness.specs import load_config, store_url
from harness.store.copying import CopiedTable, copy_store, count_rows
from harness.store.database import database_of, store_exists
from harness.store.schema import VERSION
from harness.store.server import is_server_url
from harness.store.store import Store
from harness.store.store_file import store_file
from harness.tables.files import nearby

_WIDTHS = (15, 12, 12, 12)


@click.group("store", short_help="Copy a store of answers and verdicts, or say what it holds.")
def store_group() -> None:
    """Copy a store of answers and verdicts into another one, between files and servers, or say what one holds."""


@store_group.command(
    "copy",
    short_help="Copy a store into another one.",
    epilog="Example: harness store copy runs/store.sqlite postgresql+psycopg://me@db.example/team",
)
@click.argument("from_", metavar="FROM")
@click.argument("to", metavar="[TO]", required=False)
@common_options
def copy(*, from_: str, to: str | None, config: str | None, store: str | None) -> None:
    """Copy every row of the store FROM into the store TO, which keeps what it has.

    Each is a file, or postgresql+psycopg://USER@HOST/DATABASE; without TO the store of --store or harness.toml is
    meant. A success replaces a failure, and nothing replaces a success. Broken off, the same command goes on. Every row
    is read back and compared; counts and a digest of each table are printed. Leases and spending are not copied.
    """
    target_url = to or store_url(store, load_config(config))
    if database_of(from_).url == database_of(target_url).url:
        raise UsageError(tr("FROM and TO are the same store, {shown}.", shown=database_of(from_).shown))
    _refuse_missing(
        from_,
        hint=tr(
            "FROM is the path of a file or the URL of a server. Runs write to {shown}, unless --store or harness.toml "
            "names another store.",
            shown=database_of(store_url(store, load_config(config))).shown,
        ),
    )
    with Store(from_, read_only=True) as source, Store(target_url) as target:
        say(tr("Copying {source} to {target}.", source=source.shown, target=target.shown), err=True)
        say(_line(tr("table"), tr("rows"), tr("new"), tr("kept"), "SHA-256"))
        found = copy_store(source, target, tell=_tell)
    new, kept = (sum(getattr(table, name) for table in found) for name in ("new", "kept"))
    say(
        tr(
            "Every row was read back from {target}: {new} are new there, {kept} it had of its own.",
            target=target.shown,
            new=f"{new:,}",
            kept=f"{kept:,}",
        ),
        err=True,
    )


@store_group.command("info", short_help="Say where a store is and what it holds.")
@common_options
def info(*, config: str | None, store: str | None) -> None:
    """Say where the store of --store or harness.toml is, and how many rows each of its tables has."""
    url = store_url(store, load_config(config))
    _refuse_missing(
        url,
        hint=tr("The first evaluation makes one. If yours is elsewhere: --store PATH, or store = ... in harness.toml."),
    )
    with Store(url, read_only=True) as opened:
        say(tr("{shown}, schema {version}", shown=opened.shown, version=VERSION))
        for name, count in count_rows(opened).items():
            say(_line(name, f"{count:,}"))


def _refuse_missing(url: str, *, hint: str) -> None:
    if not store_exists(url):
        near = None if is_server_url(url) else nearby(store_file(url), wanted=Path.is_file)
        raise StoreGoneError(tr("There is no store at {path}.", path=database_of(url).shown), hint=near or hint)


def _tell(table: CopiedTable) -> None:
    say(_line(table.name, f"{table.rows:,}", f"{table.new:,}", f"{table.kept:,}", table.digest[:16]))


def _line(name: str, *cells: str) -> str:
    first, *widths = _WIDTHS
    padded = [f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=False)]
    return "  ".join([f"{name:<{first}}", *padded, *cells[len(widths) :]]).rstrip()
