"""The tables of the store. A change to what is stored is a new `VERSION`, which older programs refuse to touch.

Checksums, codes, leases, the ledger, counts of calls, batches, served ratings and anchors are no change of version: a
store without them gets them when something is written, and programs that do not know them pass them over. A checksum is
that of a row that is not going to change any more, so no older program can make it wrong. A code belongs to a reason,
and counts only beside the very text that it was written with. The tables of leases hold nothing that lasts.
"""

from typing import Any

from sqlalchemy import Column, Float, Integer, MetaData, Table, Text, UniqueConstraint
from sqlalchemy.types import TypeDecorator

VERSION = 1


class AnyText(TypeDecorator[str]):
    """Text that may hold lone surrogates, which UTF-8 cannot: those values are stored as bytes and come back whole."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: object) -> Any:  # noqa: ANN401 - the driver takes both
        """Return what the driver is given: text, or bytes where UTF-8 cannot hold it."""
        del dialect
        if value is None or value.isascii():
            return value
        try:
            value.encode()
        except UnicodeEncodeError:
            return value.encode("utf-8", "surrogatepass")
        return value

    def process_result_value(self, value: Any, dialect: object) -> str | None:  # noqa: ANN401 - the driver gives both
        """Return the text that was bound."""
        del dialect
        return value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else value


metadata = MetaData()
meta = Table("meta", metadata, Column("key", Text, primary_key=True), Column("value", Text, nullable=False))
samples = Table("sample", metadata, Column("digest", Text, primary_key=True), Column("body", Text, nullable=False))
requests = Table(
    "request",
    metadata,
    Column("key", Text, primary_key=True),
    Column("body", Text, nullable=False),
    Column("checksum", Integer),
)
generations = Table(
    "generation",
    metadata,
    Column("request_key", Text, primary_key=True),
    Column("text", AnyText),
    Column("finish_reason", Text),
    Column("tokens_in", Integer),
    Column("tokens_out", Integer),
    Column("seconds", Float),
    Column("error", AnyText),
    Column("checksum", Integer),
)
judgements = Table(
    "judgement",
    metadata,
    Column("key", Text, primary_key=True),
    Column("request_key", Text, nullable=False, index=True),
    Column("judge", AnyText, nullable=False),
    Column("judge_fingerprint", AnyText, nullable=False),
    Column("repeat", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("score", Float),
    Column("reason", AnyText),
    Column("rationale", AnyText),
    Column("raw", AnyText),
    Column("version", AnyText),
    Column("cost", Float),
    Column("checksum", Integer),
    Column("code", Text),
    Column("fact", Text),
)
plan_samples = Table(
    "plan_sample",
    metadata,
    Column("plan", Text, primary_key=True),
    Column("task", AnyText, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("digest", Text, nullable=False),
)
plan_requests = Table(
    "plan_request",
    metadata,
    Column("plan", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("task", AnyText, nullable=False),
    Column("sample_id", AnyText, nullable=False),
    Column("model", AnyText, nullable=False),
    Column("prompt", AnyText),
    Column("repeat", Integer, nullable=False),
    Column("request_key", Text, nullable=False),
    Column("checksum", Integer),
)
checked = (requests, generations, judgements, plan_requests)
added = {table.name: ("checksum", "code", "fact") if table is judgements else ("checksum",) for table in checked}
"""The columns that stores of earlier versions lack."""
leases = Table(
    "lease",
    metadata,
    Column("key", Text, primary_key=True),
    Column("owner", Text, nullable=False, index=True),
    sqlite_with_rowid=False,
)
lease_owners = Table(
    "lease_owner",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("machine", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started", Float, nullable=False),
    Column("expires", Float, nullable=False),
)
ledger_sets = Table(
    "ledger_set",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("name", AnyText, nullable=False),
    Column("date", Text, nullable=False),
    Column("items", Text, nullable=False),
    Column("clusters", Text),
)
ledger_rows = Table(
    "ledger_row",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("taskset", Text, nullable=False),
    Column("judge", Text, nullable=False),
    Column("judge_name", AnyText, nullable=False),
    Column("candidate", Text, nullable=False),
    Column("answers", Text, nullable=False),
    Column("task", AnyText, nullable=False),
    Column("label", AnyText, nullable=False),
    Column("prompt", AnyText),
    Column("run", AnyText, nullable=False),
    Column("date", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("baseline", Text),
    Column("scores", Text, nullable=False),
    UniqueConstraint("taskset", "judge", "candidate"),
)
ledger_seals = Table(
    "ledger_seal",
    metadata,
    Column("taskset", Text, primary_key=True),
    Column("name", AnyText, nullable=False),
    Column("date", Text, nullable=False),
    Column("share", Float, nullable=False),
    Column("sealed", Text, nullable=False),
    Column("opened", Text, nullable=False),
    Column("tries_before", Integer, nullable=False),
)
ledger_resets = Table(
    "ledger_reset",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("name", AnyText, nullable=False),
    Column("date", Text, nullable=False),
    Column("tasksets", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("openings", Integer, nullable=False),
)
ledger = (ledger_sets, ledger_rows, ledger_seals, ledger_resets)
call_counts = Table(
    "call_count",
    metadata,
    Column("quota", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("calls", Integer, nullable=False),
)
batch_notes = Table(
    "batch_note",
    metadata,
    Column("name", Text, primary_key=True),
    Column("quota", Text, nullable=False),
    Column("handle", Text),
    Column("keys", Text, nullable=False),
    Column("created", Float, nullable=False),
)
served_ratings = Table(
    "served_rating",
    metadata,
    Column("page", Text, primary_key=True),
    Column("item", Text, primary_key=True),
    Column("tag", Text, nullable=False, index=True),
    Column("rater", AnyText, nullable=False),
    Column("score", Float),
    Column("skip", Text),
    Column("comment", AnyText),
    Column("number", Integer, nullable=False),
    Column("date", Text, nullable=False),
)
anchor_sets = Table(
    "anchor_set",
    metadata,
    Column("judge", AnyText, primary_key=True),
    Column("version", AnyText, primary_key=True),
    Column("plan", Text, primary_key=True),
    Column("anchors", Text, nullable=False),
    Column("date", Text, nullable=False),
)
