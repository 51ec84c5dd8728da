"""Casbin as the judge: a snapshot is believed only while pycasbin gives the same answers.

Never on the request path: each question costs pycasbin about half a millisecond. The enforcer is
made for one comparison and thrown away, so nothing is ever reloaded in place.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from governance.kernel import ids
from governance.kernel.errors import ConfigurationError
from governance.policy.authorization import (
    ACTIONS,
    CONDITIONS,
    EVERYBODY,
    Assignment,
    Facts,
    Permission,
    Snapshot,
    compile_snapshot,
    domain_of,
    holds,
    within,
)

_QUESTIONS = tuple((obj, act) for obj, acts in ACTIONS.items() for act in acts)
# Nothing speaks against a person who is not involved.
_FAVOURABLE = {"is_requester": False, "in_chain": False, "is_person": True}


@dataclass(frozen=True)
class Probe:
    """One question that is put to both."""

    subject: str
    domain: str
    object: str
    action: str
    facts: Facts


def require_agreement(
    model: str,
    permissions: Sequence[Permission],
    assignments: Sequence[Assignment],
    probes: Iterable[Probe],
) -> None:
    """Raises ConfigurationError (`policy_disagreement`) at the first different answer."""
    snapshot = compile_snapshot(permissions, assignments)
    try:
        enforcer = make_enforcer(model, permissions, assignments)
        different = [probe for probe in probes if _ask(snapshot, probe) is not enforcer(probe)]
    except Exception as error:  # Casbin raises whatever its parser stumbles over
        raise ConfigurationError(
            "policy_disagreement", f"Casbin cannot use the authorization model: {error}"
        ) from error
    if different:
        raise ConfigurationError(
            "policy_disagreement",
            f"The compiled rules and Casbin disagree on {different[0]}; nothing was changed. "
            "Check policies/authorization against its last good version.",
        )


def make_enforcer(
    model: str, permissions: Iterable[Permission], assignments: Iterable[Assignment]
) -> Callable[[Probe], bool]:
    """pycasbin's answers, from an enforcer over these rows alone."""
    import casbin  # 0.2 s to import, and only changes of policy need it
    from casbin.persist.adapters.string_adapter import StringAdapter

    rows = [
        f"p, {p.id}, {p.subject}, {p.domain}, {p.object}, {p.action}, {p.condition}, {p.effect}"
        for p in permissions
    ]
    rows += [f"g, {a.subject}, {a.role}, {a.domain}" for a in assignments]
    parsed = casbin.Model()
    parsed.load_model_from_text(model)
    enforcer = casbin.Enforcer(parsed, StringAdapter("\n".join(rows)))
    enforcer.add_function("within", within)
    enforcer.add_function("holds", holds)
    enforcer.add_named_domain_matching_func("g", within)

    def answer(probe: Probe) -> bool:
        question = (probe.subject, probe.domain, probe.object, probe.action, dict(probe.facts))
        return bool(enforcer.enforce(*question))

    return answer


@lru_cache(maxsize=4)  # the same rows give the same answers for as long as the process lives
def rehearse(model: str, permissions: tuple[Permission, ...]) -> None:
    """Compare on one invented principal per role, before anybody holds any. Raises likewise."""
    home = domain_of("example", "film")
    roles = sorted({p.subject for p in permissions} - {EVERYBODY})
    holders = {role: Assignment(ids.new_id("usr"), role, home) for role in roles}
    probes = [
        probe
        for role, holder in holders.items()
        for probe in probes_about(permissions, role, holder.subject, home)
    ]
    somebody = itertools.cycle(holder.subject for holder in holders.values())
    probes += [
        Probe(subject, home, obj, act, _FAVOURABLE)
        for (obj, act), subject in zip(_QUESTIONS, somebody, strict=False)
    ]
    require_agreement(model, permissions, tuple(holders.values()), probes)


@lru_cache(maxsize=256)  # few people hold roles in a combination of their own
def rehearse_change(
    model: str,
    permissions: tuple[Permission, ...],
    held: tuple[tuple[str, str], ...],
    role: str,
    domain: str,
) -> None:
    """Compare on somebody invented to whom a role was given or from whom it was taken in a domain:
    no rule asks for anybody's name. held: every (role, domain) that is held then. Raises likewise.
    """
    subject = ids.new_id("usr")
    assignments = [Assignment(subject, *pair) for pair in held]
    probes = probes_about(permissions, role, subject, domain)
    require_agreement(model, permissions, assignments, probes)


def probes_about(
    permissions: Iterable[Permission], role: str, subject: str, domain: str
) -> Iterator[Probe]:
    """Every rule for `role` in and near `domain`, with its condition met, unmet and unknown."""
    near = itertools.cycle(_near(domain))
    for permission in permissions:
        if permission.subject not in (role, EVERYBODY):
            continue
        question = (permission.object, permission.action)
        yield Probe(subject, domain, *question, _FAVOURABLE)
        yield Probe(subject, next(near), *question, _FAVOURABLE)
        if condition := CONDITIONS[permission.condition]:
            fact = condition[0]
            unmet = {**_FAVOURABLE, fact: not _FAVOURABLE[fact]}
            unknown = {name: value for name, value in _FAVOURABLE.items() if name != fact}
            yield Probe(subject, domain, *question, unmet)
            yield Probe(subject, domain, *question, unknown)


def _near(domain: str) -> tuple[str, ...]:
    """Places around a domain: its organisation, a sibling, one below, names that begin alike."""
    organisation = "/".join(domain.split("/")[:2])
    return (organisation, f"{organisation}/project/other", f"{organisation}x", f"{domain}x")


def _ask(snapshot: Snapshot, probe: Probe) -> bool:
    return snapshot.authorize(
        probe.subject, probe.domain, probe.object, probe.action, probe.facts
    ).allowed
