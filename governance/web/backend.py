"""What the pages need from the service, and nothing more."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from governance.domain import (
    Asset,
    Declaration,
    Finding,
    Mark,
    MatchedRule,
    Media,
    Principal,
    PrincipalKind,
    Purpose,
)
from governance.lifecycle.determination import DeepFake
from governance.review.queue import Standing
from governance.review.reasons import Reason
from governance.web.account_backend import AccountBackend


@dataclass(frozen=True)
class Checkpoint:
    """The last published checkpoint: size in records, root in hexadecimal."""

    size: int
    root: str
    at: datetime


@dataclass(frozen=True)
class Pack:
    """A policy pack in force; rules: how many it has."""

    id: str
    title: str
    version: str
    jurisdiction: str
    rules: int


@dataclass(frozen=True)
class Status:
    """The state of the service, for everybody to see.

    origin: the log's name; checkpoint: None before the first; waiting: open reviews;
    engine: whether this process moves generations on; policy: sha256 of the policy in force.
    """

    origin: str
    records: int
    checkpoint: Checkpoint | None
    waiting: int
    engine: bool
    policy: str
    packs: tuple[Pack, ...]


@dataclass(frozen=True)
class Row:
    """A review in the queue, as one person sees it.

    because: why it is here, one sentence per rule; approvals of required people have approved;
    claimed_until: while somebody is at work on it; seconds, width, height: 0 where none applies.
    """

    review: str
    media: Media
    seconds: float
    width: int
    height: int
    project: str
    requester: str
    because: tuple[str, ...]
    opened_at: datetime
    expires_at: datetime
    approvals: int
    required: int
    standing: Standing
    claimed_until: datetime | None


@dataclass(frozen=True)
class Vote:
    """What one person decided before: `approve`, `reject` or `return`, and the reason's title."""

    person: str
    decision: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class RequestFacts:
    """What was asked for, in words for a reviewer; model: empty for an import.

    requester, accountable: names; prompt: None when there was none or it has been erased.
    """

    requester: str
    requester_kind: PrincipalKind
    accountable: str
    model: str
    purpose: Purpose
    territories: tuple[str, ...]
    audience: str
    sector: str
    declaration: Declaration
    prompt: str | None


@dataclass(frozen=True)
class ReviewPage:
    """Everything a reviewer needs; asset: the file under review, with its marks.

    marks: as read back from its bytes; votes: in order of time; reasons: at the stage `review`;
    asks_deep_fake: an approval has to say whether it is one; can_sign: the person has a passkey.
    """

    row: Row
    generation: str
    asset: Asset
    request: RequestFacts
    rules: tuple[MatchedRule, ...]
    marks: tuple[Mark, ...]
    findings: tuple[Finding, ...]
    votes: tuple[Vote, ...]
    reasons: tuple[Reason, ...]
    asks_deep_fake: bool = False
    can_sign: bool = False


@dataclass(frozen=True)
class Played:
    """What the browser showed of the file, each part counted once; zero where it cannot tell.

    seconds: of the file, or before the eyes for an image; muted, blurred: some of it was seen
    only without sound, or only blurred.
    """

    seconds: Decimal
    muted: bool
    blurred: bool

    def share(self, duration: float) -> Decimal:
        """Which part of a file of `duration` seconds was played, 0 to 1; images: seen or not."""
        if duration <= 0:
            return Decimal(self.seconds > 0)
        return min(Decimal(1), self.seconds / Decimal(str(duration))).quantize(Decimal("0.001"))


@dataclass(frozen=True)
class Verdict:
    """A person's decision as the form sends it; digest: of the file that the page showed;

    deep_fake: what the person finds; answer: JSON of their passkey's, empty if it is not signed.
    """

    decision: str
    reason: str
    comment: str
    digest: str
    played: Played
    deep_fake: DeepFake = ""
    answer: str = ""


class WebBackend(Protocol):
    """The service behind the pages. Every method may raise GovernanceError; all may block."""

    @property
    def base_url(self) -> str:
        """The public address, without a trailing slash."""
        ...

    @property
    def account(self) -> AccountBackend:
        """What concerns one's own account."""
        ...

    def status(self) -> Status: ...

    def sign_in(self, username: str, password: str, replaces: str | None, code: str = "") -> str:
        """The session's token; replaces: the token that the browser had before.

        code: of the person's authenticator app, where they have set one up.
        Raises Denied (`password_change_required`) for a one-time password.
        """
        ...

    def sign_out(self, token: str) -> None: ...

    def person(self, token: str) -> Principal | None:
        """Whose session it is; None when it is over or never was."""
        ...

    def change_password(self, username: str, old: str, new: str, code: str = "") -> str:
        """Every session of the person ends; the token of a new one."""
        ...

    def queue(self, person: Principal) -> list[Row]:
        """What waits for people, oldest first, as far as this person may see it."""
        ...

    def review(self, person: Principal, review: str) -> ReviewPage: ...

    def media(self, person: Principal, review: str) -> tuple[Path, str]:
        """The file under review and its media type."""
        ...

    def claim(self, person: Principal, review: str) -> None: ...

    def release(self, person: Principal, review: str) -> None: ...

    def statement_options(self, person: Principal, review: str, verdict: Verdict) -> str:
        """JSON for `navigator.credentials.get`, to sign what this verdict states."""
        ...

    def decide(self, person: Principal, review: str, verdict: Verdict) -> None: ...
