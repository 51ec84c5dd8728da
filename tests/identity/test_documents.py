"""Identity documents: one spelling, every key signed, nothing wider than what it comes from."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.client import agent_document as writing
from governance.client.signer import RequestSigner
from governance.evidence import agent_document, grant, manifest, record
from governance.evidence.encoding import decode64, encode64, encode64url, serialise
from governance.evidence.errors import EvidenceError
from governance.evidence.keys import SeedSigner
from governance.evidence.signature_base import thumbprint
from tests.documents import ANYTHING

Body = dict[str, Any]
ADA = "usr_" + "a" * 32
REGISTRAR = SeedSigner.from_seed(bytes([7]) * 32)
FIRST, SECOND, STRANGER = (RequestSigner(bytes([n]) * 32) for n in (1, 2, 3))
WEAK_KEYS = [
    bytes(32),
    bytes([1]) + bytes(31),  # the neutral element
    bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),  # order 2
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),  # order 8
    b"\xff" * 32,  # not on the curve
]


def draft(*signers: RequestSigner, **changes: Any) -> Body:
    given = {
        "service": "https://governance.example",
        "organisation": "acme",
        "accountable": ADA,
        "name": "Storyboard bot",
        "ceiling": ANYTHING,
    }
    return writing.draft(signers or (FIRST,), **{**given, **changes})


def signatures(document: Body, *signers: RequestSigner) -> dict[str, bytes]:
    signed = writing.signed(document, signers)["signatures"]
    return {named["keyid"]: decode64(named["sig"], "A signature") for named in signed}


def sealed(document: Body, *signers: RequestSigner) -> bytes:
    read = agent_document.read(serialise(document))
    return agent_document.seal(read, signatures(document, *(signers or (FIRST,))), REGISTRAR)


def verify(line: bytes) -> None:
    """As the auditor does, whose manifest grants one key to the registrar."""
    opened = agent_document.open_line(line, "It")
    grants = manifest.Manifest(1, "", "log", (manifest.Grant("record", REGISTRAR.public),), "")
    opened.verify_registrar(grants.key("record", opened.registrar, 0, "It"), "it")


def refused(run: Callable[[], object]) -> str:
    with pytest.raises(EvidenceError) as caught:
        run()
    assert len(caught.value.message.split()) > 3
    return caught.value.code


def changed(document: Body, path: str, value: Any) -> Body:
    """The document with another value at `a.b.0.c`; None takes it away."""
    copy: Body = json.loads(json.dumps(document))
    *way, last = path.split(".")
    place: Any = copy
    for step in way:
        place = place[int(step) if step.isdigit() else step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return copy


DOCUMENT = draft()
LINE = sealed(DOCUMENT)


class TestTheWhole:
    def test_what_was_sealed_is_opened_and_holds(self) -> None:
        verify(LINE)
        opened = agent_document.open_line(LINE, "It")
        assert opened.document.body == DOCUMENT
        assert opened.document.accountable == ADA
        assert [key.keyid for key in opened.document.keys] == [FIRST.keyid]
        assert opened.document.ceiling == grant.parse(DOCUMENT["grant_ceiling"])

    def test_its_digest_is_that_of_the_bytes_that_others_compute(self) -> None:
        """RFC 8785 for what a document may hold: sorted keys, no spaces, UTF-8."""
        odd = draft(name='Ü "\\/ \u2028 \U0001f600', purpose=purpose("é € ~"))
        written = json.dumps(odd, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert agent_document.read(written.encode()).payload == serialise(odd)

    def test_the_registrar_must_be_the_one_that_is_asked(self) -> None:
        opened = agent_document.open_line(LINE, "It")
        other = SeedSigner.from_seed(bytes([8]) * 32).public
        assert refused(lambda: opened.verify_registrar(other, "it")) == "signature_invalid"

    def test_its_schema_is_closed_and_bounded_like_those_of_records(self) -> None:
        schema = record.schema("_agent_identity")
        assert schema["$id"] == "_agent_identity.v1.json"
        waiting: list[Any] = [schema["properties"]]
        while waiting:
            node = waiting.pop()
            if isinstance(node, dict):
                assert node.get("type") != "object" or node["additionalProperties"] is False
                assert node.get("type") != "number"
                waiting.extend(node.values())

    def test_an_id_follows_from_organisation_and_uri(self) -> None:
        one = agent_document.principal_id("acme", "urn:a")
        assert one == agent_document.principal_id("acme", "urn:a")
        assert one.startswith("agt_") and len(one) == 36
        assert one not in (
            agent_document.principal_id("acme", "urn:b"),
            agent_document.principal_id("beta", "urn:a"),
        )

    @settings(max_examples=200)
    @given(st.data())
    def test_any_changed_bit_is_noticed(self, data: st.DataObject) -> None:
        position = data.draw(st.integers(0, len(LINE) - 1))
        bit = 1 << data.draw(st.integers(0, 7))
        broken = LINE[:position] + bytes([LINE[position] ^ bit]) + LINE[position + 1 :]
        with pytest.raises(EvidenceError):
            verify(broken)

    @settings(max_examples=60)
    @given(st.data())
    def test_what_is_drafted_comes_back_the_same(self, data: st.DataObject) -> None:
        text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60)
        document = draft(
            *data.draw(st.sampled_from([(FIRST,), (FIRST, SECOND)])),
            name=data.draw(text),
            purpose=purpose(data.draw(text)),
            days=data.draw(st.integers(1, 90)),
            autonomy={
                "oversight": "in_the_loop",
                "level": data.draw(st.integers(0, 5)),
                "approval_threshold": None,
            },
        )
        read = agent_document.read(serialise(document))
        assert read.body == document
        assert agent_document.read(read.payload) == read


class TestForm:
    @pytest.mark.parametrize(
        ("path", "value"),
        [
            ("owners", []),
            ("owners", ["svc_" + "a" * 32]),
            ("owners", None),
            ("id", "storyboard"),
            ("id", "http://plain.example"),
            ("kind", "person"),
            ("display_name", ""),
            ("display_name", "two\nlines"),
            ("operator.country", "Germany"),
            ("operator.mail", "a@example.org"),
            ("purpose.summary", None),
            ("purpose.ai_act", {"role": "importer", "transparency_duties": []}),
            ("software.artefact", "1.0"),
            ("autonomy.oversight", "none"),
            ("autonomy.level", 6),
            ("autonomy.level", 2.0),
            ("keys", []),
            ("keys.0.storage", "paper"),
            ("keys.0.jwk.kty", "RSA"),
            ("keys.0.jwk.d", "secret"),
            ("keys.0.not_before", "2026-11-22"),
            ("lineage.max_depth", 4),
            ("lineage.parent", ADA),
            ("lifecycle.supersedes", ""),
            ("lifecycle.review_by", "soon"),
            ("status_url", "ftp://x"),
            ("status", "active"),
            ("grant_ceiling.models", None),
        ],
    )
    def test_what_has_another_form_is_refused(self, path: str, value: Any) -> None:
        document = changed(DOCUMENT, path, value)
        assert refused(lambda: agent_document.read(serialise(document))) == "document_invalid"

    @pytest.mark.parametrize(
        ("dimension", "value"),
        [
            ("models", ["*", "google/veo-3"]),
            ("projects", ["launch", "launch"]),
            ("until", "2026-02-30T00:00:00.000000Z"),
        ],
    )
    def test_a_ceiling_that_says_two_things_is_refused(self, dimension: str, value: Any) -> None:
        document = changed(DOCUMENT, f"grant_ceiling.{dimension}", value)
        refused(lambda: agent_document.read(serialise(document)))

    def test_any_other_spelling_is_refused(self) -> None:
        payload = serialise(DOCUMENT)
        pretty = json.dumps(DOCUMENT, indent=1).encode()
        twice = payload.replace(b'{"autonomy"', b'{"kind":"agent","autonomy"')
        for other in (pretty, payload + b"\n", payload.replace(b"agent", rb"\u0061gent"), twice):
            assert other != payload
            assert refused(lambda p=other: agent_document.read(p)) == "json_invalid"  # type: ignore[misc]

    def test_an_envelope_with_more_in_it_is_refused(self) -> None:
        value = json.loads(LINE)
        more = serialise({**value, "note": ""})
        other_type = serialise({**value, "payloadType": "application/json"})
        unsigned = serialise({**value, "signatures": []})
        swapped = sealed(draft(FIRST, SECOND), FIRST, SECOND)
        turned = json.loads(swapped)
        turned["signatures"][:2] = turned["signatures"][1::-1]
        for line in (more, other_type, unsigned, serialise(turned)):
            assert refused(lambda x=line: agent_document.open_line(x, "It")) == "envelope_invalid"  # type: ignore[misc]


class TestRules:
    def test_it_lives_ninety_days_at_most(self) -> None:
        assert agent_document.read(serialise(draft(days=90)))
        for days in (91, 0, -1):
            document = draft(days=days)
            assert refused(lambda d=document: agent_document.read(serialise(d))) == (  # type: ignore[misc]
                "document_lifetime"
            )

    def test_no_key_outlives_it_or_ends_before_it_begins(self) -> None:
        late = "2999-01-01T00:00:00.000000Z"
        for path, value in (
            ("not_after", late),
            ("not_before", late),
            ("not_after", "2020" + late[4:]),
        ):
            document = changed(DOCUMENT, f"keys.0.{path}", value)
            assert refused(lambda d=document: agent_document.read(serialise(d))) == (  # type: ignore[misc]
                "document_key_validity"
            )

    def test_a_key_is_named_by_its_thumbprint(self) -> None:
        document = changed(DOCUMENT, "keys.0.keyid", SECOND.keyid)
        assert refused(lambda: agent_document.read(serialise(document))) == "document_keyid_wrong"

    def test_a_key_is_listed_once(self) -> None:
        document = draft(FIRST)
        document["keys"].append({**document["keys"][0], "storage": "kms"})
        assert refused(lambda: agent_document.read(serialise(document))) == "document_key_repeated"

    @pytest.mark.parametrize("public", WEAK_KEYS, ids=bytes.hex)
    def test_keys_that_prove_nothing_are_refused(self, public: bytes) -> None:
        document = changed(DOCUMENT, "keys.0.jwk.x", encode64url(public))
        document = changed(document, "keys.0.keyid", thumbprint(public))
        assert refused(lambda: agent_document.read(serialise(document))) == "document_key_weak"

    def test_every_key_that_is_listed_signs_and_no_other(self) -> None:
        document = draft(FIRST, SECOND)
        read = agent_document.read(serialise(document))
        both = signatures(document, FIRST, SECOND)
        agent_document.require_signed(read, both, "It")
        one = signatures(document, FIRST)
        foreign = signatures(document, FIRST, SECOND, STRANGER)
        forged = {**both, SECOND.keyid: both[FIRST.keyid]}
        elsewhere = signatures({**document, "registry": "other.example"}, FIRST, SECOND)
        for wrong, code in (
            (one, "document_signature_missing"),
            (foreign, "document_signature_foreign"),
            (forged, "document_signature_invalid"),
            (elsewhere, "document_signature_invalid"),
            ({}, "document_signature_missing"),
        ):
            found = refused(lambda w=wrong: agent_document.require_signed(read, w, "It"))  # type: ignore[misc]
            assert found == code

    def test_a_signature_that_was_cut_short_is_none(self) -> None:
        value = json.loads(LINE)
        value["signatures"][0]["sig"] = encode64(bytes(63))
        line = serialise(value)
        code = refused(lambda: agent_document.open_line(line, "It"))
        assert code == "document_signature_invalid"


# --- Ceilings ------------------------------------------------------------------------------------

NARROW: Body = {
    "actions": ["generation:create", "generation:read"],
    "projects": ["launch", "teaser"],
    "models": ["google/*", "self/wan2.2-a14b"],
    "territories": ["DE", "FR"],
    "per_call": "5.00",
    "total": "200",
    "currency": "EUR",
    "until": "2026-12-31T00:00:00.000000Z",
}
WIDER = [
    ("actions", ["generation:create", "asset:import"]),
    ("actions", ["*"]),
    ("projects", ["launch2"]),
    ("projects", ["*"]),
    ("models", ["google-labs/veo-3"]),
    ("models", ["self/*"]),
    ("models", ["self/wan2.2-a14"]),
    ("models", ["*"]),
    ("territories", ["DE", "AT"]),
    ("per_call", "5.000000001"),
    ("total", "200.01"),
    ("currency", "USD"),
    ("until", "2026-12-31T00:00:00.000001Z"),
]
items = {
    "actions": ["generation:create", "generation:read", "asset:import", "model:list"],
    "projects": ["launch", "launch2", "teaser"],
    "models": ["google/veo-3", "google/veo-30", "google-labs/veo-3", "google/*", "self/*"],
    "territories": ["DE", "FR", "US-CA"],
}
grants = st.fixed_dictionaries(
    {
        **{
            name: st.just(["*"]) | st.lists(st.sampled_from(known), min_size=1, unique=True)
            for name, known in items.items()
        },
        "per_call": st.decimals(0, 10, places=2).map(str),
        "total": st.decimals(0, 10, places=2).map(str),
        "currency": st.sampled_from(["EUR", "USD"]),
        "until": st.sampled_from([f"2026-12-{day}T00:00:00Z" for day in (10, 11, 12)]),
    }
)


def allows(body: Body, asked: tuple[str, str, str, str]) -> bool:
    """What a grant means, written once more: does it allow one act?"""
    return all(
        body[name] == ["*"] or value in body[name] or f"{value.split('/')[0]}/*" in body[name]
        for name, value in zip(items, asked, strict=True)
    )


class TestCeilings:
    @pytest.mark.parametrize(("dimension", "value"), WIDER, ids=str)
    def test_a_child_that_may_more_is_refused_and_told_where(
        self, dimension: str, value: Any
    ) -> None:
        child = grant.parse({**NARROW, dimension: value})
        with pytest.raises(EvidenceError, match=f"`{dimension}`") as caught:
            grant.require_within(child, grant.parse(NARROW), "The ceiling")
        assert caught.value.code == "grant_widened"

    @pytest.mark.parametrize(
        ("dimension", "value"),
        [
            ("models", ["google/veo-3", "google/*"]),
            ("projects", ["teaser"]),
            ("per_call", "5"),
            ("total", "0"),
            ("until", "2026-12-30T23:59:59Z"),
        ],
    )
    def test_as_much_or_less_is_granted(self, dimension: str, value: Any) -> None:
        child = grant.parse({**NARROW, dimension: value})
        grant.require_within(child, grant.parse(NARROW), "The ceiling")

    @pytest.mark.parametrize(
        ("dimension", "value"),
        [
            ("actions", []),
            ("actions", ["generation"]),
            ("actions", "*"),
            ("actions", ["generation:*"]),
            ("projects", ["*", "launch"]),
            ("models", ["veo-3"]),
            ("models", ["google*"]),
            ("territories", ["Germany"]),
            ("per_call", "-1"),
            ("per_call", "1e3"),
            ("per_call", 5),
            ("total", "NaN"),
            ("currency", "eur"),
            ("until", "2026-12-31"),
            ("until", "2026-12-31T00:00:00+01:00"),
            ("until", None),
        ],
        ids=str,
    )
    def test_a_dimension_that_is_not_written_plainly_is_refused(
        self, dimension: str, value: Any
    ) -> None:
        code = refused(lambda: grant.parse({**NARROW, dimension: value}))
        assert code in ("grant_invalid", "time_invalid")

    def test_nothing_is_granted_by_silence(self) -> None:
        for dimension in NARROW:
            less = {name: value for name, value in NARROW.items() if name != dimension}
            assert refused(lambda b=less: grant.parse(b)) == "grant_invalid"  # type: ignore[misc]
        assert refused(lambda: grant.parse({**NARROW, "more": []})) == "grant_invalid"
        assert refused(lambda: grant.parse(None)) == "grant_invalid"

    @settings(max_examples=300)
    @given(grants, grants, st.tuples(*(st.sampled_from(known) for known in items.values())))
    def test_whatever_a_child_may_its_parent_may(
        self, child: Body, parent: Body, asked: tuple[str, str, str, str]
    ) -> None:
        read, above = grant.parse(child), grant.parse(parent)
        try:
            grant.require_within(read, above, "It")
        except EvidenceError:
            return
        assert allows(parent, asked) or not allows(child, asked)
        assert read.per_call <= above.per_call and read.total <= above.total
        assert read.until <= above.until and read.currency == above.currency

    @settings(max_examples=100)
    @given(grants, grants, grants)
    def test_within_is_an_order(self, one: Body, two: Body, three: Body) -> None:
        first, second, third = map(grant.parse, (one, two, three))
        assert is_within(first, first)
        if is_within(first, second) and is_within(second, third):
            assert is_within(first, third)

    def test_a_child_comes_after_its_parent_in_depth(self) -> None:
        def of_depth(depth: int) -> agent_document.AgentDocument:
            lineage = {"parent": None, "ephemeral": False, "max_depth": depth}
            until = {"ceiling": {**ANYTHING, "until": NARROW["until"]}}
            return agent_document.read(serialise(draft(lineage=lineage, **until)))

        agent_document.require_child(of_depth(0), of_depth(1), "It")
        for child, parent in ((1, 1), (2, 1), (0, 0)):
            code = refused(
                lambda c=child, p=parent: agent_document.require_child(  # type: ignore[misc]
                    of_depth(c), of_depth(p), "It"
                )
            )
            assert code == "lineage_too_deep"


def is_within(child: grant.Grant, parent: grant.Grant) -> bool:
    try:
        grant.require_within(child, parent, "It")
    except EvidenceError:
        return False
    return True


def purpose(text: str) -> Body:
    return {"summary": text, "intended_use": text}


def test_a_draft_is_in_force_from_now_on() -> None:
    read = agent_document.read(serialise(draft(days=30)))
    assert read.expires - read.issued == timedelta(days=30)
