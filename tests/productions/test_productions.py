"""Productions: each version stays as it was, and what is confidential can be erased."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

import pytest
from freezegun import freeze_time
from sqlalchemy import Connection

from governance.domain import Quote
from governance.evidence.record import Record
from governance.kernel import ids
from governance.kernel.database import Database
from governance.kernel.errors import Conflict, InvalidRequest, NotFound
from governance.ledger import Ledger, read_stream
from governance.productions import productions
from governance.productions.productions import Version
from governance.productions.terms import Terms, Texts
from tests.productions.samples import TERMS, TODAY

TEXTS = Texts("Meadow Tea", "Calm for people who come home late.", "35 mm, muted greens")
Result = TypeVar("Result")


@dataclass
class Register:
    database: Database
    ledger: Ledger
    by: str

    def write(self, change: Callable[[Connection], Result]) -> Result:
        return self.database.write(change)

    def create(self, terms: Terms = TERMS, texts: Texts = TEXTS, **changes: Any) -> Version:
        given = {"organisation": "acme", "by": self.by, **changes}
        return self.write(
            lambda c: productions.create(c, self.ledger, terms=terms, texts=texts, **given)
        )

    def change(self, made: Version, terms: Terms = TERMS, texts: Texts = TEXTS) -> Version:
        return self.write(
            lambda c: productions.change(
                c,
                self.ledger,
                made.production,
                organisation="acme",
                terms=terms,
                texts=texts,
                replaces=made.digest,
                by=self.by,
            )
        )

    def close(self, made: Version) -> Version:
        return self.write(
            lambda c: productions.close(
                c, self.ledger, made.production, organisation="acme", by=self.by
            )
        )

    def erase(self, made: Version) -> int:
        return self.write(
            lambda c: productions.erase(
                c, self.ledger, made.production, organisation="acme", basis="asked", by=self.by
            )
        )

    def current(self, production: str, organisation: str = "acme") -> Version:
        with self.database.read() as session:
            return productions.current(session.connection(), production, organisation)

    def version(self, digest: str) -> Version:
        with self.database.read() as session:
            return productions.version(session.connection(), digest)

    def versions(self, production: str) -> list[Version]:
        with self.database.read() as session:
            return productions.versions(session.connection(), production)

    def listed(self, **asked: Any) -> list[str]:
        with self.database.read() as session:
            found = productions.list_productions(session, "acme", **asked)
        return [one.production for one in found]

    def texts(self, found: Version) -> Texts:
        with self.database.read() as session:
            return productions.texts_of(session, self.ledger.vault, found)

    def clients(self) -> dict[str, str]:
        with self.database.read() as session:
            return productions.clients(session, self.ledger.vault, "acme")

    def records(self) -> list[Record]:
        with self.database.read() as session:
            return read_stream(session, "service.acme")


@pytest.fixture
def register(database: Database, ledger: Ledger) -> Iterator[Register]:
    with freeze_time(TODAY):
        yield Register(database, ledger, ids.new_id("usr"))


class TestVersions:
    def test_what_was_laid_down_is_read_from_its_record(self, register: Register) -> None:
        terms = replace(
            TERMS,
            sector="food",
            budget=Quote(Decimal("500.50"), "EUR"),
            references=("a" * 64,),
            consents=(f"cns_{1:032x}",),
        )
        made = register.create(terms)
        assert register.current(made.production) == made
        assert made.terms == terms
        assert (made.number, made.action, made.state(TODAY)) == (1, "created", "open")

    def test_a_version_is_named_by_the_leaf_of_its_record(self, register: Register) -> None:
        made = register.create()
        (record,) = register.records()
        assert (record.event, record.leaf) == ("production.changed", made.digest)

    def test_a_change_makes_the_next_version_and_leaves_the_first(self, register: Register) -> None:
        first = register.create()
        second = register.change(first, replace(TERMS, territories=("DE",)), Texts("Meadow Tea"))
        assert register.current(first.production) == second
        assert register.version(first.digest) == first
        assert register.versions(first.production) == [first, second]
        assert register.texts(first) == TEXTS
        assert register.texts(second) == Texts("Meadow Tea")
        assert [record.body["previous"] for record in register.records()] == [None, first.digest]

    def test_who_changes_what_was_changed_meanwhile_is_told(self, register: Register) -> None:
        first = register.create()
        register.change(first, replace(TERMS, sector="food"))
        with pytest.raises(Conflict) as caught:
            register.change(first)
        assert caught.value.code == "production_changed"

    def test_it_stays_in_its_project(self, register: Register) -> None:
        with pytest.raises(Conflict) as caught:
            register.change(register.create(), replace(TERMS, project="other"))
        assert caught.value.code == "production_moved"

    def test_closing_keeps_terms_and_texts_and_is_final(self, register: Register) -> None:
        closed = register.close(register.create())
        assert (closed.terms, closed.state(TODAY)) == (TERMS, "closed")
        assert register.texts(closed) == TEXTS
        for act in (register.close, register.change):
            with pytest.raises(Conflict) as caught:
                act(closed)
            assert caught.value.code == "production_closed"


class TestTexts:
    def test_records_hold_nothing_that_is_confidential(self, register: Register) -> None:
        register.create()
        (record,) = register.records()
        assert len(record.sd) == 3
        for text in vars(TEXTS).values():
            assert text.encode() not in record.line

    def test_erasing_takes_the_texts_of_all_versions_and_ends_it(self, register: Register) -> None:
        first, other = register.create(), register.create(replace(TERMS, name="other"))
        second = register.change(first, texts=replace(TEXTS, style="8 mm"))
        assert register.erase(second) == 6
        found = register.current(first.production)
        assert found.state(TODAY) == "erased"
        assert {register.texts(one) for one in (first, second, found)} == {Texts()}
        assert register.texts(other) == TEXTS
        assert register.erase(second) == 0

    def test_a_closed_one_can_be_erased(self, register: Register) -> None:
        assert register.erase(register.close(register.create())) == 3

    def test_clients_are_found_for_billing(self, register: Register) -> None:
        first = register.create()
        silent = register.create(replace(TERMS, name="own"), Texts(style="8 mm"))
        register.create(replace(TERMS, name="spring"), organisation="elsewhere")
        closed = register.close(register.create(replace(TERMS, name="old")))
        assert register.clients() == {
            first.production: "Meadow Tea",
            silent.production: "",
            closed.production: "Meadow Tea",
        }


class TestReading:
    def test_another_organisations_is_not_found(self, register: Register) -> None:
        made = register.create()
        with pytest.raises(NotFound) as caught:
            register.current(made.production, "elsewhere")
        assert caught.value.code == "production_not_found"
        with pytest.raises(NotFound):
            register.version("0" * 64)

    def test_a_list_goes_on_after_the_last_one_and_keeps_to_projects(
        self, register: Register
    ) -> None:
        made = []
        for number in range(3):
            with freeze_time(TODAY.replace(day=3 + number)):
                terms = replace(TERMS, name=f"n{number}", project=f"p{number}")
                made.append(register.create(terms).production)
        assert register.listed() == made
        assert register.listed(limit=2) == made[:2]
        assert register.listed(after=made[1]) == made[2:]
        assert register.listed(projects=["p0", "p2"]) == [made[0], made[2]]
        assert register.listed(projects=[]) == []

    def test_a_name_is_taken_once_in_an_organisation(self, register: Register) -> None:
        made = register.create()
        other = register.create(replace(TERMS, name="other"))
        register.create(organisation="elsewhere")
        with pytest.raises(Conflict) as caught:
            register.create()
        assert caught.value.code == "production_name_taken"
        with pytest.raises(Conflict) as caught:
            register.change(other)
        assert caught.value.code == "production_name_taken"
        assert register.change(made).number == 2  # its own name is no clash


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("name", {"name": "Spring Campaign"}),
        ("project", {"project": "Film"}),
        ("sector", {"sector": ""}),
        ("territories", {"territories": ()}),
        ("territories", {"territories": ("Europe",)}),
        ("models", {"models": ()}),
        ("models", {"models": ("veo",)}),
        ("models", {"models": ("*", "google/veo")}),
        ("tiers", {"tiers": ("cheap",)}),
        ("references", {"references": ("a",)}),
        ("references", {"references": tuple(f"{n:064x}" for n in range(17))}),
        ("consents", {"consents": ("consent-42",)}),
        ("last_day", {"last_day": date(2026, 11, 1)}),
        ("budget", {"budget": Quote(Decimal(0))}),
        ("budget", {"budget": Quote(Decimal("NaN"))}),
        ("budget", {"budget": Quote(Decimal("1e12"))}),
        ("budget", {"budget": Quote(Decimal("0.0000001"))}),
        ("budget", {"budget": Quote(Decimal(1), "dollars")}),
    ],
)
def test_terms_that_mean_nothing_are_refused_with_the_field(
    register: Register, field: str, change: dict[str, Any]
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        register.create(replace(TERMS, **change))
    assert (caught.value.code, caught.value.param) == ("production_invalid", field)
    assert register.records() == []


@pytest.mark.parametrize("field", ["client", "brief", "style"])
def test_a_text_that_is_too_long_is_refused_with_the_field(register: Register, field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        register.create(texts=replace(TEXTS, **{field: "x" * 20_001}))
    assert caught.value.param == field
