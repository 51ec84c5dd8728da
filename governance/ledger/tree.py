"""The Merkle tree in SQL: integrating pending records, and proofs.

Leaves are rows; above them one row per full tile of 256 (https://c2sp.org/tlog-tiles), so a proof
reads a few hundred rows however long the log is.
"""

from sqlalchemy import Connection, delete, insert, select, text, update
from sqlmodel import Session

from governance.evidence import merkle
from governance.kernel.errors import NotFound
from governance.ledger.tables import LogLeaf, LogNode, LogPending, LogTree

TILE = 256
BATCH = 4096

_LEAVES = LogLeaf.__table__  # type: ignore[attr-defined]
_NODES = LogNode.__table__  # type: ignore[attr-defined]
_PENDING = LogPending.__table__  # type: ignore[attr-defined]
_TREE = LogTree.__table__  # type: ignore[attr-defined]
_LOCKED_SIZE = select(_TREE.c.size).with_for_update()
_PLANT = text("INSERT INTO log_tree (id, size) VALUES (1, 0) ON CONFLICT DO NOTHING")


def size(connection: Connection) -> int:
    """The number of integrated records."""
    return connection.execute(select(_TREE.c.size)).scalar() or 0


def integrate(connection: Connection) -> int:
    """Give pending records their places in the tree; returns the new size.

    Locks the tree's row, so any number of processes may call it.
    """
    old = lock(connection)
    rows = connection.execute(
        select(_PENDING.c.position, _PENDING.c.record_id, _PENDING.c.leaf)
        .order_by(_PENDING.c.position)
        .limit(BATCH)
    ).all()
    if not rows:
        return old
    connection.execute(
        insert(_LEAVES),
        [
            {"idx": old + offset, "record_id": row.record_id, "hash": row.leaf}
            for offset, row in enumerate(rows)
        ],
    )
    connection.execute(delete(_PENDING).where(_PENDING.c.position.in_([r.position for r in rows])))
    new = old + len(rows)
    _complete_tiles(connection, old, new)
    connection.execute(update(_TREE).values(size=new))
    return new


def lock(connection: Connection) -> int:
    """The number of integrated records; until the commit nobody else integrates or publishes."""
    found = connection.execute(_LOCKED_SIZE).scalar()
    if found is None:  # waits where another process is just planting it
        connection.execute(_PLANT)
        found = connection.execute(_LOCKED_SIZE).scalar_one()
    return int(found)


def root(connection: Connection, at: int) -> bytes:
    """The tree head over the first `at` leaves."""
    return merkle.root_from(at, _subtrees(connection))


def position(session: Session, record_id: str) -> tuple[int, bytes]:
    """Index and leaf hash of a record. Raises NotFound (`not_integrated`) while it waits."""
    row = (
        session.connection()
        .execute(select(_LEAVES.c.idx, _LEAVES.c.hash).where(_LEAVES.c.record_id == record_id))
        .one_or_none()
    )
    if row is None:
        raise NotFound(
            "not_integrated", "The record has no place in the log yet; ask again in a few seconds."
        )
    return int(row.idx), bytes.fromhex(row.hash)


def inclusion(connection: Connection, index: int, at: int) -> list[bytes]:
    """The inclusion proof of leaf `index` in the tree of `at` leaves."""
    return merkle.inclusion_proof(index, at, _subtrees(connection))


def consistency(connection: Connection, old: int, new: int) -> list[bytes]:
    """The proof that the tree of `new` leaves continues the tree of `old`."""
    return merkle.consistency_proof(old, new, _subtrees(connection))


def _complete_tiles(connection: Connection, old: int, new: int) -> None:
    level = 1
    while old // TILE < new // TILE:
        first, last = old // TILE, new // TILE
        rows = []
        for tile in range(first, last):
            hashes = _hashes(connection, level - 1, tile * TILE, (tile + 1) * TILE)
            rows.append({"level": level, "idx": tile, "hash": merkle.root(hashes).hex()})
        connection.execute(insert(_NODES), rows)
        old, new, level = first, last, level + 1


def _subtrees(connection: Connection) -> merkle.SubtreeRoot:
    def subtree(start: int, end: int) -> bytes:
        level, span = 0, 1
        while span * TILE <= end - start:
            level, span = level + 1, span * TILE
        return merkle.root(_hashes(connection, level, start // span, end // span))

    return subtree


def _hashes(connection: Connection, level: int, start: int, end: int) -> list[bytes]:
    if level == 0:
        query = select(_LEAVES.c.hash).where(_LEAVES.c.idx >= start, _LEAVES.c.idx < end)
        rows = connection.execute(query.order_by(_LEAVES.c.idx))
    else:
        query = select(_NODES.c.hash).where(
            _NODES.c.level == level, _NODES.c.idx >= start, _NODES.c.idx < end
        )
        rows = connection.execute(query.order_by(_NODES.c.idx))
    return [bytes.fromhex(value) for (value,) in rows]
