"""Checkpoints as signed notes.

https://c2sp.org/tlog-checkpoint and https://c2sp.org/signed-note (Ed25519, type 0x01).
"""

import hashlib
import re
from dataclasses import dataclass

from governance.evidence import keys
from governance.evidence.encoding import decode64, encode64
from governance.evidence.errors import EvidenceError

_SIGNATURE = re.compile(r"— (?P<name>\S+) (?P<value>[A-Za-z0-9+/=]+)")
_ED25519 = b"\x01"


@dataclass(frozen=True)
class Checkpoint:
    """A tree head: log name, number of records, 32-byte root hash."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The note's text: the bytes that are signed."""
        return f"{self.origin}\n{self.size}\n{encode64(self.root)}\n"


def sign(checkpoint: Checkpoint, signer: keys.Signer) -> bytes:
    """The signed note, UTF-8."""
    signature = _key_hash(checkpoint.origin, signer.public) + signer.sign(checkpoint.text.encode())
    return f"{checkpoint.text}\n— {checkpoint.origin} {encode64(signature)}\n".encode()


def parse(note: bytes) -> Checkpoint:
    """Read a note's text; signatures are not checked. Raises EvidenceError."""
    text, _ = _split(note)
    lines = text.split("\n")
    if len(lines) != 4 or lines[3] or not lines[0]:
        raise EvidenceError("checkpoint_invalid", "The checkpoint has not the three lines it must.")
    if not re.fullmatch(r"0|[1-9][0-9]{0,17}", lines[1]):
        raise EvidenceError("checkpoint_invalid", "The checkpoint's size is not a number.")
    root = decode64(lines[2], "The checkpoint's root hash")
    if len(root) != hashlib.sha256().digest_size:
        raise EvidenceError("checkpoint_invalid", "The checkpoint's root hash is not 32 bytes.")
    return Checkpoint(lines[0], int(lines[1]), root)


def verify(note: bytes, origin: str, public: bytes) -> Checkpoint:
    """The checkpoint, if the log's key signed it.

    Signatures of unknown keys (witnesses) are ignored, as the specification asks.
    Raises EvidenceError (`checkpoint_invalid`, `checkpoint_signature_invalid`).
    """
    checkpoint = parse(note)
    text, signatures = _split(note)
    if checkpoint.origin != origin:
        raise EvidenceError(
            "checkpoint_invalid", f"The checkpoint is of the log “{checkpoint.origin}”."
        )
    expected = _key_hash(origin, public)
    ours = [value for name, value in signatures if name == origin and value[:4] == expected]
    if not ours:
        raise EvidenceError(
            "checkpoint_signature_invalid", "The checkpoint bears no signature of the log's key."
        )
    if not all(keys.verify(public, value[4:], text.encode()) for value in ours):
        raise EvidenceError(
            "checkpoint_signature_invalid",
            "The signature of the checkpoint is wrong: its bytes were changed.",
        )
    return checkpoint


def verifier_key(origin: str, public: bytes) -> str:
    """The `vkey` line that other note verifiers take."""
    key_hash = _key_hash(origin, public).hex()
    return f"{origin}+{key_hash}+{encode64(_ED25519 + public)}"


def signature_of(note: bytes, origin: str) -> bytes:
    """The raw 64-byte signature of the log in a note, for foreign tools."""
    _, signatures = _split(note)
    return next(value[4:] for name, value in signatures if name == origin)


def _key_hash(origin: str, public: bytes) -> bytes:
    return hashlib.sha256(origin.encode() + b"\n" + _ED25519 + public).digest()[:4]


def _split(note: bytes) -> tuple[str, list[tuple[str, bytes]]]:
    fault = EvidenceError("checkpoint_invalid", "The checkpoint is not a signed note.")
    try:
        head, separator, tail = note.decode("utf-8").partition("\n\n")
    except UnicodeDecodeError:
        raise fault from None
    if not separator or not tail.endswith("\n"):
        raise fault
    signatures = []
    for line in tail[:-1].split("\n"):
        match = _SIGNATURE.fullmatch(line)
        if not match:
            raise fault
        signatures.append((match["name"], decode64(match["value"], "A checkpoint's signature")))
    return head + "\n", signatures
