"""May this caller do this? A refusal to a known principal is on record before it is answered."""

from dataclasses import dataclass

from governance.domain import Principal
from governance.evidence.story import Story
from governance.identity.denials import record_denial
from governance.kernel.errors import Denied
from governance.lifecycle.context import Context
from governance.policy import Authorization, domain_of
from governance.policy.authorization import Snapshot


@dataclass(frozen=True)
class Question:
    """Object and action as policy names them, and where; project empty for the organisation."""

    obj: str
    act: str
    organisation: str
    project: str = ""
    story: Story | None = None


def check(
    context: Context,
    principal: Principal,
    scopes: frozenset[str] | None,
    question: Question,
    snapshot: Snapshot | None = None,
) -> Authorization:
    """The answer; reads only. scopes: all that an API key may be used for, None for others;
    snapshot: the assignments to ask, those of this moment unless given."""
    answer = (snapshot or context.policies.current()).authorize_principal(
        principal,
        domain_of(question.organisation, question.project),
        question.obj,
        question.act,
        _facts(principal, question.story),
    )
    if scopes is not None and f"{question.obj}:{question.act}" not in scopes:
        return Authorization(False, answer.rules, answer.roles, "no_rule")
    return answer


def refuse(
    context: Context, principal: Principal, question: Question, answer: Authorization
) -> Denied:
    """Record the refusal; returns the error to raise."""
    denied = Denied(
        "access_denied",
        f"{principal.id} may not {question.obj}:{question.act} in "
        f"{domain_of(question.organisation, question.project)} ({answer.reason}). An administrator "
        "can grant a role that allows it.",
        reason=answer.reason,
    )
    context.database.write(
        lambda c: record_denial(
            c,
            context.ledger,
            principal=principal.id,
            kind=principal.kind,
            organisation=principal.organisation,
            project=question.project or None,
            asked=(question.obj, question.act),
            code=denied.code,
            rules=answer.rules,
        )
    )
    return denied


def record_refused(context: Context, denied: Denied) -> None:
    """Record that a known principal was refused as such, before it could ask for anything.

    denied: as `authenticate` raises it, with the principal in its details.
    """
    known = denied.details
    context.database.write(
        lambda c: record_denial(
            c,
            context.ledger,
            principal=known["principal"],
            kind=known["kind"],
            organisation=known["organisation"],
            project=None,
            asked=("service", "call"),
            code=denied.code,
        )
    )


def require(
    context: Context, principal: Principal, scopes: frozenset[str] | None, question: Question
) -> Authorization:
    """`check`, and Denied (`access_denied`) with its record when the answer is no."""
    answer = check(context, principal, scopes, question)
    if not answer.allowed:
        raise refuse(context, principal, question, answer)
    return answer


def _facts(principal: Principal, story: Story | None) -> dict[str, bool]:
    if story is None:
        return {}
    requester = story.request["principal"]
    return {
        "is_requester": principal.id == requester["id"],
        "in_chain": principal.id in requester["chain"],
    }
