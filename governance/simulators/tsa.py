"""A time-stamp authority (RFC 3161) over real HTTP, with a root certificate of its own.

    /            stamps; GET /root.pem: the certificate to pin
    /refuse      answers “rejection” (RFC 3161 section 2.4.2)
    /wrong       stamps another digest than was asked for
    /garbled     answers with bytes that are no time stamp
    /fail        500
    /hang        accepts the request and does not answer for a minute

Keys are made anew at every start and kept in memory.
"""

import argparse
import asyncio
import hashlib
import secrets
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Self

import uvicorn
from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from fastapi import FastAPI, Request, Response

from governance.simulators import serving

NAME = "Simulated Time-Stamp Authority"
REPLY = "application/timestamp-reply"
HANG = 60

POLICY = x509.ObjectIdentifier("1.3.6.1.4.1.62558.99.1")
SHA256 = x509.ObjectIdentifier("2.16.840.1.101.3.4.2.1")
ECDSA_SHA256 = x509.ObjectIdentifier("1.2.840.10045.4.3.2")
SIGNED_DATA = x509.ObjectIdentifier("1.2.840.113549.1.7.2")
TST_INFO = x509.ObjectIdentifier("1.2.840.113549.1.9.16.1.4")
CONTENT_TYPE = x509.ObjectIdentifier("1.2.840.113549.1.9.3")
MESSAGE_DIGEST = x509.ObjectIdentifier("1.2.840.113549.1.9.4")
SIGNING_CERTIFICATE_V2 = x509.ObjectIdentifier("1.2.840.113549.1.9.16.2.47")

# DER tags (X.690)
OCTETS, SEQUENCE, SET, EXPLICIT_0 = 0x04, 0x30, 0x31, 0xA0


@asn1.sequence
class Algorithm:
    algorithm: x509.ObjectIdentifier
    parameters: asn1.Null | None = None


@asn1.sequence
class Imprint:
    algorithm: Algorithm
    digest: bytes


@asn1.sequence
class Query:
    """RFC 3161 section 2.4.1, without extensions."""

    version: int
    imprint: Imprint
    policy: x509.ObjectIdentifier | None
    nonce: int | None
    certificates: Annotated[bool, asn1.Default(False)]


def der(tag: int, *parts: bytes) -> bytes:
    """One DER element of constructed or plain content."""
    content = b"".join(parts)
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


@dataclass
class Authority:
    """A root certificate and the leaf that stamps, P-256 with SHA-256."""

    root_key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def __post_init__(self) -> None:
        self.root = _certificate(self.root_key, self.root_key, NAME + " Root", NAME + " Root")
        self.leaf = _certificate(self.key, self.root_key, NAME, NAME + " Root")

    @property
    def root_pem(self) -> str:
        """What clients pin."""
        return self.root.public_bytes(serialization.Encoding.PEM).decode()

    def stamp(self, request: bytes) -> bytes:
        """A TimeStampResp that grants `request`."""
        query = asn1.decode_der(Query, request)
        info = self._info(query)
        certificate = self.leaf.public_bytes(serialization.Encoding.DER)
        attributes = b"".join(sorted(_attributes(info, certificate)))
        signature = self.key.sign(der(SET, attributes), ec.ECDSA(hashes.SHA256()))
        issuer = self.leaf.issuer.public_bytes()
        signer = der(
            SEQUENCE,
            asn1.encode_der(1),
            der(SEQUENCE, issuer, asn1.encode_der(self.leaf.serial_number)),
            asn1.encode_der(Algorithm(algorithm=SHA256)),
            der(EXPLICIT_0, attributes),
            asn1.encode_der(Algorithm(algorithm=ECDSA_SHA256)),
            der(OCTETS, signature),
        )
        signed = der(
            SEQUENCE,
            asn1.encode_der(3),
            der(SET, asn1.encode_der(Algorithm(algorithm=SHA256))),
            der(SEQUENCE, asn1.encode_der(TST_INFO), der(EXPLICIT_0, der(OCTETS, info))),
            der(EXPLICIT_0, certificate) if query.certificates else b"",
            der(SET, signer),
        )
        token = der(SEQUENCE, asn1.encode_der(SIGNED_DATA), der(EXPLICIT_0, signed))
        return der(SEQUENCE, der(SEQUENCE, asn1.encode_der(0)), token)

    def _info(self, query: Query) -> bytes:
        """TSTInfo: what is stated about the digest."""
        now = datetime.fromtimestamp(int(time.time()), UTC)
        return der(
            SEQUENCE,
            asn1.encode_der(1),
            asn1.encode_der(POLICY),
            asn1.encode_der(query.imprint),
            asn1.encode_der(secrets.randbits(63)),
            asn1.encode_der(asn1.GeneralizedTime(now)),
            b"" if query.nonce is None else asn1.encode_der(query.nonce),
        )


