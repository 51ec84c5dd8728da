"""DSSE envelopes: the specification's own example, and no second spelling of any line."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.evidence import envelope
from governance.evidence.encoding import encode64
from governance.evidence.errors import EvidenceError
from tests.evidence.samples import RECORD, STRANGER

KIND = "http://example.com/HelloWorld"
LINE = envelope.seal(b"hello world", KIND, RECORD)
SIGNATURE = json.loads(LINE)["signatures"][0]


def refused(line: bytes) -> str:
    with pytest.raises(EvidenceError) as caught:
        envelope.open_line(line, "record 1")
    assert "ecord 1" in caught.value.message
    return caught.value.code


def respelt(**changes: Any) -> bytes:
    return json.dumps({**json.loads(LINE), **changes}, separators=(",", ":")).encode()


def test_the_signed_bytes_are_those_of_the_specification() -> None:
    """https://github.com/secure-systems-lab/dsse/blob/master/protocol.md, test vectors."""
    expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert envelope.pae(KIND, b"hello world") == expected


def test_lengths_are_counted_in_bytes_not_in_characters() -> None:
    assert envelope.pae("é", "ü".encode()) == b"DSSEv1 2 \xc3\xa9 2 \xc3\xbc"


def test_the_line_has_the_specifications_fields_and_one_signature() -> None:
    assert json.loads(LINE) == {
        "payload": "aGVsbG8gd29ybGQ=",
        "payloadType": KIND,
        "signatures": [{"keyid": RECORD.keyid, "sig": SIGNATURE["sig"]}],
    }
    assert b"\n" not in LINE


@given(st.binary(max_size=500), st.text(max_size=50))
def test_what_was_sealed_can_be_opened_and_verified(payload: bytes, kind: str) -> None:
    opened = envelope.open_line(envelope.seal(payload, kind, RECORD), "it")
    assert (opened.payload, opened.payload_type, opened.keyid) == (payload, kind, RECORD.keyid)
    opened.verify(RECORD.public, "it")
    with pytest.raises(EvidenceError) as caught:
        opened.verify(STRANGER.public, "it")
    assert caught.value.code == "signature_invalid"


def test_the_signature_covers_the_type() -> None:
    opened = envelope.open_line(respelt(payloadType="text/plain"), "it")
    with pytest.raises(EvidenceError, match="signature of it is wrong"):
        opened.verify(RECORD.public, "it")


@pytest.mark.parametrize(
    "line",
    [
        json.dumps(json.loads(LINE)).encode(),
        LINE + b"\n",
        LINE + b" ",
        LINE.replace(b'{"payload":', b'{"payload":"","payload":'),
        json.dumps(
            {key: json.loads(LINE)[key] for key in ("payloadType", "payload", "signatures")},
            separators=(",", ":"),
        ).encode(),
        LINE.replace(b"HelloWorld", b"Hello\\u0057orld"),
    ],
)
def test_the_same_envelope_in_another_spelling_is_refused(line: bytes) -> None:
    assert refused(line) == "json_invalid"


@pytest.mark.parametrize("payload", ["aGVsbG8gd29ybGQ", "aGVsbG8gd29ybGR=", "aGVsbG8gd29ybGQ=\n"])
def test_a_payload_in_non_canonical_base64_is_refused(payload: str) -> None:
    assert refused(respelt(payload=payload)) == "base64_invalid"


@pytest.mark.parametrize(
    "changes",
    [
        {"signatures": [SIGNATURE, SIGNATURE]},
        {"signatures": []},
        {"signatures": None},
        {"signatures": ["sig"]},
        {"signatures": [{"sig": SIGNATURE["sig"]}]},
        {"signatures": [{**SIGNATURE, "keyid": 1}]},
        {"signatures": [{**SIGNATURE, "zzz": 1}]},
        {"payload": None},
        {"payload": 5},
        {"payloadType": 5},
        {"zzz": 1},
    ],
)
def test_an_envelope_of_another_shape_is_refused(changes: dict[str, Any]) -> None:
    assert refused(respelt(**changes)) == "envelope_invalid"


@pytest.mark.parametrize("line", [b"", b"{}", b"[]", b"null", b'"envelope"', b"\xff", b"[1]"])
def test_what_is_no_envelope_is_refused(line: bytes) -> None:
    assert refused(line) in {"json_invalid", "envelope_invalid"}


@given(st.binary())
def test_no_bytes_at_all_make_the_parser_fail_otherwise(line: bytes) -> None:
    with pytest.raises(EvidenceError):
        envelope.open_line(line, "it")


def test_a_line_stays_below_what_a_log_entry_may_have() -> None:
    fits = len(envelope.seal(b"", KIND, RECORD))
    room = (envelope.MAX_LINE - fits) // 4 * 3
    assert len(envelope.seal(bytes(room), KIND, RECORD)) <= envelope.MAX_LINE
    with pytest.raises(EvidenceError) as caught:
        envelope.seal(bytes(room + 3), KIND, RECORD)
    assert caught.value.code == "record_too_large"


def test_a_truncated_signature_is_wrong_not_an_accident() -> None:
    short = {**SIGNATURE, "sig": encode64(b"short")}
    opened = envelope.open_line(respelt(signatures=[short]), "it")
    with pytest.raises(EvidenceError) as caught:
        opened.verify(RECORD.public, "it")
    assert caught.value.code == "signature_invalid"
