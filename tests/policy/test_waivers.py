"""Waivers: what they may lift, who may agree to them, and where they reach."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, TypeVar

import pytest
from freezegun import freeze_time
from hypothesis import given, settings
from sqlalchemy import Connection, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from governance.domain import Principal
from governance.evidence.record import Record
from governance.kernel import ids
from governance.kernel.database import Database
from governance.kernel.errors import Conflict, Denied, GovernanceError, InvalidRequest, NotFound
from governance.ledger import Ledger, read_stream
from governance.policy import Policy, as_body, decide, replay, waivers
from governance.policy.tables import Waiver
from governance.policy.waivers import Proposal
from tests.policy.samples import BASE, changed, inputs

TODAY = date(2026, 12, 2)
RULE = "house-review-public-video"
LAW, CODE = "eu-50-2-marking", "code-s1-1-1-1-signed-metadata"
FIRST, SECOND = "wvr_" + "1" * 32, "wvr_" + "2" * 32
PUBLIC_VIDEO = changed(BASE, {"media": "video", "purpose": "final", "audience": "public"})
Result = TypeVar("Result")


def person(organisation: str = "acme") -> Principal:
    name = ids.new_id("usr")
    return Principal("person", name, organisation, name, "C", (name,))


def bot_of(owner: Principal) -> Principal:
    name = ids.new_id("agt")
    return Principal("agent", name, owner.organisation, owner.id, "A", (owner.id, name))


@dataclass
class Register:
    """The waivers of one organisation, on a day."""

    database: Database
    ledger: Ledger
    policy: Policy
    asks: Principal
    decides: Principal

    def write(self, change: Callable[[Connection], Result]) -> Result:
        return self.database.write(change)

    def propose(self, by: Principal | None = None, **changes: Any) -> str:
        proposal = Proposal(RULE, "reviewed_by_agency", TODAY, TODAY + timedelta(days=30))
        asked = replace(proposal, **changes)
        return self.write(
            lambda c: waivers.propose(c, self.ledger, self.policy, asked, by or self.asks)
        )

    def decide(self, waiver: str, choice: Any = "approved", by: Principal | None = None) -> None:
        self.write(
            lambda c: waivers.decide_proposal(c, self.ledger, waiver, choice, by or self.decides)
        )

    def revoke(self, waiver: str) -> None:
        self.write(lambda c: waivers.revoke(c, self.ledger, waiver, self.asks))

    def approved(self, **changes: Any) -> str:
        waiver = self.propose(**changes)
        self.decide(waiver)
        return waiver

    def valid(self, project: str = "film", day: date = TODAY) -> list[str]:
        with self.database.read() as session:
            found = waivers.in_force(session.connection(), "acme", project, day)
        return [waiver for _, waiver in found]

    def records(self) -> list[Record]:
        with self.database.read() as session:
            return read_stream(session, "service.acme")


@pytest.fixture
def register(database: Database, ledger: Ledger, policy: Policy) -> Any:
    with freeze_time(TODAY):
        yield Register(database, ledger, policy, person(), person())


def write_approval(register: Register, waiver: str, by: str) -> None:
    """As somebody would who has the database's password."""
    row = update(Waiver).where(col(Waiver.id) == waiver)
    register.write(lambda c: c.execute(row.values(state="approved", decided_by=by)))


def code(caught: pytest.ExceptionInfo[GovernanceError]) -> str:
    return caught.value.code


