"""A generation's story: the fold of its records into its state.

The lifecycle's table rows are a cache of this fold, the report prints it, the offline verifier
computes it again. Pure: the same records give the same story, everywhere.
"""

from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from governance.evidence.duties import merge_duties
from governance.evidence.errors import EvidenceError
from governance.evidence.record import Record

Body = dict[str, Any]


class State(StrEnum):
    """Where a generation stands. The last nine are ends."""

    REQUESTED = "requested"
    AWAITING_APPROVAL = "awaiting_approval"
    PERMITTED = "permitted"
    ROUTED = "routed"
    SUBMITTING = "submitting"
    GENERATING = "generating"
    FETCHED = "fetched"
    SCREENED = "screened"
    MARKED = "marked"
    VERIFIED = "verified"
    IN_REVIEW = "in_review"
    RELEASED = "released"
    REJECTED = "rejected"
    DENIED = "denied"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    WITHHELD = "withheld"
    RECALLED = "recalled"
    UNKNOWN = "unknown"


ENDS = frozenset(
    {
        State.RELEASED,
        State.REJECTED,
        State.DENIED,
        State.FAILED,
        State.CANCELLED,
        State.EXPIRED,
        State.WITHHELD,
        State.RECALLED,
        State.UNKNOWN,
    }
)


@dataclass
class Story:
    """Everything that the records of one stream say, JSON-serialisable.

    Times are RFC 3339, amounts decimal strings, digests hexadecimal sha256.
    """

    id: str = ""
    state: str = ""
    records: int = 0
    request: Body = field(default_factory=dict)
    requested_at: str = ""
    changed_at: str = ""
    decisions: list[Body] = field(default_factory=list)
    duties: list[Body] = field(default_factory=list)
    approval: Body | None = None
    route: Body | None = None
    attempts: int = 0
    tried: list[Body] = field(default_factory=list)
    job: Body | None = None
    fault: Body | None = None
    cost: Body | None = None
    held: Body | None = None
    original: Body | None = None
    vendor_marks: list[Body] = field(default_factory=list)
    findings: list[Body] = field(default_factory=list)
    coverage: Body | None = None
    delivered_file: Body | None = None
    written_marks: list[Body] = field(default_factory=list)
    marks: list[Body] = field(default_factory=list)
    unmet: list[str] = field(default_factory=list)
    review: Body | None = None
    reviews: list[Body] = field(default_factory=list)
    released_at: str = ""
    ending: Body | None = None
    deliveries: int = 0
    checks: int = 0
    rechecked_at: str = ""
    failed_checks: list[Body] = field(default_factory=list)
    deleted: bool = False

    @property
    def is_import(self) -> bool:
        return "asset" in self.request

    @property
    def is_unresolved(self) -> bool:
        """Whether money is held for an order whose outcome nobody knows, so a person must say: its
        answer was lost, or its requester withdrew it while the vendor was at it."""
        if self.state == State.CANCELLED:
            return self.held is not None and Decimal(self.held["amount"]) > 0
        return self.state == State.UNKNOWN

    @property
    def approvals(self) -> int:
        """How many people have approved the file in review."""
        return len(self.approvers)

    @property
    def approvers(self) -> set[str]:
        """Who has approved exactly the file that would be delivered."""
        digest = (self.delivered_file or {}).get("digest")
        return {
            review["person"]
            for review in self.reviews
            if review["decision"] == "approve" and review["digest"] == digest
        }

    @property
    def enforced(self) -> dict[str, Body]:
        """The parameters of each duty that must be met, by kind."""
        return {d["kind"]: d["parameters"] for d in self.duties if d["mode"] == "enforce"}

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def story(records: Iterable[Record]) -> Story:
    """Fold the records of one stream, in order of `seq`.

    Raises EvidenceError (`story_impossible`) when a record could not have happened there.
    """
    result = Story()
    for record in records:
        result = apply(result, record)
    return result


def apply(before: Story, record: Record) -> Story:
    """The story after one more record; `before` is left as it was. Raises as `story` does."""
    rule = RULES.get(record.event)
    if rule is None or (before.state or None) not in rule.allowed_in:
        raise EvidenceError(
            "story_impossible",
            f"{record.event} cannot follow in state “{before.state or 'none'}” "
            f"(generation {record.stream}).",
        )
    after = copy(before)  # a rule replaces what it changes, it never edits it in place
    after.records += 1
    after.changed_at = record.occurred_at
    if rule.allowed_in == START:
        after.id = record.stream
        after.requested_at = record.occurred_at
    after.state = str(rule.tell(after, record.body) or after.state)
    if after.state == State.RELEASED and not after.released_at:
        after.released_at = record.occurred_at
    return after


