"""Exceptions: every generation that did not end as asked, and every call refused. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from governance.evidence.record import Record
from governance.evidence.story import State, Story
from governance.reporting.population import Population, ReportedStory
from governance.reporting.rules import RuleBook, deciding, matched_rules

ACCESS_DENIED = "access_denied"
MARKS_LOST = "marks_lost"
# Where a released file was looked at again, as `what` of its case.
_SOURCES = {
    "stored": "lost_in_the_stored_file",
    "reference": "lost_in_a_transcode_as_platforms_make_them",
    "copy": "lost_in_a_copy_found_elsewhere",
}


@dataclass(frozen=True)
class Case:
    """One exception: who, what, why, and where its records lie.

    what: stable code or codes; by: the person who decided, if one did; notes: sentences on
    record; rules: references of the rules that decided; held: money that is still held; duties:
    those that a released file no longer meets.
    """

    kind: str
    time: str
    id: str
    requester_kind: str
    requester: str
    what: str
    place: str
    stage: str = ""
    by: str = ""
    notes: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    held: str = ""
    duties: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """The cases of one kind. `count` counts also those that are not printed."""

    kind: str
    count: int
    cases: tuple[Case, ...]


def exceptions(
    population: Population, refused: Iterable[Record], book: RuleBook, limit: int
) -> tuple[Group, ...]:
    """The exceptions by kind, the gravest kind first; at most `limit` cases are printed in all.

    refused: the `access.denied` records of the scope.
    """
    ended = ((item, _kind(item.story)) for item in population.reported)
    cases = [_case(item, kind, book) for item, kind in ended if kind is not None]
    cases += [
        _lost(item, check) for item in population.reported for check in item.story.failed_checks
    ]
    cases += [_refusal(record) for record in refused]
    groups = []
    for kind in (*_EXPLANATIONS, MARKS_LOST, ACCESS_DENIED):
        of_kind = [case for case in cases if case.kind == kind]
        printed = tuple(of_kind[:limit])
        limit -= len(printed)
        if of_kind:
            groups.append(Group(str(kind), len(of_kind), printed))
    return tuple(groups)


def _kind(story: Story) -> State | None:
    """None for what ended as asked; a withdrawn order that its vendor went on with is unknown."""
    state = State.UNKNOWN if story.is_unresolved else State(story.state)
    return state if state in _EXPLANATIONS else None


def _case(item: ReportedStory, kind: State, book: RuleBook) -> Case:
    return Case(**_about(item), kind=kind, **_EXPLANATIONS[kind](item.story, book))


def _lost(item: ReportedStory, check: dict[str, Any]) -> Case:
    """A mark that was due was no longer found after the release."""
    return Case(
        **(_about(item) | {"time": check["at"]}),
        kind=MARKS_LOST,
        what=_SOURCES[check["source"]],
        notes=(f"Fetched from {check['host']}.",) if check["host"] else (),
        duties=tuple(check["lost"]),
    )


def _about(item: ReportedStory) -> dict[str, Any]:
    principal = item.story.request["principal"]
    return {
        "time": item.story.requested_at,
        "id": item.story.id,
        "requester_kind": principal["kind"],
        "requester": principal["id"],
        "place": f"{item.first_index}–{item.last_index}",
    }


def _refusal(record: Record) -> Case:
    body = record.body
    return Case(
        kind=ACCESS_DENIED,
        time=record.occurred_at,
        id=record.id,
        requester_kind=body["kind"],
        requester=body["principal"],
        what=body["code"],
        place=f"service, {record.seq}",
        notes=(f"{body['action']} on {body['object']}",),
        rules=tuple(body["rules"]),
    )


def _denied(story: Story, book: RuleBook) -> dict[str, Any]:
    decided = deciding(matched_rules(story), "deny")
    notes = tuple(dict.fromkeys(f"{rule['because']} ({rule['cites']})" for rule in decided))
    return {"what": "denied_by_policy", "notes": notes, "rules": book.refs(decided)}


def _failed(story: Story, _: RuleBook) -> dict[str, Any]:
    if story.ending is not None:
        return {"what": story.ending["code"], "by": story.ending["by"] or ""}
    if story.fault is not None:
        return {"what": story.fault["fault"], "stage": story.fault["provider"]}
    candidates = (story.route or {}).get("candidates", [])
    reasons = sorted({candidate["rejected"] for candidate in candidates if candidate["rejected"]})
    return {"what": "no_model", "notes": tuple(reasons)}


def _unknown(story: Story, _: RuleBook) -> dict[str, Any]:
    fault, held = story.fault or {}, story.held
    return {
        "what": fault.get("reason", "withdrawn_under_way"),
        "stage": (story.route or {})["provider"],
        "held": f"{held['currency']} {held['amount']}" if held else "",
    }


def _withheld(story: Story, _: RuleBook) -> dict[str, Any]:
    ending = story.ending or {}
    return {"what": ending["code"], "stage": ending["stage"], "notes": tuple(ending["reasons"])}


def _rejected(story: Story, book: RuleBook) -> dict[str, Any]:
    decision, stage = (
        (story.reviews[-1], "review") if story.reviews else (story.approval, "approval")
    )
    answer = decision or {}
    return {
        "what": answer["reason"],
        "by": answer["person"],
        "stage": stage,
        "rules": book.refs(deciding(matched_rules(story), "review")),
    }


def _ended(story: Story, _: RuleBook) -> dict[str, Any]:
    ending = story.ending or {}
    return {"what": ending["code"], "by": ending["by"] or ""}


def _recalled(story: Story, _: RuleBook) -> dict[str, Any]:
    ending = story.ending or {}
    return {"what": ending["reason"], "by": ending["by"]}


# What is reported of each end; the order is the order of the report.
_EXPLANATIONS: dict[State, Callable[[Story, RuleBook], dict[str, Any]]] = {
    State.RECALLED: _recalled,
    State.UNKNOWN: _unknown,
    State.WITHHELD: _withheld,
    State.REJECTED: _rejected,
    State.DENIED: _denied,
    State.FAILED: _failed,
    State.EXPIRED: _ended,
}
