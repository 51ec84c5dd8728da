"""The router: hard filters, a transparent score, a fixed tie-break, and the whole trace."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import get_args

import pytest
from freezegun import freeze_time
from hypothesis import given
from hypothesis import strategies as st

from governance.domain import InputFile, Media, Route
from governance.kernel.errors import InvalidRequest
from governance.routing import Model, load_catalogue
from governance.routing.catalogue import Horizon
from governance.routing.health import TRIPS_AFTER, Health
from governance.routing.model import Sound, Status, Tier
from governance.routing.quality import Measured
from governance.routing.router import RESTING, STOPPED

from .builders import (
    FRAME,
    POLICIES,
    Configured,
    catalogue,
    demanding,
    knowing,
    model,
    per_second,
    request,
    router,
)

OPEN = {"open": Configured("open")}


def rejection(entry: Model, **changes: object) -> str:
    """Why a catalogue with only this model serves the request with it not at all."""
    with pytest.raises(InvalidRequest) as refusal:
        router(catalogue(entry), OPEN).route(request(**changes))
    assert refusal.value.code == "no_route"
    [candidate] = refusal.value.details["candidates"]
    assert candidate["model"] == entry.id
    return str(candidate["rejected"])


class TestAFilter:
    def test_model_without_an_adapter(self) -> None:
        assert rejection(model(provider=None)) == "no adapter in this version"

    def test_provider_that_is_not_configured(self) -> None:
        chooser = router(catalogue(model()), {"open": Configured("open", configured=False)})

        with pytest.raises(InvalidRequest, match="the provider open is not configured"):
            chooser.route(request())

    def test_provider_that_is_not_there(self) -> None:
        assert "nowhere is not configured" in rejection(model(provider="nowhere"))

    def test_retired_model(self) -> None:
        retired = model(status="retired", retired_on=date(2026, 9, 24))

        assert rejection(retired) == "retired on 2026-09-24"

    def test_model_that_retires_today(self) -> None:
        with freeze_time("2026-12-01"):
            assert "retired" in rejection(model(retired_on=date(2026, 12, 1)))

    def test_other_medium(self) -> None:
        assert rejection(model(), media="audio") == "makes video, not audio"

    @pytest.mark.parametrize("size", [(640, 358), (1920, 1082), (2000, 720), (1281, 720)])
    def test_size(self, size: tuple[int, int]) -> None:
        assert "does not make" in rejection(model(), width=size[0], height=size[1])

    def test_portrait_is_judged_like_landscape(self) -> None:
        assert router(catalogue(model()), OPEN).route(request(width=720, height=1280))

    @pytest.mark.parametrize("seconds", [0, 16])
    def test_length(self, seconds: int) -> None:
        assert f"does not make {seconds} s" in rejection(model(), seconds=seconds)

    def test_length_between_the_steps(self) -> None:
        assert rejection(model(seconds=(4, 8, 12)), seconds=6).endswith("(4 to 12 s in steps of 4)")

    def test_sound_where_it_is_asked_for(self) -> None:
        silent = router(catalogue(model(audio="never")), OPEN)

        assert silent.route(request())
        with pytest.raises(InvalidRequest):
            silent.route(request(), audio=True)

    @pytest.mark.parametrize(
        ("denied", "asked", "named"),
        [
            (("EU",), ("FR",), "FR"),
            (("DE",), ("EU",), "DE"),
            (("KR", "EU"), ("US", "KR"), "KR"),
        ],
    )
    def test_licence_that_excludes_a_territory(
        self, denied: tuple[str, ...], asked: tuple[str, ...], named: str
    ) -> None:
        reason = rejection(model(territories_denied=denied), territories=asked)

        assert reason == f"its licence excludes {named}"

    def test_licence_with_exclusions_needs_to_know_the_territories(self) -> None:
        assert "names none" in rejection(model(territories_denied=("KR",)), territories=())

    def test_licence_that_excludes_other_territories_only(self) -> None:
        entry = model(territories_denied=("EU", "KR"))

        assert router(catalogue(entry), OPEN).route(request(territories=("US",)))

    def test_price_that_is_not_known(self) -> None:
        assert rejection(model(price=None)) == "no price known for this size, length and sound"

    def test_price_above_the_limit(self) -> None:
        chooser = router(catalogue(model()), OPEN)

        assert chooser.quote(request(), max_amount=Decimal("0.40")).amount == Decimal("0.40")
        with pytest.raises(InvalidRequest) as refusal:
            chooser.route(request(model="test/plain"), max_amount=Decimal("0.39"))
        assert "costs 0.40 USD, above the limit of 0.39 USD" in refusal.value.message

    @pytest.mark.parametrize("kind", ["model", "provider"])
    def test_what_a_kill_switch_stops_is_passed_over_with_that_reason(self, kind: str) -> None:
        best = model(id="test/best", tier="premium", provider="other")
        providers = {**OPEN, "other": Configured("other")}
        chooser = router(catalogue(model(), best), providers)
        assert chooser.route(request()).model == "test/best"

        scope = {"model": "model:test/best", "provider": "provider:other"}[kind]
        route = chooser.route(request(), stopped={scope, "model:test", "*"})

        assert route.model == "test/plain"
        assert [c.rejected for c in route.candidates] == [None, STOPPED]

    def test_all_reasons_are_told(self) -> None:
        assert rejection(model(provider=None, price=None), seconds=99).count(";") == 2

    def test_frame_of_another_ratio(self) -> None:
        wide = model(frame=replace(FRAME, ratios=("16:9",)))

        assert router(catalogue(wide), OPEN).route(request(width=1280, height=720))
        assert "16:9" in rejection(wide, width=720, height=720)

    def test_frame_between_the_sizes(self) -> None:
        steps = model(frame=replace(FRAME, shorts=(540, 720)))

        assert router(catalogue(steps), OPEN).route(request(width=960, height=540))
        assert "shorter side 540 or 720" in rejection(steps, width=1136, height=640)

    def test_task_that_it_does_not_do(self) -> None:
        assert rejection(model(), task="upscale") == "does not upscale"
        assert router(catalogue(model(tasks=("upscale",))), OPEN).route(request(task="upscale"))

    def test_remix_is_made_anew_by_every_model_that_generates(self) -> None:
        assert router(catalogue(model()), OPEN).route(request(task="remix"))

    def test_input_that_it_does_not_take(self) -> None:
        first = InputFile("first_frame", "a" * 64, "image/png")
        last = InputFile("last_frame", "b" * 64, "image/png")

        assert rejection(model(inputs=("first_frame",)), inputs=(first, last)) == (
            "takes no last_frame"
        )

    def test_voice_where_there_is_none_to_choose(self) -> None:
        assert "no voices" in rejection(model(), voice="coral")

    def test_words_that_take_longer_to_speak_than_is_asked_for(self) -> None:
        speaking = model(media="audio", frame=None, voices=True)
        sound = {"media": "audio", "width": 0, "height": 0, "prompt": "a" * 61}

        assert rejection(speaking, seconds=4, **sound) == (
            "needs `seconds` of at least 5 to speak so many words"
        )
        assert router(catalogue(speaking), OPEN).route(request(seconds=5, **sound))

    def test_words_that_are_not_spoken_take_no_time(self) -> None:
        sound = model(media="audio", frame=None)
        asked = request(media="audio", width=0, height=0, prompt="a" * 600, seconds=1)

        assert router(catalogue(sound), OPEN).route(asked)

    def test_model_that_is_only_announced(self) -> None:
        assert rejection(model(status="announced")) == "announced, not served yet"

    def test_model_of_which_nothing_recent_is_known(self) -> None:
        known = catalogue(model(), horizon=Horizon(stale_after=30, warn_ahead=60))

        with freeze_time("2026-12-22"):
            assert router(known, OPEN).route(request())
        with freeze_time("2026-12-23"), pytest.raises(InvalidRequest, match="older than 30 days"):
            router(known, OPEN).route(request(model="test/plain"))

    def test_model_that_may_end_any_day_until_its_vendor_has_confirmed_it(self) -> None:
        known = catalogue(model(status="sunset_risk", guaranteed_until=date(2026, 11, 17)))

        with pytest.raises(InvalidRequest, match="has not confirmed it"):
            router(known, OPEN).route(request(model="test/plain"))
        route = router(known, OPEN, knowing(known, served=True)).route(request())
        assert "may end any day" in route.warnings[0]

    def test_model_whose_circuit_is_open(self) -> None:
        known = catalogue(model(), model(id="test/other", provider="elsewhere"))
        health = Health(known)
        for _ in range(TRIPS_AFTER):
            health.note("studio.example", "test/other", "unavailable")
        providers = {**OPEN, "elsewhere": Configured("elsewhere")}

        route = router(known, providers, knowing(known, health=health)).route(request())

        assert route.model == "test/plain"
        assert route.candidates[1].rejected == RESTING
        late = router(known, providers, knowing(known, health=health))
        assert late.route(request(model="test/other"), patient=True).model == "test/other"

    @pytest.mark.parametrize(
        ("marks", "reason"),
        [
            (None, "nobody knows what its vendor leaves in the file"),
            ((), "its vendor leaves no c2pa in the file"),
            (("synthid",), "its vendor leaves no c2pa in the file"),
            (("synthid", "c2pa"), None),
        ],
    )
    def test_provenance_that_its_vendor_does_not_leave(
        self, marks: tuple[str, ...] | None, reason: str | None
    ) -> None:
        known = catalogue(model(marks=marks), model(id="test/x", marks=("c2pa",)))

        route = router(known, OPEN, tiers=demanding(vendor_marks=("c2pa",))).route(request())

        told = {candidate.model: candidate.rejected for candidate in route.candidates}
        assert told == {"test/plain": reason, "test/x": None}

    @pytest.mark.parametrize(
        ("regions", "allowed", "reason"),
        [
            (None, ("EU",), "nobody knows where it processes"),
            (("US", "DE"), ("EU",), "processes in US"),
            (("FR",), ("EU",), None),
            ((), ("EU",), None),  # on machines of one's own
            (None, None, None),
        ],
    )
    def test_processing_outside_the_regions_that_are_allowed(
        self,
        regions: tuple[str, ...] | None,
        allowed: tuple[str, ...] | None,
        reason: str | None,
    ) -> None:
        known = catalogue(model(regions=regions), model(id="test/x", regions=()))

        route = router(known, OPEN, tiers=demanding(processed_in=allowed)).route(request())

        told = {candidate.model: candidate.rejected for candidate in route.candidates}
        assert told["test/plain"] == reason

    def test_model_that_the_production_does_not_have(self) -> None:
        chooser = router(catalogue(model(), model(id="test/other")), OPEN)

        route = chooser.route(request(), allowed={"test/plain"})

        assert route.model == "test/plain"
        assert route.candidates[1].rejected == "not among the models of the production"

    def test_model_that_has_failed_for_this_request(self) -> None:
        stand_in = model(id="test/formula", tier="procedural")
        chooser = router(catalogue(model(), model(id="test/other"), stand_in), OPEN)

        route = chooser.route(request(), barred={"test/other": "throttled for this request"})

        told = {candidate.model: candidate.rejected for candidate in route.candidates}
        assert told == {
            "test/plain": None,
            "test/other": "throttled for this request",
            "test/formula": "a stand-in takes no other model's place",
        }


class TestAWord:
    KNOWN = catalogue(
        model(id="test/cheap"), model(id="test/dear", tier="premium", price=per_second("0.60"))
    )

    @pytest.mark.parametrize(("word", "chosen"), [("draft", "test/cheap"), ("final", "test/dear")])
    def test_means_a_tier(self, word: str, chosen: str) -> None:
        route = router(self.KNOWN, OPEN).route(request(model=word))

        assert route.model == chosen
        assert f"`{word}` means" in str(route.candidates[1].rejected)

    @pytest.mark.parametrize(("tier", "word"), [("premium", "final"), ("commodity", "draft")])
    def test_is_named_to_whoever_names_the_tier(self, tier: str, word: str) -> None:
        with pytest.raises(InvalidRequest, match=f"say `{word}`") as refusal:
            router(self.KNOWN, OPEN).route(request(model=tier))

        assert (refusal.value.code, refusal.value.details["close"]) == ("model_unknown", [word])

    def test_weighs_as_it_says_whatever_the_purpose(self) -> None:
        [draft] = [
            candidate
            for candidate in router(self.KNOWN, OPEN).route(request(model="draft")).candidates
            if candidate.components
        ]

        assert [part.weight for part in draft.components] == ["0.2", "0.5", "0.15", "0.15"]


class TestARegulatedSector:
    KNOWN = catalogue(model(id="test/cheap"), model(id="test/dear", tier="premium"))

    def test_has_no_final_file_made_by_a_commodity_model(self) -> None:
        route = router(self.KNOWN, OPEN).route(request(sector="health"))

        assert route.model == "test/dear"
        assert route.candidates[1].rejected == (
            "no commodity model makes a final file for health: Patients see this."
        )

    def test_not_even_if_it_is_named(self) -> None:
        with pytest.raises(InvalidRequest, match="no commodity model makes a final file"):
            router(self.KNOWN, OPEN).route(request(sector="health", model="test/cheap"))

    def test_not_even_if_a_draft_is_called_final(self) -> None:
        with pytest.raises(InvalidRequest) as refusal:
            router(self.KNOWN, OPEN).route(request(sector="health", model="draft"))

        assert refusal.value.code == "no_route"

    def test_may_draft_with_it(self) -> None:
        chooser = router(self.KNOWN, OPEN)

        for name in ("draft", "test/cheap"):
            asked = request(sector="health", model=name, purpose="intermediate")
            assert chooser.route(asked).model == "test/cheap"

    def test_is_another_than_all_others(self) -> None:
        assert router(self.KNOWN, OPEN).route(request(model="test/cheap", sector="film"))


class TestAModelThatEnds:
    ENDING = model(retired_on=date(2026, 12, 31), successors=("test/next",))

    def test_is_routed_to_with_a_warning_from_60_days_ahead(self) -> None:
        chooser = router(catalogue(self.ENDING), OPEN)

        with freeze_time("2026-10-31T23:59:59Z"):
            assert chooser.route(request()).warnings == ()
        with freeze_time("2026-11-01"):
            [warning] = chooser.route(request()).warnings
        assert warning == ("test/plain ends on 2026-12-31, in 60 days. Its successor is test/next.")

    def test_is_refused_on_the_day_and_its_successor_is_named(self) -> None:
        chooser = router(catalogue(self.ENDING, model(id="test/next")), OPEN)

        with freeze_time("2026-12-30T23:59:59Z"):
            assert chooser.route(request(model="test/plain")).model == "test/plain"
        with freeze_time("2026-12-31"):
            with pytest.raises(InvalidRequest, match="Its successor is test/next") as refusal:
                chooser.route(request(model="test/plain"))
            route = chooser.route(request())
        assert refusal.value.code == "model_retired"
        assert refusal.value.details["successors"] == ["test/next"]
        assert route.model == "test/next"
        assert route.candidates[1].rejected == "retired on 2026-12-31; use test/next"


class TestANamedModel:
    def test_is_taken_even_if_another_scores_better(self) -> None:
        chooser = router(catalogue(model(), model(id="test/best", tier="premium")), OPEN)

        route = chooser.route(request(model="test/plain"))

        assert route.model == "test/plain"
        assert [candidate.model for candidate in route.candidates] == ["test/plain"]

    def test_that_cannot_serve_is_not_replaced(self) -> None:
        chooser = router(catalogue(model(seconds=(8,)), model(id="test/other")), OPEN)

        with pytest.raises(InvalidRequest, match="test/plain cannot make this: does not make 4 s"):
            chooser.route(request(model="test/plain"))

    @pytest.mark.parametrize(
        ("name", "code"), [("sora-2", "model_retired"), ("x", "model_unknown")]
    )
    def test_that_is_not_offered_is_refused(self, name: str, code: str) -> None:
        with pytest.raises(InvalidRequest) as refusal:
            router(load_catalogue(POLICIES), OPEN).route(request(model=name))

        assert refusal.value.code == code


class TestAuto:
    def test_takes_the_local_model_where_nothing_else_is_configured(self) -> None:
        chooser = router(load_catalogue(POLICIES), {"local": Configured("local")})

        for media, seconds in (("video", 4), ("image", 0), ("audio", 4)):
            route = chooser.route(request(media=media, seconds=seconds))
            assert route.model == f"local/procedural-{media}"
            assert route.provider == "local"
            assert route.source_type == "algorithmicMedia"

    def test_prefers_a_real_model_to_the_free_stand_in(self) -> None:
        providers = {name: Configured(name) for name in ("local", "openai-videos")}

        route = router(load_catalogue(POLICIES), providers).route(request())

        assert route.model == "self/wan2.2-a14b"
        assert route.source_type == "trainedAlgorithmicMedia"

    def test_prefers_quality_for_a_final_clip_and_economy_for_an_intermediate_one(self) -> None:
        dear = per_second("0.60")
        known = catalogue(model(), model(id="test/dear", tier="premium", price=dear))
        chooser = router(known, OPEN)

        assert chooser.route(request(purpose="final")).model == "test/dear"
        assert chooser.route(request(purpose="intermediate")).model == "test/plain"

    def test_breaks_a_tie_by_name(self) -> None:
        chooser = router(catalogue(model(id="test/b"), model(id="test/a")), OPEN)

        assert chooser.route(request()).model == "test/a"

    def test_shows_its_arithmetic(self) -> None:
        [candidate] = router(catalogue(model()), OPEN).route(request()).candidates

        # Assumed of a commodity model; 1 ÷ (1 + 0.40 USD); 120 s are worth a half; assumed.
        shown = {part.name: (part.value, part.weight) for part in candidate.components}
        assert shown == {
            "quality": ("0.4000", "0.6"),
            "cost": ("0.7143", "0.15"),
            "latency": ("0.5000", "0.1"),
            "health": ("0.9000", "0.15"),
        }
        assert candidate.score == "0.5321"
        assert candidate.quote is not None
        assert candidate.quote.amount == Decimal("0.40")

    def test_learns_from_what_reviewers_rejected(self) -> None:
        known = catalogue(model(id="test/a"), model(id="test/b"))
        rejected = {"test/a": Measured(orders=10, made=10, reviewed=10, approved=0)}

        assert router(known, OPEN).route(request()).model == "test/a"
        taught = router(known, OPEN, knowing(known, rejected))
        assert taught.route(request()).model == "test/b"

    def test_takes_a_stand_in_only_where_nothing_else_can_serve(self) -> None:
        free = model(id="test/formula", tier="procedural", price=per_second("0"))
        known = catalogue(model(), free)

        assert router(known, OPEN).route(request()).model == "test/plain"
        chosen = router(known, OPEN).route(request(), max_amount=Decimal("0.01"))
        assert chosen.model == "test/formula"

    def test_traces_every_model_of_the_catalogue(self) -> None:
        known = load_catalogue(POLICIES)

        route = router(known, {"local": Configured("local")}).route(request())

        assert {c.model for c in route.candidates} == {m.id for m in known.models}
        assert all((c.rejected is None) != (c.score is None) for c in route.candidates)
        assert route.candidates[0].model == route.model


def models() -> st.SearchStrategy[list[Model]]:
    """Catalogues of up to six models that differ in what the router looks at."""
    prices = st.none() | st.decimals(0, 2, places=2).map(lambda usd: per_second(str(usd)))
    entry = st.builds(
        lambda **changes: model(**changes),
        id=st.sampled_from("abcdefgh").map(lambda name: f"test/{name}"),
        provider=st.sampled_from(["open", "closed", None]),
        media=st.sampled_from(get_args(Media)),
        tier=st.sampled_from(get_args(Tier)),
        status=st.sampled_from(get_args(Status)),
        retired_on=st.just(date(2026, 9, 24)) | st.none(),
        audio=st.sampled_from(get_args(Sound)),
        seconds=st.sampled_from([(4,), (4, 8), (8,)]),
        territories_denied=st.sampled_from([(), ("EU",), ("KR",)]),
        price=prices,
    )
    return st.lists(entry, min_size=1, max_size=6, unique_by=lambda m: m.id)


def outcome(entries: list[Model], **limits: object) -> Route | str:
    providers = {"open": Configured("open"), "closed": Configured("closed", configured=False)}
    try:
        return router(catalogue(*entries), providers).route(request(), **limits)  # type: ignore[arg-type]
    except InvalidRequest as refusal:
        return f"{refusal.code} {refusal.details}"


class TestLaws:
    @given(models(), st.randoms(use_true_random=False))
    def test_the_order_of_the_catalogue_does_not_matter(
        self, entries: list[Model], dice: object
    ) -> None:
        shuffled = list(entries)
        dice.shuffle(shuffled)  # type: ignore[attr-defined]

        assert outcome(entries) == outcome(shuffled)

    @given(models(), st.decimals(0, 5, places=2), st.booleans())
    def test_what_is_chosen_may_and_can_serve(
        self, entries: list[Model], limit: Decimal, audio: bool
    ) -> None:
        route = outcome(entries, max_amount=limit, audio=audio)

        if isinstance(route, Route):
            chosen = next(entry for entry in entries if entry.id == route.model)
            assert chosen.status != "retired"
            assert chosen.retired_on is None
            assert chosen.provider == route.provider == "open"
            assert chosen.media == "video"
            assert 4 in chosen.seconds
            assert "EU" not in chosen.territories_denied
            assert chosen.audio != "never" or not audio
            assert route.quote.amount <= limit
            assert chosen.status not in ("announced", "sunset_risk")
            parts = route.candidates[0].components
            products = [Decimal(part.value) * Decimal(part.weight) for part in parts]
            total = sum(products, Decimal(0))
            assert str(total.quantize(Decimal("0.0001"))) == route.candidates[0].score

    @given(models())
    def test_a_model_that_cannot_serve_changes_nothing_for_the_others(
        self, entries: list[Model]
    ) -> None:
        useless = replace(entries[0], id="test/useless", provider=None)

        before, after = outcome(entries), outcome([*entries, useless])

        if isinstance(before, Route):
            assert isinstance(after, Route)
            kept = tuple(c for c in after.candidates if c.model != "test/useless")
            assert replace(after, candidates=kept) == before
