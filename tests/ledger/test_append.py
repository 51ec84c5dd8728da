"""Appending: within the caller's transaction, in one chain per stream, without personal data."""

import base64
import json
from datetime import UTC, datetime

import pytest
from freezegun import freeze_time
from sqlalchemy import Connection, text

from governance.evidence import envelope, record
from governance.evidence.record import Record
from governance.kernel import ids
from governance.kernel.database import Database
from governance.kernel.errors import IntegrityError
from governance.ledger import Entry, Ledger, keyring
from governance.ledger.tables import (
    LogPending,
    LogRecord,
    LogStream,
    StoredDisclosure,
    SubjectKey,
)
from governance.ledger.vault import Vault
from tests.evidence.samples import DELIVERED, PERSON, released
from tests.ledger.samples import (
    PROMPT,
    cancelled,
    count,
    denied,
    entries,
    loaded,
    stream,
    write,
)

WRITTEN = (LogRecord, LogPending, LogStream, StoredDisclosure, SubjectKey)


def require_chain(records: list[Record]) -> None:
    assert [item.seq for item in records] == list(range(len(records)))
    assert [item.prev for item in records] == [record.ZERO, *(r.leaf for r in records[:-1])]


def test_a_record_is_stored_as_it_was_signed(
    database: Database, ledger: Ledger, keys: keyring.Keyring
) -> None:
    made = write(database, ledger, *entries("gen_1"))
    assert stream(database, "gen_1") == made
    for item in made:
        envelope.open_line(item.line, "it").verify(keys.record.public, "it")


def test_whatever_the_caller_fails_with_nothing_remains(database: Database, ledger: Ledger) -> None:
    def fail(connection: Connection) -> None:
        ledger.append_all(connection, entries("gen_1"))
        raise RuntimeError("the disk of the caller is full")

    with pytest.raises(RuntimeError, match="disk of the caller"):
        database.write(fail)
    assert [count(database, table) for table in WRITTEN] == [0, 0, 0, 0, 0]
    assert write(database, ledger, cancelled("gen_1"))[0].seq == 0


def test_what_the_caller_wrote_goes_when_the_record_is_refused(
    database: Database, ledger: Ledger
) -> None:
    def change(connection: Connection) -> None:
        connection.execute(text("INSERT INTO log_tree (id, size) VALUES (7, 7)"))
        ledger.append(connection, Entry("gen_1", "generation.ended", {"outcome": "exploded"}))

    with pytest.raises(IntegrityError) as caught:
        database.write(change)
    assert caught.value.code == "record_refused"
    with database.read() as session:
        assert not session.connection().execute(text("SELECT * FROM log_tree")).all()


REFUSED = [
    Entry("gen_1", "generation.ended", {"outcome": "exploded"}),
    Entry("gen_1", "generation.dreamt", {}),
    Entry("gen_1", "generation.ended", {**cancelled("").body, "prompt": PROMPT}),
    Entry("gen_1", "provider.intended", {**dict(released())["provider.intended"], "attempt": 1.0}),
    Entry("gen_1", "generation.ended", cancelled("").body, subjects=(("file", "no digest"),)),
    Entry("gen_1", "generation.ended", cancelled("").body, private=(("comment", "Hello"),)),
]


def test_what_breaks_the_schema_is_refused_and_nothing_is_written(
    database: Database, ledger: Ledger
) -> None:
    for wrong in REFUSED:
        with pytest.raises(IntegrityError) as caught:
            write(database, ledger, *entries("gen_0"), wrong)
        assert caught.value.code == "record_refused"
    assert [count(database, table) for table in WRITTEN] == [0, 0, 0, 0, 0]


def test_each_stream_counts_up_and_names_its_predecessor(
    database: Database, ledger: Ledger
) -> None:
    write(database, ledger, cancelled("gen_1"), cancelled("gen_2"), cancelled("gen_1"))
    write(database, ledger, cancelled("gen_2"), cancelled("gen_3"))
    write(database, ledger, *[cancelled("gen_1")] * 3)
    lengths = {name: len(stream(database, name)) for name in ("gen_1", "gen_2", "gen_3")}
    assert lengths == {"gen_1": 5, "gen_2": 2, "gen_3": 1}
    for name in lengths:
        require_chain(stream(database, name))


def test_the_services_own_records_are_kept_apart_by_organisation(
    database: Database, ledger: Ledger
) -> None:
    write(database, ledger, denied("acme"), denied("beta"), loaded(), denied("acme"))
    names = ("service.acme", "service.beta", "service")
    assert [len(stream(database, name)) for name in names] == [2, 1, 1]
    for name in names:
        require_chain(stream(database, name))


def test_the_longest_name_of_an_organisation_has_a_service_stream(
    database: Database, ledger: Ledger
) -> None:
    longest = "o" * 64
    write(database, ledger, denied(longest))
    assert len(stream(database, f"service.{longest}")) == 1


def test_personal_data_is_nowhere_in_what_is_stored(database: Database, ledger: Ledger) -> None:
    (made, *_) = write(database, ledger, *entries("gen_1"))
    payload = base64.b64decode(json.loads(made.line)["payload"]).decode()
    assert "lighthouse" not in payload and "prompt" not in payload
    needles = [PROMPT, base64.b64encode(PROMPT.encode()).decode().rstrip("=")]
    with database.read() as session:
        for table in WRITTEN:
            for row in session.connection().execute(text(f"SELECT * FROM {table.__tablename__}")):
                stored = b"|".join(v if isinstance(v, bytes) else str(v).encode() for v in row)
                assert not any(needle.encode() in stored for needle in needles)


def test_whoever_holds_the_vault_key_can_open_it(
    database: Database, ledger: Ledger, keys: keyring.Keyring
) -> None:
    first, second = (write(database, ledger, *entries(name))[0] for name in ("gen_1", "gen_2"))
    with database.read() as session:
        opened = ledger.vault.open(session, [first.id, second.id])
        (value,) = opened[first.id]
        assert (value.name, value.value, (value.digest,)) == ("prompt", PROMPT, first.sd)
        assert first.sd != second.sd, "equal prompts have digests that tell nothing"
        with pytest.raises(IntegrityError) as caught:
            Vault(ids.random_bytes(32)).open(session, [first.id])
    assert caught.value.code == "vault_unreadable"


def test_a_record_carries_the_time_of_the_service_and_its_subjects(
    database: Database, ledger: Ledger
) -> None:
    entry = cancelled("gen_1")
    about = Entry(entry.stream, entry.event, entry.body, subjects=(("delivered", DELIVERED),))
    with freeze_time(datetime(2026, 11, 22, 11, 12, 5, 123456, tzinfo=UTC)):
        (made,) = write(database, ledger, about)
    assert made.occurred_at == "2026-11-22T11:12:05.123456Z"
    assert made.subjects == (("delivered", DELIVERED),)
    assert stream(database, "gen_1") == [made]


def test_appending_nothing_is_no_mistake(database: Database, ledger: Ledger) -> None:
    assert write(database, ledger) == []
    assert count(database, LogRecord) == 0


def test_data_of_two_people_has_two_keys(database: Database, ledger: Ledger) -> None:
    other = "usr_" + "9" * 32
    write(database, ledger, *entries("gen_1"), *entries("gen_2"))
    write(database, ledger, *entries("gen_3", subject=other))
    with database.read() as session:
        owners = session.connection().execute(text("SELECT subject FROM subject_key")).scalars()
        assert set(owners) == {PERSON, other}
