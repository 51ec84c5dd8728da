"""Who acted: agents, mandates, deciding people, kill switches, consents, as the records tell."""

import io
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from pypdf import PdfReader

from governance.client.signer import RequestSigner
from governance.evidence import agent_document
from governance.evidence.encoding import serialise
from governance.evidence.record import Record
from governance.kernel.clock import rfc3339
from governance.reporting import render
from governance.reporting.agents import ReportedAgent, agents
from governance.reporting.consents import ReportedConsent, consents
from governance.reporting.deciders import deciders
from governance.reporting.mandates import hops
from governance.reporting.switches import ReportedSwitch, switches
from tests.documents import drafted
from tests.reporting.history import History
from tests.reporting.inputs import report, reported
from tests.reporting.samples import (
    AGENTS,
    END,
    ORGANISATION,
    PEOPLE,
    PROJECTS,
    RECORD_KEY,
    START,
    Body,
    digest,
    identifier,
)

GRANT = {
    "actions": ["generation:create"],
    "projects": [PROJECTS[0]],
    "models": ["google/*"],
    "territories": ["DE"],
    "per_call": "5",
    "total": "200",
    "currency": "EUR",
    "until": "2026-12-31T00:00:00.000000Z",
}
AUTONOMY = {"level": 2, "approval_threshold": None}
PROOF = {"kind": "webauthn"}  # whether it holds is for the verifier; here it only counts


@pytest.fixture
def history() -> History:
    return History(step=timedelta(minutes=5))


def asked(history: History, **changes: object) -> None:
    """A request by the first agent; the principal in it can be changed."""
    history.request()
    body = history.records[-1].body
    body["principal"].update({"id": AGENTS[0], "chain": [PEOPLE[0], AGENTS[0]], **changes})


def stories(history: History) -> list[Any]:
    return [item.story for item in reported(history)]


def document(number: int = 0, **changes: Any) -> tuple[str, bytes]:
    """Digest and envelope of an identity document, signed by its agent and by the registrar."""
    signer = RequestSigner(bytes([number + 1]) * 32)
    body = drafted(
        signer,
        service="https://governance.example",
        organisation=ORGANISATION,
        accountable=PEOPLE[0],
        **changes,
    )
    read = agent_document.read(serialise(body))
    message = agent_document.signing_input(read.payload)
    signed = agent_document.seal(read, {signer.keyid: signer.sign(message)}, RECORD_KEY)
    return read.digest, signed


def agent_changed(history: History, action: str, agent: str = AGENTS[0], **more: object) -> Record:
    body: Body = {
        "action": action,
        "principal": agent,
        "kind": "agent",
        "organisation": ORGANISATION,
        "accountable": PEOPLE[0],
        "key": None,
        "expires_at": None,
        "scopes": [],
        "by": PEOPLE[1],
    }
    return history.append("service", "agent.changed", {**body, **more})


def told(
    history: History, envelopes: dict[str, bytes], refused: tuple[Record, ...] = ()
) -> tuple[ReportedAgent, ...]:
    return agents(history.records, envelopes, stories(history), refused, START, END)


def test_an_agent_is_told_with_its_document_and_who_answers_for_it(history: History) -> None:
    name, envelope = document(autonomy={**AUTONOMY, "oversight": "in_the_loop"})
    agent_changed(history, "registered", document=name)
    asked(history)
    (found,) = told(history, {name: envelope})
    assert (found.id, found.accountable, found.document) == (AGENTS[0], PEOPLE[0], name)
    assert (found.operator, found.oversight) == (ORGANISATION, "in_the_loop")
    assert (found.state, found.asked, found.refused) == ("active", 1, 0)


def test_an_agent_that_did_nothing_is_not_told(history: History) -> None:
    name, envelope = document()
    agent_changed(history, "registered", document=name)
    assert told(history, {name: envelope}) == ()


def test_an_agent_that_only_handed_on_is_told_too(history: History) -> None:
    agent_changed(history, "registered", AGENTS[1])
    asked(history, chain=[PEOPLE[0], AGENTS[1], AGENTS[0]])
    (found,) = told(history, {})
    assert (found.id, found.asked) == (AGENTS[1], 0)


