"""Salted digests of personal data (RFC 9901, SD-JWT, section 4.2).

A record carries only `_sd` digests. The disclosures (salt, name, value) are kept apart and can be
erased; the record stays valid, and without the 128-bit salt nothing can be guessed from it.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from governance.evidence.encoding import decode64url, encode64url, parse_json
from governance.evidence.errors import EvidenceError

SALT_BYTES = 16


@dataclass(frozen=True)
class Disclosure:
    """One opened value. `text` is the RFC 9901 disclosure, `digest` what the record carries."""

    name: str
    value: Any
    text: str
    digest: str


def disclose(name: str, value: Any, salt: bytes) -> Disclosure:
    """Make the disclosure of one named value with a fresh 16-byte salt."""
    content = json.dumps([encode64url(salt), name, value], ensure_ascii=False)
    text = encode64url(content.encode())
    return Disclosure(name, value, text, digest(text))


def digest(text: str) -> str:
    return encode64url(hashlib.sha256(text.encode("ascii")).digest())


def parse(text: str) -> Disclosure:
    """Open a disclosure. Raises EvidenceError (`disclosure_invalid`)."""
    content = parse_json(decode64url(text, "A disclosure"), "A disclosure")
    if not isinstance(content, list) or len(content) != 3 or not isinstance(content[1], str):
        raise EvidenceError("disclosure_invalid", "A disclosure is not [salt, name, value].")
    return Disclosure(content[1], content[2], text, digest(text))
