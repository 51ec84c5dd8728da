"""Passkeys: enrolled by whoever is signed in, used once per challenge, revoked for good."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import cbor2
import pytest
from freezegun import freeze_time
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from governance.evidence.assertion import ED25519, ES256
from governance.evidence.encoding import encode64url
from governance.identity import challenges, expiry, passkeys, people
from governance.identity.passkeys import Site, site_of
from governance.identity.tables import Challenge
from governance.kernel import clock
from governance.kernel.errors import (
    Conflict,
    Denied,
    GovernanceError,
    InvalidRequest,
    NotFound,
    Throttled,
    Unauthenticated,
)
from tests.identity.authenticator import PRESENT, Authenticator
from tests.identity.conftest import House

SITE = Site("localhost", "http://localhost:8000")


def enrol(
    house: House, device: Authenticator, person: str = "", name: str = "Laptop", **bent: Any
) -> str:
    person = person or house.ada
    options = house.database.write(lambda c: passkeys.enrolment_options(c, SITE, person))
    answer = device.create(options, **bent)
    return house.write(passkeys.enrol, SITE, person, answer, name)


def options(house: House, person: str | None = None) -> str:
    return house.database.write(lambda c: passkeys.sign_in_options(c, SITE, person))


def enter(house: House, answer: str, person: str | None = None) -> str:
    """Who has signed in."""
    used = passkeys.check_sign_in(house.database, SITE, answer)
    return house.database.write(lambda c: passkeys.accept_sign_in(c, used, person))


def refusal(house: House, answer: str, person: str | None = None) -> str:
    with pytest.raises(GovernanceError) as error:
        enter(house, answer, person)
    return error.value.code


def owned(house: House) -> list[passkeys.Owned]:
    with house.database.read() as session:
        return list(passkeys.list_passkeys(session, house.ada))


@pytest.fixture
def device(house: House) -> Authenticator:
    """Ada's, enrolled."""
    device = Authenticator()
    enrol(house, device)
    return device


@pytest.mark.parametrize("algorithm", [ED25519, ES256])
def test_whoever_enrolled_a_passkey_signs_in_with_it_without_a_name(
    house: House, algorithm: str
) -> None:
    device = Authenticator(algorithm=algorithm)
    enrol(house, device)
    asked = options(house)
    assert "allowCredentials" not in json.loads(asked) or not json.loads(asked)["allowCredentials"]
    assert enter(house, device.get(asked)) == house.ada
    (mine,) = owned(house)
    assert (mine.name, mine.algorithm) == ("Laptop", algorithm)
    assert mine.used_at is not None


def test_what_is_asked_of_a_new_authenticator(house: House) -> None:
    asked = json.loads(
        house.database.write(lambda c: passkeys.enrolment_options(c, SITE, house.ada))
    )
    assert [one["alg"] for one in asked["pubKeyCredParams"]] == [-8, -7]
    assert asked["rp"]["id"] == "localhost"
    assert asked["authenticatorSelection"]["userVerification"] == "required"
    assert asked["authenticatorSelection"]["residentKey"] == "preferred"
    assert json.loads(options(house))["userVerification"] == "required"


def test_an_enrolment_is_on_record_with_the_key(house: House, device: Authenticator) -> None:
    record = house.records()[-1]
    assert record.event == "authenticator.changed"
    assert record.body == {
        "action": "enrolled",
        "kind": "webauthn",
        "person": house.ada,
        "organisation": "acme",
        "credential": device.id,
        "public_key": encode64url(device.public_key),
        "algorithm": "Ed25519",
        "rp_id": "localhost",
        "by": house.ada,
    }
    assert b"Laptop" not in record.line


def test_a_person_may_have_several_and_revoke_one(house: House, device: Authenticator) -> None:
    phone = Authenticator(algorithm=ES256)
    enrol(house, phone, name="Phone")
    assert [mine.name for mine in owned(house)] == ["Laptop", "Phone"]
    house.write(passkeys.revoke, house.ada, device.id, by=house.ada)
    assert [mine.name for mine in owned(house)] == ["Phone"]
    assert house.records()[-1].body["action"] == "revoked"
    assert refusal(house, device.get(options(house))) == "passkey_refused"
    assert enter(house, phone.get(options(house))) == house.ada


def test_a_revoked_passkey_never_comes_back(house: House, device: Authenticator) -> None:
    house.write(passkeys.revoke, house.ada, device.id, by=house.ada)
    with pytest.raises(Conflict) as error:
        enrol(house, device)
    assert error.value.code == "passkey_known"
    with pytest.raises(NotFound):
        house.write(passkeys.revoke, house.ada, device.id, by=house.ada)


