"""Two judges of the same requests, written apart: they never disagree."""

import random
from collections.abc import Iterator

import pytest
from freezegun import freeze_time

from governance.identity import request_signature
from governance.identity.request_signature import ReceivedRequest
from governance.kernel.errors import Unauthenticated
from tests.identity import strict_library
from tests.identity.attacks import ATTACKS
from tests.identity.forging import keyid
from tests.identity.mutations import STAGE, request

CHUNKS, EACH = 10, 1000
KNOWN = {keyid(key): bytes(key.verify_key) for key in (STAGE.key, STAGE.other)}


@pytest.fixture(autouse=True, scope="module")
def frozen() -> Iterator[None]:
    with freeze_time("2026-11-22T11:12:05Z"):
        yield


def we_accept(received: ReceivedRequest) -> bool:
    try:
        presented = request_signature.find(received.headers)
        return presented is not None and bool(
            request_signature.verify(received, presented, KNOWN.get)
        )
    except Unauthenticated:
        return False


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_both_give_the_same_verdict_on_a_thousand_requests(chunk: int) -> None:
    rng = random.Random(f"gov-agent-v1 {chunk}")
    accepted = 0
    for number in range(EACH):
        received, body = request(rng)
        ours = we_accept(received)
        assert strict_library.accepts(received, body, KNOWN) == ours, (number, received)
        accepted += ours
    # Neither verdict is rare, or agreement would say little.
    assert 0.15 * EACH < accepted < 0.6 * EACH


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_library_in_its_strict_dress_refuses_every_attack_too(attack: str) -> None:
    wire = ATTACKS[attack][0](STAGE)
    assert not strict_library.accepts(wire.received(), wire.body, KNOWN)
