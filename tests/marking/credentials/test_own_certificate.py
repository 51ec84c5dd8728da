"""An operator's own certificate, by setting, in the place of the local authority."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from freezegun import freeze_time

from governance.domain import Asset
from governance.kernel.errors import ConfigurationError
from governance.kernel.settings import load as load_settings
from governance.marking.context import MarkContext
from governance.marking.credentials.authority import Authority, load_or_create
from governance.marking.credentials.configured import load
from governance.marking.credentials.manifest_read import read_manifest, signed_by
from tests.marking.credentials.certificates import EMAIL, KEYS, Chain, Key, key_pem
from tests.marking.credentials.conftest import Sign

C2PA = x509.ObjectIdentifier("1.3.6.1.4.1.62558.2.1")
DOCUMENTS = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")
SERVERS = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.1")

Configure = Callable[..., Authority]


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    """Loads an authority from PEM texts; trust: of further roots."""

    def configure(certificates: str, key: bytes, trust: str = "") -> Authority:
        files = {"chain.pem": certificates.encode(), "key.pem": key, "trust.pem": trust.encode()}
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        settings = load_settings(
            data_dir=tmp_path,
            c2pa_certificate=tmp_path / "chain.pem",
            c2pa_key=tmp_path / "key.pem",
            c2pa_trust=tmp_path / "trust.pem" if trust else None,
        )
        return load(settings)

    return configure


def refusal(configure: Configure, *parts: object) -> str:
    with pytest.raises(ConfigurationError) as caught:
        configure(*parts)
    assert caught.value.code == "mark_certificate_invalid"
    assert "\n" not in caught.value.message
    return caught.value.message


@pytest.mark.parametrize("kind", KEYS)
def test_manifests_are_signed_with_the_operators_key(
    configure: Configure, signed: Sign, context: MarkContext, kind: str
) -> None:
    key: Key = KEYS[kind]()
    chain = Chain(key)
    authority = configure(chain.leaf + chain.middle + chain.root, key_pem(key))
    path, _ = signed(context=replace(context, authority=authority))
    facts = dict(read_manifest(path, "image/png", authority.trust).facts)
    assert (facts["validation"], facts["signer"]) == ("Trusted", "Film House")


@pytest.mark.parametrize("purpose", [EMAIL, C2PA, DOCUMENTS])
def test_every_purpose_that_the_specification_names_is_accepted(
    configure: Configure, purpose: x509.ObjectIdentifier
) -> None:
    key = KEYS["ES256"]()
    chain = Chain(key, [purpose])
    configure(chain.leaf + chain.middle + chain.root, key_pem(key))


def test_the_root_may_lie_in_the_file_of_trusted_roots(configure: Configure) -> None:
    key = KEYS["ES256"]()
    chain = Chain(key)
    authority = configure(chain.leaf + chain.middle, key_pem(key), chain.root)
    assert chain.root in authority.trust.signers


def test_what_the_local_authority_signed_before_stays_trusted(
    configure: Configure, tmp_path: Path
) -> None:
    local = load_or_create(tmp_path / "keys")
    key = KEYS["ES256"]()
    chain = Chain(key)
    authority = configure(chain.leaf + chain.middle + chain.root, key_pem(key))
    assert local.ca_pem in authority.trust.signers and local.ca_pem != authority.ca_pem


def test_no_private_key_shows_in_the_representation(configure: Configure) -> None:
    key = KEYS["ES256"]()
    chain = Chain(key)
    assert "key" not in repr(configure(chain.leaf + chain.middle + chain.root, key_pem(key)))


def test_an_unknown_root_is_refused(configure: Configure) -> None:
    key = KEYS["ES256"]()
    assert "root is unknown" in refusal(configure, Chain(key).leaf, key_pem(key))


def test_the_key_of_another_certificate_is_refused(configure: Configure) -> None:
    chain = Chain(KEYS["ES256"]())
    message = refusal(configure, chain.leaf + chain.middle, key_pem(KEYS["ES256"]()))
    assert "is not the key of the first certificate" in message


def test_an_expired_certificate_is_refused_with_its_dates(configure: Configure) -> None:
    key = KEYS["ES256"]()
    with freeze_time("2026-03-01"):
        chain = Chain(key, days=10)
    message = refusal(configure, chain.leaf + chain.middle + chain.root, key_pem(key))
    assert "valid only from 2025-12-31 to 2026-03-11" in message


def test_a_certificate_for_another_purpose_is_refused(configure: Configure) -> None:
    key = KEYS["ES256"]()
    chain = Chain(key, [SERVERS])
    message = refusal(configure, chain.leaf + chain.middle + chain.root, key_pem(key))
    assert "extended key usage" in message


def test_certificates_out_of_order_are_refused(configure: Configure) -> None:
    key = KEYS["ES256"]()
    chain = Chain(key)
    message = refusal(configure, chain.leaf + chain.root + chain.middle, key_pem(key))
    assert "not in order" in message


@pytest.mark.parametrize(
    "content",
    [
        b"no key",
        key_pem(KEYS["ES256"](), b"password"),
        key_pem(ec.generate_private_key(ec.SECP256K1())),
    ],
    ids=["text", "with a password", "a curve that is not allowed"],
)
def test_a_key_that_cannot_sign_is_refused(configure: Configure, content: bytes) -> None:
    chain = Chain(KEYS["ES256"]())
    assert "holds no private key that can sign" in refusal(configure, chain.leaf, content)


def test_a_file_without_certificates_is_refused(configure: Configure) -> None:
    key = KEYS["ES256"]()
    assert "no PEM certificates" in refusal(configure, "nothing", key_pem(key))


@pytest.mark.parametrize("setting", ["c2pa_trust", "c2pa_tsa_trust"])
def test_a_file_of_roots_without_certificates_is_refused(tmp_path: Path, setting: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(load_settings(data_dir=tmp_path, **{setting: tmp_path / "missing.pem"}))
    assert caught.value.code == "mark_trust_invalid"
    assert f"GOVERNANCE_{setting.upper()}" in caught.value.message


def test_certificate_and_key_are_set_together() -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(c2pa_certificate=Path("chain.pem"))
    assert "must be set together" in caught.value.message


def test_without_settings_the_local_authority_signs(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path)
    assert load(settings).chain == load_or_create(settings.keys_dir).chain


def test_a_stranger_with_the_purpose_of_c2pa_alone_is_untrusted_and_not_broken(
    configure: Configure, signed: Sign, context: MarkContext
) -> None:
    key = KEYS["ES256"]()
    chain = Chain(key, [C2PA])
    authority = configure(chain.leaf + chain.middle + chain.root, key_pem(key))
    path, _ = signed(context=replace(context, authority=authority))
    mark = read_manifest(path, "image/png", context.authority.trust)
    assert (mark.state, dict(mark.facts)["validation"]) == ("present", "Valid")


def test_under_a_public_root_only_our_own_organisation_is_ours(
    configure: Configure, signed: Sign, context: MarkContext
) -> None:
    key, other = KEYS["ES256"](), KEYS["ES256"]()
    chain = Chain(key)
    ours = configure(chain.leaf + chain.middle + chain.root, key_pem(key))
    theirs = Authority(chain.root, chain.neighbour(other, "Rival") + chain.middle, other)
    path, _ = signed(context=replace(context, authority=ours))
    assert signed_by(path, "image/png", ours)
    path, _ = signed(context=replace(context, authority=theirs))
    assert dict(read_manifest(path, "image/png", ours.trust).facts)["signer"] == "Rival"
    assert not signed_by(path, "image/png", ours)


def test_what_another_installation_signed_is_not_ours(
    signed: Sign, context: MarkContext, vendor: Authority, png: Asset
) -> None:
    path, _ = signed(context=replace(context, authority=vendor))
    assert signed_by(path, "image/png", vendor)
    assert not signed_by(path, "image/png", context.authority)
    assert not signed_by(png.path, "image/png", context.authority)
