"""Opening, changing and closing productions; every version is on record and never changes.

Every change appends `production.changed` in the same transaction. A version is named by the leaf
hash of that record, which commits to the salted digests of the texts too, so that a request that
names it can be understood for as long as the texts are kept. They are disclosed under the
production's own id: erasing them touches nobody else's data.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from sqlalchemy import Connection, insert, select, update
from sqlmodel import Session, col

from governance.evidence.record import load
from governance.kernel import clock, ids
from governance.kernel.errors import Conflict, NotFound
from governance.ledger import SERVICE, Entry, Ledger
from governance.ledger.tables import LogRecord
from governance.ledger.vault import Vault
from governance.productions.tables import Production, ProductionVersion
from governance.productions.terms import Terms, Texts, as_body, read_terms, require_valid

State = Literal["open", "planned", "over", "closed", "erased"]
Action = Literal["created", "changed", "closed", "erased"]

_VERSIONS = ProductionVersion.__table__  # type: ignore[attr-defined]
_RECORDS = LogRecord.__table__  # type: ignore[attr-defined]
_READ = select(_RECORDS.c.line, _VERSIONS.c.texts).join(
    _RECORDS, _RECORDS.c.id == _VERSIONS.c.record
)


@dataclass(frozen=True)
class Version:
    """One version of a production as its record tells it. digest: what names it; texts: the record
    with which its texts were disclosed."""

    production: str
    organisation: str
    number: int
    digest: str
    action: Action
    terms: Terms
    texts: str

    def state(self, day: date) -> State:
        """`open` on its days, `planned` before and `over` after them, or how it ended."""
        if self.action in ("closed", "erased"):
            return "closed" if self.action == "closed" else "erased"
        if day < self.terms.first_day:
            return "planned"
        last = self.terms.last_day
        return "over" if last is not None and day > last else "open"


def create(
    connection: Connection,
    ledger: Ledger,
    *,
    organisation: str,
    terms: Terms,
    texts: Texts,
    by: str,
) -> Version:
    """Open a production; its first version.

    Raises InvalidRequest (`production_invalid`), Conflict (`production_name_taken`).
    """
    require_valid(terms, texts)
    row = {
        "id": ids.new_id("prd"),
        "organisation": organisation,
        "project": terms.project,
        "name": terms.name,
        "state": "open",
        "number": 1,
        "version": "",
        "created_at": clock.now(),
    }
    _require_free(connection, organisation, terms.name)
    connection.execute(insert(Production).values(**row))
    return _add_version(connection, ledger, row, "created", terms, by, texts)


def change(
    connection: Connection,
    ledger: Ledger,
    production: str,
    *,
    organisation: str,
    terms: Terms,
    texts: Texts,
    replaces: str,
    by: str,
) -> Version:
    """Lay down other terms and texts, all of them; requests made before keep their version.

    replaces: the digest of the version that the change was made from.
    Raises NotFound (`production_not_found`), Conflict (`production_closed`, `production_changed`,
    `production_name_taken`), InvalidRequest (`production_invalid`, `production_moved`).
    """
    require_valid(terms, texts)
    row = _open_row(connection, production, organisation)
    if row["version"] != replaces:
        raise Conflict(
            "production_changed",
            f"Somebody has changed {production} meanwhile; read it again, then change it.",
        )
    if terms.project != row["project"]:
        raise Conflict(
            "production_moved", f"{production} belongs to the project {row['project']} for ever."
        )
    if terms.name != row["name"]:
        _require_free(connection, organisation, terms.name)
    return _add_version(connection, ledger, row, "changed", terms, by, texts)


def close(
    connection: Connection, ledger: Ledger, production: str, *, organisation: str, by: str
) -> Version:
    """Take no more requests; those under way go on. Raises NotFound, Conflict as `change` does."""
    row = _open_row(connection, production, organisation)
    newest = version(connection, row["version"])
    return _add_version(connection, ledger, row, "closed", newest.terms, by)


def erase(
    connection: Connection,
    ledger: Ledger,
    production: str,
    *,
    organisation: str,
    basis: str,
    by: str,
) -> int:
    """Erase client, briefs and styles of all versions, and close it; the number of values erased.

    basis: the lawful basis, a code. Raises NotFound (`production_not_found`).
    """
    row = _row(connection, production, organisation)
    if row["state"] != "erased":
        newest = version(connection, row["version"])
        _add_version(connection, ledger, row, "erased", newest.terms, by)
    return ledger.erase(connection, production, basis=basis, by=by)


def current(connection: Connection, production: str, organisation: str) -> Version:
    """The newest version. Raises NotFound (`production_not_found`), for another organisation's,
    too."""
    return version(connection, _row(connection, production, organisation)["version"])


def version(connection: Connection, digest: str) -> Version:
    """A version by its digest. Raises NotFound (`production_not_found`)."""
    row = connection.execute(_READ.where(_VERSIONS.c.version == digest)).first()
    if row is None:
        raise NotFound("production_not_found", f"No production has a version {digest}.")
    return _told(row.line, row.texts)


def versions(connection: Connection, production: str) -> list[Version]:
    """All versions of a production, the first one first."""
    rows = connection.execute(
        _READ.where(_VERSIONS.c.production == production).order_by(_VERSIONS.c.number)
    )
    return [_told(row.line, row.texts) for row in rows]


def list_productions(
    session: Session,
    organisation: str,
    *,
    projects: Sequence[str] | None = None,
    after: str = "",
    limit: int = 100,
) -> list[Version]:
    """The newest version of each production in order of creation, from the id `after` on.

    projects: None for all of them.
    """
    query = (
        _READ.join(Production, col(Production.version) == _VERSIONS.c.version)
        .where(col(Production.organisation) == organisation, col(Production.id) > after)
        .order_by(col(Production.id))
        .limit(limit)
    )
    if projects is not None:
        query = query.where(col(Production.project).in_(projects))
    return [_told(row.line, row.texts) for row in session.connection().execute(query)]


def texts_of(session: Session, vault: Vault, found: Version) -> Texts:
    """What has not been erased of a version's texts."""
    opened = vault.open(session, [found.texts]).get(found.texts, [])
    return Texts(**{item.name: str(item.value) for item in opened})