class TestWhatAWaiverLifts:
    def under(self, policy: Policy, *lifted: tuple[str, str]) -> Any:
        items = [{"rule": rule, "waiver": waiver} for rule, waiver in lifted]
        return decide(policy, {**PUBLIC_VIDEO, "waivers": items})

    def test_a_waived_rule_is_listed_and_has_no_effect(self, policy: Policy) -> None:
        assert decide(policy, PUBLIC_VIDEO).effect == "review"
        decision = self.under(policy, (RULE, FIRST))
        (rule,) = [rule for rule in decision.rules if rule.id == RULE]
        assert (rule.mode, rule.waiver) == ("waived", FIRST)
        assert decision.effect == "permit"
        assert "review.people" not in {duty.kind for duty in decision.duties}

    def test_a_duty_that_another_rule_imposes_stays(self, policy: Policy) -> None:
        facts = changed(PUBLIC_VIDEO, {"declared": {"deep_fake": "yes"}})
        facts["waivers"] = [{"rule": RULE, "waiver": FIRST}]
        (duty,) = [d for d in decide(policy, facts).duties if d.kind == "review.people"]
        assert duty.rules == ("house-review-deep-fake",)

    @pytest.mark.parametrize("rule", [LAW, CODE])
    def test_a_law_or_a_code_holds_whatever_the_input_says(self, policy: Policy, rule: str) -> None:
        assert self.under(policy, (rule, FIRST)).rules == decide(policy, PUBLIC_VIDEO).rules
        assert self.under(policy, (rule, FIRST)).duties == decide(policy, PUBLIC_VIDEO).duties

    def test_what_stands_in_for_a_check_holds_whatever_the_input_says(self, policy: Policy) -> None:
        facts = {**PUBLIC_VIDEO, "stage": "output", "date": "2026-12-02"}
        facts |= {"not_checked": ["intimate_imagery"]}
        facts["waivers"] = [{"rule": "house-5-unseen", "waiver": FIRST}]
        found = {rule.id: rule.mode for rule in decide(policy, facts).rules}
        assert found["house-5-unseen"] == "enforce"

    def test_a_waiver_of_a_rule_that_is_gone_is_ignored(self, policy: Policy) -> None:
        assert self.under(policy, ("house-rule-of-old", FIRST)).effect == "review"

    def test_of_two_waivers_the_older_is_named(self, policy: Policy) -> None:
        decision = self.under(policy, (RULE, FIRST), (RULE, SECOND))
        assert {rule.waiver for rule in decision.rules if rule.id == RULE} == {FIRST}

    @given(inputs)
    @settings(max_examples=60, deadline=None)
    def test_waivers_never_touch_law_or_code(self, policy: Policy, facts: dict[str, Any]) -> None:
        everything = [
            {"rule": rule.matched.id, "waiver": FIRST}
            for rule in policy.rules[: 64 if len(policy.rules) > 64 else None]
        ]
        bound = [r for r in decide(policy, {**facts, "waivers": []}).rules if r.level != "house"]
        decision = decide(policy, {**facts, "waivers": everything})
        assert [rule for rule in decision.rules if rule.level != "house"] == bound
        imposed = {d.kind for d in decision.duties if d.mode == "enforce"}
        rules = {rule.matched.id: rule for rule in policy.rules}
        for rule in bound:
            if rule.mode == "enforce":
                assert {kind for kind, _ in rules[rule.id].duties} <= imposed

    @given(inputs)
    @settings(max_examples=40, deadline=None)
    def test_a_decision_with_waivers_replays(self, policy: Policy, facts: dict[str, Any]) -> None:
        body = as_body(decide(policy, facts))
        assert as_body(replay(policy.document, body["input"])) == body


class TestProposing:
    @pytest.mark.parametrize("rule", [LAW, CODE, "house-5-unseen"])
    def test_a_law_a_code_or_what_stands_in_for_a_check_cannot_be_waived(
        self, register: Register, rule: str
    ) -> None:
        with pytest.raises(InvalidRequest) as caught:
            register.propose(rule=rule)
        assert code(caught) == "rule_not_waivable"

    def test_a_rule_must_exist(self, register: Register) -> None:
        with pytest.raises(InvalidRequest) as caught:
            register.propose(rule="house-rule-of-old")
        assert code(caught) == "rule_unknown"

    def test_a_rule_that_is_only_observed_needs_no_waiver(self, register: Register) -> None:
        observed = next(
            rule.matched.id
            for rule in register.policy.rules
            if (rule.matched.level, rule.matched.mode) == ("house", "observe")
        )
        with pytest.raises(InvalidRequest) as caught:
            register.propose(rule=observed)
        assert code(caught) == "rule_not_waivable"

    @pytest.mark.parametrize(
        ("first", "last", "is_good"),
        [(0, 0, True), (0, 90, True), (5, 90, True), (0, 91, False), (-1, 5, False), (5, 4, False)],
    )
    def test_it_begins_today_or_later_and_lasts_90_days_at_most(
        self, register: Register, first: int, last: int, is_good: bool
    ) -> None:
        days: dict[str, Any] = {
            "first_day": TODAY + timedelta(days=first),
            "last_day": TODAY + timedelta(days=last),
        }
        if is_good:
            register.propose(**days)
            return
        with pytest.raises(InvalidRequest) as caught:
            register.propose(**days)
        assert code(caught) == "waiver_days_invalid"

    def test_nothing_is_lifted_before_somebody_has_approved(self, register: Register) -> None:
        register.propose()
        assert register.valid() == []


