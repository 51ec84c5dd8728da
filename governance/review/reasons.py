"""Reason codes: why a person decides as they do, from `policies/reasons.yaml`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from governance.kernel.documents import Document, FileFault, read_yaml, refusal
from governance.kernel.errors import InvalidRequest
from governance.review.decisions import DECISIONS, Stage

FILE = "reasons.yaml"
SCHEMA = "schemas/reasons.schema.json"


@dataclass(frozen=True)
class Reason:
    """One reason for one decision at one stage; title and description are for people."""

    code: str
    stage: Stage
    decision: str
    title: str
    description: str
    comment_required: bool


@dataclass(frozen=True)
class Reasons:
    """All reasons, in the file's order."""

    version: str
    reasons: tuple[Reason, ...]

    def at(self, stage: Stage) -> tuple[Reason, ...]:
        """The reasons to choose from at one stage."""
        return tuple(reason for reason in self.reasons if reason.stage == stage)

    def get(self, code: str) -> Reason | None:
        return next((reason for reason in self.reasons if reason.code == code), None)

    def require(self, stage: Stage, decision: str, code: str, comment: str) -> Reason:
        """The reason behind `code`, if it fits the decision and says enough with the comment.

        Raises InvalidRequest (`decision_unknown`, `reason_unknown`, `reason_unfitting`,
        `comment_required`).
        """
        if decision not in DECISIONS[stage]:
            raise _invalid("decision", "decision_unknown", f"Decide {_either(DECISIONS[stage])}.")
        reason = self.get(code)
        if reason is None:
            fitting = [known.code for known in self.at(stage) if known.decision == decision]
            text = f"To {decision}, choose one of these reasons: {', '.join(fitting)}."
            raise _invalid("reason", "reason_unknown", text)
        if (reason.stage, reason.decision) != (stage, decision):
            raise _invalid(
                "reason",
                "reason_unfitting",
                f"“{reason.title}” is no reason to {decision}; choose another.",
            )
        if reason.comment_required and not comment.strip():
            raise _invalid(
                "comment", "comment_required", f"Add a comment: “{reason.title}” needs one."
            )
        return reason


def load(policies_dir: Path) -> Reasons:
    """Raises ConfigurationError (`reasons_invalid`), one line per fault."""
    document, faults = _inspect(policies_dir)
    if faults:
        raise refusal("reasons_invalid", faults)
    data = document.value
    return Reasons(data["version"], tuple(Reason(**item) for item in data["reasons"]))


def check(policies_dir: Path) -> list[FileFault]:
    """Everything that is wrong in the file; empty when `load` would succeed."""
    return _inspect(policies_dir)[1]


def _inspect(policies_dir: Path) -> tuple[Document, list[FileFault]]:
    document, faults = read_yaml(policies_dir, FILE, SCHEMA)
    return document, faults or list(_contradictions(document))


def _contradictions(document: Document) -> Iterator[FileFault]:
    """What a schema cannot say: codes are unique, every decision has a reason."""
    reasons = document.value["reasons"]
    seen: set[str] = set()
    for index, reason in enumerate(reasons):
        code = reason["code"]
        if code in seen:
            yield document.fault(("reasons", index, "code"), f"the code {code} is used before")
        seen.add(code)
    for stage, decisions in DECISIONS.items():
        for decision in decisions:
            if not any((r["stage"], r["decision"]) == (stage, decision) for r in reasons):
                yield document.fault(("reasons",), f"no reason to {decision} at the stage {stage}")


def _either(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _invalid(param: str, code: str, message: str) -> InvalidRequest:
    return InvalidRequest(code, message, param=param)
