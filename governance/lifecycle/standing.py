"""What is on record about a request beside itself: the consent it names, the waivers it enjoys."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from governance.domain import ConsentState, GenerationRequest
from governance.evidence.story import Story
from governance.kernel import clock
from governance.kernel.errors import Conflict
from governance.lifecycle.context import Context
from governance.lifecycle.questions import request_of
from governance.policy import waivers
from governance.rights import consents

CONSENT = "consent.reference"


@dataclass(frozen=True)
class Standing:
    """waivers: (rule, waiver) of each that is valid."""

    consent: ConsentState
    waivers: tuple[tuple[str, str], ...]


def standing(context: Context, request: GenerationRequest, day: date) -> Standing:
    """How a request stands on a day. Reads only."""
    with context.database.read() as session:
        connection = session.connection()
        return Standing(
            _consent(context, connection, request, day),
            waivers.in_force(connection, request.organisation, request.project, day),
        )


def consent_fault(context: Context, connection: Connection, story: Story) -> str | None:
    """Why the duty to hold a consent cannot be met now; None where it is met, or not due."""
    if CONSENT not in story.enforced:
        return None
    state = _consent(context, connection, request_of(story), clock.now().date())
    return None if state == "valid" else state


def require_consent(context: Context, connection: Connection, story: Story) -> None:
    """Raises Conflict (`consent_not_valid`): nothing is released or handed over without it."""
    fault = consent_fault(context, connection, story)
    if fault is not None:
        raise Conflict(
            "consent_not_valid",
            f"The consent of the person shown is {fault.replace('_', ' ')} now, so the file may "
            "not be released or handed over; reject or recall it.",
            consent=fault,
        )


def _consent(
    context: Context, connection: Connection, request: GenerationRequest, day: date
) -> ConsentState:
    places = context.policies.policy.territories
    return consents.state_of(connection, request, day, places.within)
