"""Step 9: every agent that acted is known by a document that was in force when it did."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from freezegun import freeze_time

from governance.client.signer import RequestSigner
from governance.evidence import agent_document, identities, manifest
from governance.evidence.encoding import decode64, encode64url, serialise
from governance.evidence.errors import EvidenceError
from governance.evidence.keys import Signer
from governance.evidence.record import Record
from governance.evidence.verify import verify_files
from tests.documents import ANYTHING, drafted, signatures
from tests.evidence.samples import (
    ALICE,
    LOG,
    PERSON,
    RECORD,
    ROOT,
    STRANGER,
    Body,
    bundle_of,
    grants,
    record,
    released,
)

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEY, NEXT, FOREIGN = (RequestSigner(bytes([n]) * 32) for n in (11, 12, 13))
URI = "spiffe://acme.example/storyboard"
AGENT = agent_document.principal_id("acme", URI)
GRACE = identities.UNDER_WAY
MINUTE = timedelta(minutes=1)


@dataclass
class Log:
    """Records as a service writes them, and the documents that they cite."""

    records: list[Record] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    now: datetime = NOON

    def document(self, signer: RequestSigner = KEY, **changes: Any) -> Body:
        given = {"service": "https://governance.example", "organisation": "acme"}
        with freeze_time(self.now):
            return drafted(signer, **{**given, "accountable": PERSON, "id": URI, **changes})

    def registered(
        self, document: Body, *signers: RequestSigner, by: Signer = RECORD, **changes: Any
    ) -> str:
        """A document that comes into force; returns its digest. changes: to the record."""
        read = agent_document.read(serialise(document))
        signed = signatures(document, *(signers or (KEY,))).items()
        bare = {keyid: decode64(sig, "A signature") for keyid, sig in signed}
        self.files[identities.name(read.digest)] = agent_document.seal(read, bare, by)
        action = "superseded" if read.supersedes else "registered"
        body: Body = {
            "document": read.digest,
            "accountable": read.accountable,
            "parent": read.parent,
        }
        self.changed(
            action,
            principal=agent_document.principal_id("acme", read.body["id"]),
            **{key: value for key, value in {**body, **changes}.items() if value},
        )
        return read.digest

    def changed(self, action: str, **changes: Any) -> None:
        body: Body = {
            "action": action,
            "principal": AGENT,
            "kind": "agent",
            "organisation": "acme",
            "accountable": PERSON,
            "key": None,
            "expires_at": None,
            "scopes": [],
            "by": PERSON,
        }
        self._add("agent.changed", {**body, **changes}, "service.acme")

    def asked(self, document: str, keyid: str | None = KEY.keyid, **changes: Any) -> None:
        """An agent with this document asks for media. keyid: None for a request that it did not
        sign; changes: to the principal."""
        event, body = released()[0]
        principal = {
            "kind": "agent",
            "id": AGENT,
            "assurance": "A",
            "accountable": PERSON,
            "chain": [PERSON, AGENT],
            "document": document,
        }
        signed = keyid and {"profile": "gov-agent-v1", "keyid": keyid}
        asked = {**body, "principal": {**principal, **changes}, "signature": signed}
        self._add(event, asked, f"gen_{len(self.records):032x}")

    def later(self, by: timedelta) -> None:
        self.now += by

    def check(self) -> str:
        def file(name: str) -> bytes:
            if name not in self.files:
                raise EvidenceError("bundle_invalid", f"The bundle lacks the file {name}.")
            return self.files[name]

        trusted = manifest.Manifest(1, "", "log", tuple(grants()), "")
        return identities.check(list(enumerate(self.records)), file, trusted).told

    def refusal(self) -> str:
        with pytest.raises(EvidenceError) as caught:
            self.check()
        assert len(caught.value.message.split()) > 3
        return caught.value.code

    def _add(self, event: str, body: Body, stream: str) -> None:
        before = [item for item in self.records if item.stream == stream]
        place: Body = {"seq": len(before), "prev": before[-1].leaf} if before else {}
        at = f"{self.now:%Y-%m-%dT%H:%M:%S}.{self.now.microsecond:06d}Z"
        self.records.append(record(event, body, stream=stream, at=at, **place))


@pytest.fixture
def log() -> Log:
    return Log()


def test_a_request_of_a_registered_agent_holds(log: Log) -> None:
    log.asked(log.registered(log.document()))
    assert log.check().startswith("1 signed identity documents; 1 requests of agents")


def test_the_step_is_one_of_the_verification(log: Log) -> None:
    digest = log.registered(log.document())
    log.changed("suspended", document=digest)
    files = bundle_of(log.records) | log.files
    verdict = verify_files(files, ROOT.keyid)
    assert verdict.failure is None, verdict.failure
    (step,) = (step for step in verdict.steps if step.name == "identities")
    assert step.result.startswith("1 signed identity documents")
    assert not any("identities/" in text for text in verdict.not_checked)
    del files[identities.name(digest)]
    verdict = verify_files(files, ROOT.keyid)
    assert verdict.failed_step == "identities"
    assert verdict.failure is not None and digest in verdict.failure.message


def test_without_documents_there_is_nothing_to_check(log: Log) -> None:
    log.changed("registered")
    event, body = released()[0]
    log._add(event, body, "gen_1")
    assert log.check() == "no identity documents are cited"
    assert identities.cited(log.records) == set()


def test_what_is_cited_is_all_that_a_bundle_needs(log: Log) -> None:
    first = log.registered(log.document())
    second = log.registered(log.document(NEXT, supersedes=first), NEXT)
    log.asked(second, NEXT.keyid)
    assert identities.cited(log.records) == {first, second}


class TestDocuments:
    def test_any_changed_byte_is_noticed(self, log: Log) -> None:
        digest = log.registered(log.document())
        (name,) = log.files
        line = log.files[name]
        for position in range(0, len(line), 7):
            log.files[name] = line[:position] + bytes([line[position] ^ 1]) + line[position + 1 :]
            assert log.refusal(), position
        log.files[name] = line
        log.asked(digest)
        log.check()

    def test_another_document_in_its_place_is_noticed(self, log: Log) -> None:
        digest = log.registered(log.document())
        other = Log()
        other.registered(log.document(name="Another"))
        log.files[identities.name(digest)] = next(iter(other.files.values()))
        assert log.refusal() == "identity_wrong"

    @pytest.mark.parametrize("by", [STRANGER, LOG], ids=["stranger", "log"])
    def test_only_a_key_that_signs_records_registers(self, log: Log, by: Signer) -> None:
        log.registered(log.document(), by=by)
        assert log.refusal() == "key_not_granted"

    @pytest.mark.parametrize(
        "changes",
        [
            {"principal": agent_document.principal_id("acme", "urn:other")},
            {"accountable": ALICE},
            {"organisation": "beta"},
            {"parent": AGENT},
        ],
        ids=str,
    )
    def test_it_must_be_that_of_the_agent_on_record(self, log: Log, changes: Body) -> None:
        principal = changes.pop("principal", None)
        log.registered(log.document(), **changes)
        if principal:
            log.records.clear()
            digest = next(iter(log.files)).split("/")[1].split(".")[0]
            log.changed("registered", document=digest, principal=principal)
        assert log.refusal() == "identity_foreign"

    def test_each_follows_the_one_before(self, log: Log) -> None:
        log.registered(log.document())
        log.registered(log.document(NEXT, supersedes="0" * 64), NEXT)
        assert log.refusal() == "identity_foreign"

    def test_a_change_cites_the_document_that_was_registered(self, log: Log) -> None:
        log.registered(log.document())
        log.changed("suspended", document="0" * 64)
        assert log.refusal() == "identity_unknown"


class TestRequests:
    def test_a_document_that_was_never_registered_is_unknown(self, log: Log) -> None:
        digest = log.registered(log.document())
        log.asked(digest)
        log.records.pop(0)
        assert log.refusal() == "identity_unknown"

    def test_one_that_was_registered_for_another_agent_is_unknown(self, log: Log) -> None:
        other = log.registered(log.document(NEXT, id="urn:other"), NEXT)
        log.registered(log.document())
        log.asked(other, NEXT.keyid)
        assert log.refusal() == "identity_unknown"

    def test_one_that_is_registered_later_is_unknown(self, log: Log) -> None:
        digest = log.registered(log.document())
        log.asked(digest)
        log.records.reverse()
        assert log.refusal() == "identity_unknown"

    def test_the_accountable_person_is_that_of_the_document(self, log: Log) -> None:
        digest = log.registered(log.document())
        log.asked(digest, accountable=ALICE)
        assert log.refusal() == "identity_foreign"

    def test_within_a_mandate_whoever_gave_it_answers(self, log: Log) -> None:
        digest = log.registered(log.document())
        log.asked(digest, FOREIGN.keyid, accountable=ALICE, mandate=["0" * 64])
        assert log.refusal() == "mandate_unknown"

    def test_it_is_signed_with_a_key_of_the_agent(self, log: Log) -> None:
        digest = log.registered(log.document())
        log.asked(digest, FOREIGN.keyid)
        assert log.refusal() == "identity_key"

    def test_full_assurance_takes_a_signature(self, log: Log) -> None:
        log.asked(log.registered(log.document()), None)
        assert log.refusal() == "assurance_wrong"

    @pytest.mark.parametrize("assurance", ["B", "C"])
    def test_less_takes_a_document_that_binds_access_tokens(self, log: Log, assurance: str) -> None:
        first = log.registered(log.document())
        binding = {"issuer": "https://idp.example", "subject": "storyboard"}
        bound = log.registered(log.document(supersedes=first, binding=binding))
        log.asked(bound, None, assurance=assurance)
        assert log.check()
        log.asked(first, None, assurance=assurance)
        assert log.refusal() == "assurance_wrong"

    def test_a_signature_is_of_full_assurance_only(self, log: Log) -> None:
        log.asked(log.registered(log.document()), assurance="C")
        assert log.refusal() == "assurance_wrong"


class TestTime:
    @pytest.mark.parametrize(
        ("action", "code"),
        [
            ("suspended", "identity_stopped"),
            ("revoked", "identity_stopped"),
            ("key_revoked", "identity_key"),
        ],
    )
    def test_what_was_under_way_still_counts_and_nothing_later(
        self, log: Log, action: str, code: str
    ) -> None:
        digest = log.registered(log.document())
        key = {"keyid": KEY.keyid, "public_key": encode64url(KEY.public_key)}
        log.changed(action, document=digest, key=key if action == "key_revoked" else None)
        log.later(GRACE)
        log.asked(digest)
        assert log.check()
        log.later(MINUTE)
        log.asked(digest)
        assert log.refusal() == code

    def test_a_superseded_document_counts_no_longer_than_that(self, log: Log) -> None:
        first = log.registered(log.document())
        log.later(MINUTE)
        second = log.registered(log.document(supersedes=first))
        log.later(GRACE)
        log.asked(first)
        log.asked(second)
        assert log.check()
        log.later(MINUTE)
        log.asked(first)
        assert log.refusal() == "identity_ended"

    def test_nor_does_one_that_has_expired(self, log: Log) -> None:
        digest = log.registered(log.document(days=1))
        log.later(timedelta(days=1) + GRACE)
        log.asked(digest)
        assert log.check()
        log.later(MINUTE)
        log.asked(digest)
        assert log.refusal() == "identity_ended"

    def test_a_resumed_agent_goes_on(self, log: Log) -> None:
        digest = log.registered(log.document())
        log.changed("suspended", document=digest)
        log.later(timedelta(days=1))
        log.changed("resumed", document=digest)
        log.asked(digest)
        assert log.check()


class TestLineage:
    def child(self, log: Log, **changes: Any) -> str:
        given = {"id": "urn:child", "parent": AGENT, **changes}
        return log.registered(log.document(NEXT, **given), NEXT)

    def of_child(self, log: Log, digest: str) -> None:
        child = agent_document.principal_id("acme", "urn:child")
        log.asked(digest, NEXT.keyid, id=child, chain=[PERSON, child])

    def test_a_child_within_its_parent_holds(self, log: Log) -> None:
        log.registered(log.document())
        self.of_child(log, self.child(log))
        assert log.check().startswith("2 signed")

    def test_a_child_that_may_more_is_noticed(self, log: Log) -> None:
        narrow = {**ANYTHING, "projects": ["launch"]}
        log.registered(log.document(ceiling=narrow))
        self.child(log)
        assert log.refusal() == "grant_widened"

    def test_a_child_of_nobody_is_noticed(self, log: Log) -> None:
        self.child(log)
        assert log.refusal() == "identity_unknown"

    def test_when_the_parent_is_stopped_so_is_the_child(self, log: Log) -> None:
        parent = log.registered(log.document())
        child = self.child(log)
        log.changed("revoked", document=parent)
        log.later(GRACE + MINUTE)
        self.of_child(log, child)
        assert log.refusal() == "identity_stopped"
