"""People with accounts: made with a one-time password, which they must change to sign in."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from governance.identity import passwords, sessions
from governance.identity.changes import SERVICE, Subject, move, record_change
from governance.identity.tables import Person
from governance.kernel import clock, ids
from governance.kernel.errors import Conflict, InvalidRequest, NotFound
from governance.ledger.ledger import Ledger

_ORGANISATION = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_USERNAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,99}")


@dataclass(frozen=True)
class NewPerson:
    """`password` is to be handed over once; it only serves to choose another."""

    id: str
    password: str


def first_administrator(
    connection: Connection, ledger: Ledger, *, organisation: str, username: str, name: str
) -> NewPerson:
    """Make the first person of a new service, on whose word everyone else comes.

    Raises Conflict (`already_set_up`), InvalidRequest as `add_person` does.
    """
    if connection.execute(select(Person.id).limit(1)).first() is not None:
        raise Conflict("already_set_up", "This service has people; an administrator adds more.")
    return add_person(
        connection, ledger, organisation=organisation, username=username, name=name, by=SERVICE
    )


def add_person(
    connection: Connection,
    ledger: Ledger,
    *,
    organisation: str,
    username: str,
    name: str,
    by: str,
) -> NewPerson:
    """Make an account; what it may do is for policy to say.

    Raises InvalidRequest (`organisation_invalid`, `username_invalid`), Conflict (`username_taken`).
    """
    if not _ORGANISATION.fullmatch(organisation):
        raise InvalidRequest(
            "organisation_invalid",
            "An organisation is named by 1 to 64 lower-case letters, digits, dots or dashes.",
            param="organisation",
        )
    username = normal_username(username)
    if not is_username(username):
        raise InvalidRequest(
            "username_invalid",
            "A user name has 1 to 100 letters, digits or any of . _ @ + -; case does not matter.",
            param="username",
        )
    password, password_hash = passwords.one_time_password()
    person = {
        "id": ids.new_id("usr"),
        "organisation": organisation,
        "username": username,
        "name": name,
        "password_hash": password_hash,
        "must_change_password": True,
        "state": "active",
        "created_at": clock.now(),
    }
    try:
        connection.execute(insert(Person).values(person))
    except IntegrityError:
        raise Conflict("username_taken", "Somebody has this user name.", param="username") from None
    personal = (("name", name), ("username", username))
    record_change(
        connection, ledger, _subject(person), action="registered", by=by, private=personal
    )
    return NewPerson(str(person["id"]), password)


def suspend_person(connection: Connection, ledger: Ledger, person: str, *, by: str) -> None:
    """Refuse a person, and every program that they answer for, from the next request on.

    Raises NotFound, Conflict.
    """
    row = move(connection, Person, person, to="suspended", origin={"active"})
    sessions.end_all(connection, person)
    record_change(connection, ledger, _subject(row), action="suspended", by=by)


def resume_person(connection: Connection, ledger: Ledger, person: str, *, by: str) -> None:
    """Lift a suspension. Raises NotFound, Conflict."""
    row = move(connection, Person, person, to="active", origin={"suspended"})
    record_change(connection, ledger, _subject(row), action="resumed", by=by)


def revoke_person(connection: Connection, ledger: Ledger, person: str, *, by: str) -> None:
    """`suspend_person`, for good. Raises NotFound, Conflict."""
    row = move(connection, Person, person, to="revoked", origin={"active", "suspended"})
    sessions.end_all(connection, person)
    record_change(connection, ledger, _subject(row), action="revoked", by=by)


def reset_password(connection: Connection, ledger: Ledger, person: str, *, by: str) -> str:
    """Replace a forgotten password by a one-time password; returns it. Raises NotFound."""
    password, password_hash = passwords.one_time_password()
    store_password(connection, ledger, person, password_hash, action="password_reset", by=by)
    return password


def store_password(
    connection: Connection, ledger: Ledger, person: str, password_hash: str, *, action: str, by: str
) -> None:
    """Set a password; every session of the person ends. Raises NotFound (`principal_unknown`)."""
    row = (
        connection.execute(
            update(Person)
            .where(col(Person.id) == person)
            .values(password_hash=password_hash, must_change_password=action == "password_reset")
            .returning(Person)
        )
        .mappings()
        .first()
    )
    if row is None:
        raise NotFound("principal_unknown", f"There is no person {person}.")
    sessions.end_all(connection, person)
    record_change(connection, ledger, _subject(row), action=action, by=by)


def list_people(
    session: Session, organisation: str, *, after: str = "", limit: int = 100
) -> Sequence[Person]:
    """An organisation's people in order of their accounts' age, from the id `after` on."""
    return session.exec(
        select(Person)
        .where(Person.organisation == organisation, Person.id > after)
        .order_by(col(Person.id))
        .limit(limit)
    ).all()


def require_person_of(session: Session, person: str, organisation: str) -> None:
    """Raises NotFound (`person_not_found`) for somebody of another organisation, too."""
    found = session.get(Person, person)
    if found is None or found.organisation != organisation:
        raise NotFound("person_not_found", f"There is no person {person}.")


def person_by_username(session: Session, username: str) -> Person:
    """Raises NotFound (`person_not_found`)."""
    name = normal_username(username)
    found = session.scalars(select(Person).where(col(Person.username) == name)).first()
    if found is None:
        raise NotFound("person_not_found", f"Nobody has the user name “{username}”.")
    return found


def normal_username(username: str) -> str:
    return username.strip().lower()


def is_username(username: str) -> bool:
    return _USERNAME.fullmatch(username) is not None


def _subject(row: Any) -> Subject:
    return Subject(
        kind="person", id=row["id"], organisation=row["organisation"], accountable=row["id"]
    )
