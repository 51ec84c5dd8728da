"""The evidence bundle: everything an auditor needs, as one zip with fixed order and dates.

Layout (all text is UTF-8 with line feeds):

    README.md                how to verify with other people's tools
    scope.json               what the bundle covers
    checkpoint               signed note of the log (https://c2sp.org/tlog-checkpoint)
    leaves                   every leaf hash of the log, hexadecimal, line i = index i
    records.intoto.jsonl     the envelopes in scope, in log order
    disclosures.jsonl        opened personal data within the mandate (may be empty)
    policy/<sha256>.json     the policy documents that the decisions name
    identities/<sha256>.dsse.json  the identity documents of agents that the records cite
    identities/<sha256>.jws  the hops of the delegations that the records cite
    trust/keys.dsse.jsonl    the key manifest, signed by the root key
    trust/*.pem, log.vkey    copies of public keys for other tools; compared, never trusted
    openssl/*                one record's and the checkpoint's signed bytes and signatures
"""

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from governance.evidence import checkpoint, delegations, envelope, identities, keys, manifest
from governance.evidence.encoding import serialise
from governance.evidence.errors import EvidenceError

MAX_FILES = 65_535  # as many as a zip without extensions holds
MAX_BYTES = 4 * 1024**3
DATE = (1980, 1, 1, 0, 0, 0)
# What zipfile raises for bytes that are no zip, or one that is encrypted or packed otherwise.
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError)

README = """\
# Evidence bundle

Log “{origin}”, {size} records, root hash {root}.
Scope: {scope}.

## Verify everything

    governance verify {{this file}} --root {{root fingerprint you were given}}

It needs no server, no database and no network.

## Verify a record's signature with OpenSSL

    openssl pkeyutl -verify -rawin -pubin -inkey trust/record.pem \\
        -in openssl/record.pae -sigfile openssl/record.sig

`record.pae` is the DSSE pre-authentication encoding of line {line} of `records.intoto.jsonl`:
`DSSEv1 <length of type> <type> <length of payload> <payload>`, payload decoded from base64.

## Verify the log's checkpoint with OpenSSL

    openssl pkeyutl -verify -rawin -pubin -inkey trust/log.pem \\
        -in openssl/checkpoint.txt -sigfile openssl/checkpoint.sig

`checkpoint.txt` is the text of `checkpoint` up to the empty line.

## Recompute the root

Leaf i is SHA-256(0x00 ‖ envelope line without its line feed); the tree is that of RFC 6962.

## Who the agents are

`identities/` holds the identity document of every agent that the records cite, named by the
SHA-256 of its payload: what it is, who answers for it, how far it may go, which keys it has. Each
is a DSSE envelope, signed by every key of the agent's own and, last, by the key that signs records.
Files that end in `.jws` are the hops of the delegations that requests cite, named by their SHA-256:
JWS in compact form (RFC 7515, Ed25519 by RFC 9864), the first of each signed by the key that signs
records, each other by the key that the hop before it names.

## What the agents signed

Where `disclosures.jsonl` opens a value `request_signature`, `base` is the text that the agent
signed when it sent the request (RFC 9421), and `signature` its Ed25519 signature in hexadecimal, by
the key whose thumbprint the record names (`keyid`): one of its identity document, or that of the
last hop.

## Compare the keys

The keys in `trust/*.pem` are copies for convenience: `trust/keys.dsse.jsonl` names the keys, and
the root fingerprint you were given by another way is what you should compare it with:
`ssh-keygen -lf` prints the same fingerprints for keys in OpenSSH form.
"""


@dataclass(frozen=True)
class Contents:
    """What goes into a bundle.

    records: (log index, envelope line) in order of index; leaves: all leaf hashes, hexadecimal;
    disclosures: (record id, RFC 9901 disclosure); policies: canonical documents by sha256;
    identities: envelopes of agents' identity documents by the documents' sha256; mandates: hops of
    delegations by their sha256.
    """

    scope: Mapping[str, Any]
    note: bytes
    chain: bytes
    leaves: list[str]
    records: list[tuple[int, bytes]]
    disclosures: list[tuple[str, str]] = field(default_factory=list)
    policies: Mapping[str, bytes] = field(default_factory=dict)
    identities: Mapping[str, bytes] = field(default_factory=dict)
    mandates: Mapping[str, bytes] = field(default_factory=dict)


