"""Erasing personal data leaves every record, signature and proof as it was."""

from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from governance.evidence.verify import verify_files
from governance.kernel.database import Database
from governance.ledger import Ledger
from governance.ledger.tables import StoredDisclosure, SubjectKey
from tests.evidence.samples import ALICE, BOB, PERSON
from tests.ledger.samples import count, entries, exported, publish, stream, write

BASIS = {"basis": "erasure_request", "by": ALICE}


def erase(database: Database, ledger: Ledger, subject: str = PERSON) -> int:
    return database.write(lambda c: ledger.erase(c, subject, **BASIS))


def test_after_an_erasure_the_values_and_their_key_are_gone(
    database: Database, ledger: Ledger
) -> None:
    first = write(database, ledger, *entries("gen_1"), *entries("gen_2"))[0]
    assert erase(database, ledger) == 2
    assert (count(database, StoredDisclosure), count(database, SubjectKey)) == (0, 0)
    with database.read() as session:
        assert ledger.vault.open(session, [first.id]) == {}


def test_other_peoples_data_stays(database: Database, ledger: Ledger) -> None:
    write(database, ledger, *entries("gen_1"))
    (theirs, *_) = write(database, ledger, *entries("gen_2", subject=BOB))
    assert erase(database, ledger) == 1
    with database.read() as session:
        assert len(ledger.vault.open(session, [theirs.id])[theirs.id]) == 1


def test_an_erasure_is_on_record_with_what_was_erased_and_why(
    database: Database, ledger: Ledger
) -> None:
    first, second = (write(database, ledger, *entries(name))[0] for name in ("gen_1", "gen_2"))
    erase(database, ledger)
    said = [(item.event, item.body) for item in stream(database, "service.acme")]
    assert said == [
        ("disclosure.erased", {"record": item.id, "digests": list(item.sd), **BASIS})
        for item in sorted((first, second), key=lambda one: one.id)
    ]


def test_erasing_where_there_is_nothing_leaves_no_record(
    database: Database, ledger: Ledger
) -> None:
    write(database, ledger, *entries("gen_1"))
    assert erase(database, ledger, BOB) == 0
    erase(database, ledger)
    assert erase(database, ledger) == 0
    assert len(stream(database, "service.acme")) == 1


def test_an_erasure_that_fails_erases_nothing(database: Database, ledger: Ledger) -> None:
    def fail(connection: Connection) -> None:
        ledger.erase(connection, PERSON, **BASIS)
        raise RuntimeError("not now")

    write(database, ledger, *entries("gen_1"))
    with pytest.raises(RuntimeError, match="not now"):
        database.write(fail)
    assert (count(database, StoredDisclosure), count(database, SubjectKey)) == (1, 1)
    assert stream(database, "service.acme") == []


def test_evidence_verifies_with_the_values_and_without_them(
    database: Database, ledger: Ledger, tmp_path: Path
) -> None:
    before = write(database, ledger, *entries("gen_1"))
    publish(database, ledger, tmp_path)
    disclosed = verify_files(exported(database, ledger, disclose=True), ledger.keyring.root)
    assert disclosed.failure is None
    assert not any("personal data" in text for text in disclosed.not_checked)

    erase(database, ledger)
    publish(database, ledger, tmp_path)
    files = exported(database, ledger, disclose=True)
    verdict = verify_files(files, ledger.keyring.root)
    assert verdict.failure is None
    assert files["disclosures.jsonl"] == b""
    assert any(text.startswith("1 digests of personal data") for text in verdict.not_checked)
    assert stream(database, "gen_1") == before


def test_who_was_erased_is_no_business_of_another_organisation(
    database: Database, ledger: Ledger, tmp_path: Path
) -> None:
    write(database, ledger, *entries("gen_1"))
    erase(database, ledger)
    publish(database, ledger, tmp_path)
    theirs = exported(database, ledger, "beta")
    assert theirs["records.intoto.jsonl"] == b""
    assert verify_files(theirs, ledger.keyring.root).failure is None
    with database.read() as session:
        scopes = session.connection().execute(text("SELECT DISTINCT scope FROM log_record"))
        assert set(scopes.scalars()) == {"org/acme", "org/acme/project/launch"}


def test_data_that_arrives_after_an_erasure_gets_a_new_key(
    database: Database, ledger: Ledger
) -> None:
    write(database, ledger, *entries("gen_1"))
    erase(database, ledger)
    (later, *_) = write(database, ledger, *entries("gen_2"))
    with database.read() as session:
        assert len(ledger.vault.open(session, [later.id])[later.id]) == 1
