"""The catalogue is data that people edit: it loads whole, or says file, line and fault."""

import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from freezegun import freeze_time

from governance.kernel.errors import ConfigurationError, InvalidRequest
from governance.routing import load_catalogue
from governance.routing.catalogue import Price, check

from .builders import POLICIES, catalogue, model


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
        with pytest.raises(InvalidRequest, match="retired on 2026-09-24") as refusal:
            load_catalogue(POLICIES).get(name)

        assert refusal.value.code == "model_retired"
        assert refusal.value.param == "model"
        assert refusal.value.details["alternatives"] == [
            "local/procedural-video",
            "self/wan2.2-a14b",
        ]

    def test_prices_the_self_hosted_model_by_size_and_second(self) -> None:
        wan = load_catalogue(POLICIES).get("self/wan2.2-a14b")

        small, large = wan.quote(4, 832, 480), wan.quote(4, 720, 1280)

        assert small is not None
        assert large is not None
        assert small.amount == Decimal("0.20")
        assert large.amount == Decimal("0.48")

    def test_has_no_fault(self) -> None:
        assert check(POLICIES) == []

    def test_knows_the_27_member_states(self) -> None:
        assert len(load_catalogue(POLICIES).countries(("EU",))) == 27


class TestAFaultInTheFile:
    @pytest.mark.parametrize(
        ("old", "new", "words"),
        [
            ('usd: {any: "0"}', "usd: {any: 0.1}", "write numbers with a fraction in quotes"),
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
            ("    audio: true\n", "    audio: true\n    colour: red\n", "colour"),
            ("    seconds: {min: 1, max: 15}\n", "", '"seconds" is a required property'),
            ("    retired_on: 2026-09-24\n", "", '"retired_on" is a required property'),
            ("id: local/procedural-image", "id: local/procedural-video", "is taken"),
            ("aliases: [sora-2]", "aliases: [auto]", "the name auto is taken"),
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

        with pytest.raises(InvalidRequest) as refusal:
            known.get("test/old")

        assert refusal.value.details["alternatives"] == ["test/z", "test/a"]


class TestAQuote:
    def test_for_a_size_beyond_the_price_list_is_unknown(self) -> None:
        assert model().quote(4, 3840, 2160) is None

    def test_per_clip_does_not_depend_on_the_length(self) -> None:
        clip = model(price=Price("clip", ((720, Decimal("0.30")),)))

        assert clip.quote(5, 1280, 720) == clip.quote(10, 1280, 720)

    def test_takes_the_first_band_that_covers_the_shorter_side(self) -> None:
        priced = model(price=Price("second", ((480, Decimal("1")), (720, Decimal("2")))))

        quotes = [priced.quote(1, *size) for size in ((832, 480), (1280, 720), (500, 1280))]

        assert [quote and quote.amount for quote in quotes] == [1, 2, 2]
