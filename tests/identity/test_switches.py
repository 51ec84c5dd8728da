"""The kill switch: who may throw what, whose it is, and that every process sees it at once."""

import multiprocessing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from governance.evidence.record import Record
from governance.identity import people, switches
from governance.identity.switches import Switches, SwitchStore
from governance.kernel import epoch, ids
from governance.kernel.database import Database
from governance.kernel.errors import Conflict, Denied, GovernanceError, InvalidRequest, NotFound
from governance.ledger import Ledger, keyring
from governance.ledger.ledger import SERVICE, read_stream
from governance.policy.authorization import ACTIONS
from tests.identity.conftest import House

OPERATOR = "operator"
KNOWN = frozenset({"model:local/procedural-video", "provider:local"})


def throw(house: House, scope: str, organisation: str = "acme", **more: Any) -> None:
    given = {"reason": "incident", "by": house.ada, "operator": OPERATOR, "known": KNOWN}
    house.write(switches.throw, scope, organisation=organisation, **given | more)


def lift(house: House, scope: str, organisation: str = "acme", **more: Any) -> None:
    given = {"reason": "resolved", "by": house.ada}
    house.write(switches.lift, scope, organisation=organisation, **given | more)


def thrown(house: House) -> frozenset[str]:
    return house.database.write(switches.thrown)


def number(house: House) -> int:
    return house.database.write(epoch.current)


def records(house: House, stream: str) -> list[Record]:
    with house.database.read() as session:
        return [item for item in read_stream(session, stream) if item.event == "switch.changed"]


def refused(kind: type[GovernanceError], house: House, scope: str, **more: Any) -> str:
    with pytest.raises(kind) as caught:
        throw(house, scope, **more)
    assert thrown(house) == frozenset()
    return caught.value.code


class TestThrowing:
    def test_a_change_is_on_record_and_moves_the_epoch(self, house: House) -> None:
        before = number(house)
        throw(house, "organisation:acme", comment="Faces of children")
        lift(house, "organisation:acme")
        assert number(house) == before + 2
        one, two = records(house, "service.acme")
        assert one.body == {
            "scope": "organisation:acme",
            "action": "thrown",
            "organisation": "acme",
            "holder": "acme",
            "reason": "incident",
            "by": house.ada,
        }
        assert (two.body["action"], two.body["reason"]) == ("lifted", "resolved")
        assert b"children" not in one.line
        assert (len(one.sd), len(two.sd)) == (1, 0)

    def test_what_concerns_everybody_stands_in_everybodys_evidence(self, house: House) -> None:
        for scope in ("*", "provider:local"):
            throw(house, scope, OPERATOR, by=SERVICE, comment="drill")
        assert [item.body["scope"] for item in records(house, SERVICE)] == ["*", "provider:local"]
        assert records(house, "service.acme") == []

    def test_an_organisation_stops_itself_and_its_own_agents(self, house: House) -> None:
        agent = house.agent()
        throw(house, f"agent:{agent}")
        throw(house, "organisation:acme")
        assert thrown(house) == {f"agent:{agent}", "organisation:acme"}

    def test_all_else_is_for_the_operator(self, house: House) -> None:
        agent = house.agent()
        for scope in ("*", *KNOWN, "organisation:acme", f"agent:{agent}"):
            code = refused(Denied, house, scope, organisation="elsewhere")
            assert code == "switch_out_of_reach"
        for scope in ("*", *KNOWN, "organisation:acme", f"agent:{agent}"):
            throw(house, scope, OPERATOR)
        assert len(thrown(house)) == 5

    def test_nobody_finds_out_so_who_other_organisations_are_and_have(self, house: House) -> None:
        for scope in ("organisation:acne", f"agent:agt_{'0' * 32}", "model:local/typo"):
            code = refused(Denied, house, scope, organisation="elsewhere")
            assert code == "switch_out_of_reach"

    @pytest.mark.parametrize(
        "scope",
        [
            "model:local/procedural-vidoe",
            "provider:*",
            "organisation:acne",
            f"agent:agt_{'0' * 32}",
        ],
    )
    def test_a_misspelt_scope_is_refused_because_it_would_stop_nothing(
        self, house: House, scope: str
    ) -> None:
        kind = InvalidRequest if scope == "provider:*" else NotFound
        code = refused(kind, house, scope, organisation=OPERATOR)
        assert code in ("switch_scope_unknown", "switch_scope_invalid")

    @pytest.mark.parametrize(
        "scope", ["", "everything", "agent:", "agent:usr_1", "**", "model:a b"]
    )
    def test_what_is_no_scope_is_refused(self, house: House, scope: str) -> None:
        code = refused(InvalidRequest, house, scope, organisation=OPERATOR)
        assert code == "switch_scope_invalid"

    def test_a_switch_is_thrown_once(self, house: House) -> None:
        throw(house, "organisation:acme")
        with pytest.raises(Conflict, match="stopped already"):
            throw(house, "organisation:acme")
        assert len(records(house, "service.acme")) == 1


