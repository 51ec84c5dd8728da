"""The catalogue is data that people edit: it loads whole, or says file, line and fault."""

import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from freezegun import freeze_time

from governance.kernel.errors import ConfigurationError, InvalidRequest
from governance.routing import load_catalogue
from governance.routing.catalogue import Horizon, check
from governance.routing.model import Origin, Price, Rate

from .builders import POLICIES, TODAY, catalogue, model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped catalogue, for a test to spoil."""
    (tmp_path / "schemas").mkdir()
    shutil.copy(POLICIES / "catalogue.yaml", tmp_path)
    shutil.copy(POLICIES / "schemas" / "catalogue.schema.json", tmp_path / "schemas")
    return tmp_path


def spoil(folder: Path, old: str, new: str) -> int:
    """Replace the first `old`; the line on which it stood."""
    path = folder / "catalogue.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return text[: text.index(old)].count("\n") + 1


@freeze_time("2026-11-23")
class TestTheShippedCatalogue:
    def test_offers_a_free_local_model_for_each_medium(self) -> None:
        models = load_catalogue(POLICIES).models

        local = {m.media: m for m in models if m.provider == "local"}

        assert set(local) == {"video", "image", "audio"}
        for entry in local.values():
            quote = entry.quote(4, 1280, 720)
            assert quote is not None
            assert quote.amount == 0
            assert entry.source_type == "algorithmicMedia"

    @pytest.mark.parametrize("name", ["sora-2", "openai/sora-2", "sora-2-pro", "openai/sora-2-pro"])
    def test_refuses_sora_and_names_what_works_instead(self, name: str) -> None:
        known = load_catalogue(POLICIES)

        with pytest.raises(InvalidRequest, match="retired on 2026-09-24") as refusal:
            known.get(name)

        assert refusal.value.code == "model_retired"
        assert refusal.value.param == "model"
        alternatives = refusal.value.details["alternatives"]
        assert "google/gemini-omni-1.2-flash" in alternatives
        assert {known.get(other).media for other in alternatives} == {"video"}

    def test_offers_eight_models_of_five_vendors_that_no_filter_of_its_own_holds_back(self) -> None:
        known = load_catalogue(POLICIES)
        today = date(2026, 11, 23)

        offered = {
            (m.id.partition("/")[0], m.id)
            for m in known.models
            if m.provider not in (None, "local")
            and m.price
            and not m.retired(today)
            and m.status != "sunset_risk"
            and not known.is_stale(m, today)
        }

        assert len(offered) >= 8
        assert {vendor for vendor, _ in offered} == {"google", "kling", "luma", "openai", "self"}

    @pytest.mark.parametrize(
        ("name", "seconds", "size", "audio", "usd"),
        [
            ("self/wan2.2-a14b", 4, (832, 480), False, "0.20"),
            ("self/wan2.2-a14b", 4, (720, 1280), False, "0.48"),
            ("luma/ray-3.2", 5, (1280, 720), False, "0.30"),
            ("luma/ray-3.2", 10, (1280, 720), False, "0.90"),
            ("luma/ray-3.2", 10, (1080, 1920), False, "3.60"),
            ("luma/ray-flash-2", 5, (960, 540), False, "0.14"),
            ("luma/ray-flash-2", 9, (960, 540), False, None),
            ("luma/ray-2", 5, (3840, 2160), False, "6.37"),
            ("kling/kling-v2-6", 5, (1920, 1080), False, "0.35"),
            ("kling/kling-v2-6", 5, (1920, 1080), True, "0.70"),
            ("kling/kling-v3", 10, (1280, 720), False, "0.84"),
            ("kling/kling-v3", 10, (1920, 1080), True, "1.68"),
            ("kling/kling-v3", 10, (1280, 720), True, None),
            ("google/gemini-omni-1.2-flash", 8, (1280, 720), True, "0.56"),
            ("google/veo-3.1-generate-001", 8, (3840, 2160), True, "4.80"),
            ("google/veo-3.1-generate-001", 4, (1280, 720), False, "1.60"),
            ("google/veo-3.1-generate-001", 4, (1920, 1080), False, None),
            ("openai/gpt-image-2", 0, (1024, 1024), False, "0.053"),
        ],
    )
    def test_prices_a_clip_by_size_length_and_sound(
        self, name: str, seconds: int, size: tuple[int, int], audio: bool, usd: str | None
    ) -> None:
        quote = load_catalogue(POLICIES).get(name).quote(seconds, *size, audio)

        assert (quote and quote.amount) == (usd and Decimal(usd))

    def test_keeps_the_markets_figures_of_march_but_prices_nothing_by_them(self) -> None:
        flash = load_catalogue(POLICIES).get("luma/ray-flash-2")

        told = {figure.what: (figure.low, figure.high) for figure in flash.observed}

        assert told == {
            "latency": (Decimal(30), Decimal(53)),
            "price per clip": (Decimal("0.17"), Decimal("0.54")),
        }
        assert {figure.origin.as_of for figure in flash.observed} == {date(2026, 3, 31)}
        assert flash.latency is None

    def test_says_of_every_figure_where_it_comes_from_and_of_which_day_it_is(self) -> None:
        for entry in load_catalogue(POLICIES).models:
            parts = {"lifecycle", "makes", "licence"}
            parts |= {"price"} if entry.price else set()
            parts |= {"quality"} if entry.quality else set()
            parts |= {"latency"} if entry.latency else set()
            assert parts <= set(entry.origins), entry.id
            assert all(origin.source for origin in entry.origins.values())

    def test_tells_of_a_speech_model_that_its_end_is_near_and_what_follows(self) -> None:
        known = load_catalogue(POLICIES)

        [warning] = known.warnings(known.get("openai/gpt-4o-mini-tts"), date(2026, 11, 23))

        assert "ends on 2027-01-06, in 44 days" in warning
        assert "google/gemini-3.8-flash-tts" in warning

    def test_has_no_fault(self) -> None:
        assert check(POLICIES) == []

    def test_knows_the_27_member_states(self) -> None:
        assert len(load_catalogue(POLICIES).countries(("EU",))) == 27


class TestAFaultInTheFile:
    @pytest.mark.parametrize(
        ("old", "new", "words"),
        [
            ('usd: {any: "0"}', "usd: {any: 0.1}", "write numbers with a fraction in quotes"),
            ("score: 1219", "score: 0", "minimum"),
            ('low: "30"', "low: thirty", "thirty"),
            ("territories_denied: []", "territories_denied: [7]", 'not of type "string"'),
            ("tier: procedural", "tier: gold", "gold"),
            ("as_of: 2026-11-22", "as_of: 2026-13-22", "date"),
            ("media: video", "media: hologram", "hologram"),
        ],
    )
    def test_is_named_with_its_line(self, folder: Path, old: str, new: str, words: str) -> None:
        line = spoil(folder, old, new)

        with pytest.raises(ConfigurationError) as fault:
            load_catalogue(folder)

        assert fault.value.code == "catalogue_invalid"
        assert f"catalogue.yaml:{line}:" in fault.value.message
        assert words in fault.value.message

    @pytest.mark.parametrize(
        ("old", "new", "words"),
        [
            ("    tier: procedural\n", "", '"tier" is a required property'),
            ("      audio: always\n", "      audio: always\n      colour: red\n", "colour"),
            ("      seconds: {min: 1, max: 15}\n", "", '"seconds" is a required property'),
            ("      retired_on: 2026-09-24\n", "", '"retired_on" is a required property'),
            ("      source: licence file of the weights\n", "", '"source" is a required property'),
            ("id: local/procedural-image", "id: local/procedural-video", "is taken"),
            ("aliases: [sora-2]", "aliases: [auto]", "the name auto is taken"),
            ("aliases: [sora-2]", "aliases: [draft]", "the name draft is taken"),
            ("predecessor: luma/ray-3\n", "predecessor: luma/uni-1\n", "luma/uni-1 has no score"),
            ("successors: [luma/ray-3.2]", "successors: [luma/ray-9]", "luma/ray-9"),
            ("seconds: {min: 1, max: 15}", "seconds: {min: 15, max: 1}", "above seconds.max"),
            ("  EU:", "  XX:", '"EU" is a required property'),
        ],
    )
    def test_stops_the_load(self, folder: Path, old: str, new: str, words: str) -> None:
        spoil(folder, old, new)

        with pytest.raises(ConfigurationError, match=r"catalogue\.yaml:") as fault:
            load_catalogue(folder)

        assert words in fault.value.message

    def test_every_fault_is_listed_not_only_the_first(self, folder: Path) -> None:
        spoil(folder, "tier: procedural", "tier: gold")
        spoil(folder, "media: video", "media: hologram")

        with pytest.raises(ConfigurationError) as fault:
            load_catalogue(folder)

        assert len(fault.value.message.splitlines()) == 2

    def test_a_missing_file_is_a_fault(self, folder: Path) -> None:
        (folder / "catalogue.yaml").unlink()

        (fault,) = check(folder)

        assert str(fault).startswith("catalogue.yaml:1: the file cannot be read")


class TestAName:
    def test_that_is_unknown_gets_close_matches(self) -> None:
        with pytest.raises(InvalidRequest) as refusal:
            load_catalogue(POLICIES).get("wan2.2-a14b")

        assert refusal.value.code == "model_unknown"
        assert refusal.value.details["close"] == ["self/wan2.2-a14b"]

    def test_may_be_an_alias(self) -> None:
        known = catalogue(model(aliases=("plain",)))

        assert known.get("plain") is known.get("test/plain")

    def test_that_is_nearly_a_word_gets_the_word(self) -> None:
        with pytest.raises(InvalidRequest, match="Did you mean draft") as refusal:
            load_catalogue(POLICIES).get("drafts")

        assert "draft" in refusal.value.details["close"]

    def test_is_refused_from_the_day_of_retirement_whatever_its_status(self) -> None:
        known = catalogue(model(retired_on=date(2026, 12, 1)))

        with freeze_time("2026-11-30T23:59:59Z"):
            assert known.get("test/plain").status == "active"
        with freeze_time("2026-12-01"), pytest.raises(InvalidRequest, match="retired"):
            known.get("test/plain")

    def test_of_a_retired_model_offers_its_successor_first(self) -> None:
        known = catalogue(
            model(
                id="test/old", status="retired", retired_on=date(2026, 1, 1), successors=("test/z",)
            ),
            model(id="test/a"),
            model(id="test/sound", media="audio"),
            model(id="test/elsewhere", provider=None),
            model(id="test/z"),
        )

        with pytest.raises(InvalidRequest, match="Its successor is test/z") as refusal:
            known.get("test/old")

        assert refusal.value.details["alternatives"] == ["test/z", "test/a"]
        assert refusal.value.details["successors"] == ["test/z"]


class TestAnEndThatIsNear:
    ENDING = model(retired_on=date(2026, 12, 31), successors=("test/next",))

    @pytest.mark.parametrize(
        ("today", "words"),
        [
            (date(2026, 10, 31), None),
            (date(2026, 11, 1), "ends on 2026-12-31, in 60 days. Its successor is test/next."),
            (date(2026, 12, 30), "in 1 days"),
            (date(2026, 12, 31), None),  # it is refused now
        ],
    )
    def test_is_told_from_60_days_ahead(self, today: date, words: str | None) -> None:
        warnings = catalogue(self.ENDING).warnings(self.ENDING, today)

        assert len(warnings) == (1 if words else 0)
        assert all(words in warning for warning in warnings if words)

    def test_is_told_without_a_date_where_its_vendor_promises_nothing_more(self) -> None:
        doubtful = model(status="sunset_risk", guaranteed_until=date(2026, 11, 17))

        [warning] = catalogue(doubtful).warnings(doubtful, TODAY)

        assert warning == "test/plain may end any day. It was guaranteed until 2026-11-17."

    def test_is_told_of_a_legacy_model(self) -> None:
        old = model(status="legacy", successors=("test/next",))

        [warning] = catalogue(old).warnings(old, TODAY)

        assert "legacy" in warning and "test/next" in warning


class TestAFigureThatIsOld:
    HORIZON = Horizon(stale_after=120, warn_ahead=60)

    @pytest.mark.parametrize("part", ["lifecycle", "licence", "price"])
    def test_makes_the_entry_stale_after_the_configured_days(self, part: str) -> None:
        origins = {**model().origins, part: Origin("test", date(2026, 7, 1))}
        entry = model(origins=origins)
        known = catalogue(entry, horizon=self.HORIZON)

        assert not known.is_stale(entry, date(2026, 10, 29))
        assert known.is_stale(entry, date(2026, 10, 30))

    def test_of_quality_does_not_because_leaderboards_are_old(self) -> None:
        entry = model(origins={**model().origins, "quality": Origin("arena", date(2020, 1, 1))})

        assert not catalogue(entry, horizon=self.HORIZON).is_stale(entry, TODAY)

    def test_does_not_matter_for_what_the_service_makes_itself(self) -> None:
        own = model(tier="procedural", origins={"price": Origin("ours", date(2020, 1, 1))})

        assert not catalogue(own, horizon=self.HORIZON).is_stale(own, TODAY)


class TestAQuote:
    def test_for_a_size_beyond_the_price_list_is_unknown(self) -> None:
        assert model().quote(4, 3840, 2160) is None

    def test_per_clip_does_not_depend_on_the_length(self) -> None:
        clip = model(price=Price("clip", (Rate(((720, Decimal("0.30")),)),)))

        assert clip.quote(5, 1280, 720) == clip.quote(10, 1280, 720)

    def test_takes_the_first_band_that_covers_the_shorter_side(self) -> None:
        rate = Rate(((480, Decimal(1)), (720, Decimal(2))))
        priced = model(price=Price("second", (rate,)))

        quotes = [priced.quote(1, *size) for size in ((832, 480), (1280, 720), (500, 1280))]

        assert [quote and quote.amount for quote in quotes] == [1, 2, 2]

    def test_is_for_the_length_that_a_rate_names(self) -> None:
        five = Rate(((720, Decimal("0.30")),), seconds=5)
        ten = Rate(((720, Decimal("0.90")),), seconds=10)
        clip = model(price=Price("clip", (five, ten)))

        quotes = [clip.quote(seconds, 1280, 720) for seconds in (5, 10, 9)]

        assert [quote and quote.amount for quote in quotes] == [
            Decimal("0.30"),
            Decimal("0.90"),
            None,
        ]

    def test_with_sound_is_for_sound_even_where_nobody_asked_for_it(self) -> None:
        silent = Rate(((1080, Decimal(1)),), audio=False)
        loud = Rate(((1080, Decimal(2)),), audio=True)
        price = Price("clip", (silent, loud))

        always, optional = model(price=price), model(price=price, audio="optional")

        assert always.quote(5, 1280, 720) == optional.quote(5, 1280, 720, audio=True)
        assert always.quote(5, 1280, 720) != optional.quote(5, 1280, 720)