def test_an_agent_of_which_a_call_was_refused_is_told_with_that(history: History) -> None:
    agent_changed(history, "registered", AGENTS[1])
    body = {"principal": AGENTS[1], "kind": "agent", "organisation": ORGANISATION}
    asking = {"project": None, "object": "generation", "action": "create", "code": "stopped"}
    denied = history.append("service", "access.denied", {**body, **asking, "rules": []})
    (found,) = told(history, {}, (denied,))
    assert (found.asked, found.refused) == (0, 1)


def test_the_newest_document_and_the_state_at_the_end_of_the_period_count(
    history: History,
) -> None:
    first, older = document(0)
    second, newer = document(1)
    agent_changed(history, "registered", document=first)
    agent_changed(history, "superseded", document=second)
    agent_changed(history, "suspended", document=second)
    asked(history)
    history.moment = END
    agent_changed(history, "resumed", document=second)
    (found,) = told(history, {first: older, second: newer})
    assert (found.document, found.documents, found.state) == (second, 2, "suspended")


def test_an_agent_whose_person_was_suspended_says_so(history: History) -> None:
    agent_changed(history, "registered")
    agent_changed(history, "suspended", PEOPLE[0], kind="person")
    asked(history)
    (found,) = told(history, {})
    assert (found.state, found.accountable_state) == ("active", "suspended")


def test_an_agent_without_an_identity_document_says_so(history: History) -> None:
    agent_changed(history, "registered", expires_at="2027-01-01T00:00:00.000000Z")
    asked(history)
    (found,) = told(history, {})
    assert (found.document, found.operator, found.issued) == ("", "", "")
    assert found.expires.startswith("2027-01-01")


def issued(history: History, name: str, giver: str, agent: str, prv: str) -> str:
    hop = {
        "organisation": ORGANISATION,
        "mandate": identifier("mdt", name),
        "digest": digest(name),
        "root": PEOPLE[0],
        "from": giver,
        "to": agent,
        "keyid": "k" * 43,
        "prv": prv,
        "depth": 1,
        "instance": False,
        "grant": GRANT,
        "by": PEOPLE[0],
    }
    history.append("service", "mandate.issued", hop)
    return digest(name)


def test_only_hops_that_were_used_are_told_in_their_order(history: History) -> None:
    first = issued(history, "one", PEOPLE[0], AGENTS[1], "0" * 64)
    second = issued(history, "two", AGENTS[1], AGENTS[0], first)
    issued(history, "three", PEOPLE[0], AGENTS[2], "0" * 64)
    asked(history, mandate=[first, second])
    asked(history, mandate=[first])
    found = hops(history.records, stories(history))
    assert [(hop.place, hop.agent, hop.asked) for hop in found] == [
        (1, AGENTS[1], 2),
        (2, AGENTS[0], 1),
    ]
    assert found[0].grant == GRANT


def test_a_hop_that_was_revoked_later_is_told_as_revoked(history: History) -> None:
    first = issued(history, "one", PEOPLE[0], AGENTS[0], "0" * 64)
    asked(history, mandate=[first])
    body = {"organisation": ORGANISATION, "mandate": identifier("mdt", "one"), "digest": first}
    history.append("service", "mandate.revoked", {**body, "by": PEOPLE[0], "epoch": 2})
    assert [hop.is_revoked for hop in hops(history.records, stories(history))] == [True]


def test_decisions_signed_by_an_authenticator_are_counted_apart(history: History) -> None:
    history.reviewed(2)
    history.rejected()
    (first, *others) = stories(history)
    first = replace(first, reviews=[{**first.reviews[0], "proof": PROOF}, first.reviews[1]])
    found = {person.person: person for person in deciders([first, *others])}
    assert (found[PEOPLE[3]].signed, found[PEOPLE[3]].unsigned) == (1, 0)
    assert (found[PEOPLE[4]].signed, found[PEOPLE[4]].unsigned) == (0, 2)


def test_whoever_approves_spending_is_a_decider_too(history: History) -> None:
    asked(history)
    (story,) = stories(history)
    approval = {"person": PEOPLE[5], "decision": "approve", "reason": "ok", "assurance": "A"}
    (found,) = deciders([replace(story, approval={**approval, "proof": PROOF})])
    assert (found.reviews, found.approvals, found.signed) == (0, 1, 1)