@dataclass(frozen=True)
class Rule:
    """Where an event may happen (None: as the first record) and what it changes."""

    allowed_in: frozenset[State | None]
    tell: Callable[[Story, Body], State | None]


def _requested(s: Story, body: Body) -> State:
    s.request = body
    return State.REQUESTED


def _imported(s: Story, body: Body) -> State:
    s.request = body
    s.original = body["asset"]
    s.vendor_marks = body["vendor_marks"]
    return State.REQUESTED


def _decided(s: Story, body: Body) -> State | None:
    told = ("stage", "effect", "policy", "rules", "not_assessed")
    decision = {key: body[key] for key in told} | {
        "quote": body["input"]["quote"],
        "model": body["input"]["model"]["id"],
    }
    s.decisions = [*s.decisions, decision]
    s.duties = merge_duties(s.duties, body["duties"])
    if body["stage"] != "request":
        return None
    if body["effect"] == "deny":
        return State.DENIED
    if s.is_import:
        return State.FETCHED
    return State.AWAITING_APPROVAL if "approval.before_spend" in s.enforced else State.PERMITTED


def _approval(s: Story, body: Body) -> State:
    s.approval = body
    return State.PERMITTED if body["decision"] == "approve" else State.REJECTED


def _route(s: Story, body: Body) -> State:
    s.route = body
    return State.ROUTED if body["model"] else State.FAILED


def _intended(s: Story, body: Body) -> State:
    s.attempts = body["attempt"]
    s.held = body["quote"]
    return State.SUBMITTING


def _submitted(s: Story, body: Body) -> State:
    s.job = {**body["job"], "provider": body["provider"], "model": body["model"]}
    return State.GENERATING


def _provider_failed(s: Story, body: Body) -> State:
    s.fault = body
    s.held = None
    s.cost = _add(s.cost, body["cost"])
    if body["final"]:
        return State.FAILED
    if body.get("then") != "reroute":
        return State.ROUTED
    s.tried = [*s.tried, {"model": (s.route or {})["model"], "fault": body["fault"]}]
    return State.PERMITTED


def _provider_unknown(s: Story, body: Body) -> State:
    s.fault = body
    s.held = body["held"]
    return State.UNKNOWN


def _provider_resolved(s: Story, body: Body) -> State:
    """What became of an order whose outcome was unknown, on a person's or its vendor's word."""
    is_withdrawn = s.state == State.CANCELLED
    if is_withdrawn and (s.held is None or body["outcome"] == "found"):
        raise EvidenceError(
            "story_impossible",
            f"provider.resolved ({body['outcome']}) cannot follow in state “{s.state}” with "
            f"{'nothing' if s.held is None else 'money'} held (generation {s.id}).",
        )
    if body["outcome"] == "found":
        provider = (s.route or {})["provider"]
        s.job = {**body["job"], "provider": provider, "model": body["model"]}
        return State.GENERATING
    s.held = None
    s.cost = _add(s.cost, body["cost"])
    return State.CANCELLED if is_withdrawn else State.FAILED


def _fetched(s: Story, body: Body) -> State:
    s.original = body["asset"]
    s.vendor_marks = body["vendor_marks"]
    # A vendor that names no price takes what it quoted; that counts beside what others took before.
    s.cost = _add(s.cost, body["cost"] or (s.held if s.cost else None))
    s.held = None
    return State.FETCHED


def _screened(s: Story, body: Body) -> State:
    s.findings = body["findings"]
    s.coverage = body["coverage"]
    return State.SCREENED


def _marked(s: Story, body: Body) -> State:
    s.delivered_file = body["media"]
    s.written_marks = body["marks"]
    return State.MARKED


def _verified(s: Story, body: Body) -> State:
    s.marks = body["marks"]
    s.unmet = body["unmet"]
    return State.VERIFIED


def _withheld(s: Story, body: Body) -> State:
    s.ending = body
    return State.WITHHELD


def _opened(s: Story, body: Body) -> State:
    s.review = body
    return State.IN_REVIEW


def _claimed(s: Story, body: Body) -> None:
    s.review = {**(s.review or {}), "claimed_by": body["person"]}


def _review_decided(s: Story, body: Body) -> State | None:
    s.reviews = [*s.reviews, body]
    return None if body["decision"] == "approve" else State.REJECTED


