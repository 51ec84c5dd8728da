"""A signature takes effect once, whoever races."""

import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from freezegun import freeze_time
from sqlalchemy import Connection, func, insert, select

from governance.identity.expiry import purge_expired
from governance.identity.replay import spend_nonce
from governance.identity.request_signature import SignedRequest
from governance.identity.tables import LoginAttempt, PersonSession, UsedNonce
from governance.kernel import clock
from governance.kernel.database import Database
from governance.kernel.errors import Unauthenticated
from tests.identity.conftest import House
from tests.identity.racing import attempt


def signature(nonce: str = "nonce-nonce-nonce", keyid: str = "key") -> SignedRequest:
    now = int(clock.now().timestamp())
    return SignedRequest(keyid, nonce, now, now + 30, "base", bytes(64))


def spent(database: Database) -> int:
    with database.read() as session:
        return int(session.execute(select(func.count()).select_from(UsedNonce)).scalar_one())


def race(attempts: list[Callable[[], bool]]) -> int:
    """Start all at once; how many succeeded."""
    gate = threading.Barrier(len(attempts))
    won: list[bool] = []

    def run(one: Callable[[], bool]) -> None:
        gate.wait()
        won.append(one())

    threads = [threading.Thread(target=run, args=(one,)) for one in attempts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(won)


def test_a_signature_is_accepted_once(database: Database) -> None:
    signed = signature()
    assert attempt(database, signed)
    assert not attempt(database, signed)


def test_another_key_may_use_the_same_nonce(database: Database) -> None:
    assert attempt(database, signature(keyid="a"))
    assert attempt(database, signature(keyid="b"))


def test_of_many_threads_with_one_signature_exactly_one_wins(database: Database) -> None:
    signed = signature()
    assert race([lambda: attempt(database, signed)] * 24) == 1


def test_of_several_processes_with_the_same_signatures_one_wins_each(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    """Real processes, which share nothing but the database."""
    count, gate = 300, tmp_path / "gate"
    expires = int(clock.now().timestamp()) + 30
    command = [sys.executable, "-m", "tests.identity.racing"]
    runners = [
        subprocess.Popen(
            [*command, database_url, str(gate), str(count), str(expires), str(seed)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in range(3)
    ]
    for runner in runners:
        assert runner.stdout is not None
        assert runner.stdout.readline() == "ready\n"
    gate.touch()
    won = [int(runner.communicate(timeout=60)[0]) for runner in runners]
    assert sum(won) == count == spent(database)


def test_a_nonce_is_not_spent_when_the_effect_fails(database: Database) -> None:
    signed = signature()

    def fails(connection: Connection) -> None:
        spend_nonce(connection, signed)
        raise ValueError("the effect")

    with pytest.raises(ValueError, match="the effect"):
        database.write(fails)
    assert attempt(database, signed)


def test_nonces_are_kept_for_as_long_as_the_signature_could_be_presented(
    database: Database,
) -> None:
    with freeze_time("2026-11-22T11:12:05Z") as moment:
        signed = signature()
        attempt(database, signed)
        moment.tick(timedelta(seconds=35))
        assert database.write(purge_expired) == 0
        assert not attempt(database, signed)
        moment.tick(timedelta(seconds=2))
        assert database.write(purge_expired) == 1


def test_a_request_that_waited_too_long_for_its_turn_is_refused(database: Database) -> None:
    """Otherwise its twin could come after the row of the first was purged."""
    with freeze_time("2026-11-22T11:12:05Z") as moment:
        signed = signature()
        moment.tick(timedelta(seconds=36))
        with pytest.raises(Unauthenticated) as refusal:
            database.write(lambda connection: spend_nonce(connection, signed))
    assert refusal.value.code == "signature_expired"


def test_a_purge_is_bounded(database: Database) -> None:
    with freeze_time("2026-11-22T11:12:05Z") as moment:
        for index in range(5):
            attempt(database, signature(nonce=f"nonce-{index}"))
        moment.tick(timedelta(minutes=5))
        purge = [database.write(lambda c: purge_expired(c, limit=3)) for _ in range(3)]
    assert purge == [3, 2, 0]
    assert spent(database) == 0


def test_expired_sessions_and_old_sign_in_counts_go_too(house: House) -> None:
    with freeze_time("2026-11-22T11:12:05Z") as moment:
        now = clock.now()

        def fill(connection: Connection) -> None:
            for minutes in (1, 90):
                later = now + timedelta(minutes=minutes)
                proven = {"seen_at": now, "authenticated_at": now, "method": "password"}
                session = {"token_sha256": str(minutes), "person": house.ada, **proven}
                connection.execute(insert(PersonSession).values(**session, expires_at=later))
                count = {"username_sha256": str(minutes), "attempts": 1, "retry_at": now}
                connection.execute(insert(LoginAttempt).values(**count, seen_at=later))

        house.database.write(fill)
        moment.tick(timedelta(minutes=62))
        assert house.database.write(purge_expired) == 2
        assert house.database.write(purge_expired) == 0
