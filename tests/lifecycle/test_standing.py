"""Consents and waivers along the road: what holds at the request must hold at the release."""

from dataclasses import replace
from datetime import timedelta

import pytest

from governance.domain import Principal
from governance.evidence.story import State
from governance.kernel import clock
from governance.kernel.errors import Conflict
from governance.lifecycle import commands
from governance.lifecycle.statements import Choice
from governance.policy import waivers
from governance.policy.waivers import Proposal
from governance.rights import consents
from tests.house import CLIP, LIKENESS, PICTURE, House
from tests.platform import ORGANISATION, PROJECT

MISSING, NOT_VALID = "house-consent-missing", "house-consent-not-valid"


def withdraw(house: House, consent: str | None) -> None:
    context = house.service.context
    assert consent is not None
    context.database.write(
        lambda c: consents.withdraw(
            c, context.ledger, consent, organisation=ORGANISATION, by=house.officer.id
        )
    )


def waive(house: House, *rules: str, project: str | None = PROJECT) -> list[str]:
    """Approved waivers of these rules."""
    context = house.service.context
    today = clock.now().date()

    def run(rule: str, by: Principal) -> str:
        proposal = Proposal(rule, "for_a_test", today, today + timedelta(days=9), project)
        return context.database.write(
            lambda c: waivers.propose(c, context.ledger, context.policies.policy, proposal, by)
        )

    made = [run(rule, house.producer) for rule in rules]
    for waiver in made:
        context.database.write(
            lambda c, waiver=waiver: waivers.decide_proposal(  # type: ignore[misc]
                c, context.ledger, waiver, "approved", house.officer
            )
        )
    return made


def revoke(house: House, names: list[str]) -> None:
    context = house.service.context
    for name in names:
        context.database.write(
            lambda c, name=name: waivers.revoke(c, context.ledger, name, house.officer)  # type: ignore[misc]
        )


def denying(house: House, generation: str) -> set[str]:
    last = house.service.story(generation).decisions[-1]
    return {r["id"] for r in last["rules"] if (r["effect"], r["mode"]) == ("deny", "enforce")}


class TestConsent:
    def test_a_registered_consent_lets_a_person_be_shown(self, house: House) -> None:
        generation = house.made(State.IN_REVIEW, house.portrait())
        house.service.approve(generation, house.reviewer)
        assert house.service.approve(generation, house.second).state == State.RELEASED

    @pytest.mark.parametrize("change", [{"projects": ("other",)}, {"territories": ("JP",)}])
    def test_one_that_does_not_cover_the_use_is_refused(
        self, house: House, change: dict[str, tuple[str, ...]]
    ) -> None:
        generation = house.ask(house.portrait(replace(LIKENESS, **change)))  # type: ignore[arg-type]
        assert house.service.story(generation).state == State.DENIED
        assert denying(house, generation) == {NOT_VALID}

    def test_a_reference_that_nobody_registered_is_no_consent(self, house: House) -> None:
        asked = house.portrait()
        unknown = replace(asked.declaration, consent="consent-42")
        generation = house.ask(replace(asked, declaration=unknown))
        assert denying(house, generation) == {MISSING}

    def test_one_withdrawn_while_it_is_made_withholds_the_file(self, house: House) -> None:
        asked = house.portrait()
        generation = house.ask(asked)
        house.service.run(generation, State.FETCHED)
        withdraw(house, asked.declaration.consent)
        story = house.service.run(generation)
        assert story.state == State.WITHHELD
        assert denying(house, generation) == {NOT_VALID}
        assert "withdrawn" in (story.ending or {})["reasons"][0]

    def test_one_withdrawn_after_screening_withholds_the_file(self, house: House) -> None:
        asked = house.portrait()
        generation = house.ask(asked)
        house.service.run(generation, State.VERIFIED)
        withdraw(house, asked.declaration.consent)
        story = house.service.run(generation)
        assert (story.state, (story.ending or {})["code"]) == (State.WITHHELD, "duty_unmet")
        assert (story.ending or {})["reasons"] == ["consent.reference: withdrawn"]

    def test_one_withdrawn_while_people_look_can_only_be_rejected(self, house: House) -> None:
        asked = house.portrait()
        generation = house.made(State.IN_REVIEW, asked)
        house.service.approve(generation, house.reviewer)
        withdraw(house, asked.declaration.consent)
        with pytest.raises(Conflict) as caught:
            house.service.approve(generation, house.second)
        assert caught.value.code == "consent_not_valid"
        no = Choice("reject", "person_without_consent", "The consent was withdrawn.")
        assert house.service.decide(generation, house.second, no).state == State.REJECTED

    def test_one_withdrawn_after_the_release_stops_every_further_delivery(
        self, house: House
    ) -> None:
        asked = house.portrait()
        generation = house.made(State.IN_REVIEW, asked)
        house.service.approve(generation, house.reviewer)
        house.service.approve(generation, house.second)
        withdraw(house, asked.declaration.consent)
        with pytest.raises(Conflict) as caught:
            commands.deliver(house.service.context, generation, house.producer, "api")
        assert caught.value.code == "consent_not_valid"

    def test_an_erased_one_is_worth_nothing(self, house: House) -> None:
        asked = house.portrait()
        context = house.service.context
        consent = asked.declaration.consent or ""
        context.database.write(
            lambda c: consents.erase(
                c,
                context.ledger,
                consent,
                organisation=ORGANISATION,
                basis="consent_withdrawn",
                by=house.officer.id,
            )
        )
        assert denying(house, house.ask(asked)) == {NOT_VALID}


class TestWaivers:
    def test_a_waived_review_is_not_held(self, house: House) -> None:
        public = replace(CLIP, audience="public", width=128, height=64)
        made = waive(house, "house-review-public-video")
        try:
            generation = house.ask(public)
            story = house.service.run(generation)
        finally:
            revoke(house, made)
        assert story.state == State.RELEASED
        waived = [r for d in story.decisions for r in d["rules"] if r["mode"] == "waived"]
        assert {rule["waiver"] for rule in waived} == set(made)
        assert house.service.run(house.ask(public)).state == State.IN_REVIEW

    def test_one_revoked_meanwhile_counts_no_more_at_the_output(self, house: House) -> None:
        public = replace(CLIP, audience="public", width=128, height=64)
        made = waive(house, "house-review-public-video")
        generation = house.ask(public)
        revoke(house, made)
        assert house.service.run(generation).state == State.IN_REVIEW

    def test_one_for_another_project_changes_nothing(self, house: House) -> None:
        made = waive(house, "house-review-public-video", project="other")
        public = replace(CLIP, audience="public", width=128, height=64)
        try:
            assert house.service.run(house.ask(public)).state == State.IN_REVIEW
        finally:
            revoke(house, made)

    def test_two_are_needed_where_two_rules_forbid(self, house: House) -> None:
        """Without consent: one rule denies, another asks for a consent that is valid."""
        asked = replace(PICTURE, declaration=replace(PICTURE.declaration, real_person="yes"))
        one = waive(house, MISSING)
        try:
            permitted = house.service.run(house.ask(asked))
            assert (permitted.ending or {})["reasons"] == ["consent.reference: missing"]
            both = waive(house, "house-consent-reference")
            one += both
            assert house.service.run(house.ask(asked)).state == State.IN_REVIEW
        finally:
            revoke(house, one)
