"""Step 9, offline: whoever acted for somebody cites mandates in force that reach so far."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from freezegun import freeze_time
from nacl.signing import SigningKey

from governance.client.signer import RequestSigner
from governance.evidence import agent_document, delegations, mandate
from governance.evidence.agent_document import AgentDocument
from governance.evidence.delegations import Delegations, Registry
from governance.evidence.encoding import serialise
from governance.evidence.errors import EvidenceError
from governance.evidence.manifest import Grant as KeyGrant
from governance.evidence.manifest import Manifest
from governance.evidence.record import Record
from governance.evidence.signature_base import thumbprint
from tests.chains import AGENTS, AUDIENCE, GRANT, KEYS, NOW, PERSON, Forge, public
from tests.documents import ANYTHING, drafted
from tests.evidence.samples import RECORD, Body, record, released

SERVICE = SigningKey(bytes([2]) * 32)
AT = NOW + timedelta(minutes=5)
STATED = {**GRANT, "until": GRANT["until"].replace("Z", ".000000Z")}


def document(**ceiling: Any) -> AgentDocument:
    with freeze_time(NOW):
        body = drafted(
            RequestSigner(bytes(KEYS[0])),
            service=f"https://{AUDIENCE}",
            organisation="acme",
            accountable=PERSON,
            ceiling={**ANYTHING, **ceiling},
        )
    return agent_document.read(serialise(body))


@dataclass
class Told:
    """A log in which a chain of two is issued and one request cites it."""

    hops: list[str] = field(default_factory=lambda: Forge(2, service=SERVICE).hops())
    files: dict[str, bytes] = field(default_factory=dict)
    documents: dict[str, AgentDocument] = field(default_factory=dict)
    trusted: Manifest = field(
        default_factory=lambda: Manifest(
            1, "", "test.example/log", (KeyGrant("record", RECORD.public),), "0" * 64
        )
    )
    foreign_keys: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.files = {delegations.name(mandate.digest(hop)): hop.encode() for hop in self.hops}
        self.documents = {agent: document() for agent in AGENTS[:2]}

    def request(self, at: datetime = AT, **changes: Any) -> Record:
        """changes: to the body; `principal`: to the principal's."""
        body = {**released()[0][1], "model": "google/veo-3", "project": "launch"}
        body["territories"] = ["DE"]
        holder = mandate.read(self.hops[-1])
        body["signature"] = {"profile": "gov-agent-v1", "keyid": holder.keyid}
        principal = {
            "kind": "agent",
            "id": AGENTS[1],
            "assurance": "A",
            "accountable": PERSON,
            "chain": [PERSON, *AGENTS[:2]],
            "document": self.documents[AGENTS[1]].digest,
            "mandate": [mandate.digest(hop) for hop in self.hops],
            "grant": STATED,
            **changes.pop("principal", {}),
        }
        return self.at("generation.requested", {**body, "principal": principal, **changes}, at)

    def at(self, event: str, body: Body, at: datetime = AT) -> Record:
        return record(event, body, at=f"{at:%Y-%m-%dT%H:%M:%S}.000000Z")

    def issued(self) -> list[Record]:
        return [self.at("mandate.issued", issued(hop), NOW) for hop in self.hops]

    def revoked(self, place: int, at: datetime) -> Record:
        body = {
            "organisation": "acme",
            "mandate": None,
            "digest": mandate.digest(self.hops[place]),
            "by": PERSON,
            "epoch": 1,
        }
        return self.at("mandate.revoked", body, at)

    def check(self, *records: Record) -> Delegations:
        followed = Delegations(lambda name: self.files[name], self.trusted)
        registry = Registry(
            lambda agent: [self.documents[agent]] if agent in self.documents else [],
            self._require_key,
        )
        for index, item in enumerate(records):
            followed.follow(index, item, registry)
        return followed

    def _require_key(self, agent: str, keyid: str) -> None:
        if keyid in self.foreign_keys:
            raise EvidenceError("identity_key", "It is not the agent's.")

    def code(self, *records: Record) -> str:
        with pytest.raises(EvidenceError) as caught:
            self.check(*records)
        return caught.value.code


def issued(compact: str) -> Body:
    hop = mandate.read(compact)
    return {
        "organisation": "acme",
        "mandate": hop.id,
        "digest": hop.digest,
        "root": hop.root,
        "from": hop.delegator,
        "to": hop.agent,
        "keyid": hop.keyid,
        "prv": hop.prv,
        "depth": hop.depth,
        "instance": False,
        "grant": STATED,
        "by": PERSON,
    }


@pytest.fixture
def told() -> Told:
    return Told()


def test_a_request_within_its_mandates_holds(told: Told) -> None:
    followed = told.check(*told.issued(), told.request())
    assert len(followed.used) == 1


