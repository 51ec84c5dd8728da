"""What a change of a generation teaches of the model that made it, in the same transaction."""

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import Connection

from governance.evidence.story import Story
from governance.ledger import Entry
from governance.routing import measurements


def note(connection: Connection, before: Story, entries: Sequence[Entry]) -> None:
    """Measure what these records tell; `before`: the story before them."""
    if before.route is None:  # nobody's model: an import, or nothing is chosen yet
        return
    for entry in entries:
        body = entry.body
        if entry.event == "asset.fetched":
            measurements.note_fetched(connection, before)
        elif entry.event == "provider.failed":
            measurements.note_failed(connection, before, body["fault"])
        elif entry.event == "provider.unknown":
            measurements.note_failed(connection, before, "ambiguous")
        elif entry.event == "asset.screened" and "technical" in body:
            score = Decimal(body["technical"]["score"])
            measurements.note_screened(connection, before.id, score)
        elif entry.event == "review.decided":
            measurements.note_reviewed(connection, before.id, body["decision"] == "approve")
