"""The register of delivered files, on both databases."""

from datetime import UTC, datetime

import pytest
from freezegun import freeze_time
from sqlalchemy import Connection, update

from governance.kernel.database import Database
from governance.kernel.errors import Conflict
from governance.marking import registry
from governance.marking.fingerprint.fingerprint import Fingerprint
from governance.marking.registry import MarkIndex
from governance.marking.tables import MarkedAsset
from tests.marking.fingerprint.pictures import pan, scene, still

ACME, OTHER = "org_" + "a" * 32, "org_" + "b" * 32
# The highest bit is set: ids fill 64 bits.
WATERMARK = 0xFEDC_BA98_7654_3210
MANIFEST = "urn:c2pa:3b1c54ea-1d4e-4a1b-8f0e-6c2a4f0b8e11"


def generation(number: int) -> str:
    return f"gen_{number:032x}"


def digest(number: int) -> str:
    return f"{number:064x}"


def register(
    database: Database,
    number: int,
    *,
    of: int | None = None,
    organisation: str = ACME,
    watermark_id: int | None = None,
    manifest: str | None = None,
    fingerprint: Fingerprint | None = None,
) -> None:
    def write(connection: Connection) -> None:
        registry.register(
            connection,
            generation=generation(number if of is None else of),
            organisation=organisation,
            digest=digest(number),
            media_type="video/mp4",
            seconds="4.000",
            watermark_id=watermark_id,
            manifest=manifest,
            fingerprint=fingerprint,
        )

    database.write(write)


@freeze_time("2026-11-22 09:00:00")
def test_a_file_is_found_by_digest_watermark_and_manifest(database: Database) -> None:
    fingerprint = still(scene(1))
    register(database, 1, watermark_id=WATERMARK, manifest=MANIFEST, fingerprint=fingerprint)
    register(database, 2, watermark_id=7)
    with database.read() as session:
        entry = registry.by_digest(session, digest(1))
        assert entry is not None
        assert (entry.generation, entry.organisation) == (generation(1), ACME)
        assert (entry.media_type, entry.seconds) == ("video/mp4", "4.000")
        assert (entry.watermark, entry.manifest) == ("fedcba9876543210", MANIFEST)
        assert entry.created_at == datetime(2026, 11, 22, 9, tzinfo=UTC)
        assert bytes(entry.fingerprint or b"") == fingerprint.to_bytes()
        assert registry.by_watermark(session, WATERMARK) == entry
        assert registry.by_manifest(session, MANIFEST) == entry


def test_what_was_never_delivered_is_not_found(database: Database) -> None:
    register(database, 1)
    with database.read() as session:
        assert registry.by_digest(session, digest(2)) is None
        assert registry.by_watermark(session, 0) is None
        assert registry.by_manifest(session, MANIFEST) is None


def test_the_same_bytes_of_two_generations_lead_to_the_first(database: Database) -> None:
    register(database, 5)
    register(database, 5, of=6)
    with database.read() as session:
        entry = registry.by_digest(session, digest(5))
    assert entry is not None
    assert entry.generation == generation(5)


def test_entering_a_file_again_changes_nothing(database: Database) -> None:
    for _ in range(2):
        register(database, 1, watermark_id=WATERMARK)
    assert MarkIndex(database).ids()[ACME].tolist() == [WATERMARK]


def test_a_watermark_belongs_to_one_file(database: Database) -> None:
    register(database, 1, watermark_id=WATERMARK)
    with pytest.raises(Conflict) as taken:
        register(database, 2, watermark_id=WATERMARK)
    assert taken.value.code == "watermark_taken"
    with pytest.raises(Conflict) as other:
        register(database, 1, watermark_id=8)
    assert other.value.code == "marked_asset_exists"


def test_the_ids_of_each_organisation_are_known_at_once(database: Database) -> None:
    marks = MarkIndex(database)
    assert marks.ids() == {}
    register(database, 1, watermark_id=1)
    register(database, 2, watermark_id=WATERMARK)
    register(database, 3, watermark_id=3, organisation=OTHER)
    register(database, 4)
    before = marks.ids()
    assert {name: held.tolist() for name, held in before.items()} == {
        ACME: [1, WATERMARK],
        OTHER: [3],
    }
    register(database, 5, watermark_id=5, organisation=OTHER)
    assert marks.ids()[OTHER].tolist() == [3, 5]
    assert marks.ids() is not before


def test_ids_are_read_once_however_often_one_asks(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_LOOK_BACK", 4)
    marks = MarkIndex(database)
    for number in range(1, 12):
        register(database, number, watermark_id=number)
        assert marks.ids()[ACME].tolist() == list(range(1, number + 1))
    assert MarkIndex(database).ids()[ACME].tolist() == list(range(1, 12))


def test_a_likeness_names_the_generation(database: Database) -> None:
    marks = MarkIndex(database)
    assert marks.search(pan(1)) == ()
    register(database, 1, fingerprint=pan(1))
    register(database, 2, fingerprint=pan(2), organisation=OTHER)
    (found,) = marks.search(pan(2, 2.5, 0.6))
    assert (found.generation, found.organisation) == (generation(2), OTHER)
    assert found.digest == digest(2)
    assert found.match.score > 0.5


def test_an_erased_fingerprint_is_found_no_more_and_the_watermark_still_is(
    database: Database,
) -> None:
    marks, other = MarkIndex(database), MarkIndex(database)
    register(database, 1, watermark_id=WATERMARK, fingerprint=pan(1))
    register(database, 2, fingerprint=pan(2))
    assert len(marks.search(pan(1))) == 1
    database.write(lambda connection: registry.forget(connection, generation(1)))
    assert marks.search(pan(1)) == other.search(pan(1)) == ()
    assert len(marks.search(pan(2))) == len(other.search(pan(2))) == 1
    with database.read() as session:
        entry = registry.by_watermark(session, WATERMARK)
    assert entry is not None
    assert entry.fingerprint is None


def test_a_damaged_fingerprint_is_left_out_with_one_line_and_the_others_are_found(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    for number in (1, 2):
        register(database, number, watermark_id=number, fingerprint=pan(number))
    table = MarkedAsset.__table__  # type: ignore[attr-defined]
    damaged = update(table).where(table.c.digest == digest(1)).values(fingerprint=b"GFP1")
    database.write(lambda connection: connection.execute(damaged))
    marks = MarkIndex(database)
    for _ in range(2):
        assert [found.digest for found in marks.search(pan(2))] == [digest(2)]
        assert marks.search(pan(1)) == ()
    assert marks.ids()[ACME].tolist() == [1, 2]
    assert len([line for line in caplog.messages if "damaged" in line]) == 1
