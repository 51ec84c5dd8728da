"""All that is known of a model: joined for the router, told to people with what it rests on."""

import json
import threading
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from freezegun import freeze_time

from governance.routing import Provider, load_catalogue
from governance.routing.health import TRIPS_AFTER, Health
from governance.routing.model import Arena
from governance.routing.probing import AGAIN, AGAIN_AFTER_NO, LASTS, THREAD, Probes
from governance.routing.quality import Measured

from .builders import POLICIES, Configured, catalogue, knowing, model

HERE = "studio.example"
DOUBTFUL = model(status="sunset_risk", vendor_model="vendors-name")


class Vendor(Configured):
    """A provider that can be asked whether it serves a model."""

    def __init__(self, configured: bool = True) -> None:
        super().__init__("open", configured)
        self.asked: list[str] = []
        self.serves = True
        self.hold: threading.Event | None = None

    def probe(self, model: str) -> bool:
        self.asked.append(model)
        if self.hold is not None:
            assert self.hold.wait(5)
        return self.serves


def probes(vendor: Provider) -> Probes:
    return Probes(catalogue(DOUBTFUL, model(id="test/sure")), lambda organisation, name: vendor)


def told(asked: Probes, organisation: str = HERE, model: str = DOUBTFUL.id) -> bool:
    """What is known once the vendor, if it is asked now, has answered."""
    asked.is_served(organisation, model)
    for thread in threading.enumerate():
        if thread.name == THREAD:
            thread.join(5)
    return asked.is_served(organisation, model)


class TestAProbe:
    def test_asks_only_for_models_that_may_end_any_day_by_their_vendors_name(self) -> None:
        vendor = Vendor()
        asked = probes(vendor)

        assert told(asked)
        assert not told(asked, model="test/sure")
        assert vendor.asked == ["vendors-name"]

    def test_is_believed_for_an_hour_in_which_the_vendor_is_asked_again(self) -> None:
        vendor = Vendor()
        asked = probes(vendor)
        with freeze_time("2026-11-23T12:00:00Z") as moment:
            assert told(asked)
            moment.tick(AGAIN - timedelta(seconds=1))
            assert told(asked)
            assert len(vendor.asked) == 1
            moment.tick(timedelta(seconds=1))
            assert told(asked)
            assert len(vendor.asked) == 2
            moment.tick(LASTS + timedelta(seconds=1))
            vendor.hold = threading.Event()
            assert not asked.is_served(HERE, DOUBTFUL.id)
            vendor.hold.set()
            assert told(asked)

    def test_that_is_denied_takes_the_model_away_and_is_soon_repeated(self) -> None:
        vendor = Vendor()
        vendor.serves = False
        asked = probes(vendor)
        with freeze_time("2026-11-23T12:00:00Z") as moment:
            assert not told(asked)
            vendor.serves = True
            assert not told(asked)
            moment.tick(AGAIN_AFTER_NO)
            assert told(asked)

    def test_of_one_organisation_tells_nothing_to_another(self) -> None:
        asked = probes(Vendor())
        assert told(asked)
        assert not asked.is_served("agency.example", DOUBTFUL.id)

    def test_is_not_made_without_an_account_or_where_nobody_can_ask(self) -> None:
        vendor = Vendor(configured=False)
        for provider in (vendor, Configured("open")):
            assert not told(probes(provider))
        assert vendor.asked == []

    def test_keeps_nobody_waiting_and_is_made_once(self) -> None:
        vendor = Vendor()
        vendor.hold = threading.Event()
        asked = probes(vendor)

        assert not asked.is_served(HERE, DOUBTFUL.id)
        assert not asked.is_served(HERE, DOUBTFUL.id)
        vendor.hold.set()

        assert told(asked)
        assert len(vendor.asked) == 1


class TestKnowledge:
    def test_corrects_what_was_measured_by_the_last_answers(self) -> None:
        known = catalogue(model())
        health = Health(known)
        seen = {"test/plain": Measured(orders=90, made=90)}
        knowledge = knowing(known, seen, health=health)

        before = knowledge.of(HERE, model())
        for _ in range(TRIPS_AFTER):
            health.note(HERE, "test/plain", "internal")
        after = knowledge.of(HERE, model())

        assert before.success.mean == after.success.mean == before.health
        assert after.health < before.health
        assert (before.is_resting, after.is_resting) == (False, True)

    def test_is_told_with_figures_interval_source_and_date(self) -> None:
        entry = model(quality=Arena("text-to-video", 1200, 15))
        seen = Measured(3, 3, Decimal("20.5"), Decimal(41), 3, Decimal("2.1"), 2, 1)

        shown = knowing(catalogue(entry), {"test/plain": seen}).describe(HERE, entry)

        assert shown["quality"]["basis"] == "measured"
        assert Decimal(shown["quality"]["low"]) < Decimal(shown["quality"]["mean"])
        assert shown["quality"]["prior"] == {
            "board": "text-to-video",
            "score": 1200,
            "interval": 15,
            "inferred": False,
            "source": "test",
            "as_of": "2026-11-22",
        }
        assert shown["latency"] == {"usual": "20.5", "slow": "41", "basis": "measured"}
        assert shown["measured"] == {
            "orders": 3,
            "made": 3,
            "reviewed": 2,
            "approved": 1,
            "technical": "0.7000",
        }
        assert shown["price"]["usd_from"] == shown["price"]["usd_to"] == "0.10"

    def test_says_which_figures_are_inferred(self) -> None:
        known = load_catalogue(POLICIES)
        entry = known.get("google/gemini-omni-1.2-flash")

        shown = knowing(known).describe(HERE, entry)

        assert shown["quality"]["basis"] == "inferred"
        assert shown["quality"]["prior"]["predecessor"] == "google/gemini-omni-1.1-flash"

    def test_warns_of_an_end(self) -> None:
        ending = model(retired_on=date(2026, 12, 31), successors=("test/next",))
        with freeze_time("2026-12-01"):
            shown = knowing(catalogue(ending)).describe(HERE, ending)
        assert "ends on 2026-12-31" in shown["warnings"][0]
        assert shown["lifecycle"]["successors"] == ["test/next"]

    def test_of_every_shipped_model_is_json_without_fractions(self) -> None:
        known = load_catalogue(POLICIES)
        for entry in known.models:
            json.dumps(knowing(known).describe(HERE, entry), allow_nan=False)
            assert "float" not in {
                type(value).__name__ for value in _leaves(knowing(known).describe(HERE, entry))
            }

    def test_of_a_model_without_price_says_that_none_is_known(self) -> None:
        free = replace(model(), price=None)
        assert knowing(catalogue(free)).describe(HERE, free)["price"] is None


def _leaves(value: object) -> list[object]:
    if isinstance(value, dict):
        return [leaf for inner in value.values() for leaf in _leaves(inner)]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in _leaves(inner)]
    return [value]
