"""The register of delivered files: a watermark, a digest or a likeness leads to the record.

An entry is written in the same transaction as the record of the delivery. Whether the file is
released, or was recalled, is its generation's state and not held here.
"""

import logging
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, insert, select, update
from sqlmodel import Session, col

from governance.kernel import clock
from governance.kernel.database import Database
from governance.kernel.errors import Conflict, InvalidRequest
from governance.marking.fingerprint.fingerprint import Fingerprint
from governance.marking.fingerprint.index import FingerprintIndex, Match
from governance.marking.tables import MarkedAsset

log = logging.getLogger(__name__)

Ids = Mapping[str, NDArray[np.uint64]]

_TABLE = MarkedAsset.__table__  # type: ignore[attr-defined]
_BATCH = 5000
# Two processes that write at once may commit in another order than they counted: look back.
_LOOK_BACK = 100


def register(
    connection: Connection,
    *,
    generation: str,
    organisation: str,
    digest: str,
    media_type: str,
    seconds: str = "",
    watermark_id: int | None = None,
    manifest: str | None = None,
    fingerprint: Fingerprint | None = None,
) -> None:
    """Enter a delivered file. Entering it again, with the same watermark, changes nothing.

    Raises Conflict (`watermark_taken`, `marked_asset_exists`).
    """
    watermark = None if watermark_id is None else f"{watermark_id:016x}"
    same = (_TABLE.c.generation == generation) & (_TABLE.c.digest == digest)
    known = connection.execute(select(_TABLE.c.watermark).where(same)).first()
    if known is not None:
        if known.watermark == watermark:
            return
        raise Conflict("marked_asset_exists", "This file was registered with another watermark.")
    holding = select(_TABLE.c.id).where(_TABLE.c.watermark == watermark)
    if watermark is not None and connection.execute(holding).first() is not None:
        raise Conflict("watermark_taken", "Another file has this watermark; draw another id.")
    connection.execute(
        insert(_TABLE).values(
            generation=generation,
            organisation=organisation,
            digest=digest,
            media_type=media_type,
            seconds=seconds,
            watermark=watermark,
            manifest=manifest,
            fingerprint=fingerprint.to_bytes() if fingerprint else None,
            created_at=clock.now(),
        )
    )


def forget(connection: Connection, generation: str) -> None:
    """Erase the fingerprints of a generation's files, which show what they showed.

    The watermark's id stays: a number that says nothing of the content still says whose it was.
    What a running process holds of them is no longer answered with, and ends with the process.
    """
    connection.execute(
        update(_TABLE).where(_TABLE.c.generation == generation).values(fingerprint=None)
    )


def by_digest(session: Session, digest: str) -> MarkedAsset | None:
    """The file itself, byte for byte; of several generations, the first that delivered it."""
    return _first(session, col(MarkedAsset.digest) == digest)


def by_watermark(session: Session, watermark_id: int) -> MarkedAsset | None:
    return _first(session, col(MarkedAsset.watermark) == f"{watermark_id:016x}")


def by_manifest(session: Session, manifest: str) -> MarkedAsset | None:
    """By the URN of the C2PA manifest in the delivered file."""
    return _first(session, col(MarkedAsset.manifest) == manifest)


@dataclass(frozen=True)
class Likeness:
    """A delivered file that another resembles: a candidate, never proof. See `Match`."""

    generation: str
    organisation: str
    digest: str
    match: Match


class MarkIndex:
    """All watermarks and fingerprints, in memory; reads what is new before every answer."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._index = FingerprintIndex()
        self._ids: dict[str, NDArray[np.uint64]] = {}
        self._recent: tuple[int, ...] = ()

    def ids(self) -> Ids:
        """Every watermark's id, by organisation."""
        self._refresh()
        return self._ids

    def search(self, fingerprint: Fingerprint, limit: int = 20) -> tuple[Likeness, ...]:
        """The files that it may be a copy of, best first; none whose fingerprint was erased."""
        self._refresh()
        matches = self._index.search(fingerprint, limit)
        columns = (_TABLE.c.id, _TABLE.c.generation, _TABLE.c.organisation, _TABLE.c.digest)
        kept = _TABLE.c.fingerprint.is_not(None)
        with self._database.read() as session:
            named = {
                row.id: row
                for row in session.execute(
                    select(*columns).where(_TABLE.c.id.in_([m.key for m in matches]), kept)
                )
            }
        return tuple(
            Likeness(row.generation, row.organisation, row.digest, match)
            for match in matches
            if (row := named.get(match.key)) is not None
        )

    def _refresh(self) -> None:
        with self._lock, self._database.read() as session:
            added: dict[str, list[int]] = {}
            self._index.add_all(self._read_new(session, added))
            self._ids = {**self._ids, **{o: self._joined(o, new) for o, new in added.items()}}

    def _read_new(
        self, session: Session, added: dict[str, list[int]]
    ) -> Iterator[tuple[int, Fingerprint]]:
        """What was entered since the last time; notes the watermarks in `added` by the way."""
        start = self._recent[0] if self._recent else 0
        new = (_TABLE.c.id >= start) & _TABLE.c.id.not_in(self._recent)
        read: deque[int] = deque(self._recent, maxlen=_LOOK_BACK)
        columns = (_TABLE.c.id, _TABLE.c.organisation, _TABLE.c.watermark, _TABLE.c.fingerprint)
        rows = session.execute(select(*columns).where(new).order_by(_TABLE.c.id))
        for row in rows.yield_per(_BATCH):
            read.append(row.id)
            if row.watermark is not None:
                added.setdefault(row.organisation, []).append(int(row.watermark, 16))
            if (fingerprint := _readable(row.id, row.fingerprint)) is not None:
                yield row.id, fingerprint
        self._recent = tuple(sorted(read))

    def _joined(self, organisation: str, new: list[int]) -> NDArray[np.uint64]:
        held = self._ids.get(organisation, np.zeros(0, np.uint64))
        return np.concatenate([held, np.array(new, np.uint64)])


def _readable(entry: int, stored: bytes | None) -> Fingerprint | None:
    """None for a damaged one, too: one entry must not keep all others from being found."""
    try:
        return Fingerprint.from_bytes(stored) if stored is not None else None
    except InvalidRequest:
        log.error("the fingerprint of marked asset %d is damaged and left out", entry)
        return None


def _first(session: Session, condition: ColumnElement[bool]) -> MarkedAsset | None:
    return session.scalars(
        select(MarkedAsset).where(condition).order_by(col(MarkedAsset.id))
    ).first()