def _released(s: Story, body: Body) -> State:
    """A release that policy forbids is not believed, whoever signed it."""
    is_asked = any(decision["effect"] == "review" for decision in s.decisions)
    due = s.enforced.get("review.people", {}).get("count", int(is_asked))
    cleared = s.approvers | ({s.approval["person"]} if s.approval else set())
    faults = [
        (bool(s.unmet), "a mark that is due is missing"),
        (s.approvals < due, f"{due} people must approve, {s.approvals} did"),
        (bool(cleared & {*s.request["principal"]["chain"]}), "somebody approved their own request"),
        (body["digest"] != (s.delivered_file or {}).get("digest"), "it is another file"),
        (any(d["effect"] == "deny" for d in s.decisions), "policy denied it"),
    ]
    for is_wrong, why in faults:
        if is_wrong:
            raise EvidenceError("release_forbidden", f"{s.id} must not be released: {why}.")
    return State.RELEASED


def _delivered(s: Story, body: Body) -> None:
    s.deliveries += 1


def _checked(s: Story, body: Body) -> None:
    """What became of the file after its release; only what was lost is worth telling again."""
    s.checks += 1
    if body["by"] is None:
        s.rechecked_at = s.changed_at
    if body["lost"]:
        told = {key: body[key] for key in ("source", "host", "match", "lost")}
        told |= {"digest": body["media"]["digest"], "at": s.changed_at}
        s.failed_checks = [*s.failed_checks, told]


def _recalled(s: Story, body: Body) -> State:
    s.ending = body
    return State.RECALLED


def _deleted(s: Story, body: Body) -> None:
    s.deleted = True


def _ended(s: Story, body: Body) -> State:
    s.ending = body
    return State(body["outcome"])


def _add(total: Body | None, cost: Body | None) -> Body | None:
    if total is None or cost is None:
        return cost or total
    amount = Decimal(total["amount"]) + Decimal(cost["amount"])
    return {"amount": str(amount), "currency": cost["currency"]}


def _in(*states: State) -> frozenset[State | None]:
    return frozenset(states)


START: frozenset[State | None] = frozenset({None})
# Where a requester may still withdraw. Not while an order is under way: its outcome must be known.
CANCELLABLE = (
    State.AWAITING_APPROVAL,
    State.PERMITTED,
    State.ROUTED,
    State.GENERATING,
    State.FETCHED,
    State.SCREENED,
    State.MARKED,
    State.VERIFIED,
    State.IN_REVIEW,
)

RULES: dict[str, Rule] = {
    "generation.requested": Rule(START, _requested),
    "asset.imported": Rule(START, _imported),
    "policy.decided": Rule(_in(State.REQUESTED, State.SCREENED), _decided),
    "approval.decided": Rule(_in(State.AWAITING_APPROVAL), _approval),
    "route.chosen": Rule(_in(State.PERMITTED), _route),
    "provider.intended": Rule(_in(State.ROUTED), _intended),
    "provider.submitted": Rule(_in(State.SUBMITTING), _submitted),
    "provider.failed": Rule(_in(State.SUBMITTING, State.GENERATING), _provider_failed),
    "provider.unknown": Rule(_in(State.SUBMITTING, State.GENERATING), _provider_unknown),
    "provider.resolved": Rule(_in(State.UNKNOWN, State.CANCELLED), _provider_resolved),
    "asset.fetched": Rule(_in(State.GENERATING), _fetched),
    "asset.screened": Rule(_in(State.FETCHED), _screened),
    "asset.marked": Rule(_in(State.SCREENED), _marked),
    "marks.verified": Rule(_in(State.MARKED), _verified),
    "asset.withheld": Rule(
        _in(State.FETCHED, State.SCREENED, State.MARKED, State.VERIFIED), _withheld
    ),
    "review.opened": Rule(_in(State.VERIFIED), _opened),
    "review.claimed": Rule(_in(State.IN_REVIEW), _claimed),
    "review.decided": Rule(_in(State.IN_REVIEW), _review_decided),
    "asset.released": Rule(_in(State.VERIFIED, State.IN_REVIEW), _released),
    "asset.delivered": Rule(_in(State.RELEASED), _delivered),
    "marks.checked": Rule(_in(State.RELEASED, State.RECALLED), _checked),
    "asset.recalled": Rule(_in(State.RELEASED), _recalled),
    "asset.deleted": Rule(frozenset(ENDS), _deleted),
    "generation.ended": Rule(_in(*CANCELLABLE), _ended),
}