def test_nobody_revokes_the_passkey_of_somebody_else(house: House, device: Authenticator) -> None:
    ben = house.person("ben").id
    with pytest.raises(NotFound):
        house.write(passkeys.revoke, ben, device.id, by=ben)
    assert enter(house, device.get(options(house))) == house.ada


def test_a_revocation_between_the_answer_and_its_effect_holds(
    house: House, device: Authenticator
) -> None:
    used = passkeys.check_sign_in(house.database, SITE, device.get(options(house)))
    house.write(passkeys.revoke, house.ada, device.id, by=house.ada)
    with pytest.raises(Unauthenticated) as error:
        house.database.write(lambda c: passkeys.accept_sign_in(c, used))
    assert error.value.code == "passkey_refused"


@pytest.mark.parametrize(
    "bent",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://localhost:9000"},
        {"origin": "http://sub.localhost:8000"},
        {"rp_id": "evil.example"},
        {"flags": PRESENT},
        {"flags": 0},
        {"seed": bytes(31) + b"\1"},
        {"kind": "webauthn.create"},
    ],
)
def test_an_answer_that_is_not_quite_right_signs_nobody_in(
    house: House, device: Authenticator, bent: dict[str, Any]
) -> None:
    assert refusal(house, device.get(options(house), **bent)) == "passkey_refused"


@pytest.mark.parametrize(
    "bent",
    [
        {"origin": "https://evil.example"},
        {"rp_id": "evil.example"},
        {"flags": PRESENT},
    ],
)
def test_an_enrolment_that_is_not_quite_right_enrols_nothing(
    house: House, bent: dict[str, Any]
) -> None:
    with pytest.raises(InvalidRequest) as error:
        enrol(house, Authenticator(), **bent)
    assert error.value.code == "passkey_invalid"
    assert owned(house) == []


