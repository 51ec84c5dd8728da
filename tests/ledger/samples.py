"""Entries to append, and what the tables hold."""

from pathlib import Path

from sqlalchemy import func, select
from sqlmodel import SQLModel

from governance.evidence import bundle
from governance.evidence.record import Record
from governance.kernel.database import Database
from governance.ledger import Entry, Ledger, read_stream, tree
from governance.ledger.export import disclosures, extract
from governance.ledger.publisher import Publisher
from tests.evidence.samples import PERSON, POLICY, Body, Told, released

PROMPT = "A calm sea at dusk, a lighthouse far away"
ACME, LAUNCH = "org/acme", "org/acme/project/launch"


def entries(
    stream: str, told: Told | None = None, scope: str = LAUNCH, subject: str = PERSON
) -> list[Entry]:
    """One generation's records; the first closes a prompt, which is `subject`'s personal data."""
    made = [Entry(stream, event, body, scope) for event, body in told or released()]
    first = made[0]
    private = (("prompt", PROMPT),)
    made[0] = Entry(stream, first.event, first.body, scope, (), private, subject)
    return made


def cancelled(stream: str, scope: str = LAUNCH) -> Entry:
    """A small record."""
    body = {"outcome": "cancelled", "code": "by_requester", "by": PERSON}
    return Entry(stream, "generation.ended", body, scope)


def denied(organisation: str) -> Entry:
    """A record of the service's own governance that concerns one organisation."""
    body: Body = {
        "principal": PERSON,
        "kind": "person",
        "organisation": organisation,
        "project": None,
        "object": "report",
        "action": "issue",
        "code": "role_missing",
        "rules": [],
    }
    return Entry("service", "access.denied", body)


def loaded() -> Entry:
    """A record of the service's own governance that concerns everyone."""
    body: Body = {"action": "loaded", "policy": "0" * 64, "packs": []}
    return Entry("service", "policy.changed", body)


def write(database: Database, ledger: Ledger, *made: Entry) -> list[Record]:
    return database.write(lambda connection: ledger.append_all(connection, made))


def stream(database: Database, name: str) -> list[Record]:
    with database.read() as session:
        return read_stream(session, name)


def count(database: Database, table: type[SQLModel]) -> int:
    with database.read() as session:
        return session.connection().execute(select(func.count()).select_from(table)).scalar_one()


def size(database: Database) -> int:
    with database.read() as session:
        return tree.size(session.connection())


def publish(database: Database, ledger: Ledger, folder: Path) -> None:
    Publisher(database, ledger.keyring, folder / "guard", interval=1).publish()


def exported(
    database: Database,
    ledger: Ledger,
    organisation: str = "acme",
    project: str | None = None,
    *,
    disclose: bool = False,
) -> dict[str, bytes]:
    """The files of a bundle over one scope, as an auditor unpacks them."""
    with database.read() as session:
        taken = extract(session, organisation, project)
        opened = disclosures(session, ledger.vault, taken.records) if disclose else []
    policies = dict.fromkeys(taken.policies, POLICY)
    contents = taken.contents(ledger.keyring.chain, policies, opened)
    return bundle.unpack(bundle.build(contents, ledger.keyring.manifest))
