"""DSSE envelopes, one line of JSON each.

https://github.com/secure-systems-lab/dsse/blob/master/envelope.md and protocol.md. The line's
bytes are frozen: they are what is stored, hashed into the log and exported.
"""

from dataclasses import dataclass

from governance.evidence import keys
from governance.evidence.encoding import decode64, encode64, parse_canonical, serialise
from governance.evidence.errors import EvidenceError

# tlog-tiles limits an entry to 65,535 bytes; base64 takes a third more than the payload.
MAX_LINE = 48 * 1024


@dataclass(frozen=True)
class Envelope:
    """An opened line. `payload` may be believed only after `verify` has been called."""

    payload: bytes
    payload_type: str
    keyid: str
    signature: bytes

    def verify(self, public: bytes, what: str) -> None:
        """Raises EvidenceError (`signature_invalid`) unless `public` signed this payload."""
        if not keys.verify(public, self.signature, pae(self.payload_type, self.payload)):
            raise EvidenceError(
                "signature_invalid", f"The signature of {what} is wrong: its bytes were changed."
            )


def pae(payload_type: str, payload: bytes) -> bytes:
    """Pre-authentication encoding: the bytes that are signed."""
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def seal(payload: bytes, payload_type: str, signer: keys.Signer) -> bytes:
    """Sign `payload`; the envelope as one line without a line feed.

    Raises EvidenceError (`record_too_large`) above 48 KiB.
    """
    line = _render(payload, payload_type, signer.keyid, signer.sign(pae(payload_type, payload)))
    if len(line) > MAX_LINE:
        raise EvidenceError(
            "record_too_large", f"A record of {len(line)} bytes exceeds the limit of {MAX_LINE}."
        )
    return line


def open_line(line: bytes, what: str) -> Envelope:
    """Parse a line strictly; the signature is not checked here.

    Raises EvidenceError when the line is not byte for byte the canonical form.
    """
    value = parse_canonical(line, what)
    try:
        (signature,) = value["signatures"]
        envelope = Envelope(
            decode64(value["payload"], f"The payload of {what}"),
            str(value["payloadType"]),
            str(signature["keyid"]),
            decode64(signature["sig"], f"The signature of {what}"),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise EvidenceError(
            "envelope_invalid", f"{what} is not a DSSE envelope with one signature."
        ) from None
    if line != _render(envelope.payload, envelope.payload_type, envelope.keyid, envelope.signature):
        raise EvidenceError("envelope_invalid", f"{what} is not in canonical form.")
    return envelope


def _render(payload: bytes, payload_type: str, keyid: str, signature: bytes) -> bytes:
    return serialise(
        {
            "payload": encode64(payload),
            "payloadType": payload_type,
            "signatures": [{"keyid": keyid, "sig": encode64(signature)}],
        }
    )
