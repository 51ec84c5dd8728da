"""The certificate authority of this installation: signs the C2PA manifests in delivered media.

Ed25519 root and leaf (X.509, RFC 8410), made at first start. Whoever wants to check our marks
pins the root, `c2pa-ca.pem`. The root's private key is needed only to issue the next leaf, so an
operator may keep it elsewhere.
"""

import os
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import c2pa
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from governance.kernel import clock, ids
from governance.kernel.errors import ConfigurationError
from governance.marking.credentials import signing
from governance.marking.credentials.native import Trust

CA_CERTIFICATE = "c2pa-ca.pem"
CA_KEY = "c2pa-ca.key"
LEAF_CERTIFICATE = "c2pa-leaf.pem"
LEAF_KEY = "c2pa-leaf.key"

# A manifest without a trusted time stamp reads as expired once its leaf has expired, and records
# must verify for years: hence a long-lived leaf, replaced well before its end.
CA_VALIDITY = timedelta(days=20 * 365)
LEAF_VALIDITY = timedelta(days=10 * 365)
RENEW_BEFORE = timedelta(days=90)
CLOCK_SKEW = timedelta(days=1)

# C2PA technical specification 2.x, section 14.5: the claim-signing purpose.
C2PA_SIGNING = x509.ObjectIdentifier("1.3.6.1.4.1.62558.2.1")


@dataclass(frozen=True)
class Authority:
    """What signs manifests: PEM certificates and the leaf's private key.

    leaf_pem: the leaf, behind it any certificates between leaf and root; anchors, stamp_anchors:
    further roots to accept when reading, of signers and of time-stamp authorities; time_stamps:
    address of the authority that stamps the time (RFC 3161), empty for none.
    """

    ca_pem: str
    leaf_pem: str
    key: signing.SigningKey = field(repr=False)
    anchors: str = ""
    stamp_anchors: str = ""
    time_stamps: str = ""

    @property
    def chain(self) -> str:
        """Leaf first, then up to the root."""
        return self.leaf_pem + self.ca_pem

    @property
    def organisation(self) -> str:
        """Whom the leaf certifies; empty where it names nobody."""
        subject = x509.load_pem_x509_certificate(self.leaf_pem.encode()).subject
        names = subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        return str(names[0].value) if names else ""

    @property
    def trust(self) -> Trust:
        """Every root to accept when reading."""
        return Trust(self.ca_pem + self.anchors, self.stamp_anchors)

    @property
    def algorithm(self) -> c2pa.C2paSigningAlg:
        return signing.algorithm(self.key)

    def sign(self, data: bytes) -> bytes:
        """The raw signature as COSE wants it."""
        return signing.sign(self.key, data)


def load_or_create(folder: Path) -> Authority:
    """Load the authority kept in `folder`; make whatever is missing.

    A leaf that is about to expire is replaced. Private keys are written with mode 0600.
    Raises ConfigurationError (`mark_authority_invalid`) for files that don't belong together,
    (`mark_authority_key_missing`) when a new leaf is due and the root's key isn't there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        ca = _root(folder)
        leaf, key = _leaf(folder, ca)
    except (ValueError, TypeError) as error:
        raise _invalid(folder, "a file cannot be read") from error
    _check_pair(folder, ca, leaf, key)
    return Authority(pem(ca), pem(leaf), key)


def _root(folder: Path) -> x509.Certificate:
    path = folder / CA_CERTIFICATE
    if path.exists():
        return x509.load_pem_x509_certificate(path.read_bytes())
    key = _key(folder / CA_KEY)
    name = _name("Root")
    root = (
        _builder(name, name, key, CA_VALIDITY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(certificates=True), critical=True)
        .sign(key, None)
    )
    _write(path, pem(root).encode(), private=False)
    return root


def _leaf(folder: Path, ca: x509.Certificate) -> tuple[x509.Certificate, Ed25519PrivateKey]:
    path = folder / LEAF_CERTIFICATE
    key = _key(folder / LEAF_KEY)
    if path.exists():
        leaf = x509.load_pem_x509_certificate(path.read_bytes())
        if leaf.not_valid_after_utc - clock.now() > RENEW_BEFORE:
            return leaf, key
    leaf = _issue(folder, ca, key)
    _write(path, pem(leaf).encode(), private=False)
    return leaf, key


def _issue(folder: Path, ca: x509.Certificate, key: Ed25519PrivateKey) -> x509.Certificate:
    if not (folder / CA_KEY).exists():
        raise ConfigurationError(
            "mark_authority_key_missing",
            f"A new signing certificate is due, but {CA_KEY} is not in the keys folder: bring it "
            "back for one start of the service.",
        )
    purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION, C2PA_SIGNING])
    issuer_key = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return (
        _builder(_name("Content signing"), ca.subject, key, LEAF_VALIDITY)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(certificates=False), critical=True)
        .add_extension(purposes, critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_key),
            critical=False,
        )
        .sign(_key(folder / CA_KEY), None)
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: Ed25519PrivateKey, validity: timedelta
) -> x509.CertificateBuilder:
    now = clock.now()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(ids.random_bytes(19), "big") + 1)  # RFC 5280: <= 20 octets
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + validity)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, certificates: bool) -> x509.KeyUsage:
    """For a key that signs certificates, or else content."""
    return x509.KeyUsage(
        digital_signature=not certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certificates,
        crl_sign=certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _check_pair(
    folder: Path, ca: x509.Certificate, leaf: x509.Certificate, key: Ed25519PrivateKey
) -> None:
    if leaf.public_key() != key.public_key():
        raise _invalid(folder, f"{LEAF_KEY} is not the key of {LEAF_CERTIFICATE}")
    try:
        leaf.verify_directly_issued_by(ca)
    except (InvalidSignature, ValueError, TypeError) as error:
        raise _invalid(folder, f"{LEAF_CERTIFICATE} was not issued by {CA_CERTIFICATE}") from error


def _key(path: Path) -> Ed25519PrivateKey:
    if not path.exists():
        # Ed25519PrivateKey.generate draws from the same system source.
        key = Ed25519PrivateKey.from_private_bytes(ids.random_bytes(32))
        _write(path, _key_pem(key), private=True)
        return key
    loaded = serialization.load_pem_private_key(path.read_bytes(), None)
    if not isinstance(loaded, Ed25519PrivateKey):
        raise ValueError("not an Ed25519 key")
    return loaded


def _write(path: Path, content: bytes, *, private: bool) -> None:
    """Whole or not at all: a crash leaves no half-written key behind."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o644)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)


def _name(role: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Governance service"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"Governance C2PA {role}"),
        ]
    )


def pem(certificate: x509.Certificate) -> str:
    """The certificate as PEM text."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _invalid(folder: Path, fault: str) -> ConfigurationError:
    return ConfigurationError(
        "mark_authority_invalid",
        f"The content-signing keys in {folder} don't fit together: {fault}. Restore them from a "
        "backup, or remove all four files to make a new authority.",
    )
