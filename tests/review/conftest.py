"""A review to decide on, and the calls that the lifecycle makes."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from governance.kernel import ids
from governance.kernel.database import Database
from governance.review import decisions, reviews, separation
from governance.review.reviews import Tally
from tests.conftest import copied_postgres, copy_sqlite

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
CLAIM = timedelta(minutes=30)
DIGEST = "a" * 64
AGENT, REQUESTER = "agt_" + "1" * 32, "usr_" + "2" * 32
ALICE, BOB, CAROL = "usr_" + "a" * 32, "usr_" + "b" * 32, "usr_" + "c" * 32


@dataclass(frozen=True)
class Desk:
    """One database and the review that was opened over one generation."""

    database: Database
    organisation: str
    review: str
    generation: str

    def write(self, call: Callable[[Connection], object]) -> None:
        self.database.write(call)

    def claim(self, person: str, *, at: datetime = NOW) -> None:
        self.database.write(lambda c: reviews.claim(c, self.review, person, at, at + CLAIM))

    def release(self, person: str) -> None:
        self.database.write(lambda c: reviews.release_claim(c, self.review, person))

    def decide(
        self,
        person: str,
        decision: str = "approve",
        *,
        digest: str = DIGEST,
        at: datetime = NOW,
    ) -> Tally:
        return self.database.write(
            lambda c: reviews.decide(
                c, self.review, person, decision, "fit_for_release", digest, at
            )
        )

    def claim_and_decide(self, person: str, decision: str = "approve") -> Tally:
        self.claim(person)
        return self.decide(person, decision)

    def approve_spend(self, person: str, decision: str = "approve") -> None:
        self.database.write(
            lambda c: decisions.approve_spend(
                c, self.generation, person, decision, "spend_justified", NOW
            )
        )

    def close(self) -> None:
        self.database.write(lambda c: reviews.close(c, self.review, NOW))


def open_desk(
    database: Database,
    organisation: str,
    *,
    count: int = 1,
    project: str = "spring",
    opened_at: datetime = NOW,
) -> Desk:
    """A generation that an agent asked for on behalf of a person, and its open review."""
    desk = Desk(database, organisation, ids.new_id("rev"), ids.new_id("gen"))

    def opening(connection: Connection) -> None:
        separation.involve(connection, desk.generation, [REQUESTER, AGENT])
        reviews.open_review(
            connection,
            review=desk.review,
            generation=desk.generation,
            organisation=organisation,
            project=project,
            digest=DIGEST,
            count=count,
            role="reviewer",
            rules=["eu.50.4.deep-fake"],
            opened_at=opened_at,
            expires_at=opened_at + timedelta(days=7),
        )

    database.write(opening)
    return desk


@pytest.fixture(scope="package", params=["sqlite", "postgresql"])
def database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """One of each kind for all tests here, which keep out of each other's way by organisation."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            template: Path = request.getfixturevalue("sqlite_template")
            url = copy_sqlite(template, tmp_path_factory.mktemp("review"))
        else:
            server: str = request.getfixturevalue("postgres_server")
            source: str = request.getfixturevalue("postgres_template")
            url = stack.enter_context(copied_postgres(server, source))
        yield stack.enter_context(closing(Database(url)))


@pytest.fixture
def organisation() -> str:
    return ids.new_id("org")


@pytest.fixture
def desk(database: Database, organisation: str) -> Desk:
    """One person must approve."""
    return open_desk(database, organisation)


@pytest.fixture
def two_person_desk(database: Database, organisation: str) -> Desk:
    """Two people must approve."""
    return open_desk(database, organisation, count=2)