def clients(session: Session, vault: Vault, organisation: str) -> dict[str, str]:
    """For whom each production of an organisation is, by its id; empty where it is not known."""
    query = select(col(Production.id), _VERSIONS.c.texts).join(
        ProductionVersion, col(Production.version) == _VERSIONS.c.version
    )
    rows = session.connection().execute(query.where(col(Production.organisation) == organisation))
    records: dict[str, str] = {row.id: row.texts for row in rows}
    opened = vault.open(session, records.values())
    named = {
        record: str(item.value)
        for record, items in opened.items()
        for item in items
        if item.name == "client"
    }
    return {production: named.get(record, "") for production, record in records.items()}


def _add_version(
    connection: Connection,
    ledger: Ledger,
    row: Any,
    action: Action,
    terms: Terms,
    by: str,
    texts: Texts | None = None,
) -> Version:
    """texts: None leaves those of the version before."""
    production, previous = row["id"], row["version"] or None
    number = row["number"] + 1 if previous else 1
    body = {
        **as_body(terms),
        "action": action,
        "production": production,
        "number": number,
        "previous": previous,
        "organisation": row["organisation"],
        "by": by,
    }
    private = tuple((name, text) for name, text in vars(texts).items() if text) if texts else ()
    made = ledger.append(
        connection,
        Entry(SERVICE, "production.changed", body, private=private, data_subject=production),
    )
    with_texts = made.id if texts else version(connection, str(previous)).texts
    connection.execute(
        insert(ProductionVersion).values(
            version=made.leaf, production=production, number=number, record=made.id,
            texts=with_texts,
        )
    )  # fmt: skip
    moved = connection.execute(
        update(Production)
        .where(col(Production.id) == production, col(Production.version) == row["version"])
        .values(
            name=terms.name,
            state=action if action in ("closed", "erased") else "open",
            number=number,
            version=made.leaf,
        )
    )
    if moved.rowcount != 1:
        raise Conflict("production_changed", f"Somebody has changed {production} meanwhile.")
    return Version(
        production, row["organisation"], number, made.leaf, action, read_terms(body), with_texts
    )


def _told(line: bytes, texts: str) -> Version:
    told = load(line)
    body = told.body
    return Version(
        body["production"],
        body["organisation"],
        body["number"],
        told.leaf,
        body["action"],
        read_terms(body),
        texts,
    )


def _row(connection: Connection, production: str, organisation: str) -> Any:
    query = select(Production.__table__).where(  # type: ignore[attr-defined]
        col(Production.id) == production, col(Production.organisation) == organisation
    )
    row = connection.execute(query).mappings().first()
    if row is None:
        raise NotFound(
            "production_not_found", f"Your organisation has no production {production[:64]}."
        )
    return row


def _open_row(connection: Connection, production: str, organisation: str) -> Any:
    row = _row(connection, production, organisation)
    if row["state"] != "open":
        raise Conflict("production_closed", f"{production} is {row['state']}; open a new one.")
    return row


def _require_free(connection: Connection, organisation: str, name: str) -> None:
    """Before the insert: most clashes are found here, with a sentence that says what to do."""
    taken = select(col(Production.id)).where(
        col(Production.organisation) == organisation, col(Production.name) == name
    )
    if connection.execute(taken).first() is not None:
        raise Conflict(
            "production_name_taken", f"There is a production “{name}” already; name it otherwise."
        )