class TestLifting:
    def test_each_lifts_its_own_and_the_others_stays(self, house: House) -> None:
        throw(house, "organisation:acme")
        throw(house, "organisation:acme", OPERATOR)
        lift(house, "organisation:acme")
        assert thrown(house) == {"organisation:acme"}
        with pytest.raises(NotFound, match="has not stopped"):
            lift(house, "organisation:acme")
        lift(house, "organisation:acme", OPERATOR)
        assert thrown(house) == frozenset()

    def test_nobody_sees_what_concerns_others_only(self, house: House) -> None:
        house.write(
            people.add_person, organisation="other", username="bob", name="Bob", by=house.ada
        )
        throw(house, "organisation:acme")
        throw(house, "organisation:other", "other")
        throw(house, "*", OPERATOR)

        def listed(organisation: str) -> set[str]:
            with house.database.read() as session:
                found = switches.list_switches(session, organisation, operator=OPERATOR)
            return {switch.scope for switch in found}

        assert listed("acme") == {"organisation:acme", "*"}
        assert listed(OPERATOR) == {"organisation:acme", "organisation:other", "*"}


class TestWhatIsStopped:
    def test_a_switch_reaches_everything_below_its_scope(self) -> None:
        person, parent, child = (f"{kind}_{'1' * 32}" for kind in ("usr", "agt", "agt"))
        over = switches.over("acme", (person, parent, child), "a/b", "a")
        for scope in ("*", "organisation:acme", f"agent:{parent}", "model:a/b", "provider:a"):
            assert Switches(1, frozenset({scope})).stopping(over) == scope
        for scope in ("organisation:acm", "agent:agt_2", "model:a", "provider:a/b", "a"):
            assert Switches(1, frozenset({scope})).stopping(over) is None
        assert Switches(1, frozenset()).stopping(over) is None

    def test_what_makes_moves_or_releases_media_stops_and_evidence_stays_readable(self) -> None:
        stops = {
            (obj, act)
            for obj, actions in ACTIONS.items()
            for act in actions
            if not switches.goes_on(obj, act)
        }
        assert stops >= {
            ("generation", "create"),
            ("generation", "cancel"),
            ("generation", "download"),
            ("asset", "import"),
            ("preflight", "create"),
            ("review", "claim"),
            ("review", "decide"),
            ("approval", "decide"),
        }
        for obj, act in (
            ("switch", "read"),
            ("switch", "manage"),
            ("record", "read"),
            ("checkpoint", "read"),
            ("disclosure", "read"),
            ("generation", "read"),
            ("export", "create"),
            ("report", "create"),
            ("asset", "recall"),
            ("agent", "manage"),
            ("role", "manage"),
            ("mandate", "revoke"),
            ("consent", "withdraw"),
        ):
            assert switches.goes_on(obj, act)

    def test_what_nobody_thought_of_stops(self) -> None:
        assert not switches.goes_on("asset", "teleport")


class TestStore:
    def test_it_reads_again_only_when_the_epoch_has_moved(self, house: House) -> None:
        store = SwitchStore(house.database)
        first = store.current()
        assert store.current() is first
        throw(house, "organisation:acme")
        assert store.current().thrown == {"organisation:acme"}
        assert store.last is store.current()

    def test_a_switch_of_another_process_holds_at_the_next_look(
        self, house: House, tmp_path: Path
    ) -> None:
        store = SwitchStore(house.database)
        assert store.current().thrown == frozenset()
        process = multiprocessing.get_context("spawn").Process(
            target=throw_elsewhere, args=(house.database.url, tmp_path)
        )
        process.start()
        process.join(timeout=60)
        assert process.exitcode == 0
        assert store.current().thrown == {"organisation:acme"}


def throw_elsewhere(url: str, folder: Path) -> None:
    """In a process of its own."""
    database = Database(url)
    ledger = Ledger(keyring.load_or_create(folder / ids.new_id("k"), "test.example/log"))

    def run(connection: Connection) -> None:
        switches.throw(
            connection,
            ledger,
            "organisation:acme",
            organisation="acme",
            operator=OPERATOR,
            known=(),
            reason="incident",
            by=SERVICE,
        )

    database.write(run)
    database.close()
