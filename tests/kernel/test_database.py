"""The two doors: what is written together commits together; the reading door cannot write."""

import threading

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from governance.kernel.database import Database


@pytest.fixture
def notes(database: Database) -> Database:
    database.write(lambda c: c.execute(text("CREATE TABLE note (body TEXT PRIMARY KEY)")))
    return database


def insert(body: str, *, fail: bool = False) -> object:
    def run(connection: Connection) -> str:
        connection.execute(text("INSERT INTO note VALUES (:body)"), {"body": body})
        if fail:
            raise ValueError(body)
        return body

    return run


def bodies(database: Database) -> list[str]:
    with database.read() as session:
        return sorted(row[0] for row in session.connection().execute(text("SELECT body FROM note")))


def test_a_write_is_visible_once_it_returns(notes: Database) -> None:
    assert notes.write(insert("a")) == "a"  # type: ignore[arg-type]
    assert bodies(notes) == ["a"]


def test_a_failing_write_leaves_nothing_and_reaches_its_caller(notes: Database) -> None:
    with pytest.raises(ValueError, match="b"):
        notes.write(insert("b", fail=True))  # type: ignore[arg-type]
    assert bodies(notes) == []


def test_a_failing_write_does_not_harm_those_in_the_same_transaction(notes: Database) -> None:
    gate = threading.Event()
    blocker = threading.Thread(target=lambda: notes.write(lambda c: gate.wait()))
    blocker.start()
    outcomes: dict[str, object] = {}

    def attempt(body: str, fail: bool) -> None:
        try:
            outcomes[body] = notes.write(insert(body, fail=fail))  # type: ignore[arg-type]
        except ValueError as error:
            outcomes[body] = error

    threads = [threading.Thread(target=attempt, args=(f"n{i}", i == 1)) for i in range(3)]
    for thread in threads:
        thread.start()
    gate.set()
    for thread in [*threads, blocker]:
        thread.join()
    assert bodies(notes) == ["n0", "n2"]
    assert isinstance(outcomes["n1"], ValueError)


def test_the_reading_door_cannot_write(notes: Database) -> None:
    with notes.read() as session, pytest.raises(DBAPIError):
        session.connection().execute(text("INSERT INTO note VALUES ('x')"))
