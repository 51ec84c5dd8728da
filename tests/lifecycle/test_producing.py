"""Requests of a production: what they have from it, and that it is that of their own time."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from governance.domain import GenerationRequest, Quote
from governance.evidence.story import State, Story
from governance.kernel import clock, ids
from governance.kernel.errors import Conflict, InvalidRequest, NotFound
from governance.lifecycle import producing, submitting
from governance.lifecycle.questions import prompt_of
from governance.productions import productions
from governance.productions.lineage import lineage
from governance.productions.productions import Version
from governance.productions.terms import Terms, Texts
from governance.spending import budgets
from tests.house import PICTURE, VENDOR_CLIP, House
from tests.platform import ORGANISATION, PROJECT

STYLE = Texts(style="35 mm")
IMAGE, WAN = "local/procedural-image", "self/wan2.2-a14b"


def opened(house: House, texts: Texts = STYLE, **changes: Any) -> Version:
    terms = Terms(ids.new_id("n"), PROJECT, ("EU", "JP"), clock.now().date())
    named = replace(terms, name=terms.name.replace("_", "-"), **changes)
    return producing.create(house.service.context, ORGANISATION, named, texts, house.producer.id)


def changed(house: House, made: Version, **changes: Any) -> Version:
    return producing.change(
        house.service.context,
        made.production,
        ORGANISATION,
        replace(made.terms, **changes),
        STYLE,
        replaces=made.digest,
        by=house.producer.id,
    )


def close(house: House, made: Version) -> None:
    context = house.service.context
    context.database.write(
        lambda c: productions.close(
            c, context.ledger, made.production, organisation=ORGANISATION, by=house.producer.id
        )
    )


def within(made: Version, request: GenerationRequest = PICTURE, **changes: Any) -> Any:
    return replace(request, production=made.production, **changes)


def family(house: House, production: str) -> list[Story]:
    with house.service.context.database.read() as session:
        own = producing.stories(session, production)
        return producing.with_ancestors(session, own, ORGANISATION)


class TestBelonging:
    def test_the_record_names_the_version(self, house: House) -> None:
        made = opened(house)
        story = house.service.story(house.ask(within(made, project="default", territories=())))
        assert story.request["production"] == {"id": made.production, "version": made.digest}
        assert story.request["project"] == PROJECT
        assert story.request["territories"] == ["EU", "JP"]

    def test_another_version_belongs_where_its_parent_does(self, house: House) -> None:
        made = opened(house)
        parent = house.made(State.RELEASED, within(made))
        child = house.ask(replace(PICTURE, parent=parent, task="remix"))
        told = family(house, made.production)
        assert [story.id for story in told] == [parent, child]
        assert [edge.relation for edge in lineage(told).edges] == ["remix"]

    def test_a_parent_that_is_not_there_is_refused(self, house: House) -> None:
        with pytest.raises(InvalidRequest) as caught:
            house.ask(replace(PICTURE, parent=ids.new_id("gen"), task="remix"))
        assert (caught.value.code, caught.value.param) == ("parent_unknown", "parent")

    def test_a_production_that_is_not_there_is_refused(self, house: House) -> None:
        with pytest.raises(NotFound) as caught:
            house.ask(replace(PICTURE, production=ids.new_id("prd")))
        assert caught.value.code == "production_not_found"

    def test_parents_from_elsewhere_are_in_the_family(self, house: House) -> None:
        made = opened(house)
        oldest = house.made(State.RELEASED)
        middle = house.ask(replace(PICTURE, parent=oldest, task="remix"))
        youngest = house.ask(within(made, parent=middle, task="remix"))
        told = family(house, made.production)
        assert {story.id for story in told} == {oldest, middle, youngest}
        assert lineage(told).outside == ()


class TestLimits:
    def test_a_model_that_is_named_must_be_allowed(self, house: House) -> None:
        for made in (opened(house, models=(WAN,)), opened(house, tiers=("premium",))):
            with pytest.raises(InvalidRequest) as caught:
                house.ask(within(made))
            assert caught.value.details["dimension"] == "model"

    def test_a_model_that_is_chosen_is_one_of_the_allowed(self, house: House) -> None:
        made = opened(house, models=(WAN,))
        generation = house.made(State.ROUTED, within(made, VENDOR_CLIP, model="auto"))
        assert (house.service.story(generation).route or {})["model"] == WAN

    def test_where_none_is_allowed_nothing_is_routed(self, house: House) -> None:
        made = opened(house, tiers=("premium",))
        with pytest.raises(InvalidRequest) as caught:
            house.ask(within(made, model="auto"))
        assert caught.value.code == "no_route"

    def test_a_request_keeps_the_terms_of_its_own_time(self, house: House) -> None:
        made = opened(house, models=(WAN,))
        generation = house.ask(within(made, VENDOR_CLIP, model="auto"))
        changed(house, made, models=("google/*",))
        allowed = producing.allowed(house.service.context, house.service.story(generation))
        assert allowed == frozenset({WAN})
        house.service.run(generation, State.ROUTED)
        with pytest.raises(InvalidRequest):
            house.ask(within(made, VENDOR_CLIP, model="auto"))

    def test_a_request_that_is_repeated_after_a_change_is_answered_as_before(
        self, house: House
    ) -> None:
        made = opened(house)
        caller = house.caller(idempotency_key=ids.new_id("k"))
        first = house.service.ask(within(made), caller)
        changed(house, made, territories=("DE",), sector="film", budget=Quote(Decimal(50)))
        assert house.service.ask(within(made), caller).id == first.id
        close(house, made)
        with pytest.raises(Conflict):
            house.ask(within(made))
        assert house.service.ask(within(made), caller).id == first.id

    def test_what_would_be_sent_is_screened_not_what_was_asked(self, house: House) -> None:
        context = house.service.context
        made = opened(house, Texts(style="with blood and gore everywhere"))
        member = producing.membership(context, within(made))
        assert member.sent.endswith("Style: with blood and gore everywhere")
        assert member.request.prompt == PICTURE.prompt
        assessment = submitting.assess(context, within(made), house.producer)
        assert assessment.request.prompt == PICTURE.prompt


class TestErased:
    def test_nothing_is_sent_once_the_style_is_gone(self, house: House) -> None:
        made = opened(house)
        generation = house.made(State.ROUTED, within(made, VENDOR_CLIP))
        context = house.service.context
        context.database.write(
            lambda c: productions.erase(
                c,
                context.ledger,
                made.production,
                organisation=ORGANISATION,
                basis="asked",
                by=house.officer.id,
            )
        )
        with pytest.raises(Conflict) as caught:
            producing.sent_prompt(context, house.service.story(generation))
        assert caught.value.code == "prompt_erased"
        assert house.service.run(generation).state == State.FAILED
        assert "provider.submitted" not in house.service.events(generation)


class TestPromoting:
    def test_a_final_has_prompt_references_and_production_of_its_draft(self, house: House) -> None:
        made = opened(house, references=("a" * 64,))
        asked = within(made, purpose="intermediate", prompt="a quiet harbour")
        draft = house.service.story(house.made(State.RELEASED, asked))
        final = producing.promoted(house.service.context, draft, IMAGE)
        assert (final.prompt, final.references) == ("a quiet harbour", ("a" * 64,))
        assert (final.purpose, final.parent, final.task) == ("final", draft.id, "generate")
        assert (final.production, final.model) == (made.production, IMAGE)

    def test_the_words_stay_their_author_s_and_are_erased_with_theirs(self, house: House) -> None:
        service = house.service
        author = service.person("producer")
        words = replace(PICTURE, prompt="a heron over reeds", purpose="intermediate")
        draft = service.run(service.ask(words, service.caller(author)).id)
        final = service.ask(producing.promoted(service.context, draft, IMAGE), house.caller())
        assert prompt_of(service.context, final) == "a heron over reeds"
        service.context.database.write(
            lambda c: service.context.ledger.erase(c, author.id, basis="consent", by=author.id)
        )
        with pytest.raises(Conflict) as caught:
            prompt_of(service.context, final)
        assert caught.value.code == "prompt_erased"

    def test_what_changes_another_file_is_not_promoted(self, house: House) -> None:
        draft = house.service.story(house.made(State.RELEASED))
        edited = replace(draft, request={**draft.request, "task": "edit"})
        for story in (edited, house.service.story(house.ask())):
            with pytest.raises(Conflict) as caught:
                producing.promoted(house.service.context, story, "final")
            assert caught.value.code == "not_promotable"


class TestBudget:
    def standing(self, house: House, made: Version) -> list[tuple[str, Decimal]]:
        with house.service.context.database.read() as session:
            found = budgets.standings(
                session, ORGANISATION, scopes=[f"production/{made.production}"]
            )
        return [(one.period, one.cap) for one in found]

    def test_it_is_set_changed_and_taken_away_with_the_terms(self, house: House) -> None:
        made = opened(house, budget=Quote(Decimal(50)))
        assert self.standing(house, made) == [("total", Decimal(50))]
        made = changed(house, made, budget=Quote(Decimal(60)))
        assert self.standing(house, made) == [("total", Decimal(60))]
        changed(house, made, budget=None)
        assert self.standing(house, made) == []

    def test_what_an_officer_has_set_stays(self, house: House) -> None:
        made, context = opened(house), house.service.context
        context.database.write(
            lambda c: budgets.set_budget(
                c,
                context.ledger,
                organisation=ORGANISATION,
                scope=f"production/{made.production}",
                period="day",
                amount=Decimal(5),
                by=house.officer.id,
            )
        )
        changed(house, made, budget=None)
        assert self.standing(house, made) == [("day", Decimal(5))]
