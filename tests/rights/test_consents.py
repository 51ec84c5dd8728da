"""Consents: whose they are, how far they reach, and that they end."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TypeVar

import pytest
from freezegun import freeze_time
from sqlalchemy import Connection

from governance.domain import Declaration, GenerationRequest
from governance.evidence.record import Record
from governance.kernel import ids
from governance.kernel.database import Database
from governance.kernel.errors import Conflict, InvalidRequest, NotFound
from governance.ledger import Ledger, read_stream
from governance.rights import NewConsent, Scope, consents

TODAY = date(2026, 12, 2)
NAME = "Mara Lindqvist"
SCOPE = Scope("likeness", ("image", "video"), ("film",), ("EU",), date(2027, 6, 30))
REQUEST = GenerationRequest(
    organisation="acme",
    project="film",
    media="video",
    model="auto",
    prompt="",
    seconds=4,
    width=640,
    height=360,
    territories=("EU",),
)
Result = TypeVar("Result")


def reach(codes: Iterable[str]) -> frozenset[str]:
    """The territories given and what lies within them."""
    found = frozenset(codes)
    return found | {"DE", "FR"} if "EU" in found else found


@dataclass
class Register:
    database: Database
    ledger: Ledger
    by: str

    def write(self, change: Callable[[Connection], Result]) -> Result:
        return self.database.write(change)

    def register(self, scope: Scope = SCOPE, **changes: Any) -> NewConsent:
        given = {"organisation": "acme", "name": NAME, "document": "a" * 64, "subject": None}
        return self.write(
            lambda c: consents.register(
                c, self.ledger, scope=scope, by=self.by, **{**given, **changes}
            )
        )

    def withdraw(self, consent: str, organisation: str = "acme") -> None:
        self.write(
            lambda c: consents.withdraw(
                c, self.ledger, consent, organisation=organisation, by=self.by
            )
        )

    def erase(self, consent: str) -> int:
        return self.write(
            lambda c: consents.erase(
                c, self.ledger, consent, organisation="acme", basis="asked", by=self.by
            )
        )

    def state(self, consent: str | None, day: date = TODAY, **changes: Any) -> str:
        asked = replace(REQUEST, declaration=Declaration(consent=consent), **changes)
        with self.database.read() as session:
            return consents.state_of(session.connection(), asked, day, reach)

    def name(self, consent: str) -> str | None:
        with self.database.read() as session:
            found = consents.find(session, consent, "acme")
            return consents.name_of(session, self.ledger.vault, found)

    def records(self) -> list[Record]:
        with self.database.read() as session:
            return read_stream(session, "service.acme")


@pytest.fixture
def register(database: Database, ledger: Ledger) -> Iterator[Register]:
    with freeze_time(TODAY):
        yield Register(database, ledger, ids.new_id("usr"))


class TestWorth:
    def test_a_consent_is_valid_until_its_last_day(self, register: Register) -> None:
        consent = register.register().id
        assert register.state(consent) == "valid"
        assert register.state(consent, SCOPE.until) == "valid"
        assert register.state(consent, date(2027, 7, 1)) == "expired"

    def test_without_one_it_is_missing(self, register: Register) -> None:
        assert register.state(None) == "missing"
        assert register.state("consent-42") == "missing"
        assert register.state(ids.new_id("cns")) == "missing"

    def test_another_organisations_is_missing(self, register: Register) -> None:
        consent = register.register(organisation="elsewhere").id
        assert register.state(consent) == "missing"

    @pytest.mark.parametrize(
        "change",
        [
            {"project": "film2"},
            {"media": "audio"},
            {"territories": ("US",)},
            {"territories": ("EU", "US")},
        ],
    )
    def test_it_reaches_no_further_than_was_signed(
        self, register: Register, change: dict[str, Any]
    ) -> None:
        consent = register.register().id
        assert register.state(consent, **change) == "out_of_scope"

    def test_what_lies_within_a_territory_is_covered_not_the_other_way_round(
        self, register: Register
    ) -> None:
        whole = register.register().id
        part = register.register(replace(SCOPE, territories=("DE",))).id
        assert register.state(whole, territories=("DE", "FR")) == "valid"
        assert register.state(part, territories=("EU",)) == "out_of_scope"

    def test_a_star_covers_every_project_and_territory(self, register: Register) -> None:
        consent = register.register(replace(SCOPE, projects=("*",), territories=("*",))).id
        assert register.state(consent, project="other", territories=("JP",)) == "valid"

    @pytest.mark.parametrize(
        ("covers", "media", "state"),
        [
            ("person", "audio", "valid"),
            ("person", "video", "valid"),
            ("voice", "audio", "valid"),
            ("voice", "image", "out_of_scope"),
            ("likeness", "image", "valid"),
            ("likeness", "audio", "out_of_scope"),
        ],
    )
    def test_a_voice_is_no_face(
        self, register: Register, covers: Any, media: Any, state: str
    ) -> None:
        everything = replace(SCOPE, covers=covers, media=("audio", "image", "video"))
        assert register.state(register.register(everything).id, media=media) == state


class TestEnding:
    def test_a_withdrawn_consent_is_worth_nothing_and_stays_so(self, register: Register) -> None:
        consent = register.register().id
        register.withdraw(consent)
        assert register.state(consent) == "withdrawn"
        with pytest.raises(Conflict):
            register.withdraw(consent)

    def test_nobody_elsewhere_withdraws_it(self, register: Register) -> None:
        consent = register.register().id
        with pytest.raises(NotFound):
            register.withdraw(consent, "elsewhere")
        assert register.state(consent) == "valid"

    def test_erasing_a_person_ends_every_consent_of_theirs_and_no_other(
        self, register: Register
    ) -> None:
        first = register.register()
        second = register.register(subject=first.subject)
        other = register.register(name="Somebody else")
        assert register.erase(first.id) == 2
        assert [register.state(c.id) for c in (first, second)] == ["withdrawn", "withdrawn"]
        assert [register.name(c.id) for c in (first, second)] == [None, None]
        assert register.name(other.id) == "Somebody else"
        assert register.state(other.id) == "valid"

    def test_whoever_was_erased_gives_no_further_consent_under_the_old_name(
        self, register: Register
    ) -> None:
        first = register.register()
        register.erase(first.id)
        with pytest.raises(NotFound):
            register.register(subject=first.subject)

    def test_erasing_twice_erases_nothing_more(self, register: Register) -> None:
        consent = register.register().id
        register.erase(consent)
        before = len(register.records())
        assert register.erase(consent) == 0
        assert len(register.records()) == before


class TestRegistering:
    @pytest.mark.parametrize(
        ("change", "param"),
        [
            ({"projects": ("film", "*")}, "projects"),
            ({"projects": ()}, "projects"),
            ({"projects": ("Film!",)}, "projects"),
            ({"territories": ("Germany",)}, "territories"),
            ({"territories": tuple(f"A{n}" for n in range(65))}, "territories"),
            ({"covers": "voice"}, "media"),
            ({"until": date(2026, 12, 1)}, "until"),
        ],
    )
    def test_a_scope_that_means_nothing_is_refused(
        self, register: Register, change: dict[str, Any], param: str
    ) -> None:
        with pytest.raises(InvalidRequest) as caught:
            register.register(replace(SCOPE, **change))
        assert caught.value.param == param

    def test_a_person_of_another_organisation_is_not_known(self, register: Register) -> None:
        subject = register.register(organisation="elsewhere").subject
        with pytest.raises(NotFound):
            register.register(subject=subject)

    def test_the_record_tells_everything_but_the_name(self, register: Register) -> None:
        made = register.register()
        register.withdraw(made.id)
        bodies = [record.body for record in register.records()]
        assert [body["action"] for body in bodies] == ["registered", "withdrawn"]
        assert bodies[0]["document"] == "a" * 64
        assert bodies[0]["until"] == "2027-06-30"
        assert NAME not in str(bodies)
        assert register.name(made.id) == NAME
