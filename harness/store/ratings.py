"""What raters send from a served page, in the store: each rating is durable before it is acknowledged.

A rating is known by the page that its rater saw and the item on it. Two devices of one rater may be open at once: what
was said without knowing of the other's last word is not kept, and the last word is given back.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import ColumnElement, Connection, inspect, select, update

from harness.human.page import RatingPage
from harness.human.ratings import Rating
from harness.human.sent import KeptRating, SentRating, SentRatings
from harness.store import schema
from harness.store.dialects import insert
from harness.store.store import Store

_TABLE = schema.served_ratings


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptNow:
    """What became of a message: ``saved`` is kept as it was sent, ``others`` were said elsewhere and stay."""

    saved: tuple[KeptRating, ...]
    others: tuple[KeptRating, ...]


def keep_ratings(store: Store, page: RatingPage, sent: SentRatings, *, date: str) -> KeptNow:
    """Keep what a page has sent, in one transaction; sent again it changes nothing.

    Raises:
        StoreError: the store cannot be written; then nothing of it is kept.
    """
    with store.transaction(write=True) as connection:
        schema.metadata.create_all(connection, tables=[_TABLE])
        before = {one.item: one for one in _read(connection, _TABLE.c.page == page.digest)}
        saved, others = [], []
        for rating in sent.ratings:
            known = before.get(rating.item)
            if known is not None and _same(known, rating):
                saved.append(known)
            elif known is not None and rating.after != known.number:
                others.append(known)
            else:
                saved.append(_written(connection, page, rating, known, date))
    return KeptNow(saved=tuple(saved), others=tuple(others))


def override_ratings(store: Store, ratings: Sequence[Rating]) -> None:
    """Have the store say of items that raters have sent what a file says now; items that nobody has sent stay out.

    Raises:
        StoreError: the store cannot be written.
    """
    with store.transaction(write=True) as connection:
        for rating in ratings:
            said = {
                "score": rating.score,
                "skip": rating.skip,
                "comment": rating.comment,
                "number": _TABLE.c.number + 1,
            }
            connection.execute(update(_TABLE).where(_TABLE.c.item == rating.drawn.id).values(**said))


def kept_ratings(store: Store, tags: Collection[str]) -> tuple[KeptRating, ...]:
    """Return what raters have sent from the pages of some draws, in the order of pages and items.

    Raises:
        StoreError: the store cannot be read.
    """
    with store.transaction() as connection:
        if _TABLE.name not in inspect(connection).get_table_names():
            return ()
        return _read(connection, _TABLE.c.tag.in_(list(tags)))


def _same(known: KeptRating, rating: SentRating) -> bool:
    said = rating.score, rating.skip, rating.comment or None
    return said == (known.score, known.skip, known.comment)


def _read(connection: Connection, where: ColumnElement[bool]) -> tuple[KeptRating, ...]:
    query = select(_TABLE).where(where).order_by(_TABLE.c.page, _TABLE.c.item)
    return tuple(KeptRating(**row) for row in connection.execute(query).mappings())


def _written(
    connection: Connection, page: RatingPage, rating: SentRating, known: KeptRating | None, date: str
) -> KeptRating:
    now = KeptRating(
        page=page.digest,
        tag=page.tag,
        rater=page.rater,
        item=rating.item,
        score=rating.score,
        skip=rating.skip,
        comment=rating.comment or None,
        number=1 if known is None else known.number + 1,
        date=date,
    )
    if known is None:
        connection.execute(insert(connection, _TABLE).values(**asdict(now)))
    else:
        where = (_TABLE.c.page == now.page) & (_TABLE.c.item == now.item)
        connection.execute(update(_TABLE).where(where).values(**asdict(now)))
    return now
