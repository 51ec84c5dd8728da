"""The read side: what waits for people, oldest first."""

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, func
from sqlmodel import Session, col, select

from governance.kernel.errors import NotFound
from governance.review.tables import Decision, Party, Review

MAX_ITEMS = 200
# What a review is to one person: free to claim, theirs, another's, decided by them, or one on
# which they may not decide because they are involved; or nothing is left to decide.
Standing = Literal["free", "yours", "claimed", "decided", "involved", "closed"]


@dataclass(frozen=True)
class Decided:
    """What one person decided over the file: `approve`, `reject` or `return`."""

    person: str
    decision: str
    reason: str
    decided_at: datetime


@dataclass(frozen=True)
class QueueItem:
    """A review with what has happened to it so far; fields as in `tables.Review`.

    is_open: people can still decide on it; claimed_by: who is at work on it now, None also when
    the claim has run out;
    parties: who may not decide on it; decisions: in order of time.
    """

    review: str
    generation: str
    organisation: str
    project: str
    digest: str
    count: int
    role: str
    rules: tuple[str, ...]
    opened_at: datetime
    expires_at: datetime
    closed_at: datetime | None
    is_open: bool
    claimed_by: str | None
    claim_expires_at: datetime | None
    parties: frozenset[str]
    decisions: tuple[Decided, ...]

    @property
    def approvals(self) -> int:
        return sum(decided.decision == "approve" for decided in self.decisions)

    def standing(self, person: str) -> Standing:
        """What it is to a person, by the same rules as `reviews.claim`."""
        if not self.is_open:
            return "closed"
        if person in self.parties:
            return "involved"
        if any(decided.person == person for decided in self.decisions):
            return "decided"
        if self.claimed_by is None:
            return "free"
        return "yours" if self.claimed_by == person else "claimed"


def queue(
    session: Session,
    organisation: str,
    projects: Collection[str] | None,
    now: datetime,
    *,
    limit: int = MAX_ITEMS,
) -> list[QueueItem]:
    """Reviews that people can still decide on, oldest first; projects: None for all of them."""
    found = session.exec(
        select(Review)
        .where(*_waiting(organisation, projects, now))
        .order_by(col(Review.opened_at), col(Review.id))
        .limit(limit)
    ).all()
    return _items(session, found, now)


def waiting(
    session: Session, organisation: str, projects: Collection[str] | None, now: datetime
) -> int:
    """How many reviews `queue` would list without a limit."""
    return session.exec(
        select(func.count()).select_from(Review).where(*_waiting(organisation, projects, now))
    ).one()


def get(session: Session, review: str, now: datetime) -> QueueItem:
    """One review, open or closed. Raises NotFound (`review_unknown`)."""
    found = session.get(Review, review)
    if found is None:
        raise NotFound("review_unknown", "There is no such review.")
    return _items(session, [found], now)[0]


def _waiting(
    organisation: str, projects: Collection[str] | None, now: datetime
) -> list[ColumnElement[bool]]:
    conditions = [
        col(Review.organisation) == organisation,
        col(Review.closed_at).is_(None),
        col(Review.expires_at) > now,
    ]
    if projects is not None:
        conditions.append(col(Review.project).in_(projects))
    return conditions


def _items(session: Session, reviews: Sequence[Review], now: datetime) -> list[QueueItem]:
    generations = [review.generation for review in reviews]
    parties: dict[str, set[str]] = defaultdict(set)
    for party in session.exec(select(Party).where(col(Party.generation).in_(generations))):
        parties[party.generation].add(party.principal)
    decisions: dict[str, list[Decided]] = defaultdict(list)
    for row in session.exec(
        select(Decision)
        .where(col(Decision.generation).in_(generations), Decision.stage == "review")
        .order_by(col(Decision.decided_at))
    ):
        decided = Decided(row.person, row.decision, row.reason, row.decided_at)
        decisions[row.generation].append(decided)
    return [
        _item(review, frozenset(parties[review.generation]), decisions[review.generation], now)
        for review in reviews
    ]


def _item(
    review: Review, parties: frozenset[str], decisions: list[Decided], now: datetime
) -> QueueItem:
    is_claimed = review.claim_expires_at is not None and review.claim_expires_at > now
    return QueueItem(
        review=review.id,
        generation=review.generation,
        organisation=review.organisation,
        project=review.project,
        digest=review.digest,
        count=review.count,
        role=review.role,
        rules=tuple(json.loads(review.rules)),
        opened_at=review.opened_at,
        expires_at=review.expires_at,
        closed_at=review.closed_at,
        is_open=review.closed_at is None and review.expires_at > now,
        claimed_by=review.claimed_by if is_claimed else None,
        claim_expires_at=review.claim_expires_at if is_claimed else None,
        parties=parties,
        decisions=tuple(decisions),
    )
