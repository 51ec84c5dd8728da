"""The certificate authority that signs our manifests."""

import stat
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from freezegun import freeze_time

from governance.kernel import clock
from governance.kernel.errors import ConfigurationError
from governance.marking.credentials.authority import C2PA_SIGNING, load_or_create


def certificate(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem.encode())


def test_the_first_start_makes_an_authority_and_the_next_one_finds_it(tmp_path: Path) -> None:
    made = load_or_create(tmp_path / "keys")
    found = load_or_create(tmp_path / "keys")
    assert (found.ca_pem, found.leaf_pem) == (made.ca_pem, made.leaf_pem)
    assert found.sign(b"data") == made.sign(b"data")


def test_private_keys_are_readable_by_the_owner_only(tmp_path: Path) -> None:
    load_or_create(tmp_path)
    for name in ("c2pa-ca.key", "c2pa-leaf.key"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_no_private_key_shows_in_the_representation(tmp_path: Path) -> None:
    assert "key" not in repr(load_or_create(tmp_path))


def test_the_leaf_carries_what_c2pa_asks_for(tmp_path: Path) -> None:
    authority = load_or_create(tmp_path)
    leaf = certificate(authority.leaf_pem)
    leaf.verify_directly_issued_by(certificate(authority.ca_pem))
    purposes = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert set(purposes) == {ExtendedKeyUsageOID.EMAIL_PROTECTION, C2PA_SIGNING}
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature and not usage.key_cert_sign
    leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
    assert leaf.not_valid_before_utc < clock.now()
    assert 0 < leaf.serial_number < 2**159


def test_a_leaf_about_to_expire_is_replaced_under_the_same_root(tmp_path: Path) -> None:
    first = load_or_create(tmp_path)
    almost = certificate(first.leaf_pem).not_valid_after_utc - timedelta(days=30)
    with freeze_time(almost):
        second = load_or_create(tmp_path)
    assert second.ca_pem == first.ca_pem
    assert certificate(second.leaf_pem).not_valid_after_utc > almost + timedelta(days=365)


def test_the_root_key_may_be_kept_elsewhere_until_a_new_leaf_is_due(tmp_path: Path) -> None:
    first = load_or_create(tmp_path)
    (tmp_path / "c2pa-ca.key").unlink()
    assert load_or_create(tmp_path) == first or load_or_create(tmp_path).chain == first.chain
    with (
        freeze_time(certificate(first.leaf_pem).not_valid_after_utc),
        pytest.raises(ConfigurationError) as caught,
    ):
        load_or_create(tmp_path)
    assert caught.value.code == "mark_authority_key_missing"


@pytest.mark.parametrize("name", ["c2pa-leaf.key", "c2pa-ca.pem"])
def test_files_of_two_authorities_are_refused(tmp_path: Path, name: str) -> None:
    load_or_create(tmp_path / "one")
    load_or_create(tmp_path / "other")
    (tmp_path / "one" / name).write_bytes((tmp_path / "other" / name).read_bytes())
    with pytest.raises(ConfigurationError) as caught:
        load_or_create(tmp_path / "one")
    assert caught.value.code == "mark_authority_invalid"


@pytest.mark.parametrize("name", ["c2pa-leaf.key", "c2pa-leaf.pem", "c2pa-ca.pem"])
def test_a_damaged_file_is_refused(tmp_path: Path, name: str) -> None:
    load_or_create(tmp_path)
    (tmp_path / name).write_text("not what it was")
    with pytest.raises(ConfigurationError) as caught:
        load_or_create(tmp_path)
    assert caught.value.code == "mark_authority_invalid"
