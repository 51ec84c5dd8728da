"""May this caller do this? A refusal to a known principal is on record before it is answered."""

from dataclasses import dataclass, replace

from governance.domain import Principal
from governance.domain.grant import ANY
from governance.evidence.story import Story
from governance.identity import switches
from governance.identity.denials import record_denial
from governance.identity.switches import Switches
from governance.kernel.errors import Denied
from governance.lifecycle import limits, stops
from governance.lifecycle.context import Context
from governance.policy import Authorization, domain_of
from governance.policy.authorization import ACTIONS, Snapshot, within


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
    thrown: Switches | None = None,
) -> Authorization:
    """The answer; reads only. scopes: all that an API key may be used for, None for others;
    snapshot, thrown: the assignments and switches to ask, those of this moment unless given."""
    stopping = stopped(context, principal, question, thrown)
    if stopping is not None:
        return stopping
    answer = (snapshot or context.policies.current()).authorize_principal(
        principal,
        domain_of(question.organisation, question.project),
        question.obj,
        question.act,
        _facts(principal, question.story),
    )
    if scopes is not None and f"{question.obj}:{question.act}" not in scopes:
        return Authorization(False, answer.rules, answer.roles, "no_rule")
    if answer.allowed and not limits.may(principal, question.obj, question.act, question.project):
        return Authorization(False, answer.rules, answer.roles, "mandate_exceeded")
    return answer


def stopped(
    context: Context, principal: Principal, question: Question, thrown: Switches | None = None
) -> Authorization | None:
    """The refusal where a kill switch stops the caller, or what the question is about."""
    if switches.goes_on(question.obj, question.act):
        return None
    over = switches.over(principal.organisation, principal.chain)
    over += stops.over(question.story) if question.story else []
    scope = (thrown or context.switches.current()).stopping(over)
    return None if scope is None else Authorization(False, (scope,), (), "stopped")


def projects(
    context: Context,
    principal: Principal,
    scopes: frozenset[str] | None,
    question: Question,
    snapshot: Snapshot | None = None,
    thrown: Switches | None = None,
) -> list[str] | None:
    """The projects of an organisation in which the caller may; None for all that there are.

    question: of the organisation; scopes, snapshot, thrown: as for `check`.
    """
    snapshot = snapshot or context.policies.current()

    def may(project: str) -> bool:
        asked = replace(question, project=project)
        return check(context, principal, scopes, asked, snapshot, thrown).allowed

    granted = principal.grant.projects if principal.grant else (ANY,)
    if granted != (ANY,):
        return [name for name in granted if may(name)]
    if may(""):
        return None
    held = (snapshot.assignments.get(id_, ()) for id_ in (principal.id, principal.accountable))
    named = {role.domain.partition("/project/")[2] for roles in held for role in roles} - {""}
    return [name for name in sorted(named) if may(name)]


def permissions(
    principal: Principal, scopes: frozenset[str] | None, snapshot: Snapshot
) -> dict[str, list[str]]:
    """What roles allow the caller, as `object:action` by domain, where it is not involved."""
    own = domain_of(principal.organisation)
    held = (snapshot.assignments.get(id_, ()) for id_ in (principal.id, principal.accountable))
    domains = {own, *(role.domain for roles in held for role in roles if within(role.domain, own))}
    uninvolved = {"is_requester": False, "in_chain": False}
    return {
        domain: [
            f"{obj}:{act}"
            for obj, acts in ACTIONS.items()
            for act in acts
            if (scopes is None or f"{obj}:{act}" in scopes)
            and snapshot.authorize_principal(principal, domain, obj, act, uninvolved).allowed
        ]
        for domain in sorted(domains)
    }


def refuse(
    context: Context, principal: Principal, question: Question, answer: Authorization
) -> Denied:
    """Record the refusal; returns the error to raise."""
    denied = _beyond_roles(principal, question, answer) or Denied(
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


def refuse_stopped(principal: Principal, thrown: Switches) -> None:
    """Raises Denied (`stopped`), to be recorded, for an agent that a switch stops."""
    scope = thrown.stopping(switches.over_chain(principal.chain))
    if scope is not None:
        raise switches.refusal(
            scope,
            principal=principal.id,
            kind=principal.kind,
            organisation=principal.organisation,
        )


def record_refused(
    context: Context, denied: Denied, asked: tuple[str, str] = ("service", "call")
) -> None:
    """Record a refusal that no question of `check` led to.

    denied: as `authenticate` raises it, with the principal in its details; asked: object and
    action, unless it was refused as such, before it could ask for anything.
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
            asked=asked,
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


def _beyond_roles(principal: Principal, question: Question, answer: Authorization) -> Denied | None:
    """A refusal that no role could lift."""
    if answer.reason == "stopped":
        return switches.refusal(answer.rules[0])
    if answer.reason == "mandate_exceeded":
        return limits.refusal(principal, question.obj, question.act, question.project)
    return None


def _facts(principal: Principal, story: Story | None) -> dict[str, bool]:
    if story is None:
        return {}
    requester = story.request["principal"]
    return {
        "is_requester": principal.id == requester["id"],
        "in_chain": principal.id in requester["chain"],
    }
