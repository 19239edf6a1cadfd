"""The tables of the store. A change to what is stored is a new `VERSION`, which older programs refuse to touch.

Checksums, codes, leases, spending, the ledger, counts of calls, batches, served ratings and anchors are no change of
version: a store without them gets them when something is written, and programs that do not know them pass them over. A
checksum is that of a row that is not going to change any more, so no older program can make it wrong. A code belongs to
a reason, and counts only beside the very text that it was written with. The tables of leases and spending hold nothing
that lasts.
"""

from sqlalchemy import Column, Identity, MetaData, Table, UniqueConstraint

from harness.store.column_types import AnyText, Exact, Number, Plain

VERSION = 1

metadata = MetaData()
meta = Table("meta", metadata, Column("key", Plain, primary_key=True), Column("value", Plain, nullable=False))
samples = Table("sample", metadata, Column("digest", Plain, primary_key=True), Column("body", Plain, nullable=False))
requests = Table(
    "request",
    metadata,
    Column("key", Plain, primary_key=True),
    Column("body", Plain, nullable=False),
    Column("checksum", Number),
)
generations = Table(
    "generation",
    metadata,
    Column("request_key", Plain, primary_key=True),
    Column("text", AnyText),
    Column("finish_reason", AnyText),
    Column("tokens_in", Number),
    Column("tokens_out", Number),
    Column("seconds", Exact),
    Column("error", AnyText),
    Column("checksum", Number),
)
judgements = Table(
    "judgement",
    metadata,
    Column("key", Plain, primary_key=True),
    Column("request_key", Plain, nullable=False, index=True),
    Column("judge", AnyText, nullable=False),
    Column("judge_fingerprint", AnyText, nullable=False),
    Column("repeat", Number, nullable=False),
    Column("status", Plain, nullable=False),
    Column("score", Exact),
    Column("reason", AnyText),
    Column("rationale", AnyText),
    Column("raw", AnyText),
    Column("version", AnyText),
    Column("cost", Exact),
    Column("checksum", Number),
    Column("code", AnyText),
    Column("fact", Plain),
)
plan_samples = Table(
    "plan_sample",
    metadata,
    Column("plan", Plain, primary_key=True),
    Column("task", AnyText, primary_key=True),
    Column("position", Number, primary_key=True),
    Column("digest", Plain, nullable=False),
)
plan_requests = Table(
    "plan_request",
    metadata,
    Column("plan", Plain, primary_key=True),
    Column("position", Number, primary_key=True),
    Column("task", AnyText, nullable=False),
    Column("sample_id", AnyText, nullable=False),
    Column("model", AnyText, nullable=False),
    Column("prompt", AnyText),
    Column("repeat", Number, nullable=False),
    Column("request_key", Plain, nullable=False),
    Column("checksum", Number),
)
answered = generations.c.text.is_not(None)
"""Of the rows of answers those that have one: the others say what went wrong."""

scored = judgements.c.status == "scored"

checked = (requests, generations, judgements, plan_requests)
added = {table.name: ("checksum", "code", "fact") if table is judgements else ("checksum",) for table in checked}
"""The columns that stores of earlier versions lack."""
leases = Table(
    "lease",
    metadata,
    Column("key", Plain, primary_key=True),
    Column("owner", Plain, nullable=False, index=True),
    sqlite_with_rowid=False,
)
lease_owners = Table(
    "lease_owner",
    metadata,
    Column("owner", Plain, primary_key=True),
    Column("machine", Plain, nullable=False),
    Column("pid", Number, nullable=False),
    Column("started", Exact, nullable=False),
    Column("expires", Exact, nullable=False),
)
ledger_sets = Table(
    "ledger_set",
    metadata,
    Column("digest", Plain, primary_key=True),
    Column("name", AnyText, nullable=False),
    Column("date", Plain, nullable=False),
    Column("items", Plain, nullable=False),
    Column("clusters", Plain),
)
ledger_rows = Table(
    "ledger_row",
    metadata,
    Column("number", Number, Identity(), primary_key=True),
    Column("taskset", Plain, nullable=False),
    Column("judge", Plain, nullable=False),
    Column("judge_name", AnyText, nullable=False),
    Column("candidate", Plain, nullable=False),
    Column("answers", Plain, nullable=False),
    Column("task", AnyText, nullable=False),
    Column("label", AnyText, nullable=False),
    Column("prompt", AnyText),
    Column("run", AnyText, nullable=False),
    Column("date", Plain, nullable=False),
    Column("role", Plain, nullable=False),
    Column("baseline", Plain),
    Column("scores", Plain, nullable=False),
    UniqueConstraint("taskset", "judge", "candidate"),
)
ledger_seals = Table(
    "ledger_seal",
    metadata,
    Column("taskset", Plain, primary_key=True),
    Column("name", AnyText, nullable=False),
    Column("date", Plain, nullable=False),
    Column("share", Exact, nullable=False),
    Column("sealed", Plain, nullable=False),
    Column("opened", Plain, nullable=False),
    Column("tries_before", Number, nullable=False),
)
ledger_resets = Table(
    "ledger_reset",
    metadata,
    Column("number", Number, Identity(), primary_key=True),
    Column("name", AnyText, nullable=False),
    Column("date", Plain, nullable=False),
    Column("tasksets", Plain, nullable=False),
    Column("tries", Number, nullable=False),
    Column("openings", Number, nullable=False),
)
ledger = (ledger_sets, ledger_rows, ledger_seals, ledger_resets)
call_counts = Table(
    "call_count",
    metadata,
    Column("quota", AnyText, primary_key=True),
    Column("day", Plain, primary_key=True),
    Column("calls", Number, nullable=False),
)
spending = Table(
    "spending",
    metadata,
    Column("purse", Plain, primary_key=True),
    Column("owner", Plain, primary_key=True),
    Column("kind", AnyText, primary_key=True),
    Column("process", Plain, nullable=False),
    Column("seen", Exact, nullable=False),
    Column("spent", Exact, nullable=False),
    Column("in_flight", Number, nullable=False),
    Column("dearest", Exact),
)
passing = (leases, lease_owners, spending)
"""What is at work now, and nothing that lasts: no copy takes it over."""
batch_notes = Table(
    "batch_note",
    metadata,
    Column("name", Plain, primary_key=True),
    Column("quota", AnyText, nullable=False),
    Column("handle", AnyText),
    Column("keys", Plain, nullable=False),
    Column("created", Exact, nullable=False),
)
served_ratings = Table(
    "served_rating",
    metadata,
    Column("page", Plain, primary_key=True),
    Column("item", Plain, primary_key=True),
    Column("tag", Plain, nullable=False, index=True),
    Column("rater", AnyText, nullable=False),
    Column("score", Exact),
    Column("skip", Plain),
    Column("comment", AnyText),
    Column("number", Number, nullable=False),
    Column("date", Plain, nullable=False),
)
anchor_sets = Table(
    "anchor_set",
    metadata,
    Column("judge", AnyText, primary_key=True),
    Column("version", AnyText, primary_key=True),
    Column("plan", Plain, primary_key=True),
    Column("anchors", Plain, nullable=False),
    Column("date", Plain, nullable=False),
)
