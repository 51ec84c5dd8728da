"""One-time codes: the numbers of RFC 6238, each good once, asked for beside the password."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory
from sqlalchemy import select

from governance.identity import login, sessions, totp
from governance.identity.tables import Totp
from governance.kernel import clock
from governance.kernel.errors import (
    Conflict,
    GovernanceError,
    InvalidRequest,
    NotFound,
    Unauthenticated,
)
from tests.identity.conftest import IDLE, House
from tests.identity.test_login import OTHER, OWN, change_password, enter

# RFC 6238 appendix B, SHA-1, the last six of its eight digits.
SECRET = b"12345678901234567890"
VECTORS = [
    (59, "287082"),
    (1111111109, "081804"),
    (1111111111, "050471"),
    (1234567890, "005924"),
    (2000000000, "279037"),
    (20000000000, "353130"),
]
START = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What is particular to a database is tested with passkeys."""
    return sqlite_url


@pytest.fixture
def moment() -> Iterator[FrozenDateTimeFactory]:
    with freeze_time(START) as moment:
        yield moment  # type: ignore[misc]


@pytest.fixture
def settled(house: House, moment: FrozenDateTimeFactory) -> House:
    change_password(house, old=house.password, new=OWN)
    return house


@pytest.fixture
def secret(settled: House, moment: FrozenDateTimeFactory) -> bytes:
    """Ada's, of an app that is set up; its last code is of the step before."""
    secret = base64.b32decode(settled.write(totp.begin, settled.ada))
    settled.write(totp.confirm, settled.ada, code(secret))
    moment.tick(timedelta(seconds=totp.STEP))
    return secret


