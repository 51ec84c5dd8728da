"""Signatures under C2PA claims: which algorithms a key can have, and how each signs.

C2PA technical specification 2.x, section 13.2: Ed25519, ECDSA and RSASSA-PSS as COSE writes them.
"""

import c2pa
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

SigningKey = Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

MIN_RSA_BITS = 2048
CURVES: dict[str, tuple[c2pa.C2paSigningAlg, hashes.HashAlgorithm]] = {
    "secp256r1": (c2pa.C2paSigningAlg.ES256, hashes.SHA256()),
    "secp384r1": (c2pa.C2paSigningAlg.ES384, hashes.SHA384()),
}


def algorithm(key: SigningKey) -> c2pa.C2paSigningAlg:
    """Ed25519, ES256, ES384 or PS256. Raises ValueError for curves that C2PA doesn't allow."""
    if isinstance(key, Ed25519PrivateKey):
        return c2pa.C2paSigningAlg.ED25519
    if isinstance(key, ec.EllipticCurvePrivateKey):
        if key.curve.name not in CURVES:
            raise ValueError(f"the curve {key.curve.name} is not allowed")
        return CURVES[key.curve.name][0]
    if key.key_size < MIN_RSA_BITS:
        raise ValueError(f"an RSA key needs {MIN_RSA_BITS} bits or more")
    return c2pa.C2paSigningAlg.PS256


def sign(key: SigningKey, data: bytes) -> bytes:
    """The raw signature: ECDSA as r and s side by side (RFC 9053 section 2.1), not as DER."""
    if isinstance(key, Ed25519PrivateKey):
        return key.sign(data)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        r, s = decode_dss_signature(key.sign(data, ec.ECDSA(CURVES[key.curve.name][1])))
        size = (key.key_size + 7) // 8
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size)
    return key.sign(data, pss, hashes.SHA256())
