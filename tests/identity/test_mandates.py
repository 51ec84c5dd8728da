"""The register of mandates: issued within the agent's ceiling, listed, revoked, all on record."""

from datetime import timedelta
from typing import Any

import pytest

from governance.evidence import mandate
from governance.evidence.signature_base import thumbprint
from governance.identity import agents, mandates, people
from governance.identity.mandates import Known
from governance.kernel import clock, epoch
from governance.kernel.errors import Conflict, InvalidRequest, NotFound
from tests.chains import Forge, public
from tests.documents import ANYTHING
from tests.identity.conftest import House
from tests.identity.delegating import FIRST, THIRD, Line
from tests.identity.forging import AUTHORITY


@pytest.fixture
def line(house: House) -> Line:
    return Line.open(house)


def refused(line: Line, agent: str = "", **changes: Any) -> str:
    with pytest.raises(InvalidRequest) as caught:
        line.issue(agent, **changes)
    return caught.value.code


def listed(line: Line, **which: Any) -> list[Known]:
    with line.house.database.read() as session:
        return mandates.page(session.connection(), "acme", **which)


def test_a_mandate_is_signed_by_the_service_for_the_agent_s_key(line: Line) -> None:
    hop = line.issue()
    record_key = line.house.ledger.keyring.record.public
    chain = mandate.verify_chain(
        [hop.compact], {thumbprint(record_key): record_key}.get, clock.now(), AUTHORITY
    )
    assert (chain.person, chain.holder.agent) == (line.house.ada, line.lead)
    assert chain.holder.key == public(FIRST)
    assert (chain.holder.depth, chain.holder.prv) == (1, mandate.ZERO)


def test_issuing_is_on_record(line: Line) -> None:
    hop = line.issue()
    record = line.house.records()[-1]
    assert record.event == "mandate.issued"
    assert record.body["digest"] == hop.digest
    assert record.body["grant"]["total"] == "20.00"
    assert (record.body["from"], record.body["to"]) == (line.house.ada, line.lead)


def test_an_agent_may_be_given_no_more_than_its_document_allows(line: Line) -> None:
    end, late = (clock.rfc3339(clock.now() + timedelta(days=days)) for days in (2, 3))
    narrow = {**ANYTHING, "models": ["local/*"], "total": "10", "until": end}
    agent = line.house.agent(key=THIRD, ceiling=narrow)
    assert refused(line, agent) == "grant_widened"
    assert refused(line, agent, total="10", models=["local/a", "google/b"]) == "grant_widened"
    assert refused(line, agent, total="10", until=late) == "grant_widened"
    assert line.issue(agent, total="10").agent == agent


def test_what_makes_no_sense_is_refused(line: Line) -> None:
    assert refused(line, total="-1") == "grant_invalid"
    assert refused(line, models=["google/veo-3*"]) == "grant_invalid"
    assert refused(line, until="2020-01-01T00:00:00Z") == "mandate_expired"
    assert refused(line, until="soon") == "time_invalid"
    assert refused(line, depth=-1) == "mandate_depth"
    assert refused(line, "agt_" + "9" * 32) == "mandate_agent_invalid"


def test_only_living_agents_and_people_take_part(line: Line) -> None:
    line.house.write(agents.suspend_agent, line.lead, by=line.house.ada)
    assert refused(line) == "mandate_agent_invalid"
    line.house.write(agents.resume_agent, line.lead, by=line.house.ada)
    line.house.write(people.suspend_person, line.house.ada, by=line.house.ada)
    assert refused(line) == "accountable_invalid"


def test_mandates_are_found_by_id_and_digest_within_their_organisation(line: Line) -> None:
    hop = line.issue()
    with line.house.database.read() as session:
        connection = session.connection()
        for named in (hop.id, hop.digest):
            assert mandates.find(connection, "acme", named).hop == hop
            with pytest.raises(NotFound):
                mandates.find(connection, "other", named)
        assert mandates.compacts(connection, [hop.digest]) == {hop.digest: hop.compact.encode()}
        with pytest.raises(NotFound):
            mandates.compacts(connection, [hop.digest, "0" * 64])


def test_they_are_listed_page_by_page_and_by_whom_they_concern(line: Line) -> None:
    made = [line.issue(), line.issue(line.worker), line.issue()]
    assert [known.hop.id for known in listed(line)] == [hop.id for hop in made]
    assert [known.hop.id for known in listed(line, after=made[0].id, limit=1)] == [made[1].id]
    assert [k.hop.id for k in listed(line, concerning=line.worker)] == [made[1].id]
    assert len(listed(line, concerning=line.house.ada)) == 3


def test_revoking_is_on_record_and_moves_the_epoch(line: Line) -> None:
    hop = line.issue()
    with line.house.database.read() as session:
        before = epoch.current(session.connection())
    line.revoke(hop.id)
    record = line.house.records()[-1]
    assert (record.event, record.body["digest"]) == ("mandate.revoked", hop.digest)
    assert (record.body["mandate"], record.body["epoch"]) == (hop.id, before + 1)
    assert listed(line)[0].revoked_at is not None


def test_what_is_revoked_cannot_be_revoked_again_nor_what_is_unknown(line: Line) -> None:
    hop = line.issue()
    line.revoke(hop.digest)
    with pytest.raises(Conflict):
        line.revoke(hop.id)
    with pytest.raises(NotFound):
        line.revoke("mdt_" + "0" * 32)
    line.revoke("0" * 64)
    assert line.house.records()[-1].body["mandate"] is None


def test_an_id_is_given_once(line: Line) -> None:
    """Whoever makes hops offline cannot take the id of somebody else's."""
    hop = line.issue()
    forge = Forge(1, agents=(line.lead,), keys=(FIRST,), person=line.house.ada)
    forge.changes = {0: {"id": hop.id}}
    other = mandate.read(forge.text())
    presenter = line.ask(hop.compact, FIRST).principal
    with pytest.raises(Conflict) as caught:
        line.house.write(mandates.keep, [other], presenter)
    assert caught.value.code == "mandate_id_taken"
