"""Which answers a judge's versions are compared by: drawn once for a run's plan, and the same ever after."""

import json
from collections.abc import Sequence

from sqlalchemy import inspect, select

from harness.store import schema
from harness.store.dialects import insert
from harness.store.store import Store


def stored_anchors(store: Store, fingerprint: str, version: str, plan: str) -> tuple[str, ...]:
    """Return the keys of the first verdicts on the anchors of one version of a judge; none if none were drawn."""
    table = schema.anchor_sets
    with store.transaction() as connection:
        if table.name not in inspect(connection).get_table_names():
            return ()
        place = (table.c.judge == fingerprint) & (table.c.version == version) & (table.c.plan == plan)
        found = connection.execute(select(table.c.anchors).where(place)).scalar_one_or_none()
    return () if found is None else tuple(json.loads(found))


def keep_anchors(
    store: Store, fingerprint: str, version: str, plan: str, keys: Sequence[str], *, date: str
) -> tuple[str, ...]:
    """Keep a set of anchors, and return it: one that is there stays as it is, and may only grow at its end.

    Raises:
        StoreError: it could not be written.
    """
    known = stored_anchors(store, fingerprint, version, plan)
    grown = (*known, *(key for key in keys if key not in set(known)))
    if grown == known:
        return known
    table = schema.anchor_sets
    row = {"judge": fingerprint, "version": version, "plan": plan, "anchors": json.dumps(grown), "date": date}
    with store.transaction(write=True) as connection:
        schema.metadata.create_all(connection, tables=[table])
        made = insert(connection, table).values(**row)
        place = ["judge", "version", "plan"]
        connection.execute(made.on_conflict_do_update(index_elements=place, set_={"anchors": row["anchors"]}))
    return grown
