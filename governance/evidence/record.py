"""Records: in-toto statements about one event each, sealed in DSSE envelopes.

https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
"""

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import jsonschema_rs

from governance.evidence import envelope, merkle
from governance.evidence.encoding import parse_canonical, parse_json, serialise
from governance.evidence.errors import EvidenceError
from governance.evidence.keys import Signer

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_PREFIX = "urn:x-governance:provenance:"
VERSION = "v1"
ZERO = "0" * 64  # `prev` of a stream's first record


@dataclass(frozen=True)
class Draft:
    """What a record will say, before it is signed.

    occurred_at: RFC 3339, UTC; prev: hexadecimal leaf hash of the stream's previous record;
    subjects: (name, sha256); sd: digests of disclosures.
    """

    id: str
    event: str
    occurred_at: str
    stream: str
    seq: int
    prev: str
    producer: dict[str, str]
    body: dict[str, Any]
    subjects: tuple[tuple[str, str], ...] = ()
    sd: tuple[str, ...] = ()


@dataclass(frozen=True)
class Record:
    """A sealed record. `line` is the log entry; `leaf` its hash in the tree, hexadecimal."""

    id: str
    event: str
    occurred_at: str
    stream: str
    seq: int
    prev: str
    body: dict[str, Any]
    sd: tuple[str, ...]
    subjects: tuple[tuple[str, str], ...]
    keyid: str
    line: bytes
    leaf: str


def seal(draft: Draft, signer: Signer) -> Record:
    """Check the body against its schema, sign, and freeze the line.

    Raises EvidenceError (`event_unknown`, `record_invalid`, `record_too_large`).
    """
    validate(draft.event, draft.body)
    # A statement needs a subject: where there is no media, the stream itself is named.
    subjects = draft.subjects or ((draft.stream, draft.prev),)
    statement = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": name, "digest": {"sha256": value}} for name, value in subjects],
        "predicateType": f"{PREDICATE_PREFIX}{draft.event}:{VERSION}",
        "predicate": {
            "id": draft.id,
            "event": draft.event,
            "occurredAt": draft.occurred_at,
            "stream": {"id": draft.stream, "seq": draft.seq, "prev": draft.prev},
            "producer": draft.producer,
            "body": draft.body,
            "_sd_alg": "sha-256",
            "_sd": sorted(draft.sd),
        },
    }
    _require(statement_validator(), statement, draft.event)
    line = envelope.seal(serialise(statement), PAYLOAD_TYPE, signer)
    return Record(
        id=draft.id,
        event=draft.event,
        occurred_at=draft.occurred_at,
        stream=draft.stream,
        seq=draft.seq,
        prev=draft.prev,
        body=draft.body,
        sd=tuple(sorted(draft.sd)),
        subjects=subjects,
        keyid=signer.keyid,
        line=line,
        leaf=merkle.leaf_hash(line).hex(),
    )


def read(line: bytes, opened: envelope.Envelope, what: str) -> Record:
    """The record in an envelope whose signature has been verified.

    Raises EvidenceError (`record_invalid`, `event_unknown`).
    """
    statement = parse_canonical(opened.payload, what)
    if opened.payload_type != PAYLOAD_TYPE or not statement_validator().is_valid(statement):
        raise EvidenceError("record_invalid", f"{what} is not a provenance statement.")
    predicate = statement["predicate"]
    event = predicate["event"]
    if statement["predicateType"] != f"{PREDICATE_PREFIX}{event}:{VERSION}":
        raise EvidenceError("record_invalid", f"{what} names two different events.")
    validate(event, predicate["body"])
    stream = predicate["stream"]
    return Record(
        id=predicate["id"],
        event=event,
        occurred_at=predicate["occurredAt"],
        stream=stream["id"],
        seq=stream["seq"],
        prev=stream["prev"],
        body=predicate["body"],
        sd=tuple(predicate["_sd"]),
        subjects=tuple((s["name"], s["digest"]["sha256"]) for s in statement["subject"]),
        keyid=opened.keyid,
        line=line,
        leaf=merkle.leaf_hash(line).hex(),
    )


def load(line: bytes) -> Record:
    """A record from our own store, where the signature was made by ourselves."""
    return read(line, envelope.open_line(line, "A stored record"), "A stored record")


def validate(event: str, body: dict[str, Any]) -> None:
    """Raises EvidenceError (`event_unknown`, `record_invalid`) with the field at fault."""
    _require(body_validator(event), body, event)
    if has_float(body):  # to a JSON Schema 2.0 is an integer
        raise EvidenceError("record_invalid", f"{event}: a floating-point number in the body")


def events() -> tuple[str, ...]:
    """Every event that has a schema, sorted."""
    suffix = f".{VERSION}.json"
    names = (entry.name for entry in _schemas().iterdir() if entry.name.endswith(suffix))
    return tuple(sorted(name.removesuffix(suffix) for name in names if name[0].isalpha()))


@cache
def body_validator(event: str) -> jsonschema_rs.Validator:
    if event not in events():
        raise EvidenceError("event_unknown", f"There is no event “{event}”.")
    return jsonschema_rs.validator_for(schema(event))


@cache
def statement_validator() -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(schema("_statement"))


@cache
def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of an event's body, or of the statement around it (`_statement`).

    References to `_common.v1.json` are bundled under `$defs`.
    """
    document: dict[str, Any] = _load(name)
    document.setdefault("$defs", {}).update(_load("_common")["$defs"])
    return document


def _require(validator: jsonschema_rs.Validator, value: dict[str, Any], event: str) -> None:
    if not validator.is_valid(value):  # several times faster than collecting errors
        error = next(validator.iter_errors(value))
        where = "/".join(str(part) for part in error.instance_path) or "body"
        raise EvidenceError("record_invalid", f"{event}: {where}: {error.message}")


def has_float(value: Any) -> bool:
    """Whether a floating-point number is in a JSON value, however deep."""
    waiting = [value]
    while waiting:  # for every record that is written, so without a call for every value
        item = waiting.pop()
        kind = type(item)
        if kind is dict:
            waiting.extend(item.values())
        elif kind is list:
            waiting.extend(item)
        elif kind is float:
            return True
    return False


def _load(name: str) -> Any:
    source = _schemas() / f"{name}.{VERSION}.json"
    return parse_json(source.read_bytes(), f"The schema {name}")


def _schemas() -> Any:
    return resources.files("governance.evidence") / "schemas"