class TestApproving:
    def test_another_person_approves(self, register: Register) -> None:
        waiver = register.approved()
        assert register.valid() == [waiver]
        last = register.records()[-1].body
        assert (last["action"], last["by"]) == ("approved", register.decides.id)

    def test_nobody_approves_their_own(self, register: Register) -> None:
        waiver = register.propose()
        with pytest.raises(Denied) as caught:
            register.decide(waiver, by=register.asks)
        assert code(caught) == "separation_of_duties"
        assert register.valid() == []

    def test_nobody_approves_their_own_through_their_bot(self, register: Register) -> None:
        bot = bot_of(register.asks)
        waiver = register.propose()
        with pytest.raises(Denied) as caught:
            register.decide(waiver, by=bot)
        assert code(caught) == "person_required"
        with pytest.raises(Denied) as caught:
            register.propose(by=bot)
        assert code(caught) == "person_required"

    def test_the_database_refuses_it_whoever_writes(self, register: Register) -> None:
        waiver = register.propose()
        for approver in (register.asks.id, bot_of(register.asks).id):
            with pytest.raises(IntegrityError):
                write_approval(register, waiver, approver)

    def test_somebody_of_another_organisation_finds_nothing(self, register: Register) -> None:
        waiver = register.propose()
        with pytest.raises(NotFound):
            register.decide(waiver, by=person("elsewhere"))

    def test_what_was_refused_or_revoked_stays_so(self, register: Register) -> None:
        refused = register.propose()
        register.decide(refused, "refused")
        revoked = register.approved()
        register.revoke(revoked)
        for waiver in (refused, revoked):
            with pytest.raises(Conflict):
                register.decide(waiver)
            with pytest.raises(Conflict):
                register.revoke(waiver)
        assert register.valid() == []

    def test_a_proposal_whose_days_have_passed_is_not_approved(self, register: Register) -> None:
        waiver = register.propose(last_day=TODAY)
        with freeze_time(TODAY + timedelta(days=1)), pytest.raises(Conflict) as caught:
            register.decide(waiver)
        assert code(caught) == "waiver_expired"


class TestReach:
    def test_it_ends_with_its_last_day(self, register: Register) -> None:
        waiver = register.approved(first_day=TODAY + timedelta(days=2))
        days = [TODAY + timedelta(days=n) for n in (1, 2, 30, 31)]
        assert [register.valid(day=day) for day in days] == [[], [waiver], [waiver], []]

    def test_one_for_a_project_reaches_no_other(self, register: Register) -> None:
        waiver = register.approved(project="film")
        assert register.valid("film") == [waiver]
        assert register.valid("film2") == register.valid("") == []

    def test_one_for_the_organisation_reaches_no_other_organisation(
        self, register: Register
    ) -> None:
        register.approved()
        with register.database.read() as session:
            found = waivers.in_force(session.connection(), "acme2", "film", TODAY)
        assert found == ()

    def test_revoking_ends_one_and_leaves_the_other(self, register: Register) -> None:
        first, second = sorted([register.approved(), register.approved(project="film")])
        assert register.valid() == [first]
        register.revoke(first)
        assert register.valid() == [second]


def test_the_comment_can_be_erased_with_the_person_who_wrote_it(register: Register) -> None:
    waiver = register.propose(comment="Mara at the agency has seen it.")
    vault = register.ledger.vault

    def comment() -> str | None:
        with register.database.read() as session:
            found = waivers.find(session, waiver, "acme")
            return waivers.comment_of(session, vault, found)

    assert comment() == "Mara at the agency has seen it."
    assert "Mara" not in str([record.body for record in register.records()])
    register.write(
        lambda c: register.ledger.erase(c, register.asks.id, basis="asked", by=register.asks.id)
    )
    assert comment() is None


def test_every_change_is_on_record(register: Register) -> None:
    waiver = register.approved(project="film")
    register.revoke(waiver)
    told = [record.body for record in register.records()]
    assert [body["action"] for body in told] == ["proposed", "approved", "revoked"]
    assert {(b["rule"], b["project"], b["requested_by"]) for b in told} == {
        (RULE, "film", register.asks.id)
    }
