"""What a person states by deciding: the body of the record, which their passkey may sign.

The challenge that is signed is the hash of the statement, so nothing is kept between asking for it
and deciding: the same choice gives the same statement.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from governance.domain import Principal
from governance.evidence import assertion
from governance.evidence.assertion import Assertion
from governance.evidence.errors import EvidenceError
from governance.evidence.story import Story
from governance.identity import passkeys
from governance.kernel.errors import Unauthenticated
from governance.lifecycle import determination
from governance.lifecycle.context import Context
from governance.lifecycle.determination import DeepFake

Body = dict[str, Any]


@dataclass(frozen=True)
class Played:
    """What the person has seen: seconds of distinct footage, share of the clip (0 to 1), how."""

    seconds: Decimal = Decimal(0)
    share: Decimal = Decimal(0)
    muted: bool = False
    blurred: bool = False


@dataclass(frozen=True)
class Choice:
    """A person's decision. digest: the file that was looked at; comment: free text, erasable;

    deep_fake: the person's own determination; assertion: their passkey's, over the statement.
    """

    decision: str
    reason: str
    comment: str = ""
    digest: str = ""
    played: Played = Played()
    deep_fake: DeepFake = ""
    assertion: Assertion | None = None


def approval(story: Story, person: Principal, choice: Choice, *, is_signed: bool) -> Body:
    """The statement about a spend."""
    return _statement(story, person, choice, is_signed=is_signed)


def review(story: Story, person: Principal, choice: Choice, *, is_signed: bool) -> Body:
    """The statement about a finished file."""
    determined = {"deep_fake": choice.deep_fake} if choice.deep_fake else {}
    return {
        **_statement(story, person, choice, is_signed=is_signed),
        **determined,
        "review": (story.review or {})["review"],
        "digest": choice.digest,
        "played": {
            "seconds": f"{choice.played.seconds:.3f}",
            "share": f"{choice.played.share:.4f}",
            "muted": choice.played.muted,
            "blurred": choice.played.blurred,
        },
    }


def approval_to_sign(context: Context, story: Story, person: Principal, choice: Choice) -> Body:
    """What to put before a person's passkey. Raises as `commands.approve_spend` would, of form."""
    context.reasons.require("approval", choice.decision, choice.reason, choice.comment)
    return approval(story, person, choice, is_signed=True)


def review_to_sign(context: Context, story: Story, person: Principal, choice: Choice) -> Body:
    """What to put before a person's passkey. Raises as `commands.decide_review` would, of form."""
    context.reasons.require("review", choice.decision, choice.reason, choice.comment)
    determination.require(story, choice.decision, choice.deep_fake)
    return review(story, person, choice, is_signed=True)


def prove(
    connection: Connection, context: Context, statement: Body, given: Assertion | None
) -> Body:
    """The record's body: the statement, with the proof where a passkey has signed it.

    Raises Unauthenticated (`passkey_refused`, `passkey_cloned`).
    """
    if given is None:
        return statement
    site = passkeys.site_of(context.settings.base_url)
    used = passkeys.verify(connection, site, given, assertion.challenge(statement))
    body = {**statement, "proof": assertion.proof(given, used.enrolment.algorithm)}
    try:
        # As an auditor will, who has nothing but the records: what does not hold there for ever
        # must not get in.
        assertion.verify(body, used.enrolment)
    except EvidenceError as error:
        raise Unauthenticated("passkey_refused", error.message) from None
    passkeys.move_counter(connection, used)
    return body


def _statement(story: Story, person: Principal, choice: Choice, *, is_signed: bool) -> Body:
    return {
        "generation": story.id,
        "policy": story.decisions[-1]["policy"],
        "person": person.id,
        "decision": choice.decision,
        "reason": choice.reason,
        "assurance": "A" if is_signed else person.assurance,
    }