def switch(history: History, action: str, **changes: object) -> Record:
    body = {
        "scope": "model:google/veo-3.1",
        "action": action,
        "organisation": ORGANISATION,
        "holder": ORGANISATION,
        "reason": "incident" if action == "thrown" else "resolved",
        "by": PEOPLE[1],
    }
    return history.append("service", "switch.changed", {**body, **changes})


def thrown(history: History) -> tuple[ReportedSwitch, ...]:
    return switches(history.records, ORGANISATION, START, END)


def test_a_switch_tells_who_threw_and_who_lifted_it(history: History) -> None:
    switch(history, "thrown")
    assert [found.lifted_at for found in thrown(history)] == [""]
    switch(history, "lifted", by=PEOPLE[2])
    (found,) = thrown(history)
    assert (found.reason, found.thrown_by, found.lifted_by) == ("incident", PEOPLE[1], PEOPLE[2])


@pytest.mark.parametrize(
    ("first", "last", "is_told"),
    [
        (START - timedelta(days=2), START - timedelta(days=1), False),
        (START - timedelta(days=2), START + timedelta(days=1), True),
        (START - timedelta(days=2), None, True),
        (END, None, False),
    ],
)
def test_a_switch_is_told_of_every_period_in_which_it_was_thrown(
    history: History, first: datetime, last: datetime | None, is_told: bool
) -> None:
    history.moment = first
    switch(history, "thrown")
    if last is not None:
        history.moment = last
        switch(history, "lifted")
    assert bool(thrown(history)) is is_told


def test_another_organisations_switch_is_not_told_and_everybodys_is(history: History) -> None:
    switch(history, "thrown", organisation="southlight", holder="southlight")
    switch(history, "thrown", organisation=None, scope="*", holder="southlight")
    assert [found.scope for found in thrown(history)] == ["*"]


def consent(history: History, action: str, name: str = "one") -> str:
    identity = identifier("cns", name)
    body = {
        "action": action,
        "consent": identity,
        "organisation": ORGANISATION,
        "subject": identifier("sub", name),
        "covers": "voice",
        "media": ["audio"],
        "projects": ["*"],
        "territories": ["DE"],
        "until": "2027-03-31",
        "document": digest(name),
        "by": PEOPLE[0],
    }
    history.append("service", "consent.changed", body)
    return identity


def used(history: History, *named: str | None) -> tuple[ReportedConsent, ...]:
    """What is told when requests name these consents; the first of them was released."""
    for _ in named:
        history.request()
    found = [
        replace(story, request={**story.request, "declaration": {"consent": name}})
        for story, name in zip(stories(history), named, strict=True)
    ]
    found[0].released_at = rfc3339(START)
    return consents(history.records, found)


def test_a_consent_tells_how_often_it_was_used_and_how_it_stands(history: History) -> None:
    one = consent(history, "registered")
    consent(history, "registered", "unused")
    consent(history, "withdrawn")
    (found,) = used(history, one, one, None)
    assert (found.id, found.covers, found.until) == (one, "voice", "2027-03-31")
    assert (found.state, found.asked, found.released) == ("withdrawn", 2, 1)


def test_a_consent_that_the_register_lacks_is_told_as_such(history: History) -> None:
    (found,) = used(history, "contract-4711")
    assert (found.state, found.document) == ("unregistered", "")


def test_the_report_prints_who_acted(history: History) -> None:
    history.policy_loaded()
    name, envelope = document()
    for agent in AGENTS:
        agent_changed(history, "registered", agent, document=name)
    switch(history, "thrown")
    history.reviewed()
    document_text = render(replace(report(history), identities={name: envelope}))
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(document_text)).pages]
    (page,) = [text for text in pages if "\nWho acted\n" in f"\n{text}"]
    text = " ".join(page.split())
    assert "1 by agents, 0 by other programs, 0 by people themselves" in text
    assert f"{name[:32]}…" in text
    assert (
        "No decisions were signed by the authenticator that this service enrolled for the person"
        in text
    )
    assert "not lifted" in text


def test_what_nobody_did_is_said_in_a_sentence(history: History) -> None:
    history.policy_loaded()
    pages = PdfReader(io.BytesIO(render(report(history)))).pages
    text = " ".join(" ".join(page.extract_text() for page in pages).split())
    assert "No kill switch was thrown at any time in the period." in text
    assert "No request of this report named a consent." in text
