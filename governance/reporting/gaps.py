"""Open gaps: rules in mode observe that matched. They are recorded and block nothing. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from governance.evidence.story import Story
from governance.reporting.rules import Rule, RuleBook, matched_rules

# The mark that a duty asks for: its kind, and how a fact of it must begin. Other duties leave none.
MARK_OF_DUTY = {
    "mark.signed_metadata": ("c2pa", "validation", "Trusted"),
    "mark.time_stamp": ("c2pa", "time_stamp", "RFC 3161"),
    "mark.watermark": ("watermark", "", ""),
    "label.visible": ("label", "form", "visible"),
    "label.audible": ("label", "form", "audible"),
    "metadata.aigc": ("aigc", "", ""),
}


@dataclass(frozen=True)
class ObservedDuty:
    """What the rule would impose. `present`: released files in which its mark was read back;
    None where no mark shows it."""

    kind: str
    present: int | None


@dataclass(frozen=True)
class Gap:
    """A rule under observation; `ref` is G-01, G-02, …

    matched, released: generations for which it matched, and those of them released.
    """

    ref: str
    rule: Rule
    matched: int
    released: int
    duties: tuple[ObservedDuty, ...]


def open_gaps(stories: Sequence[Story], book: RuleBook) -> tuple[Gap, ...]:
    """A gap for each rule in mode observe that matched, the most frequent first."""
    observed = [rule for rule in book.rules if rule.mode == "observe"]
    observed.sort(key=lambda rule: (-rule.matched, rule.ref))
    return tuple(
        _gap(f"G-{number:02}", rule, stories, book) for number, rule in enumerate(observed, start=1)
    )


def _gap(ref: str, rule: Rule, stories: Sequence[Story], book: RuleBook) -> Gap:
    concerned = [story for story in stories if rule.ref in book.refs(matched_rules(story))]
    released = [story for story in concerned if story.released_at]
    kinds = sorted(
        {
            duty["kind"]
            for story in concerned
            for duty in story.duties
            if duty["mode"] == "observe" and rule.id in duty["rules"]
        }
    )
    duties = tuple(ObservedDuty(kind, _present(kind, released)) for kind in kinds)
    return Gap(ref, rule, len(concerned), len(released), duties)


def _present(kind: str, released: Sequence[Story]) -> int | None:
    if kind not in MARK_OF_DUTY:
        return None
    return sum(any(_shows(mark, kind) for mark in story.marks) for story in released)


def _shows(mark: dict[str, Any], duty: str) -> bool:
    wanted, fact, beginning = MARK_OF_DUTY[duty]
    is_present = (mark["kind"], mark["state"]) == (wanted, "present")
    return is_present and mark["facts"].get(fact, "").startswith(beginning)
