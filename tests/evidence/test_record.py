"""Records: what is sealed can be read back, and nothing else is read."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.evidence import envelope, merkle, record
from governance.evidence.encoding import serialise
from governance.evidence.errors import EvidenceError
from tests.evidence.samples import DELIVERED, GENERATION, OTHERWISE, RECORD, TIME, released, told
from tests.evidence.samples import record as sealed

EVENT, BODY = "generation.ended", OTHERWISE["generation.ended"]
DRAFT = record.Draft(
    id="rec_" + "0" * 32,
    event=EVENT,
    occurred_at=TIME,
    stream=GENERATION,
    seq=0,
    prev=record.ZERO,
    producer={"version": "test", "build": "test"},
    body=BODY,
)


def reread(line: bytes) -> record.Record:
    opened = envelope.open_line(line, "it")
    opened.verify(RECORD.public, "it")
    return record.read(line, opened, "it")


def signed(statement: Any, kind: str = record.PAYLOAD_TYPE) -> bytes:
    return envelope.seal(serialise(statement), kind, RECORD)


def statement() -> dict[str, Any]:
    payload: dict[str, Any] = json.loads(envelope.open_line(seal().line, "it").payload)
    return payload


def seal(**changes: Any) -> record.Record:
    return record.seal(record.Draft(**{**vars(DRAFT), **changes}), RECORD)


def test_what_was_sealed_is_read_back() -> None:
    digests = tuple(letter * 43 for letter in "BA")
    made = seal(subjects=(("delivered", DELIVERED),), sd=digests)
    assert reread(made.line) == made == record.load(made.line)
    assert made.sd == tuple(sorted(digests))
    assert made.leaf == merkle.leaf_hash(made.line).hex()


def test_a_record_is_an_in_toto_statement_about_its_subjects() -> None:
    made = seal(subjects=(("delivered", DELIVERED),))
    said = json.loads(envelope.open_line(made.line, "it").payload)
    assert said["_type"] == "https://in-toto.io/Statement/v1"
    assert said["subject"] == [{"name": "delivered", "digest": {"sha256": DELIVERED}}]
    assert said["predicate"]["body"] == BODY


@pytest.mark.parametrize("place", range(len(released())))
def test_every_record_of_a_generation_is_read_back(place: int) -> None:
    made = told(released())[place]
    assert reread(made.line) == made


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "rec_1"},
        {"occurred_at": "2026-11-22"},
        {"stream": ""},
        {"stream": "x" * 101},
        {"seq": -1},
        {"prev": "none"},
        {"producer": {"version": "1"}},
        {"sd": ("short",)},
        {"subjects": (("delivered", "not a digest"),)},
        {"subjects": tuple((f"frame {n}", DELIVERED) for n in range(33))},
        {"body": {}},
    ],
)
def test_what_could_not_be_read_back_is_never_signed(changes: dict[str, Any]) -> None:
    with pytest.raises(EvidenceError) as caught:
        seal(**changes)
    assert caught.value.code == "record_invalid"


def test_the_longest_name_of_an_organisation_still_has_a_service_stream() -> None:
    assert reread(seal(stream="service." + "o" * 64).line).seq == 0


def test_a_record_has_at_most_48_kib() -> None:
    reasons = ["x" * 300] * 32
    body = {**OTHERWISE["asset.withheld"], "reasons": reasons}
    assert len(seal(event="asset.withheld", body=body).line) < envelope.MAX_LINE
    marks = [
        {"kind": "c2pa", "state": "present", "tool": "t", "version": "1", "detail": "",
         "facts": {f"fact {n}": "x" * 400 for n in range(24)}}
    ] * 16  # fmt: skip
    with pytest.raises(EvidenceError) as caught:
        sealed("marks.verified", {"media": DELIVERED, "marks": marks, "unmet": []})
    assert caught.value.code == "record_too_large"


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.update(_type="https://in-toto.io/Statement/v0.1"),
        lambda s: s.update(extra=1),
        lambda s: s.pop("subject"),
        lambda s: s["predicate"].update(extra=1),
        lambda s: s["predicate"].update(event="asset.deleted"),
        lambda s: s.update(predicateType="urn:x-governance:provenance:asset.deleted:v1"),
        lambda s: s.update(predicateType="urn:x-governance:provenance:generation.ended:v2"),
        lambda s: s["predicate"]["body"].update(extra=1),
        lambda s: s["predicate"]["stream"].update(seq=2**53),
        lambda s: s["predicate"].update(_sd_alg="md5"),
    ],
)
def test_another_statement_is_refused_though_it_is_signed(change: Any) -> None:
    said = statement()
    change(said)
    with pytest.raises(EvidenceError) as caught:
        reread(signed(said))
    assert caught.value.code == "record_invalid"


def test_an_event_without_a_schema_is_refused_though_it_is_signed() -> None:
    said = statement()
    said["predicate"]["event"] = "generation.dreamt"
    said["predicateType"] = "urn:x-governance:provenance:generation.dreamt:v1"
    with pytest.raises(EvidenceError) as caught:
        reread(signed(said))
    assert caught.value.code == "event_unknown"


def test_a_statement_under_another_type_is_refused() -> None:
    with pytest.raises(EvidenceError, match="not a provenance statement"):
        reread(signed(statement(), "application/json"))


def test_a_payload_in_another_spelling_is_refused_though_it_is_signed() -> None:
    spaced = json.dumps(statement()).encode()
    with pytest.raises(EvidenceError) as caught:
        reread(envelope.seal(spaced, record.PAYLOAD_TYPE, RECORD))
    assert caught.value.code == "json_invalid"


@given(st.recursive(st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))  # fmt: skip
def test_no_signed_json_at_all_makes_the_reader_fail_otherwise(said: Any) -> None:
    with pytest.raises(EvidenceError):
        reread(signed(said))
