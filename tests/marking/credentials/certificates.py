"""Certificate chains as an operator may bring them."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from governance.kernel import clock

Key = Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
EMAIL = ExtendedKeyUsageOID.EMAIL_PROTECTION
KEYS: dict[str, Callable[[], Key]] = {
    "Ed25519": Ed25519PrivateKey.generate,
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "PS256": lambda: rsa.generate_private_key(65537, 2048),
}


def certificate(
    key: Key,
    issuer_key: Key,
    subject: str,
    issuer: str,
    purposes: Sequence[x509.ObjectIdentifier] = (),
    days: int = 30,
) -> x509.Certificate:
    """A certificate that signs others, or content with `purposes`. days: until it expires."""
    now, issues = clock.now(), not purposes
    usage = x509.KeyUsage(not issues, False, False, False, False, issues, issues, False, False)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=issues, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    algorithm = None if isinstance(issuer_key, Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(issuer_key, algorithm)


class Chain:
    """Leaf, intermediate and root, as PEM."""

    def __init__(
        self, key: Key, purposes: Sequence[x509.ObjectIdentifier] = (EMAIL,), days: int = 30
    ) -> None:
        root_key = KEYS["ES256"]()
        self._middle_key = KEYS["ES256"]()
        self.root = pem(certificate(root_key, root_key, "Root", "Root"))
        self.middle = pem(certificate(self._middle_key, root_key, "Middle", "Root"))
        self.leaf = pem(certificate(key, self._middle_key, "Leaf", "Middle", purposes, days))

    def neighbour(self, key: Key, organisation: str) -> str:
        """The leaf of another customer of the same authority."""
        subject = f"Leaf/{organisation}"
        return pem(certificate(key, self._middle_key, subject, "Middle", [EMAIL]))


def pem(made: x509.Certificate) -> str:
    return made.public_bytes(serialization.Encoding.PEM).decode()


def key_pem(key: Key, password: bytes = b"") -> bytes:
    protection: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        protection = serialization.BestAvailableEncryption(password)
    pkcs8 = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, pkcs8, protection)


def _name(text: str) -> x509.Name:
    """Common name, or common name/organisation."""
    common, _, organisation = text.partition("/")
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation or "Film House"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )
