"""Reason codes: why a person decides as they do, from `policies/reasons.yaml`."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

from governance.kernel.errors import ConfigurationError, InvalidRequest
from governance.review.decisions import DECISIONS, Stage

FILE = "reasons.yaml"
SCHEMA = Path("schemas", "reasons.schema.json")


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
            raise _invalid("reason", "reason_unknown", "Choose a reason from the list.")
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
    """Raises ConfigurationError (`reasons_invalid`) with one line per fault."""
    faults = check(policies_dir)
    if faults:
        raise ConfigurationError("reasons_invalid", "\n".join(faults))
    document = yaml.safe_load((policies_dir / FILE).read_text("utf-8"))
    return Reasons(document["version"], tuple(Reason(**item) for item in document["reasons"]))


def check(policies_dir: Path) -> list[str]:
    """The faults of the file, `reasons.yaml:12: …` each; empty when there is none."""
    path = policies_dir / FILE
    try:
        node = yaml.compose(path.read_text("utf-8"), yaml.SafeLoader)
        schema = json.loads((policies_dir / SCHEMA).read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        return [f"{FILE}:1: cannot be read: {error}"]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return [f"{FILE}:{line}: {error.problem}"]
    document = yaml.safe_load(path.read_text("utf-8"))
    validator = jsonschema_rs.Draft202012Validator(schema)
    faults = [
        (_line(node, error.instance_path), error.message)
        for error in validator.iter_errors(document)
    ]
    faults = faults or [(_line(node, path), text) for path, text in _contradictions(document)]
    return [f"{FILE}:{line}: {message}" for line, message in sorted(faults)]


def _contradictions(document: dict[str, Any]) -> Iterator[tuple[Sequence[str | int], str]]:
    """What a schema cannot say: codes are unique, every decision has a reason."""
    reasons = document["reasons"]
    seen: Counter[str] = Counter()
    for index, reason in enumerate(reasons):
        seen[reason["code"]] += 1
        if seen[reason["code"]] == 2:
            yield ("reasons", index, "code"), f"the code {reason['code']} is used before"
    for stage, decisions in DECISIONS.items():
        for decision in decisions:
            if not any((r["stage"], r["decision"]) == (stage, decision) for r in reasons):
                yield ("reasons",), f"no reason to {decision} at the stage {stage}"


def _line(node: yaml.Node | None, path: Sequence[str | int]) -> int:
    """The line of the value at `path`, or of the nearest value around it."""
    for step in path:
        child = _child(node, step)
        if child is None:
            break
        node = child
    return node.start_mark.line + 1 if node else 1


def _child(node: yaml.Node | None, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
        items: list[yaml.Node] = node.value
        return items[step]
    return None


def _either(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _invalid(param: str, code: str, message: str) -> InvalidRequest:
    return InvalidRequest(code, message, param=param)