def _attributes(info: bytes, certificate: bytes) -> list[bytes]:
    """Signed attributes: content type, digest, and which certificate signs (RFC 5035)."""
    identified = der(
        SEQUENCE, der(SEQUENCE, der(SEQUENCE, der(OCTETS, hashlib.sha256(certificate).digest())))
    )
    values = (
        (CONTENT_TYPE, asn1.encode_der(TST_INFO)),
        (MESSAGE_DIGEST, der(OCTETS, hashlib.sha256(info).digest())),
        (SIGNING_CERTIFICATE_V2, identified),
    )
    return [der(SEQUENCE, asn1.encode_der(kind), der(SET, value)) for kind, value in values]


def _certificate(
    key: ec.EllipticCurvePrivateKey, issuer_key: ec.EllipticCurvePrivateKey, name: str, issuer: str
) -> x509.Certificate:
    now = datetime.fromtimestamp(int(time.time()), UTC)
    root = key is issuer_key
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=root, path_length=None), critical=True)
        .add_extension(_usage(certificates=root), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )
    if not root:
        purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        builder = builder.add_extension(purposes, critical=True)
    return builder.sign(issuer_key, hashes.SHA256())


def _usage(*, certificates: bool) -> x509.KeyUsage:
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


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Simulated Trust Services"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def app(authority: Authority) -> FastAPI:
    """The authority's web service."""
    application = FastAPI(openapi_url=None)

    @application.get("/root.pem")
    async def root() -> Response:
        return Response(authority.root_pem, media_type="application/x-pem-file")

    @application.post("/")
    async def stamp(request: Request) -> Response:
        return Response(authority.stamp(await request.body()), media_type=REPLY)

    @application.post("/refuse")
    async def refuse() -> Response:
        return Response(der(SEQUENCE, der(SEQUENCE, asn1.encode_der(2))), media_type=REPLY)

    @application.post("/wrong")
    async def wrong(request: Request) -> Response:
        query = asn1.decode_der(Query, await request.body())
        query.imprint.digest = bytes(len(query.imprint.digest))
        return Response(authority.stamp(asn1.encode_der(query)), media_type=REPLY)

    @application.post("/garbled")
    async def garbled() -> Response:
        return Response(b"not a time stamp", media_type=REPLY)

    @application.post("/fail")
    async def fail() -> Response:
        return Response(status_code=500)

    @application.post("/hang")
    async def hang(request: Request) -> Response:
        for _ in range(HANG * 10):
            if await request.is_disconnected():
                break
            await asyncio.sleep(0.1)
        return Response(status_code=504)

    return application


class SimulatedTsa:
    """Serve an authority for as long as the context lasts."""

    def __init__(self, port: int = 0) -> None:
        self.authority = Authority()
        self._port = port
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.url = self._stack.enter_context(serving.served(app(self.authority), self._port))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def main() -> None:
    """Serve until interrupted; the root certificate to pin is at /root.pem."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=8318)
    uvicorn.run(app(Authority()), host="127.0.0.1", port=parser.parse_args().port)


if __name__ == "__main__":
    main()
