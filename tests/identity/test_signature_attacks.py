"""No attack on `gov-agent-v1` gets past the verifier; over HTTP, see `tests/api`."""

from collections.abc import Iterator

import pytest
from freezegun import freeze_time
from nacl.bindings import crypto_core_ed25519_is_valid_point
from nacl.signing import SigningKey

from governance.evidence.encoding import encode64
from governance.evidence.signature_base import thumbprint
from governance.identity import request_signature
from governance.kernel import clock
from governance.kernel.errors import Unauthenticated
from tests.identity.attacks import ATTACKS, Stage, Wire
from tests.identity.attacks.components import COMPONENTS
from tests.identity.attacks.message import MESSAGE, mixed_order
from tests.identity.attacks.parameters import PARAMETERS
from tests.identity.attacks.stage import UNSIGNED
from tests.identity.forging import keyid

STAGE = Stage()
KEYS = {keyid(key): bytes(key.verify_key) for key in (STAGE.key, STAGE.other)}
# All encodings of the points of order 1, 2, 4 and 8: one signature fits many messages.
SMALL_ORDER = [
    "01" + "00" * 31,
    "ec" + "ff" * 30 + "7f",
    "00" * 32,
    "00" * 31 + "80",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    # and the spellings of them that are not canonical
    "01" + "00" * 30 + "80",
    "ec" + "ff" * 31,
    "ed" + "ff" * 30 + "7f",
    "ed" + "ff" * 31,
    "ee" + "ff" * 30 + "7f",
    "ee" + "ff" * 31,
]


@pytest.fixture(autouse=True, scope="module")
def frozen() -> Iterator[None]:
    with freeze_time("2026-11-22T11:12:05Z"):
        yield


def verdict(wire: Wire) -> str:
    """The code of the refusal, `accepted`, or `credentials_missing` without a signature of ours."""
    request = wire.received()
    try:
        presented = request_signature.find(request.headers)
        if presented is None:
            return UNSIGNED
        request_signature.verify(request, presented, KEYS.get)
    except Unauthenticated as refusal:
        assert refusal.details["server_time"] == clock.rfc3339(clock.now())
        return refusal.code
    return "accepted"


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused_for_the_right_reason(attack: str) -> None:
    forge, code = ATTACKS[attack]
    assert verdict(forge(STAGE)) == code


def test_no_attack_has_another_ones_name() -> None:
    assert len(ATTACKS) == len(PARAMETERS) + len(COMPONENTS) + len(MESSAGE) >= 200


def test_the_honest_request_that_all_of_them_start_from_is_accepted() -> None:
    assert verdict(STAGE.sign()) == "accepted"
    assert verdict(STAGE.sign(key=STAGE.other)) == "accepted"
    assert verdict(mixed_order(STAGE, torsion=bytes.fromhex(SMALL_ORDER[0]))) == "accepted"


@pytest.mark.parametrize("point", SMALL_ORDER)
def test_no_signature_holds_under_a_key_of_small_order(point: str) -> None:
    weak = bytes.fromhex(point)
    assert not crypto_core_ed25519_is_valid_point(weak)  # so that it cannot be registered either
    for r in (weak, bytes.fromhex(SMALL_ORDER[0])):
        wire = STAGE.says(keyid=f'"{thumbprint(weak)}"').saying(
            "Signature", f"gov=:{encode64(r + bytes(32))}:"
        )
        request = wire.received()
        presented = request_signature.find(request.headers)
        assert presented is not None
        with pytest.raises(Unauthenticated) as refusal:
            request_signature.verify(request, presented, lambda _: weak)
        assert refusal.value.code == "signature_invalid"


def test_a_key_that_the_register_mixes_up_is_refused() -> None:
    """Even a register that answers with a wrong key cannot make a signature somebody else's."""
    other = SigningKey.generate()
    request = STAGE.sign(key=other, parameters={"keyid": f'"{keyid(STAGE.key)}"'}).received()
    presented = request_signature.find(request.headers)
    assert presented is not None
    with pytest.raises(Unauthenticated) as refusal:
        request_signature.verify(request, presented, lambda _: bytes(other.verify_key))
    assert refusal.value.code == "signature_invalid"
