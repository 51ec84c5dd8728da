"""Who decided on the generations of a report, and whether an authenticator signed it. Pure.

A decision is told as signed when its record carries what the authenticator signed; the service
checks that before it writes the record, and the offline verifier again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from governance.evidence.story import Story


@dataclass
class Decider:
    """One person. signed: decisions signed by the authenticator that the service enrolled for the
    person (assurance A); unsigned: the others (assurance C)."""

    person: str
    reviews: int = 0
    approvals: int = 0
    signed: int = 0
    unsigned: int = 0


def deciders(stories: Sequence[Story]) -> list[Decider]:
    """Everybody who decided in a review or approved spending, in order of id."""
    found: dict[str, Decider] = {}
    for story in stories:
        for body, is_review in _decisions(story):
            person = found.setdefault(body["person"], Decider(body["person"]))
            person.reviews += is_review
            person.approvals += not is_review
            person.signed += "proof" in body
            person.unsigned += "proof" not in body
    return [found[person] for person in sorted(found)]


def _decisions(story: Story) -> Iterator[tuple[dict[str, Any], bool]]:
    for review in story.reviews:
        yield review, True
    if story.approval is not None:
        yield story.approval, False
