"""Requests for clips by one person, decided and recorded as the service does, without HTTP."""

from collections import Counter

from sqlalchemy import func
from sqlmodel import col, select

from governance.domain import Declaration, GenerationRequest, Principal
from governance.identity import people
from governance.lifecycle import submitting
from governance.lifecycle.access import Question, require
from governance.lifecycle.context import Context
from governance.lifecycle.submitting import Caller
from governance.lifecycle.tables import Generation
from governance.policy import assignments, domain_of

ORGANISATION = "default"
PROJECT = "bench"


def producer(context: Context) -> Principal:
    """A new person who may ask for clips."""
    made = context.database.write(
        lambda c: people.add_person(
            c,
            context.ledger,
            organisation=ORGANISATION,
            username="producer",
            name="Producer",
            by="service",
        )
    )
    context.database.write(
        lambda c: assignments.grant(
            c,
            context.ledger,
            context.policies.policy,
            subject=made.id,
            role="role:producer",
            domain=domain_of(ORGANISATION),
            by="service",
        )
    )
    return person(made.id)


def person(known: str) -> Principal:
    return Principal("person", known, ORGANISATION, known, "C", (known,))


def ask(context: Context, asking: Principal, model: str, prompt: str) -> None:
    """Ask for a clip that nobody has to look at; the same prompt again is the same request."""
    question = Question("generation", "create", ORGANISATION, PROJECT)
    caller = Caller(asking, require(context, asking, None, question), idempotency_key=prompt)
    request = GenerationRequest(
        organisation=ORGANISATION,
        project=PROJECT,
        media="video",
        model=model,
        prompt=prompt,
        seconds=5,
        width=1280,
        height=720,
        territories=("JP",),
        declaration=Declaration(deep_fake="no", real_person="no"),
        audience="internal",
    )
    submission = submitting.prepare(context, request, caller)
    context.database.write(lambda c: submitting.commit(c, context, submission))


def states(context: Context) -> Counter[str]:
    """How many generations are in each state."""
    query = select(col(Generation.state), func.count()).group_by(col(Generation.state))
    with context.database.read() as session:
        return Counter({state: int(count) for state, count in session.exec(query)})