def test_the_hops_must_have_been_issued_and_be_there_unchanged(told: Told) -> None:
    assert told.code(told.issued()[0], told.request()) == "mandate_unknown"
    name = next(iter(told.files))
    told.files[name] = told.files[name].swapcase()
    assert told.code(*told.issued(), told.request()) == "mandate_wrong"


def test_the_service_s_key_must_have_been_granted_when_it_issued(told: Told) -> None:
    late = KeyGrant("record", RECORD.public, first=1)
    told.trusted = Manifest(1, "", "test.example/log", (late,), "0" * 64)
    assert told.code(*told.issued(), told.request()) == "mandate_signer_unknown"


@pytest.mark.parametrize("place", [0, 1])
def test_a_revoked_hop_counts_no_longer(told: Told, place: int) -> None:
    """A request that was under way at that moment may still have got through."""
    before, during = AT - timedelta(minutes=2), AT - timedelta(seconds=1)
    revoked = told.revoked(place, before)
    assert told.code(*told.issued(), revoked, told.request()) == "mandate_revoked"
    told.check(*told.issued(), told.revoked(place, during), told.request())
    told.check(*told.issued(), told.request(), told.revoked(place, AT))


def test_an_expired_mandate_counts_no_longer(told: Told) -> None:
    end = datetime(2026, 11, 23, 12, tzinfo=UTC)
    told.check(*told.issued(), told.request(end + timedelta(seconds=30)))
    late = told.request(end + timedelta(minutes=2))
    assert told.code(*told.issued(), late) == "mandate_expired"


@pytest.mark.parametrize(
    "principal",
    [
        {"accountable": "usr_" + "2" * 32},
        {"chain": [PERSON, AGENTS[1]]},
        {"grant": {**STATED, "total": "5000"}},
    ],
    ids=str,
)
def test_it_is_that_of_the_caller_the_person_and_the_grant(
    told: Told, principal: dict[str, Any]
) -> None:
    forged = told.request(principal=principal)
    assert told.code(*told.issued(), forged) == "mandate_foreign"


def test_the_last_key_must_have_signed_the_request(told: Told) -> None:
    other = {"profile": "gov-agent-v1", "keyid": thumbprint(public(KEYS[0]))}
    for signature in (other, None):
        forged = told.request(signature=signature)
        assert told.code(*told.issued(), forged) == "mandate_foreign"


def test_the_keys_are_those_of_the_documents(told: Told) -> None:
    told.foreign_keys = {thumbprint(public(KEYS[0]))}
    assert told.code(*told.issued(), told.request()) == "identity_key"


def test_no_mandate_exceeds_a_document_on_its_way(told: Told) -> None:
    told.documents[AGENTS[0]] = document(total="99")
    assert told.code(*told.issued(), told.request()) == "grant_widened"


@pytest.mark.parametrize(
    "changes",
    [{"project": "secret"}, {"territories": ["DE", "US"]}, {"model": "google/veo-30"}],
    ids=str,
)
def test_the_request_lies_within_the_grant(told: Told, changes: dict[str, Any]) -> None:
    assert told.code(*told.issued(), told.request(**changes)) == "mandate_exceeded"


@pytest.mark.parametrize(
    ("model", "amount", "currency", "is_within"),
    [
        ("google/veo-3", "5.00", "USD", True),
        ("google/veo-3", "5.01", "USD", False),
        ("google/veo-3", "1.00", "EUR", False),
        ("kling/kling-v2-6", "1.00", "USD", False),
    ],
)
def test_so_does_the_route_that_was_chosen(
    told: Told, model: str, amount: str, currency: str, is_within: bool
) -> None:
    (chosen,) = [body for event, body in released() if event == "route.chosen"]
    quote = {"amount": amount, "currency": currency}
    route = told.at("route.chosen", {**chosen, "model": model, "quote": quote})
    records = (*told.issued(), told.request(model="auto"), route)
    if is_within:
        told.check(*records)
    else:
        assert told.code(*records) == "mandate_exceeded"


def test_an_agent_without_a_mandate_is_held_to_its_document(told: Told) -> None:
    own = told.documents[AGENTS[1]] = document(projects=["launch"])
    stated = {**STATED, **ANYTHING, "projects": ["launch"]}
    stated["until"] = f"{own.ceiling.until:%Y-%m-%dT%H:%M:%S.%f}Z"

    def bare(**changes: Any) -> Record:
        request = told.request(principal={"grant": stated}, **changes)
        del request.body["principal"]["mandate"]
        return request

    told.check(bare())
    assert told.code(bare(project="secret")) == "mandate_exceeded"
    stated = {**stated, "total": "1"}
    assert told.code(bare()) == "mandate_foreign"


def test_hops_are_cited_by_the_requests_that_carry_them(told: Told) -> None:
    assert delegations.cited([told.request()]) == {mandate.digest(hop) for hop in told.hops}
    assert delegations.cited(told.issued()) == set()
