"""Delegations that must not hold, each refused by its own rule; and what no chain can do."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey

from governance.evidence import jws, mandate
from governance.evidence.encoding import encode64url, serialise
from governance.evidence.errors import EvidenceError
from governance.evidence.grant import covers_all
from governance.evidence.signature_base import thumbprint
from tests.chains import (
    AGENTS,
    AUDIENCE,
    GRANT,
    KEYS,
    NOW,
    PERSON,
    SERVICE,
    STRANGER,
    Forge,
    instance_of,
    public,
    seal,
    verified,
)

LATER = NOW + timedelta(minutes=1)
WEAK = b"\x01" + bytes(31)


def wider(**grant: Any) -> list[str]:
    """The second hop asks for more than the first."""
    return Forge(grants={1: grant}).hops()


def changed(place: int, **payload: Any) -> list[str]:
    return Forge(changes={place: payload}).hops()


def reordered() -> list[str]:
    return Forge(3).hops()[::-1]


def middle_dropped() -> list[str]:
    first, _, last = Forge(3).hops()
    return [first, last]


def root_dropped() -> list[str]:
    return Forge(3).hops()[1:]


def spliced() -> list[str]:
    """The second hop of another chain, whose first was wider."""
    generous = Forge(grants={0: {"total": "5000"}, 1: {"total": "5000"}}).hops()
    return [Forge().hops()[0], generous[1]]


def replayed_under_another_root() -> list[str]:
    other = "usr_" + "2" * 32
    return [Forge(person=other).hops()[0], Forge().hops()[1]]


def header_with(**fields: Any) -> list[str]:
    """The first hop with another JWS header, honestly signed."""
    (hop,) = Forge(1).hops()
    header = {"alg": "Ed25519", "kid": thumbprint(public(SERVICE)), "typ": mandate.TYPE, **fields}
    signed = f"{encode64url(serialise(header))}.{hop.split('.')[1]}"
    return [f"{signed}.{encode64url(SERVICE.sign(signed.encode()).signature)}"]


def unsigned() -> list[str]:
    (hop,) = header_with(alg="none")
    return [hop.rpartition(".")[0] + "."]


def respelt() -> list[str]:
    """The same content with a space in it."""
    first, second = Forge().hops()
    header, payload, _ = second.split(".")
    loose = encode64url(b" " + serialise(jws.read(second, mandate.TYPE).payload))
    assert loose != payload
    signed = f"{header}.{loose}"
    return [first, f"{signed}.{encode64url(KEYS[0].sign(signed.encode()).signature)}"]


def tampered() -> list[str]:
    """A grant changed after signing."""
    first, second = Forge().hops()
    header, _, signature = second.split(".")
    payload = jws.read(second, mandate.TYPE).payload
    payload["grant"]["total"] = "1"
    return [first, f"{header}.{encode64url(serialise(payload))}.{signature}"]


def padded() -> list[str]:
    return [Forge(1).hops()[0] + "="]


def too_long() -> list[str]:
    many = [f"project-{number}-{'x' * 50}" for number in range(60)]
    return Forge(3, grants={place: {"projects": many} for place in range(3)}).hops()


def begun_by_an_agent() -> list[str]:
    return changed(0, **{"from": AGENTS[4]})


def self_delegation(**grant: Any) -> list[str]:
    """An agent hands its mandate to itself, without saying that it is an instance."""
    to = {"agent": AGENTS[0], "key": encode64url(public(STRANGER))}
    return Forge(changes={1: {"to": to, "grant": {**GRANT, **grant}}}).hops()


def handed_back() -> list[str]:
    to = {"agent": AGENTS[0], "key": encode64url(public(KEYS[0]))}
    return Forge(3, changes={2: {"to": to}}).hops()


def instance(change: dict[str, Any] | None = None, **until: Any) -> list[str]:
    return Forge(changes={1: {**instance_of(1, STRANGER, **until), **(change or {})}}).hops()


Attack = Callable[[], list[str]]
ATTACKS: dict[str, tuple[Attack, str]] = {
    # Widened, in each dimension.
    "actions widened": (lambda: wider(actions=["generation:create", "asset:import"]), "widened"),
    "actions widened to any": (lambda: wider(actions=["*"]), "widened"),
    "projects widened": (lambda: wider(projects=["secret"]), "widened"),
    "models widened": (lambda: wider(models=["kling/kling-v2-6"]), "widened"),
    "vendor's other models": (lambda: wider(models=["google/*"]), "widened"),
    "model whose name begins alike": (lambda: wider(models=["google/veo-30"]), "widened"),
    "vendor whose name begins alike": (lambda: wider(models=["local-labs/x"]), "widened"),
    "territories widened": (lambda: wider(territories=["DE", "CN"]), "widened"),
    "per call raised": (lambda: wider(per_call="5.01"), "widened"),
    "total raised": (lambda: wider(total="100.000000001"), "widened"),
    "currency swapped": (lambda: wider(currency="EUR"), "widened"),
    "outlives its parent": (lambda: wider(until="2026-11-23T12:00:01Z"), "widened"),
    "widened a second after it was narrowed": (
        lambda: Forge(3, grants={1: {"total": "10"}, 2: {"total": "11"}}).hops(),
        "widened",
    ),
    "self-delegation to wider": (lambda: self_delegation(total="5000"), "widened"),
    # Grants that are none.
    "dimension left out": (
        lambda: changed(1, grant={k: v for k, v in GRANT.items() if k != "total"}),
        "grant_invalid",
    ),
    "dimension added": (lambda: wider(note="x"), "grant_invalid"),
    "empty list": (lambda: wider(projects=[]), "grant_invalid"),
    "star beside names": (lambda: wider(models=["*", "google/veo-3"]), "grant_invalid"),
    "model pattern without its slash": (lambda: wider(models=["google/veo-3*"]), "grant_invalid"),
    "negative amount": (lambda: wider(total="-1"), "grant_invalid"),
    "amount as a number": (lambda: wider(total=1), "grant_invalid"),
    "amount in exponents": (lambda: wider(total="1e1"), "grant_invalid"),
    # Order.
    "reordered": (reordered, "mandate_root"),
    "first hop dropped": (root_dropped, "mandate_root"),
    "middle hop dropped": (middle_dropped, "jws_key_mismatch"),
    "spliced from another chain": (spliced, "mandate_broken"),
    "replayed under another person": (replayed_under_another_root, "mandate_broken"),
    "another root named": (lambda: changed(1, root="usr_" + "2" * 32), "mandate_broken"),
    "from another agent than the one before": (
        lambda: changed(1, **{"from": AGENTS[3]}),
        "mandate_broken",
    ),
    "older than its parent": (
        lambda: changed(1, issued=f"{NOW - timedelta(seconds=6):%Y-%m-%dT%H:%M:%SZ}"),
        "mandate_broken",
    ),
    "first hop names one before it": (lambda: changed(0, prv="a" * 64), "mandate_root"),
    "begun by an agent": (begun_by_an_agent, "mandate_root"),
    "begun by an instance": (lambda: changed(0, instance=True), "mandate_root"),
    # Depth.
    "depth not decreasing": (lambda: changed(1, depth=1), "mandate_depth"),
    "depth increasing": (lambda: changed(1, depth=3), "mandate_depth"),
    "handed on although that was not allowed": (lambda: changed(0, depth=0), "mandate_depth"),
    "depth negative": (lambda: changed(1, depth=-1), "mandate_malformed"),
    "depth with a fraction": (lambda: changed(0, depth=1.0), "mandate_malformed"),
    "depth beyond all": (lambda: changed(0, depth=4), "mandate_malformed"),
    "handed to itself": (self_delegation, "mandate_cycle"),
    "handed back": (handed_back, "mandate_cycle"),
    # Time and place.
    "expired": (lambda: wider(until="2026-11-22T12:00:30Z"), "mandate_expired"),
    "expired at this very moment": (lambda: wider(until="2026-11-22T12:01:00Z"), "mandate_expired"),
    "parent expired": (
        lambda: Forge(grants={place: {"until": "2026-11-22T12:00:30Z"} for place in (0, 1)}).hops(),
        "mandate_expired",
    ),
    "from the future": (lambda: changed(1, issued="2026-11-22T12:02:00Z"), "mandate_not_yet_valid"),
    "end that is no time": (lambda: wider(until="tomorrow"), "time_invalid"),
    "end without a zone": (lambda: wider(until="2026-11-23T11:00:00"), "time_invalid"),
    "for another service": (lambda: changed(1, audience="other.example"), "mandate_audience"),
    "begun at another service": (lambda: Forge(audience="x.example").hops(), "mandate_audience"),
    # Keys.
    "signed by a stranger": (lambda: Forge(signers={1: STRANGER}).hops(), "jws_key_mismatch"),
    "signed by the service instead of the agent": (
        lambda: Forge(signers={1: SERVICE}).hops(),
        "jws_key_mismatch",
    ),
    "first hop signed by an agent": (
        lambda: Forge(signers={0: KEYS[0]}).hops(),
        "mandate_signer_unknown",
    ),
    "key of small order": (
        lambda: changed(1, to={"agent": AGENTS[1], "key": encode64url(WEAK)}),
        "mandate_key_invalid",
    ),
    "key that is no point": (
        lambda: changed(1, to={"agent": AGENTS[1], "key": encode64url(b"\xff" * 32)}),
        "mandate_key_invalid",
    ),
    # Instances.
    "instance for longer than an hour": (
        lambda: instance(hours=1, seconds=2),
        "mandate_instance",
    ),
    "instance of another agent": (
        lambda: instance(
            {"to": {"agent": AGENTS[1], "key": encode64url(public(STRANGER))}}, minutes=30
        ),
        "mandate_instance",
    ),
    "instance that says no": (lambda: instance({"instance": False}), "mandate_malformed"),
    "instance that goes further": (lambda: instance({"depth": 2}, minutes=30), "mandate_depth"),
    # Form.
    "unsigned": (unsigned, "jws_header"),
    "signed with HS256": (lambda: header_with(alg="HS256"), "jws_header"),
    "signed with EdDSA": (lambda: header_with(alg="EdDSA"), "jws_header"),
    "key in the header": (
        lambda: header_with(jwk={"kty": "OKP", "crv": "Ed25519", "x": encode64url(WEAK)}),
        "jws_header",
    ),
    "critical extension": (lambda: header_with(crit=["x"]), "jws_header"),
    "another type of token": (lambda: header_with(typ="JWT"), "jws_header"),
    "another spelling": (respelt, "json_invalid"),
    "padding": (padded, "base64_invalid"),
    "changed after signing": (tampered, "jws_signature_invalid"),
    "additional field": (lambda: changed(1, note="x"), "mandate_malformed"),
    "another version": (lambda: changed(1, version=2), "mandate_malformed"),
    "id that is none": (lambda: changed(1, id="../etc"), "mandate_malformed"),
    "empowers a person": (
        lambda: changed(1, to={"agent": PERSON, "key": encode64url(public(KEYS[1]))}),
        "mandate_malformed",
    ),
    "no hop at all": (list, "jws_malformed"),
    "nothing": (lambda: [""], "jws_malformed"),
    "five hops": (lambda: Forge(4).hops() + Forge(1).hops(), "chain_too_long"),
    "more than 8 KB": (too_long, "chain_too_long"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_the_attack_is_refused_by_its_own_rule(name: str) -> None:
    make, code = ATTACKS[name]
    with pytest.raises(EvidenceError) as caught:
        verified(make(), LATER)
    assert caught.value.code == {"widened": "grant_widened"}.get(code, code)
    assert len(caught.value.message) > 12


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_an_honest_chain_holds_and_says_who_acts_for_whom(length: int) -> None:
    chain = verified(Forge(length).hops())
    assert chain.person == PERSON
    assert chain.identities == (PERSON, *AGENTS[:length])
    assert chain.holder.key == public(KEYS[length - 1])
    assert len(set(chain.digests)) == length


def test_equal_is_not_wider_and_a_model_lies_within_its_vendor() -> None:
    narrowed = {"models": ["local/procedural-video"], "total": "100", "territories": ["FR"]}
    chain = verified(Forge(grants={1: narrowed}).hops())
    assert chain.holder.grant.models == ("local/procedural-video",)
    assert chain.holder.grant.total == Decimal(100)


def test_an_instance_acts_as_its_agent_and_is_no_further_agent() -> None:
    hops = Forge(changes={0: {"depth": 0}, 1: instance_of(1, STRANGER, minutes=59)}).hops()
    chain = verified(hops)
    assert chain.identities == (PERSON, AGENTS[0])
    assert chain.holder.key == public(STRANGER)


amounts = st.integers(0, 20).map(lambda cents: f"{cents}.00")


def some(*names: str) -> st.SearchStrategy[list[str]]:
    return st.one_of(
        st.just(["*"]), st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True)
    )


grants = st.fixed_dictionaries(
    {
        "actions": some("generation:create", "generation:read"),
        "projects": some("launch", "teaser"),
        "models": some("google/veo-3", "google/veo-30", "google/*", "local/a"),
        "territories": some("DE", "FR", "EU"),
        "per_call": amounts,
        "total": amounts,
        "currency": st.sampled_from(["USD", "USD", "USD", "EUR"]),
        "until": st.integers(5, 9).map(lambda minute: f"2026-11-22T12:0{minute}:00Z"),
    }
)
LISTS = ("actions", "projects", "models", "territories")


@settings(max_examples=100, deadline=None)
@given(st.lists(grants, min_size=1, max_size=4), st.lists(st.booleans(), min_size=4, max_size=4))
def test_no_chain_that_is_accepted_exceeds_an_ancestor_in_any_dimension(
    drawn: list[dict[str, Any]], kept: list[bool]
) -> None:
    """Half of the dimensions are taken from the parent, so that enough chains are accepted."""
    told: list[dict[str, Any]] = []
    for grant, is_same in zip(drawn, kept, strict=False):
        told.append({**grant, **told[-1], "total": grant["total"]} if told and is_same else grant)
    hops = Forge(len(told), grants=dict(enumerate(told))).hops()
    try:
        chain = verified(hops, LATER)
    except EvidenceError as error:
        assert error.code == "grant_widened"
        return
    last = chain.holder.grant
    for hop in chain.hops:
        above = hop.grant
        assert all(covers_all(getattr(last, name), getattr(above, name)) for name in LISTS)
        assert last.currency == above.currency
        assert (last.per_call, last.total) <= (above.per_call, last.total)
        assert last.total <= above.total
        assert last.until <= above.until


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_no_letter_of_a_chain_can_be_changed(data: st.DataObject) -> None:
    text = Forge(2).text()
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.sampled_from("AaZz09_-.~="))
    forged = text[:place] + letter + text[place + 1 :]
    if forged == text:
        return
    with pytest.raises(EvidenceError):
        verified(forged.split(mandate.SEPARATOR), LATER)


def test_a_key_that_the_service_used_before_still_holds() -> None:
    old = SigningKey(b"o" * 32)
    hops = Forge(service=old).hops()
    known = {thumbprint(public(key)): public(key) for key in (SERVICE, old)}
    assert mandate.verify_chain(hops, known.get, LATER, AUDIENCE).person == PERSON


def test_two_chains_under_one_seal_are_two_digests() -> None:
    payload = jws.read(Forge(1).hops()[0], mandate.TYPE).payload
    again = seal({**payload, "id": "mdt_" + "f" * 32}, SERVICE)
    assert mandate.digest(again) != mandate.digest(Forge(1).hops()[0])
