"""Identifiers: UUIDv7 (RFC 9562 section 5.7), so they sort by the time they were made."""

import uuid
from datetime import UTC, datetime, timedelta

from freezegun import freeze_time

from governance.kernel import ids

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_an_id_is_its_prefix_and_a_uuid_of_version_7() -> None:
    prefix, _, digits = ids.new_id("gen").partition("_")
    value = uuid.UUID(hex=digits)
    assert prefix == "gen"
    assert digits == value.hex
    assert (value.version, value.variant) == (7, uuid.RFC_4122)


def test_an_id_holds_the_millisecond_it_was_made_in() -> None:
    with freeze_time(NOON):
        value = uuid.UUID(hex=ids.new_id("gen").removeprefix("gen_"))
    assert value.int >> 80 == int(NOON.timestamp() * 1000)


def test_later_ids_sort_after_earlier_ones() -> None:
    made = []
    for milliseconds in (0, 1, 2, 999, 1000, 86_400_000):
        with freeze_time(NOON + timedelta(milliseconds=milliseconds)):
            made.append(ids.new_id("gen"))
    assert made == sorted(made)


def test_ids_of_one_moment_differ() -> None:
    with freeze_time(NOON):
        assert len({ids.new_id("gen") for _ in range(10_000)}) == 10_000


def test_secrets_are_url_safe_and_as_long_as_asked() -> None:
    secret = ids.secret_text(32)
    assert len(secret) == 43  # 32 bytes in base64 without padding, RFC 4648 section 5
    assert secret.replace("-", "").replace("_", "").isalnum()
    assert ids.secret_text() != ids.secret_text()
    assert len(ids.random_bytes(16)) == 16
