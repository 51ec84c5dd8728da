"""Who signs our manifests, by settings: an operator's own certificate, else the local authority.

Also which further roots count as trusted when reading, and who stamps the time.
"""

import io
import json
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import c2pa
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image

from governance.kernel import clock
from governance.kernel.errors import ConfigurationError
from governance.kernel.settings import Settings
from governance.marking.context import SOURCE_TYPES
from governance.marking.credentials import authority, native, signing
from governance.marking.credentials.authority import Authority


def load(settings: Settings) -> Authority:
    """The authority that this installation signs with.

    Raises ConfigurationError: `mark_certificate_invalid`, `mark_trust_invalid`, and those of
    `authority.load_or_create`.
    """
    anchors = _anchors("GOVERNANCE_C2PA_TRUST", settings.c2pa_trust)
    stamps = _anchors("GOVERNANCE_C2PA_TSA_TRUST", settings.c2pa_tsa_trust)
    if settings.c2pa_certificate and settings.c2pa_key:
        # What the local authority has signed before stays trusted.
        former = settings.keys_dir / authority.CA_CERTIFICATE
        if former.exists():
            anchors += former.read_text()
        made = _own(settings.c2pa_certificate, settings.c2pa_key, anchors)
    else:
        made = replace(authority.load_or_create(settings.keys_dir), anchors=anchors)
    return replace(made, stamp_anchors=stamps, time_stamps=settings.c2pa_tsa_url)


def _anchors(setting: str, path: Path | None) -> str:
    if path is None:
        return ""
    try:
        found = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            "mark_trust_invalid",
            f"{setting}: {path} holds no PEM certificates; name a file of roots.",
        ) from error
    return "".join(authority.pem(certificate) for certificate in found)


def _own(certificates: Path, key_file: Path, anchors: str) -> Authority:
    """The operator's own; `ca_pem` is the last certificate, the one nearest to the root."""
    try:
        chain = x509.load_pem_x509_certificates(certificates.read_bytes())
    except (OSError, ValueError) as error:
        raise _invalid(f"{certificates} holds no PEM certificates") from error
    key = _key(key_file)
    _check(chain, key, key_file)
    *issued, last = chain
    made = Authority(
        ca_pem=authority.pem(last) if issued else "",
        leaf_pem="".join(authority.pem(certificate) for certificate in issued or [last]),
        key=key,
        anchors=anchors,
    )
    _try(made)
    return made


def _key(path: Path) -> signing.SigningKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
        if not isinstance(key, (Ed25519PrivateKey, ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey)):
            raise ValueError("not a key for signatures")
        signing.algorithm(key)
    except (OSError, ValueError, TypeError) as error:
        raise _invalid(
            f"{path} holds no private key that can sign (PEM without a password; Ed25519, P-256, "
            f"P-384, or RSA of {signing.MIN_RSA_BITS} bits and more)"
        ) from error
    return key


def _check(chain: list[x509.Certificate], key: signing.SigningKey, key_file: Path) -> None:
    leaf = chain[0]
    if leaf.public_key() != key.public_key():
        raise _invalid(f"{key_file} is not the key of the first certificate in the file")
    for certificate in chain:
        start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if not start <= clock.now() <= end:
            name = certificate.subject.rfc4514_string()
            raise _invalid(f"{name} is valid only from {_day(start)} to {_day(end)}")
    try:
        purposes = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        raise _invalid("the certificate names no extended key usage") from None
    if not {purpose.dotted_string for purpose in purposes} & set(native.PURPOSES):
        raise _invalid(
            "the certificate is not meant for content credentials: its extended key usage must "
            "be emailProtection, documentSigning or C2PA claim signing (1.3.6.1.4.1.62558.2.1)"
        )
    for issued, issuer in pairwise(chain):
        try:
            issued.verify_directly_issued_by(issuer)
        except (InvalidSignature, ValueError, TypeError) as error:
            raise _invalid(
                "the certificates are not in order: each must be issued by the next one"
            ) from error


def _day(moment: datetime) -> str:
    return moment.date().isoformat()


def _try(made: Authority) -> None:
    """Sign one pixel and read it back: the library has the last word on what it accepts."""
    picture = io.BytesIO()
    Image.new("RGB", (1, 1)).save(picture, "PNG")
    action = {"action": "c2pa.created", "digitalSourceType": SOURCE_TYPES + "digitalCreation"}
    manifest = {"assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}]}
    signed = io.BytesIO()
    try:
        with (
            c2pa.Signer.from_callback(made.sign, made.algorithm, made.chain, None) as signer,
            c2pa.Builder(json.dumps(manifest), native.settings(made.trust)) as builder,
        ):
            picture.seek(0)
            builder.sign(signer, "image/png", picture, signed)
        signed.seek(0)
        with c2pa.Reader("image/png", signed, context=native.settings(made.trust)) as reader:
            state = reader.get_validation_state()
    except c2pa.C2paError as error:
        said = " ".join(str(error).split())[:200]
        raise _invalid(f"a trial signature failed ({said})") from error
    if state != "Trusted":
        raise _invalid(
            "its root is unknown; put it last into the same file or into the one that "
            "GOVERNANCE_C2PA_TRUST names"
        )


def _invalid(fault: str) -> ConfigurationError:
    return ConfigurationError(
        "mark_certificate_invalid",
        f"GOVERNANCE_C2PA_CERTIFICATE or GOVERNANCE_C2PA_KEY cannot be used: {fault}.",
    )
