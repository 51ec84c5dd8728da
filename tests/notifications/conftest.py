"""An office that keeps webhooks and sends what is due, on both databases."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection

from governance.evidence.record import Record
from governance.evidence.story import State, Story
from governance.kernel import clock, ids
from governance.kernel.database import Database
from governance.kernel.sealing import Sealer
from governance.ledger import Ledger, read_stream
from governance.notifications import endpoints, outbox
from governance.notifications.delivery import Courier
from governance.notifications.endpoints import NewWebhook
from governance.notifications.messages import EVENTS
from governance.notifications.tables import DeliveryAttempt, Notification, Webhook

Result = TypeVar("Result")
TRUSTED = ("127.0.0.1", "hooks.test")


@dataclass
class Office:
    database: Database
    ledger: Ledger
    sealer: Sealer
    by: str = field(default_factory=lambda: ids.new_id("usr"))

    def write(self, change: Callable[[Connection], Result]) -> Result:
        return self.database.write(change)

    def register(self, url: str = "https://hooks.test/a", **changes: Any) -> NewWebhook:
        given = {"organisation": "acme", "project": None, "events": EVENTS, "by": self.by}
        return self.write(
            lambda c: endpoints.register(
                c, self.ledger, self.sealer, url=url, **{**given, **changes}
            )
        )

    def tell(self, state: State = State.RELEASED, before: State | None = None, **facts: Any) -> str:
        """A generation has come into a state; its id."""
        now = clock.rfc3339(clock.now())
        request = {"organisation": "acme", "project": "film", "media": "video", **facts}
        earlier = Story(state=before or "") if before else Story(state=State.VERIFIED)
        after = Story(id=ids.new_id("gen"), state=state, request=request, changed_at=now)
        self.write(lambda c: outbox.enqueue(c, earlier, after))
        return after.id

    @contextmanager
    def courier(self, **options: Any) -> Iterator[Courier]:
        """Sends while the block runs."""
        given = {"trusted": TRUSTED, "idle": 0.02, **options}
        courier = Courier(self.database, self.ledger, self.sealer, **given)
        courier.start()
        try:
            yield courier
        finally:
            courier.stop()

    def messages(self, webhook: str) -> list[Notification]:
        with self.database.read() as session:
            return list(outbox.deliveries(session, webhook))

    def attempts(self, webhook: str) -> list[DeliveryAttempt]:
        """Of all messages, in order."""
        with self.database.read() as session:
            messages = outbox.deliveries(session, webhook)
            found = outbox.attempts(session, [message.id for message in messages])
        return sorted((one for tried in found.values() for one in tried), key=lambda one: one.id)

    def webhook(self, webhook: str) -> Webhook:
        with self.database.read() as session:
            return session.get_one(Webhook, webhook)

    def records(self) -> list[Record]:
        with self.database.read() as session:
            return read_stream(session, "service.acme")


@pytest.fixture
def office(database: Database, ledger: Ledger) -> Office:
    return Office(database, ledger, Sealer(ids.random_bytes(32)))