def test_a_key_of_small_order_is_not_enrolled(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    weak = cbor2.dumps({1: 1, 3: -8, -1: 6, -2: b"\1" + bytes(31)}, canonical=True)
    monkeypatch.setattr(Authenticator, "public_key", weak)
    with pytest.raises(InvalidRequest):
        enrol(house, Authenticator())


def test_a_key_that_offline_verification_cannot_read_is_not_enrolled(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = Authenticator(algorithm=ES256).public_key
    odd = cbor2.loads(point)
    spelt = cbor2.dumps({3: odd[3], 1: odd[1], -2: odd[-2], -1: odd[-1], -3: odd[-3]})
    monkeypatch.setattr(Authenticator, "public_key", spelt)
    with pytest.raises(InvalidRequest):
        enrol(house, Authenticator())


def test_a_challenge_serves_once(house: House, device: Authenticator) -> None:
    asked = options(house)
    assert enter(house, device.get(asked)) == house.ada
    assert refusal(house, device.get(asked)) == "challenge_expired"


def test_a_challenge_serves_five_minutes(house: House, device: Authenticator) -> None:
    with freeze_time(clock.now()) as moment:
        early, late = options(house), options(house)
        moment.tick(timedelta(minutes=4, seconds=59))
        assert enter(house, device.get(early)) == house.ada
        moment.tick(timedelta(seconds=1))
        assert refusal(house, device.get(late)) == "challenge_expired"
        moment.tick(timedelta(seconds=1))
        assert house.database.write(expiry.purge_expired) == 1


def test_a_challenge_that_was_never_issued_is_worth_nothing(
    house: House, device: Authenticator
) -> None:
    made_up = json.dumps({"challenge": encode64url(bytes(32))})
    assert refusal(house, device.get(made_up)) == "challenge_expired"


def test_a_challenge_serves_only_what_it_was_issued_for(
    house: House, device: Authenticator
) -> None:
    to_enrol = house.database.write(lambda c: passkeys.enrolment_options(c, SITE, house.ada))
    assert refusal(house, device.get(to_enrol)) == "challenge_expired"
    with pytest.raises(Unauthenticated):
        house.write(passkeys.enrol, SITE, house.ada, Authenticator().create(options(house)), "")
    ben = house.person("ben").id
    with pytest.raises(Unauthenticated):
        house.write(passkeys.enrol, SITE, ben, Authenticator().create(to_enrol), "")


def test_only_a_hash_of_a_challenge_is_kept(house: House) -> None:
    challenge = json.loads(options(house))["challenge"]
    with house.database.read() as session:
        kept = session.query(Challenge).all()
    assert all(challenge not in row.challenge_sha256 for row in kept)


def test_strangers_cannot_fill_the_table_of_challenges(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(challenges, "MAX_OPEN", 3)
    for _ in range(3):
        options(house)
    with pytest.raises(Throttled):
        options(house)
    house.database.write(lambda c: c.execute(update(Challenge).values(expires_at=clock.now())))
    options(house)


def test_a_counter_that_does_not_rise_betrays_a_copy(house: House, device: Authenticator) -> None:
    copy = replace(device)
    assert enter(house, device.get(options(house))) == house.ada
    assert refusal(house, copy.get(options(house))) == "passkey_cloned"
    assert enter(house, device.get(options(house))) == house.ada


def test_an_authenticator_that_never_counts_is_accepted(house: House) -> None:
    device = Authenticator(counts=False)
    enrol(house, device)
    for _ in range(2):
        assert enter(house, device.get(options(house))) == house.ada


def test_one_that_stops_counting_is_not(house: House, device: Authenticator) -> None:
    enter(house, device.get(options(house)))
    assert refusal(house, device.get(options(house), count=0)) == "passkey_cloned"


def test_an_unknown_passkey_is_refused_like_a_wrong_one(house: House) -> None:
    assert refusal(house, Authenticator().get(options(house))) == "passkey_refused"


def test_confirming_needs_ones_own_passkey(house: House, device: Authenticator) -> None:
    ben = house.person("ben").id
    assert refusal(house, device.get(options(house, ben)), ben) == "passkey_refused"
    asked = options(house, house.ada)
    assert json.loads(asked)["allowCredentials"][0]["id"] == device.id
    assert enter(house, device.get(asked), house.ada) == house.ada


def test_a_suspended_person_does_not_get_in(house: House, device: Authenticator) -> None:
    house.write(people.suspend_person, house.ada, by=house.ada)
    asked = options(house)
    with pytest.raises(Denied) as error:
        enter(house, device.get(asked))
    assert error.value.code == "principal_suspended"


def test_a_passkey_of_another_site_is_refused(house: House, device: Authenticator) -> None:
    moved = Site("governance.example", "https://governance.example")
    answer = device.get(options(house), origin=moved.origin, rp_id=moved.id)
    with pytest.raises(Unauthenticated):
        passkeys.check_sign_in(house.database, moved, answer)


@pytest.mark.parametrize(
    ("base_url", "site"),
    [
        ("http://127.0.0.1:8000", Site("localhost", "http://localhost:8000")),
        ("http://[::1]:8000", Site("localhost", "http://localhost:8000")),
        ("http://localhost", Site("localhost", "http://localhost")),
        ("https://Gov.example", Site("gov.example", "https://gov.example")),
        ("https://gov.example:8443", Site("gov.example", "https://gov.example:8443")),
    ],
)
def test_the_site_follows_from_the_public_address(base_url: str, site: Site) -> None:
    assert site_of(base_url) == site


ANSWERS = st.one_of(
    st.text(),
    st.recursive(
        st.none() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["id", "response", "clientDataJSON", "challenge", "signature"]),
                inner,
            )
        ),
    ).map(json.dumps),
)


@given(ANSWERS)
def test_whatever_is_sent_as_an_answer_is_refused_in_words(text: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        challenges.challenge_in(challenges.read_assertion(text).client_data_json)
    assert error.value.code == "passkey_invalid"


def test_an_answer_of_any_bytes_is_refused_in_words(house: House, device: Authenticator) -> None:
    answer = json.loads(device.get(options(house)))
    for name in ("authenticatorData", "signature", "clientDataJSON"):
        for junk in ("", "AA", "A" * 48, encode64url(bytes(500)), encode64url(b"\xff" * 64)):
            response = {**answer["response"], name: junk}
            code = refusal(house, json.dumps({**answer, "response": response}))
            assert code in ("passkey_refused", "passkey_invalid")
    made = json.loads(
        device.create(
            house.database.write(lambda c: passkeys.enrolment_options(c, SITE, house.ada))
        )
    )
    for junk in ("", "AA", encode64url(bytes(80)), encode64url(b"\xa1" * 40)):
        response = {**made["response"], "attestationObject": junk}
        with pytest.raises(InvalidRequest):
            house.write(
                passkeys.enrol,
                SITE,
                house.ada,
                json.dumps({**made, "response": response}),
                "",
            )
