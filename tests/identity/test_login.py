"""Signing in with a password."""

import threading
from datetime import timedelta
from typing import Any

import argon2
import pytest
from freezegun import freeze_time

from governance.identity import login as signing_in
from governance.identity import passwords, people
from governance.identity.login import Login, login
from governance.identity.sessions import find
from governance.kernel.database import Database
from governance.kernel.errors import Denied, GovernanceError, InvalidRequest, Throttled
from governance.kernel.errors import Unauthenticated as Wrong
from governance.ledger.ledger import Ledger
from tests.identity.conftest import IDLE, House

OWN = "correct horse battery"
OTHER = "staple battery horse"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Checking passwords takes its time; one test below does it on PostgreSQL too."""
    return sqlite_url


@pytest.fixture
def settled(house: House) -> House:
    """Ada has chosen a password of her own."""
    change_password(house, old=house.password, new=OWN)
    return house


def enter(house: House, username: str = "ada", password: str = OWN, **options: Any) -> str:
    return login(house.database, house.ledger, username, password, absolute=3600.0, **options).token


def change_password(house: House, *, old: str, new: str, code: str = "") -> Login:
    return signing_in.change_password(
        house.database, house.ledger, "ada", old=old, new=new, code=code, absolute=3600.0
    )


def lives(house: House, token: str) -> bool:
    try:
        with house.database.read() as session:
            return find(session, token, idle=IDLE).person == house.ada
    except Wrong:
        return False


def refusal(house: House, username: str = "ada", password: str = "wrong") -> GovernanceError:
    with pytest.raises(GovernanceError) as error:
        enter(house, username, password)
    return error.value


def test_the_one_time_password_serves_only_to_choose_another(house: House) -> None:
    with pytest.raises(Denied) as error:
        enter(house, password=house.password)
    assert error.value.code == "password_change_required"
    change_password(house, old=house.password, new=OWN)
    assert lives(house, enter(house))
    assert refusal(house, password=house.password).code == "login_failed"


def test_it_is_the_same_on_postgresql(postgres_url: str, ledger: Ledger) -> None:
    database = Database(postgres_url)
    house = House.open(database, ledger)
    change_password(house, old=house.password, new=OWN)
    for _ in range(5):
        assert refusal(house).code == "login_failed"
    assert refusal(house).code == "login_throttled"
    database.close()


def test_a_change_of_password_is_on_record_and_ends_every_session(settled: House) -> None:
    token = enter(settled)
    change_password(settled, old=OWN, new=OTHER)
    assert not lives(settled, token)
    record = settled.records()[-1]
    assert record.body["action"] == "password_changed"
    assert record.body["by"] == settled.ada


def test_a_new_password_must_be_long_and_new(house: House) -> None:
    for new, code in (
        ("fourteen chars", "password_weak"),
        ("x" * 257, "password_weak"),
        (house.password, "password_unchanged"),
    ):
        with pytest.raises(InvalidRequest) as error:
            change_password(house, old=house.password, new=new)
        assert error.value.code == code


def test_a_change_needs_the_old_password(settled: House) -> None:
    with pytest.raises(Wrong):
        change_password(settled, old="wrong", new=OTHER)
    assert lives(settled, enter(settled))


def test_a_forgotten_password_is_replaced_by_a_one_time_password(settled: House) -> None:
    token = enter(settled)
    password = settled.write(people.reset_password, settled.ada, by=settled.ada)
    assert not lives(settled, token)
    assert refusal(settled).code == "login_failed"
    assert refusal(settled, password=password).code == "password_change_required"
    assert settled.records()[-1].body["action"] == "password_reset"


def test_signing_in_replaces_the_token_that_the_browser_had(settled: House) -> None:
    before = enter(settled)
    after = enter(settled, replaces=before)
    assert before != after
    assert not lives(settled, before)
    assert lives(settled, after)


def test_the_user_name_is_read_whatever_its_case(settled: House) -> None:
    assert lives(settled, enter(settled, " Ada "))


def test_a_wrong_password_and_an_unknown_person_get_the_same_answer(settled: House) -> None:
    answers = [refusal(settled), refusal(settled, "nobody"), refusal(settled, "\ud800\x00'")]
    assert {(answer.code, answer.message) for answer in answers} == {
        ("login_failed", "User name or password is wrong.")
    }


def test_an_unknown_person_costs_as_much_time_as_a_known_one() -> None:
    real = argon2.extract_parameters(passwords.hash_password("any"))
    assert argon2.extract_parameters(passwords.NOBODY) == real
    assert not passwords.password_matches(None, "any")


def test_a_suspended_person_cannot_sign_in_and_learns_why_with_the_password_only(
    settled: House,
) -> None:
    settled.write(people.suspend_person, settled.ada, by=settled.ada)
    assert refusal(settled, password=OWN).code == "principal_suspended"
    assert refusal(settled).code == "login_failed"


@pytest.mark.parametrize("username", ["ada", "nobody"])
def test_failures_slow_down_further_attempts_whether_or_not_the_person_exists(
    settled: House, username: str
) -> None:
    with freeze_time("2026-11-22T11:12:05Z") as moment:
        for _ in range(5):
            assert refusal(settled, username).code == "login_failed"
        answer = refusal(settled, username, OWN)
        assert isinstance(answer, Throttled)
        assert (answer.code, answer.details) == ("login_throttled", {"retry_after": 2})
        moment.tick(timedelta(seconds=2))
        assert refusal(settled, username).code == "login_failed"
        assert refusal(settled, username).details == {"retry_after": 4}


def test_success_or_an_hour_of_quiet_starts_the_count_again(settled: House) -> None:
    with freeze_time("2026-11-22T11:12:05Z") as moment:
        for _ in range(5):
            refusal(settled)
        moment.tick(timedelta(seconds=2))
        enter(settled)
        for _ in range(5):
            assert refusal(settled).code == "login_failed"
        moment.tick(timedelta(hours=1, seconds=1))
        for _ in range(5):
            assert refusal(settled).code == "login_failed"


def test_guesses_in_parallel_are_counted_like_guesses_in_a_row(settled: House) -> None:
    codes: list[str] = []
    threads = [
        threading.Thread(target=lambda: codes.append(refusal(settled).code)) for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes.count("login_failed") == 5
    assert codes.count("login_throttled") == 7


def test_when_too_many_wait_to_be_checked_the_next_is_turned_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(passwords, "_WAIT", 0.0)
    monkeypatch.setattr(passwords, "_SLOTS", threading.BoundedSemaphore(1))
    with passwords._slot(), pytest.raises(Throttled) as error:
        passwords.hash_password("any")
    assert error.value.code == "login_busy"
