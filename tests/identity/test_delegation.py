"""Requests under a delegation: who acts, for whom, and everything that ends it at once."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from freezegun import freeze_time
from nacl.signing import SigningKey

from governance.client import delegation as client
from governance.client.signer import RequestSigner
from governance.evidence import jws, mandate
from governance.evidence.errors import EvidenceError
from governance.evidence.signature_base import thumbprint
from governance.identity import agents, mandates, people
from governance.identity import delegation as identity
from governance.identity.delegation import Delegations
from governance.kernel import clock, ids
from governance.kernel.errors import Denied, GovernanceError, InvalidRequest, Unauthenticated
from tests.chains import Forge, public
from tests.documents import ANYTHING
from tests.identity.conftest import House
from tests.identity.delegating import FIRST, SECOND, THIRD, Line, handed_on
from tests.identity.forging import AUTHORITY, JSON, Draft, keyid


@pytest.fixture
def line(house: House) -> Line:
    return Line.open(house)


def refused(line: Line, chain: str, key: SigningKey = SECOND) -> str:
    with pytest.raises(GovernanceError) as caught:
        line.ask(chain, key)
    if isinstance(caught.value, Denied):  # it can be put on record
        assert caught.value.details["principal"].startswith("agt_")
        assert caught.value.details["organisation"] == "acme"
    return caught.value.code


def test_an_agent_acts_for_the_person_at_the_root(line: Line) -> None:
    hop = line.issue()
    caller = line.ask(hop.compact, FIRST).principal
    assert (caller.id, caller.accountable) == (line.lead, line.house.ada)
    assert caller.chain == (line.house.ada, line.lead)
    assert (caller.mandate, caller.assurance) == ((hop.digest,), "A")
    assert caller.grant is not None
    assert caller.grant.total == Decimal(20)


def test_a_sub_agent_two_hops_down_acts_within_the_last_grant(line: Line) -> None:
    caller = line.ask(line.chain(total="7.50")).principal
    assert caller.chain == (line.house.ada, line.lead, line.worker)
    assert len(caller.mandate) == 2
    assert caller.grant is not None
    assert caller.grant.total == Decimal("7.50")


def test_without_a_delegation_an_agent_acts_under_its_own_document(line: Line) -> None:
    caller = line.house.authenticate(Draft(key=FIRST).sign()).principal
    assert caller.mandate == ()
    assert caller.grant is not None
    assert caller.grant.total == Decimal(1_000_000_000)


def test_a_hop_is_noted_when_it_is_first_shown(line: Line) -> None:
    chain = line.chain()
    found = line.house.authenticate(
        Draft(headers=(JSON, ("Gov-Delegation", chain)), key=SECOND).sign()
    )
    (hop,) = found.unseen
    assert hop.agent == line.worker
    line.note(found)
    line.note(found)
    assert line.ask(chain).unseen == ()
    issued = [record for record in line.house.records() if record.event == "mandate.issued"]
    assert [record.body["by"] for record in issued] == [line.house.ada, line.worker]
    assert issued[1].body["prv"] == issued[0].body["digest"]


def test_a_chain_is_verified_once_for_each_epoch(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = line.chain()
    line.ask(chain)
    line.ask(chain)

    def never(*_: object) -> None:
        raise AssertionError("verified again")

    with monkeypatch.context() as patched:
        patched.setattr(mandate, "verify_chain", never)
        line.ask(chain)
        line.house.person("bert")  # changes nobody's rights
        line.ask(chain)
    line.house.agent(key=THIRD)
    line.ask(chain)


class TestInstances:
    def test_an_instance_with_a_key_in_memory_acts_as_its_agent(self, line: Line) -> None:
        made = client.instance(line.issue().compact, RequestSigner(bytes(FIRST)))
        key = SigningKey(bytes(made._key))
        caller = line.ask(made.delegation, key).principal
        assert (caller.id, caller.chain) == (line.lead, (line.house.ada, line.lead))

    def test_its_key_is_worth_nothing_without_its_mandate(self, line: Line) -> None:
        made = client.instance(line.issue().compact, RequestSigner(bytes(FIRST)))
        with pytest.raises(Unauthenticated) as caught:
            line.house.authenticate(Draft(key=SigningKey(bytes(made._key))).sign())
        assert caught.value.code == "signature_key_unknown"

    def test_it_ends_after_its_hour(self, line: Line) -> None:
        made = client.instance(line.issue().compact, RequestSigner(bytes(FIRST)))
        key = SigningKey(bytes(made._key))
        line.ask(made.delegation, key)
        line.ask(made.delegation, key)
        with freeze_time(clock.now() + timedelta(hours=1, seconds=1)):
            assert refused(line, made.delegation, key) == "mandate_expired"

    def test_another_agent_s_own_key_is_no_instance(self, line: Line) -> None:
        chain = line.issue().compact
        first = RequestSigner(bytes(FIRST))
        held = mandate.read(chain)
        forged = client._extended(
            chain, first, held.agent, public(SECOND), _short(), 0, is_instance=True
        )
        assert refused(line, forged) == "delegation_key_unknown"

    def test_a_stranger_s_key_needs_more_than_to_be_named(self, line: Line) -> None:
        """A chain that nobody issued introduces no key."""
        stranger = SigningKey(b"z" * 32)
        agents_ = (line.lead, line.lead)
        forged = Forge(2, agents=agents_, keys=(FIRST, stranger), audience=AUTHORITY)
        forged.changes = {1: {"instance": True}}
        assert refused(line, forged.text(), stranger) == "mandate_signer_unknown"


def _short() -> dict[str, str]:
    return {"until": f"{clock.now() + timedelta(minutes=5):%Y-%m-%dT%H:%M:%SZ}"}


class TestTheProof:
    def test_the_last_key_must_have_signed_the_request(self, line: Line) -> None:
        assert refused(line, line.chain(), FIRST) == "delegation_key_mismatch"
        assert refused(line, line.issue().compact, SECOND) == "delegation_key_mismatch"

    def test_the_signature_must_cover_the_delegation(self, line: Line) -> None:
        names = ['"@method"', '"@authority"', '"@path"', '"@query"', '"content-type"']
        draft = Draft(
            headers=(JSON, ("Gov-Delegation", line.chain())),
            key=SECOND,
            components=[*names, '"content-digest"'],
        )
        with pytest.raises(Unauthenticated) as caught:
            line.house.authenticate(draft.sign())
        assert caught.value.code == "signature_coverage"

    def test_a_second_delegation_is_refused(self, line: Line) -> None:
        chain = ("Gov-Delegation", line.chain())
        with pytest.raises(Unauthenticated) as caught:
            line.house.authenticate(Draft(headers=(JSON, chain, chain), key=SECOND).sign())
        assert caught.value.code == "signature_malformed"

    def test_a_delegation_counts_in_a_signed_request_only(self, line: Line) -> None:
        request = Draft(headers=(JSON, ("Gov-Delegation", line.chain()))).sign()
        unsigned = [pair for pair in request.headers if not pair[0].startswith("Signature")]
        bearer = [*unsigned, ("Authorization", f"Bearer gk_{'0' * 32}_{'A' * 43}")]
        for headers in (unsigned, bearer):
            with pytest.raises(Unauthenticated) as caught:
                line.house.authenticate(replace(request, headers=tuple(headers)))
            assert caught.value.code == "delegation_unsigned"

    def test_an_empty_delegation_is_none(self, line: Line) -> None:
        assert refused(line, "") == "jws_malformed"

    def test_a_delegation_for_another_service_is_refused(self, line: Line) -> None:
        with line.house.database.read() as session, pytest.raises(Unauthenticated) as caught:
            line.house.delegations.find(
                session.connection(), line.chain(), keyid(SECOND), "other.example"
            )
        assert caught.value.code == "mandate_audience"

    def test_a_key_of_another_agent_is_refused(self, line: Line) -> None:
        chain = handed_on(line.issue().compact, FIRST, line.worker, THIRD)
        line.house.agent(key=THIRD)
        assert refused(line, chain, THIRD) == "delegation_key_unknown"

    def test_an_agent_that_does_not_exist_is_refused(self, line: Line) -> None:
        chain = handed_on(line.issue().compact, FIRST, "agt_" + "9" * 32, SECOND)
        assert refused(line, chain) == "delegation_agent_unknown"

    def test_an_agent_of_another_organisation_is_refused(self, line: Line) -> None:
        line.house.write(
            people.add_person, organisation="other", username="eve", name="Eve", by="service"
        )
        eve = _person(line.house, "eve")
        document, signed = line.house.drafted(key=THIRD, organisation="other", accountable=eve)
        foreign = line.house.register(document, signed, organisation="other")
        chain = handed_on(line.issue().compact, FIRST, foreign, THIRD)
        assert refused(line, chain, THIRD) == "delegation_agent_unknown"


class TestWhatEndsIt:
    """Each holds from the next request on, also where the chain was verified before."""

    @pytest.fixture
    def chain(self, line: Line) -> str:
        chain = line.chain()
        line.ask(chain)
        line.ask(chain)
        return chain

    def test_revoking_the_hop_itself(self, line: Line, chain: str) -> None:
        line.revoke(mandate.digest(mandate.split(chain)[1]))
        assert refused(line, chain) == "mandate_revoked"

    def test_revoking_an_ancestor(self, line: Line, chain: str) -> None:
        line.revoke(mandate.read(mandate.split(chain)[0]).id)
        assert refused(line, chain) == "mandate_revoked"

    def test_revoking_a_hop_that_was_never_shown(self, line: Line, chain: str) -> None:
        unseen = handed_on(mandate.split(chain)[0], FIRST, line.worker, SECOND)
        line.revoke(mandate.digest(mandate.split(unseen)[1]))
        assert refused(line, unseen) == "mandate_revoked"
        assert line.ask(chain).principal.id == line.worker

    def test_another_organisation_s_revocation_is_its_own(self, line: Line, chain: str) -> None:
        digest = mandate.digest(mandate.split(chain)[1])
        line.house.write(mandates.revoke, organisation="other", named=digest, by="service")
        assert line.ask(chain).principal.id == line.worker

    def test_suspending_the_person_at_the_root(self, line: Line, chain: str) -> None:
        boss = line.house.person("boss")
        line.house.write(people.suspend_person, line.house.ada, by=boss.id)
        assert refused(line, chain) == "accountable_suspended"

    def test_suspending_the_agent_in_between(self, line: Line, chain: str) -> None:
        line.house.write(agents.suspend_agent, line.lead, by=line.house.ada)
        assert refused(line, chain) == "ancestor_stopped"
        line.house.write(agents.resume_agent, line.lead, by=line.house.ada)
        assert line.ask(chain).principal.id == line.worker

    def test_suspending_the_agent_itself(self, line: Line, chain: str) -> None:
        line.house.write(agents.suspend_agent, line.worker, by=line.house.ada)
        assert refused(line, chain) == "ancestor_stopped"

    def test_revoking_the_key_that_handed_it_on(self, line: Line, chain: str) -> None:
        line.house.write(agents.revoke_key, line.lead, keyid(FIRST), by=line.house.ada)
        assert refused(line, chain) == "key_revoked"

    def test_narrowing_the_ceiling_of_an_agent_in_between(self, line: Line, chain: str) -> None:
        narrow = {**ANYTHING, "models": ["google/*"]}
        with line.house.database.read() as session:
            (agent,) = [
                found for found in agents.list_agents(session, "acme") if found.id == line.lead
            ]
        old, _ = line.house.drafted(key=FIRST)
        document, signed = line.house.drafted(
            key=FIRST, ceiling=narrow, supersedes=agent.document, id=old["id"]
        )
        line.house.supersede(line.lead, document, signed)
        assert refused(line, chain) == "mandate_above_ceiling"

    def test_its_own_end(self, line: Line, chain: str) -> None:
        with freeze_time(clock.now() + timedelta(days=1, seconds=1)):
            assert refused(line, chain) == "mandate_expired"

    def test_another_process_sees_it_too(self, line: Line, chain: str) -> None:
        other = Delegations(line.house.ledger.keyring.manifest)
        line.revoke(mandate.digest(mandate.split(chain)[0]))
        with line.house.database.read() as session, pytest.raises(Denied) as caught:
            other.find(session.connection(), chain, keyid(SECOND), AUTHORITY)
        assert caught.value.code == "mandate_revoked"


def test_a_document_says_how_far_its_agent_may_hand_on(line: Line) -> None:
    def lineage(depth: int) -> dict[str, object]:
        return {"parent": None, "ephemeral": False, "max_depth": depth}

    with pytest.raises(InvalidRequest) as caught:
        line.issue(depth=2)
    assert caught.value.code == "mandate_depth"
    lead = line.house.agent(key=THIRD, lineage=lineage(2))
    fourth = SigningKey(b"4" * 32)
    alone = line.house.agent(key=fourth, lineage=lineage(0))
    chain = line.issue(lead, depth=2).compact
    assert refused(line, handed_on(chain, THIRD, alone, fourth, 1), fourth) == "mandate_depth"
    assert line.ask(handed_on(chain, THIRD, alone, fourth, 0), fourth).principal.id == alone


def test_a_mandate_that_was_never_issued_here_is_refused_though_our_key_signed_it(
    line: Line,
) -> None:
    """Otherwise whoever has stolen a key, retired or not, could act for anybody for ever."""
    signer = line.house.ledger.keyring.record
    stated = jws.read(line.issue().compact, mandate.TYPE).payload
    forged = jws.seal(
        {**stated, "id": ids.new_id("mdt")}, mandate.TYPE, signer.sign, thumbprint(signer.public)
    )
    with pytest.raises(Unauthenticated) as caught:
        line.ask(forged, FIRST)
    assert caught.value.code == "mandate_unknown"
    assert refused(line, handed_on(forged, FIRST, line.worker, SECOND)) == "mandate_unknown"


def test_the_client_refuses_to_make_what_would_not_hold(line: Line) -> None:
    chain = line.issue().compact
    assert _unmade(chain, SECOND) == "mandate_key_mismatch"
    assert _unmade(chain, FIRST, depth=1) == "mandate_depth"
    assert _unmade(chain, FIRST, total="21") == "grant_widened"
    assert _unmade(chain, FIRST, total="x") == "grant_invalid"


def _unmade(chain: str, key: SigningKey, **changes: Any) -> str:
    with pytest.raises(EvidenceError) as caught:
        handed_on(chain, key, "agt_" + "9" * 32, SECOND, **changes)
    return caught.value.code


def test_presented_keys_are_those_of_instances_alone() -> None:
    text = Forge(1).text()
    assert identity.presented_key(text, keyid(FIRST)) is None
    assert identity.presented_key("nonsense", keyid(FIRST)) is None


def _person(house: House, username: str) -> str:
    with house.database.read() as session:
        return people.person_by_username(session, username).id
