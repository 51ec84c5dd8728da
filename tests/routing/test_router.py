"""The router: hard filters, a transparent score, a fixed tie-break, and the whole trace."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import get_args

import pytest
from freezegun import freeze_time
from hypothesis import given
from hypothesis import strategies as st

from governance.domain import Media, Route
from governance.kernel.errors import InvalidRequest
from governance.routing import Model, Router, load_catalogue
from governance.routing.catalogue import Lifecycle, Price, Tier
from governance.routing.router import STOPPED

from .builders import POLICIES, Configured, catalogue, model, request

OPEN = {"open": Configured("open")}


def rejection(entry: Model, **changes: object) -> str:
    """Why a catalogue with only this model serves the request with it not at all."""
    with pytest.raises(InvalidRequest) as refusal:
        Router(catalogue(entry), OPEN).route(request(**changes))
    assert refusal.value.code == "no_route"
    [candidate] = refusal.value.details["candidates"]
    assert candidate["model"] == entry.id
    return str(candidate["rejected"])


class TestAFilter:
    def test_model_without_an_adapter(self) -> None:
        assert rejection(model(provider=None)) == "no adapter in this version"

    def test_provider_that_is_not_configured(self) -> None:
        router = Router(catalogue(model()), {"open": Configured("open", configured=False)})

        with pytest.raises(InvalidRequest, match="the provider open is not configured"):
            router.route(request())

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
        assert Router(catalogue(model()), OPEN).route(request(width=720, height=1280))

    @pytest.mark.parametrize("seconds", [0, 16])
    def test_length(self, seconds: int) -> None:
        assert f"does not make {seconds} s" in rejection(model(), seconds=seconds)

    def test_length_between_the_steps(self) -> None:
        assert rejection(model(seconds=(4, 8, 12)), seconds=6).endswith("(4 to 12 s in steps of 4)")

    def test_sound_where_it_is_asked_for(self) -> None:
        silent = Router(catalogue(model(audio=False)), OPEN)

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

        assert Router(catalogue(entry), OPEN).route(request(territories=("US",)))

    def test_price_that_is_not_known(self) -> None:
        assert rejection(model(price=None)) == "no price known for this size"

    def test_price_above_the_limit(self) -> None:
        router = Router(catalogue(model()), OPEN)

        assert router.quote(request(), max_amount=Decimal("0.40")).amount == Decimal("0.40")
        with pytest.raises(InvalidRequest) as refusal:
            router.route(request(model="test/plain"), max_amount=Decimal("0.39"))
        assert "costs 0.40 USD, above the limit of 0.39 USD" in refusal.value.message

    @pytest.mark.parametrize("kind", ["model", "provider"])
    def test_what_a_kill_switch_stops_is_passed_over_with_that_reason(self, kind: str) -> None:
        best = model(id="test/best", tier="premium", provider="other")
        providers = {**OPEN, "other": Configured("other")}
        router = Router(catalogue(model(), best), providers)
        assert router.route(request()).model == "test/best"

        scope = {"model": "model:test/best", "provider": "provider:other"}[kind]
        route = router.route(request(), stopped={scope, "model:test", "*"})

        assert route.model == "test/plain"
        assert [c.rejected for c in route.candidates] == [None, STOPPED]

    def test_all_reasons_are_told(self) -> None:
        assert rejection(model(provider=None, price=None), seconds=99).count(";") == 2


class TestANamedModel:
    def test_is_taken_even_if_another_scores_better(self) -> None:
        router = Router(catalogue(model(), model(id="test/best", tier="premium")), OPEN)

        route = router.route(request(model="test/plain"))

        assert route.model == "test/plain"
        assert [candidate.model for candidate in route.candidates] == ["test/plain"]

    def test_that_cannot_serve_is_not_replaced(self) -> None:
        router = Router(catalogue(model(seconds=(8,)), model(id="test/other")), OPEN)

        with pytest.raises(InvalidRequest, match="test/plain cannot make this: does not make 4 s"):
            router.route(request(model="test/plain"))

    @pytest.mark.parametrize(
        ("name", "code"), [("sora-2", "model_retired"), ("x", "model_unknown")]
    )
    def test_that_is_not_offered_is_refused(self, name: str, code: str) -> None:
        with pytest.raises(InvalidRequest) as refusal:
            Router(load_catalogue(POLICIES), OPEN).route(request(model=name))

        assert refusal.value.code == code


class TestAuto:
    def test_takes_the_local_model_where_nothing_else_is_configured(self) -> None:
        router = Router(load_catalogue(POLICIES), {"local": Configured("local")})

        for media, seconds in (("video", 4), ("image", 0), ("audio", 4)):
            route = router.route(request(media=media, seconds=seconds))
            assert route.model == f"local/procedural-{media}"
            assert route.provider == "local"
            assert route.source_type == "algorithmicMedia"

    def test_prefers_a_real_model_to_the_free_stand_in(self) -> None:
        providers = {name: Configured(name) for name in ("local", "openai-videos")}

        route = Router(load_catalogue(POLICIES), providers).route(request())

        assert route.model == "self/wan2.2-a14b"
        assert route.source_type == "trainedAlgorithmicMedia"

    def test_prefers_quality_for_a_final_clip_and_economy_for_an_intermediate_one(self) -> None:
        dear = Price("second", ((1080, Decimal("0.60")),))
        router = Router(catalogue(model(), model(id="test/dear", tier="premium", price=dear)), OPEN)

        assert router.route(request(purpose="final")).model == "test/dear"
        assert router.route(request(purpose="intermediate")).model == "test/plain"

    def test_breaks_a_tie_by_name(self) -> None:
        router = Router(catalogue(model(id="test/b"), model(id="test/a")), OPEN)

        assert router.route(request()).model == "test/a"

    def test_shows_its_arithmetic(self) -> None:
        [candidate] = Router(catalogue(model()), OPEN).route(request()).candidates

        # 0.6 × 0.6 for the tier, 0.4 ÷ (1 + 0.40 USD) for the price.
        assert candidate.score == "0.6457"
        assert candidate.quote is not None
        assert candidate.quote.amount == Decimal("0.40")

    def test_traces_every_model_of_the_catalogue(self) -> None:
        known = load_catalogue(POLICIES)

        route = Router(known, {"local": Configured("local")}).route(request())

        assert {c.model for c in route.candidates} == {m.id for m in known.models}
        assert all((c.rejected is None) != (c.score is None) for c in route.candidates)
        assert route.candidates[0].model == route.model


def models() -> st.SearchStrategy[list[Model]]:
    """Catalogues of up to six models that differ in what the router looks at."""
    prices = st.none() | st.decimals(0, 2, places=2).map(
        lambda usd: Price("second", ((1080, usd),))
    )
    entry = st.builds(
        lambda **changes: model(**changes),
        id=st.sampled_from("abcdefgh").map(lambda name: f"test/{name}"),
        provider=st.sampled_from(["open", "closed", None]),
        media=st.sampled_from(get_args(Media)),
        tier=st.sampled_from(get_args(Tier)),
        status=st.sampled_from(get_args(Lifecycle)),
        retired_on=st.just(date(2026, 9, 24)) | st.none(),
        audio=st.booleans(),
        seconds=st.sampled_from([(4,), (4, 8), (8,)]),
        territories_denied=st.sampled_from([(), ("EU",), ("KR",)]),
        price=prices,
    )
    return st.lists(entry, min_size=1, max_size=6, unique_by=lambda m: m.id)


def outcome(entries: list[Model], **limits: object) -> Route | str:
    providers = {"open": Configured("open"), "closed": Configured("closed", configured=False)}
    try:
        return Router(catalogue(*entries), providers).route(request(), **limits)  # type: ignore[arg-type]
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
            assert chosen.audio or not audio
            assert route.quote.amount <= limit

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