def build(contents: Contents, trusted: manifest.Manifest) -> bytes:
    """The zip file's bytes; equal contents give equal bytes."""
    head = checkpoint.parse(contents.note)
    scope = {**contents.scope, "indexes": _ranges([index for index, _ in contents.records])}
    files: dict[str, bytes] = {
        "scope.json": serialise(scope),
        "checkpoint": contents.note,
        "leaves": _lines(leaf.encode() for leaf in contents.leaves),
        "records.intoto.jsonl": _lines(line for _, line in contents.records),
        "disclosures.jsonl": _lines(
            serialise({"record": record_id, "disclosure": text})
            for record_id, text in contents.disclosures
        ),
        "trust/keys.dsse.jsonl": contents.chain,
    }
    files |= {f"policy/{name}.json": data for name, data in contents.policies.items()}
    files |= {identities.name(digest): line for digest, line in contents.identities.items()}
    files |= {delegations.name(digest): hop for digest, hop in contents.mandates.items()}
    files |= foreign(contents.note, contents.records[:1], trusted)
    files["README.md"] = README.format(
        origin=head.origin,
        size=head.size,
        root=head.root.hex(),
        scope=describe(contents.scope),
        line=1,
    ).encode()
    return pack(files)


def describe(scope: Mapping[str, Any]) -> str:
    """The scope in words."""
    if scope["complete"]:
        return "the whole log"
    project = f", project {scope['project']}" if scope["project"] else ""
    return f"organisation {scope['organisation']}{project}; of all other records the hashes only"


def pack(files: Mapping[str, bytes]) -> bytes:
    """A zip with fixed dates and order."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name])
    return target.getvalue()


def unpack(data: bytes) -> dict[str, bytes]:
    """The files of a bundle by name. Raises EvidenceError (`bundle_invalid`)."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            names = [entry.filename for entry in entries]
            if len(set(names)) != len(names):
                raise EvidenceError("bundle_invalid", "The bundle holds a file twice.")
            if len(entries) > MAX_FILES or sum(entry.file_size for entry in entries) > MAX_BYTES:
                raise EvidenceError("bundle_invalid", "The bundle is larger than a bundle may be.")
            return {name: archive.read(name) for name in names}
    except _DAMAGED as error:
        raise EvidenceError(
            "bundle_invalid", f"The bundle is damaged or cut off ({error}); fetch it again."
        ) from None


def foreign(
    note: bytes, first: Sequence[tuple[int, bytes]], trusted: manifest.Manifest
) -> dict[str, bytes]:
    """Inputs and keys in the forms that OpenSSL and note verifiers take.

    first: (log index, envelope line) of the first record, if there is one. All of it follows from
    the evidence itself.
    """
    head = checkpoint.parse(note)
    log_key = trusted.log_key(head.size)
    files = {
        "trust/log.pem": keys.public_pem(log_key).encode(),
        "trust/log.vkey": (checkpoint.verifier_key(head.origin, log_key) + "\n").encode(),
        "openssl/checkpoint.txt": head.text.encode(),
        "openssl/checkpoint.sig": checkpoint.signature_of(note, head.origin),
    }
    for index, line in first:
        opened = envelope.open_line(line, "The first record")
        public = trusted.key("record", opened.keyid, index, "The first record")
        files["trust/record.pem"] = keys.public_pem(public).encode()
        files["openssl/record.pae"] = envelope.pae(opened.payload_type, opened.payload)
        files["openssl/record.sig"] = opened.signature
    return files


def _lines(lines: Any) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def _ranges(indexes: list[int]) -> list[list[int]]:
    """`[[first, last], …]`: consecutive indexes joined."""
    ranges: list[list[int]] = []
    for index in indexes:
        if ranges and ranges[-1][1] == index - 1:
            ranges[-1][1] = index
        else:
            ranges.append([index, index])
    return ranges