def code(secret: bytes, drift: int = 0) -> str:
    return totp.code_at(secret, int(clock.now().timestamp()) // totp.STEP + drift)


def refusal(house: House, given: str, password: str = OWN) -> str:
    with pytest.raises(GovernanceError) as error:
        enter(house, password=password, code=given)
    return error.value.code


@pytest.mark.parametrize(("seconds", "expected"), VECTORS)
def test_the_codes_are_those_of_the_standard(seconds: int, expected: str) -> None:
    assert totp.code_at(SECRET, seconds // totp.STEP) == expected


def test_with_an_app_set_up_the_password_alone_does_not_sign_in(
    settled: House, secret: bytes
) -> None:
    assert refusal(settled, "") == "code_required"
    assert refusal(settled, "000000") == "code_wrong"
    token = enter(settled, code=code(secret))
    with settled.database.read() as session:
        assert sessions.find(session, token, idle=IDLE).method == "totp"


def test_the_code_alone_does_not_either(settled: House, secret: bytes) -> None:
    assert refusal(settled, code(secret), password="wrong") == "login_failed"


def test_a_code_is_good_once(settled: House, secret: bytes) -> None:
    given = code(secret)
    enter(settled, code=given)
    assert refusal(settled, given) == "code_wrong"


def test_no_earlier_code_is_good_after_a_later_one(settled: House, secret: bytes) -> None:
    enter(settled, code=code(secret, 1))
    assert refusal(settled, code(secret)) == "code_wrong"


def test_clocks_may_differ_by_one_step(
    settled: House, secret: bytes, moment: FrozenDateTimeFactory
) -> None:
    moment.tick(timedelta(seconds=10 * totp.STEP))
    for drift in (-2, 2):
        assert refusal(settled, code(secret, drift)) == "code_wrong"
    for drift in (-1, 0, 1):
        enter(settled, code=code(secret, drift))


def test_spaces_in_a_code_do_not_matter(settled: House, secret: bytes) -> None:
    given = code(secret)
    enter(settled, code=f" {given[:3]} {given[3:]} ")


def test_guessing_codes_is_slowed_down_like_guessing_passwords(
    settled: House, secret: bytes
) -> None:
    for _ in range(5):
        assert refusal(settled, "000000") == "code_wrong"
    assert refusal(settled, code(secret)) == "login_throttled"


def test_changing_the_password_needs_the_code_too(settled: House, secret: bytes) -> None:
    with pytest.raises(Unauthenticated) as error:
        change_password(settled, old=OWN, new=OTHER)
    assert error.value.code == "code_required"
    change_password(settled, old=OWN, new=OTHER, code=code(secret))


def test_an_app_counts_once_a_code_has_confirmed_it(settled: House) -> None:
    made = base64.b32decode(settled.write(totp.begin, settled.ada))
    enter(settled)
    with pytest.raises(InvalidRequest):
        settled.write(totp.confirm, settled.ada, "000000")
    enter(settled)
    settled.write(totp.confirm, settled.ada, code(made))
    assert refusal(settled, "") == "code_required"
    record = settled.records()[-1]
    assert (record.event, record.body["kind"], record.body["action"]) == (
        "authenticator.changed",
        "totp",
        "enrolled",
    )
    with pytest.raises(Conflict):
        settled.write(totp.begin, settled.ada)


def test_confirming_what_was_never_begun_fails(settled: House) -> None:
    with pytest.raises(Conflict) as error:
        settled.write(totp.confirm, settled.ada, "000000")
    assert error.value.code == "totp_missing"


def test_an_administrator_helps_whoever_has_lost_the_app(settled: House, secret: bytes) -> None:
    ben = settled.person("ben").id
    settled.write(totp.remove, settled.ada, by=ben)
    enter(settled)
    record = settled.records()[-1]
    assert (record.body["action"], record.body["by"]) == ("revoked", ben)
    with pytest.raises(NotFound):
        settled.write(totp.remove, settled.ada, by=ben)


def test_the_secret_is_nowhere_in_the_clear(settled: House, secret: bytes) -> None:
    with settled.database.read() as session:
        kept = session.scalars(select(Totp)).one()
    assert secret not in kept.secret
    text = base64.b32encode(secret)
    assert all(text not in record.line for record in settled.records())


def test_the_address_for_the_app_names_person_and_secret(house: House) -> None:
    address = house.database.write(lambda c: totp.address(c, house.ada, "ABC234", "Our House"))
    url = urlsplit(address)
    assert (url.scheme, url.netloc, url.path) == ("otpauth", "totp", "/Our%20House:ada")
    assert parse_qs(url.query) == {"secret": ["ABC234"], "issuer": ["Our House"]}


def test_somebody_who_is_signed_in_confirms_with_a_code_or_else_the_password(
    settled: House,
) -> None:
    token = enter(settled)
    with pytest.raises(Unauthenticated):
        confirm(settled, token, password="wrong")
    confirm(settled, token, password=OWN)
    with pytest.raises(Unauthenticated):
        confirm(settled, token, password=OWN)  # the old token is over


def test_with_an_app_the_password_confirms_nothing(
    settled: House, secret: bytes, moment: FrozenDateTimeFactory
) -> None:
    token = enter(settled, code=code(secret))
    moment.tick(timedelta(seconds=totp.STEP))
    with pytest.raises(Unauthenticated) as error:
        confirm(settled, token, password=OWN)
    assert error.value.code == "code_required"
    renewed = confirm(settled, token, code=code(secret))
    with settled.database.read() as session:
        live = sessions.find(session, renewed, idle=IDLE)
    assert (live.method, live.authenticated_at) == ("totp", clock.now())


def test_confirming_does_not_make_a_session_live_longer(
    settled: House, moment: FrozenDateTimeFactory
) -> None:
    token = enter(settled)
    moment.tick(timedelta(minutes=59))
    renewed = confirm(settled, token, password=OWN)
    moment.tick(timedelta(minutes=1))
    with settled.database.read() as session, pytest.raises(Unauthenticated):
        sessions.find(session, renewed, idle=IDLE)


def confirm(house: House, token: str, password: str = "", code: str = "") -> str:
    return login.confirm(
        house.database, house.ledger, token, house.ada, password=password, code=code
    )
