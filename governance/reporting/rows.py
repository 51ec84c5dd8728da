"""The table of generations, one row each, and the same facts as a file for machines. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from governance.evidence.encoding import serialise
from governance.evidence.story import State, Story
from governance.reporting import rules
from governance.reporting.gaps import MARK_OF_DUTY
from governance.reporting.population import ReportedStory
from governance.reporting.rules import RuleBook

# One letter for each kind of mark; beside it the sign for a state that is not `present`.
MARK_LETTERS = {
    "c2pa": "C",
    "iptc": "I",
    "label": "L",
    "watermark": "W",
    "aigc": "A",
    "fingerprint": "F",
}
_SIGNS = {"absent": "−", "not_checked": "?"}
_NOT_READ = "·"


@dataclass(frozen=True)
class Row:
    """One generation.

    rules: those that made the effect what it is; others: how many more matched; marks: a sign
    for each of MARK_LETTERS, in that order; review: how people decided, empty where none was
    asked; approvals: how many approved.
    """

    time: str
    id: str
    requester_kind: str
    requester: str
    model: str
    effect: str
    rules: tuple[str, ...]
    others: int
    marks: str
    review: str
    approvals: int
    state: str
    first_index: int
    last_index: int


def rows(reported: Sequence[ReportedStory], book: RuleBook) -> list[Row]:
    return [_row(item, book) for item in reported]


def review(story: Story) -> str:
    """`approved`, `rejected`, `returned`, `open`, `undecided` where the generation ended before,
    or nothing where no person was asked."""
    answers = {"approve": "approved", "reject": "rejected", "return": "returned"}
    if story.review is None:
        return ""
    due = story.review["count"]
    if story.reviews and (story.reviews[-1]["decision"] != "approve" or len(story.reviews) >= due):
        return answers[story.reviews[-1]["decision"]]
    return "open" if story.state == State.IN_REVIEW else "undecided"


def model(story: Story) -> str:
    """The model that was chosen; nothing where none was."""
    return (story.route or {}).get("model") or ""


def population_document(scope: dict[str, str | None], reported: Sequence[ReportedStory]) -> bytes:
    """The bytes of `population.json`: every generation of the report, in log order."""
    generations = [_machine_row(item) for item in reported]
    return serialise({"scope": scope, "generations": generations})


def _machine_row(item: ReportedStory) -> dict[str, Any]:
    """Opaque identifiers, no personal data."""
    story = item.story
    principal = story.request["principal"]
    return {
        "id": story.id,
        "first_index": item.first_index,
        "last_index": item.last_index,
        "requested_at": story.requested_at,
        "project": story.request["project"],
        "requester": {key: principal[key] for key in ("kind", "id", "accountable", "assurance")},
        "imported": story.is_import,
        "model": model(story),
        "effect": rules.effect(story),
        "rules": sorted({rule["id"] for rule in rules.matched_rules(story)}),
        "marks": {mark["kind"]: mark["state"] for mark in story.marks},
        "review": review(story),
        "approvals": story.approvals,
        "state": story.state,
        "released_at": story.released_at,
        "file": (story.delivered_file or {}).get("digest"),
        "cost": story.cost,
        "held": story.held,
    }


def _row(item: ReportedStory, book: RuleBook) -> Row:
    story = item.story
    principal = story.request["principal"]
    effect = rules.effect(story)
    matched = rules.matched_rules(story)
    deciding = book.refs(rules.deciding(matched, effect))
    return Row(
        time=story.requested_at,
        id=story.id,
        requester_kind=principal["kind"],
        requester=principal["id"],
        model="imported" if story.is_import else model(story),
        effect=effect,
        rules=deciding,
        others=len(book.refs(matched)) - len(deciding),
        marks=_marks(story),
        review=review(story),
        approvals=story.approvals,
        state=story.state,
        first_index=item.first_index,
        last_index=item.last_index,
    )


def _marks(story: Story) -> str:
    """An absent mark that nothing asked for and nobody wrote is none that was due."""
    due = {mark["kind"] for mark in story.written_marks}
    due |= {MARK_OF_DUTY[duty["kind"]][0] for duty in story.duties if duty["kind"] in MARK_OF_DUTY}
    states = {
        mark["kind"]: mark["state"]
        for mark in story.marks
        if mark["state"] != "absent" or mark["kind"] in due
    }
    return "".join(_sign(letter, states.get(kind)) for kind, letter in MARK_LETTERS.items())


def _sign(letter: str, state: str | None) -> str:
    if state is None:
        return _NOT_READ
    return letter if state == "present" else _SIGNS[state]
