"""Roles of an organisation's own: never more than the built-in ones, judged, recorded, at once."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from governance.evidence.record import Record
from governance.kernel.database import Database
from governance.kernel.epoch import current
from governance.kernel.errors import (
    ConfigurationError,
    Conflict,
    Denied,
    InvalidRequest,
    NotFound,
)
from governance.ledger.ledger import Ledger, read_stream
from governance.policy import Policy, roles
from governance.policy.assignments import grant, revoke
from governance.policy.authorization import (
    ACTIONS,
    Assignment,
    Permission,
    compile_snapshot,
    domain_of,
)
from governance.policy.roles import MAX_PERMISSIONS, MAX_ROLES, Allowed
from governance.policy.store import PolicyStore

ADA, BOB = "usr_" + "a" * 32, "usr_" + "b" * 32
AGENT = "agt_" + "1" * 32
NIGHT = "role:acme.night_desk"
QUEUE = (Allowed("review", "read"), Allowed("review", "claim", "is_person"))
UNINVOLVED = {"is_requester": False, "in_chain": False, "is_person": True}
Change = Callable[..., Any]


@pytest.fixture
def change(database: Database, ledger: Ledger, policy: Policy) -> Change:
    """`change(function, …)` in a transaction of its own."""

    def run(what: Any, **words: Any) -> Any:
        rules = () if what is roles.remove else (policy,)
        return database.write(lambda c: what(c, ledger, *rules, **{"by": ADA, **words}))

    return run


@pytest.fixture
def define(change: Change) -> Change:
    def run(name: str = "night_desk", *permissions: Allowed, organisation: str = "acme") -> Any:
        return change(
            roles.define,
            organisation=organisation,
            name=name,
            description="Watches the queue at night",
            permissions=permissions or QUEUE,
        )

    return run


def give(change: Change, subject: str, role: str = NIGHT, domain: str = "org/acme") -> None:
    change(grant, subject=subject, role=role, domain=domain, by="service")


def may(store: PolicyStore, subject: str, question: str, domain: str = "org/acme") -> bool:
    obj, act = question.split(":")
    return store.current().authorize(subject, domain, obj, act, UNINVOLVED).allowed


def last(database: Database) -> Record:
    with database.read() as session:
        return read_stream(session, "service.acme")[-1]


def epoch(database: Database) -> int:
    with database.read() as session:
        return current(session.connection())


def test_a_role_of_ones_own_allows_what_it_names_and_no_more(
    database: Database, policy: Policy, change: Change, define: Change
) -> None:
    store = PolicyStore(database, policy)
    assert define() == NIGHT
    give(change, ADA)
    assert may(store, ADA, "review:claim")
    assert may(store, ADA, "review:read", "org/acme/project/film")
    assert not may(store, ADA, "review:decide")
    change(revoke, subject=ADA, role=NIGHT, domain="org/acme")
    assert not may(store, ADA, "review:read")


def test_it_holds_in_its_organisation_alone(
    database: Database, policy: Policy, change: Change, define: Change
) -> None:
    define()
    with pytest.raises(InvalidRequest) as caught:
        give(change, ADA, domain="org/other")
    assert caught.value.code == "domain_invalid"
    compiled = compile_snapshot(
        stored(database, policy), [Assignment(ADA, NIGHT, domain_of("other"))]
    )
    assert not compiled.authorize(ADA, "org/other", "review", "read", UNINVOLVED).allowed


def test_what_it_allows_can_be_changed_for_those_who_hold_it(
    database: Database, policy: Policy, change: Change, define: Change
) -> None:
    store = PolicyStore(database, policy)
    define()
    give(change, BOB)
    define("night_desk", Allowed("report", "create"))
    assert may(store, BOB, "report:create")
    assert not may(store, BOB, "review:read")


def test_nobody_changes_a_role_that_they_hold_themselves(
    database: Database, policy: Policy, change: Change, define: Change
) -> None:
    """Otherwise whoever holds a harmless one could give themselves every right."""
    store = PolicyStore(database, policy)
    define()
    give(change, ADA, domain="org/acme/project/film")
    with pytest.raises(Denied) as caught:
        define("night_desk", *QUEUE, Allowed("waiver", "decide", "is_person"))
    assert caught.value.code == "role_own"
    assert not may(store, ADA, "waiver:decide", "org/acme/project/film")
    assert may(store, ADA, "review:read", "org/acme/project/film")


def test_each_change_is_on_record(database: Database, define: Change, change: Change) -> None:
    define()
    body = last(database).body
    assert (body["action"], body["role"], body["by"]) == ("role.defined", NIGHT, ADA)
    assert body["permissions"][1] == {
        "object": "review",
        "action": "claim",
        "condition": "is_person",
    }
    assert body["epoch"] == epoch(database) == 1
    change(roles.remove, organisation="acme", name="night_desk")
    body = last(database).body
    assert (body["action"], body["role"], body["epoch"]) == ("role.removed", NIGHT, 2)


@pytest.mark.parametrize(
    "name",
    [
        "", "Night", "night-desk", "acme.night", "role:night", "n" * 31, "1night", "nacht wache",
        "administrator", "reviewer", "usr_" + "a" * 26, "agt_x", "svc_x", "*", "night\n",
    ],
)  # fmt: skip
def test_a_role_is_named_neither_like_a_user_nor_like_a_built_in_role(
    database: Database, define: Change, name: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        define(name)
    assert caught.value.code == "role_name_invalid"
    assert epoch(database) == 0


@pytest.mark.parametrize(
    ("permission", "why"),
    [
        (Allowed("role", "manage", "is_person"), "only a built-in role"),
        (Allowed("person", "manage", "is_person"), "only a built-in role"),
        (Allowed("review", "decide"), "only under is_person"),
        (Allowed("asset", "recall"), "only under is_person"),
        (Allowed("spaceship", "launch"), "no built-in role"),
        (Allowed("review", "*"), "no built-in role"),
        (Allowed("*", "*"), "no built-in role"),
        (Allowed("report", "create", "on_sundays"), "the condition is one of"),
    ],
)
def test_it_may_do_nothing_that_no_built_in_role_may(
    database: Database, define: Change, permission: Allowed, why: str
) -> None:
    with pytest.raises(InvalidRequest, match=why) as caught:
        define("night_desk", Allowed("review", "read"), permission)
    assert caught.value.code == "permissions_invalid"
    assert epoch(database) == 0


def test_it_has_some_permissions_each_once(change: Change, define: Change) -> None:
    twice = (Allowed("review", "read"), Allowed("review", "read", "is_person"))
    many = [Allowed("review", f"read{n}") for n in range(MAX_PERMISSIONS + 1)]
    for permissions in (twice, many):
        with pytest.raises(InvalidRequest, match="each named once"):
            define("night_desk", *permissions)
    with pytest.raises(InvalidRequest, match="each named once"):
        change(roles.define, organisation="acme", name="idle", description="", permissions=())


def test_denials_bind_its_holders_like_everybody(
    database: Database, policy: Policy, change: Change, define: Change
) -> None:
    define("second_look", Allowed("review", "decide", "is_person"))
    give(change, ADA, "role:acme.second_look")
    snapshot = PolicyStore(database, policy).current()
    for fact in ("is_requester", "in_chain"):
        facts = {**UNINVOLVED, fact: True}
        answer = snapshot.authorize(ADA, "org/acme", "review", "decide", facts)
        assert answer.reason == "denied_by_rule"
    program = {**UNINVOLVED, "is_person": False}
    assert not snapshot.authorize(ADA, "org/acme", "review", "decide", program).allowed


def test_a_role_that_somebody_holds_is_not_removed(change: Change, define: Change) -> None:
    define()
    give(change, ADA, domain="org/acme/project/film")
    with pytest.raises(Conflict) as caught:
        change(roles.remove, organisation="acme", name="night_desk")
    assert caught.value.code == "role_in_use"
    change(revoke, subject=ADA, role=NIGHT, domain="org/acme/project/film")
    change(roles.remove, organisation="acme", name="night_desk")
    with pytest.raises(NotFound, match="no role"):
        change(roles.remove, organisation="acme", name="night_desk")
    with pytest.raises(InvalidRequest, match="no role"):
        give(change, ADA)


def test_organisations_do_not_see_or_remove_each_others_roles(
    database: Database, policy: Policy, change: Change, define: Change
) -> None:
    define()
    with pytest.raises(NotFound):
        change(roles.remove, organisation="other", name="night_desk")
    with database.read() as session:
        names = [role.name for role in roles.list_roles(session.connection(), policy, "other")]
        own = roles.list_roles(session.connection(), policy, "acme")[-1]
    assert NIGHT not in names
    assert (own.name, own.is_custom) == (NIGHT, True)
    assert own.description == "Watches the queue at night"


def test_an_organisation_whose_name_has_dots_keeps_its_roles_apart(
    database: Database, policy: Policy, change: Change, define: Change
) -> None:
    define("desk", Allowed("report", "create"), organisation="acme.night")
    with pytest.raises(InvalidRequest, match="no role"):
        give(change, ADA, "role:acme.night.desk2")
    with pytest.raises(InvalidRequest, match=r"within org/acme\.night"):
        give(change, ADA, "role:acme.night.desk")


def test_an_organisation_has_so_many_roles_at_most(
    define: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MAX_ROLES <= 100
    monkeypatch.setattr(roles, "MAX_ROLES", 2)
    define("one")
    define("two")
    define("two", Allowed("report", "create"))
    with pytest.raises(Conflict, match="at most 2"):
        define("three")


def test_a_policy_on_which_casbin_disagrees_changes_nothing(
    database: Database, ledger: Ledger, policy: Policy
) -> None:
    lenient = replace(policy, model=policy.model.replace("within(r.dom, p.dom)", "true"))

    def attempt(connection: Connection) -> None:
        roles.define(
            connection, ledger, lenient,
            organisation="acme", name="night_desk", description="", permissions=QUEUE, by=ADA,
        )  # fmt: skip

    store = PolicyStore(database, policy)
    before = store.current()
    with pytest.raises(ConfigurationError) as caught:
        database.write(attempt)
    assert caught.value.code == "policy_disagreement"
    assert store.current() is before
    with database.read() as session:
        assert roles.effective(session.connection(), policy) == policy.permissions


def test_what_no_built_in_role_may_any_more_counts_for_nothing(
    database: Database, policy: Policy, change: Change, define: Change
) -> None:
    define()
    give(change, ADA)
    fewer = tuple(p for p in policy.permissions if p.action != "claim")
    store = PolicyStore(database, replace(policy, permissions=fewer))
    assert may(store, ADA, "review:read")
    assert not may(store, ADA, "review:claim")


def test_programs_hold_roles_of_ones_own_within_their_persons_rights(
    database: Database, policy: Policy, change: Change, define: Change
) -> None:
    define("uploader", Allowed("asset", "import"))
    give(change, AGENT, "role:acme.uploader")
    assert may(PolicyStore(database, policy), AGENT, "asset:import")


def stored(database: Database, policy: Policy) -> tuple[Permission, ...]:
    with database.read() as session:
        return roles.effective(session.connection(), policy)


pairs = st.sampled_from([(obj, act) for obj, acts in ACTIONS.items() for act in acts])
conditions = st.sampled_from(["always", "is_person", "not_person", "in_chain"])


@given(
    st.dictionaries(pairs, conditions, min_size=1, max_size=6),
    st.dictionaries(st.sampled_from(sorted(UNINVOLVED)), st.booleans()),
)
@settings(deadline=None)
def test_no_selection_allows_more_than_the_built_in_roles_together(
    policy: Policy, chosen: dict[tuple[str, str], str], facts: dict[str, bool]
) -> None:
    """Whatever passes the check: its holder may nothing that a holder of all roles may not."""
    asked = [Allowed(*pair, condition) for pair, condition in chosen.items()]
    try:
        roles._check_permissions(policy, asked)
    except InvalidRequest:
        return
    own = [
        Permission("x", NIGHT, "org/acme", a.object, a.action, a.condition, "allow") for a in asked
    ]
    everything = [Assignment(BOB, role, "org/acme") for role in roles.built_in(policy)]
    snapshot = compile_snapshot(
        (*policy.permissions, *own), [Assignment(ADA, NIGHT, "org/acme"), *everything]
    )
    for obj, acts in ACTIONS.items():
        for act in acts:
            if snapshot.authorize(ADA, "org/acme", obj, act, facts).allowed:
                assert snapshot.authorize(BOB, "org/acme", obj, act, facts).allowed
