"""Exports: a scope's own records, of all others the hashes; either way the same root."""

from pathlib import Path

import pytest

from governance.evidence import checkpoint, merkle
from governance.evidence.record import Record, load
from governance.evidence.verify import verify_files
from governance.kernel.database import Database
from governance.kernel.errors import NotFound
from governance.ledger import Entry, Ledger, tree
from governance.ledger.export import extract
from tests.evidence.samples import Told, imported
from tests.ledger.samples import cancelled, denied, entries, exported, loaded, publish, write

Files = dict[str, bytes]


def about(organisation: str, project: str) -> Told:
    told = imported()
    told[0][1].update(organisation=organisation, project=project)
    return told


def generation(name: str, organisation: str, project: str) -> list[Entry]:
    scope = f"org/{organisation}/project/{project}"
    return entries(name, about(organisation, project), scope)


@pytest.fixture
def log(database: Database, ledger: Ledger, tmp_path: Path) -> Database:
    """Two organisations, one of them with two projects; published."""
    launch, teaser = (
        generation("gen_launch", "acme", "launch"),
        generation("gen_teaser", "acme", "teaser"),
    )
    theirs = generation("gen_theirs", "beta", "launch")
    for mixed in zip(launch, theirs, teaser, strict=True):
        write(database, ledger, *mixed)
    write(database, ledger, denied("acme"), denied("beta"), loaded())
    publish(database, ledger, tmp_path)
    return database


def streams(files: Files) -> set[str]:
    return {record.stream for record in records(files)}


def records(files: Files) -> list[Record]:
    return [load(line) for line in files["records.intoto.jsonl"].splitlines()]


def root(files: Files) -> str:
    return merkle.root([bytes.fromhex(leaf.decode()) for leaf in files["leaves"].split()]).hex()


SCOPES: dict[tuple[str, str | None], set[str]] = {
    ("acme", None): {"gen_launch", "gen_teaser", "service.acme", "service"},
    ("acme", "launch"): {"gen_launch", "service.acme", "service"},
    ("acme", "teaser"): {"gen_teaser", "service.acme", "service"},
    ("beta", None): {"gen_theirs", "service.beta", "service"},
    ("acme", "nothing"): {"service.acme", "service"},
    ("nobody", None): {"service"},
}


def test_a_scope_holds_its_own_streams_whole_and_no_others(log: Database, ledger: Ledger) -> None:
    for scope, expected in SCOPES.items():
        files = exported(log, ledger, *scope)
        assert streams(files) == expected
        verdict = verify_files(files, ledger.keyring.root)
        assert verdict.failure is None, verdict.failure
        assert any(text.startswith("Completeness beyond") for text in verdict.not_checked)


def test_every_scope_proves_the_same_root_though_it_shows_other_records(
    log: Database, ledger: Ledger
) -> None:
    for files in (exported(log, ledger, *scope) for scope in SCOPES):
        assert len(files["leaves"].split()) == 21
        assert root(files) == checkpoint.parse(files["checkpoint"]).root.hex()
        assert len(records(files)) < 21


def test_no_byte_of_a_foreign_envelope_is_in_the_bundle(log: Database, ledger: Ledger) -> None:
    theirs = exported(log, ledger, "beta")["records.intoto.jsonl"].splitlines()
    ours = exported(log, ledger, "acme", disclose=True)
    foreign = [line for line in theirs if load(line).stream != "service"]
    assert foreign and not any(line in data for line in foreign for data in ours.values())
    for line in foreign:
        assert merkle.leaf_hash(line).hex().encode() in ours["leaves"]


def test_one_organisation_alone_has_the_whole_log(
    database: Database, ledger: Ledger, tmp_path: Path
) -> None:
    write(database, ledger, *generation("gen_1", "acme", "launch"), denied("acme"), loaded())
    publish(database, ledger, tmp_path)
    files = exported(database, ledger)
    assert b'"complete":true' in files["scope.json"]
    verdict = verify_files(files, ledger.keyring.root)
    assert verdict.failure is None
    assert not any("Completeness" in text for text in verdict.not_checked)


def test_personal_data_is_in_the_bundle_only_within_the_mandate(
    log: Database, ledger: Ledger
) -> None:
    assert exported(log, ledger)["disclosures.jsonl"] == b""
    opened = exported(log, ledger, "acme", "launch", disclose=True)
    assert len(opened["disclosures.jsonl"].splitlines()) == 1
    assert verify_files(opened, ledger.keyring.root).failure is None


def test_what_is_not_published_yet_is_in_no_bundle(log: Database, ledger: Ledger) -> None:
    before = exported(log, ledger)
    write(log, ledger, cancelled("gen_launch"))
    assert exported(log, ledger) == before
    log.write(tree.integrate)
    assert exported(log, ledger) == before


def test_before_the_first_checkpoint_there_is_nothing_to_export(
    database: Database, ledger: Ledger
) -> None:
    write(database, ledger, cancelled("gen_1"))
    with database.read() as session, pytest.raises(NotFound) as caught:
        extract(session, "acme", None)
    assert caught.value.code == "no_checkpoint"


def test_names_that_begin_alike_are_not_the_same(
    database: Database, ledger: Ledger, tmp_path: Path
) -> None:
    names = ("acme", "acme2", "acme.x", "a_me", "acm")
    for name in names:
        write(database, ledger, *generation(f"gen_{name}", name, "launch"))
    publish(database, ledger, tmp_path)
    for name in names:
        assert streams(exported(database, ledger, name)) == {f"gen_{name}"}
        assert streams(exported(database, ledger, name, "launch")) == {f"gen_{name}"}


def test_equal_contents_give_equal_bytes(log: Database, ledger: Ledger) -> None:
    assert exported(log, ledger) == exported(log, ledger)
