"""Looks for forbidden or delicate subjects in prompts, by rules that people edit.

A finding names the rule, never the words of the prompt: findings go into records.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from governance.domain import Finding
from governance.kernel.documents import Document, FileFault, read_yaml, refusal
from governance.kernel.errors import InvalidRequest
from governance.screening.patterns import compile_pattern

MAX_PROMPT = 32_000  # characters
FILE = "prompt-rules.yaml"
SCHEMA = "schemas/prompt-rules.schema.json"


@dataclass(frozen=True)
class PromptRule:
    """because: one sentence for people; expressions: over normalised text."""

    id: str
    code: str
    severity: Literal["info", "warn", "fail"]
    because: str
    expressions: tuple[re.Pattern[str], ...] = field(repr=False)


@dataclass(frozen=True)
class PromptRules:
    """digest: sha256 of the file, so that a finding can be traced to the rules of its day."""

    version: str
    digest: str
    rules: tuple[PromptRule, ...]


def load(policies_dir: Path) -> PromptRules:
    """The rules of a policies folder, compiled.

    Raises ConfigurationError (`prompt_rules_invalid`), one line per fault.
    """
    document, faults = _inspect(policies_dir)
    if faults:
        raise refusal("prompt_rules_invalid", faults)
    rules = tuple(_rule(entry) for entry in document.value["rules"])
    return PromptRules(document.value["version"], document.digest, rules)


def check(policies_dir: Path) -> list[FileFault]:
    """Everything that is wrong in the file; empty when `load` would succeed."""
    return _inspect(policies_dir)[1]


def screen_prompt(prompt: str, rules: PromptRules) -> tuple[Finding, ...]:
    """One finding for each rule that matches, in the order of the file.

    Raises InvalidRequest (`prompt_too_long`).
    """
    if len(prompt) > MAX_PROMPT:
        raise InvalidRequest(
            "prompt_too_long", f"A prompt has at most {MAX_PROMPT:,} characters.", param="prompt"
        )
    text = normalise(prompt)
    return tuple(
        Finding(
            code=rule.code,
            severity=rule.severity,
            detector="prompt rules",
            version=f"{rules.version} {rules.digest[:16]}",
            detail=rule.id,
        )
        for rule in rules.rules
        if any(expression.search(text) for expression in rule.expressions)
    )


def normalise(text: str) -> str:
    """Fold what looks the same: NFKC, case, invisible characters dropped, single spaces."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    visible = (character for character in folded if unicodedata.category(character) != "Cf")
    return " ".join("".join(visible).split())


def _inspect(policies_dir: Path) -> tuple[Document, list[FileFault]]:
    document, faults = read_yaml(policies_dir, FILE, SCHEMA)
    return document, faults or list(_contradictions(document))


def _contradictions(document: Document) -> Iterator[FileFault]:
    """What a schema cannot say: ids are unique, no pattern can run away."""
    seen: set[str] = set()
    for number, rule in enumerate(document.value["rules"]):
        place = ("rules", number)
        if rule["id"] in seen:
            yield document.fault((*place, "id"), f"the id {rule['id']} is used before")
        seen.add(rule["id"])
        for index, pattern in enumerate(rule.get("patterns", [])):
            try:
                compile_pattern(pattern)
            except ValueError as error:
                yield document.fault((*place, "patterns", index), f"{pattern!r}: {error}")


def _rule(entry: dict[str, Any]) -> PromptRule:
    expressions = [compile_pattern(pattern) for pattern in entry.get("patterns", [])]
    if terms := entry.get("terms"):
        escaped = "|".join(re.escape(normalise(term)) for term in terms)
        expressions.append(re.compile(rf"(?<!\w)(?:{escaped})(?!\w)"))
    return PromptRule(
        entry["id"], entry["code"], entry["severity"], entry["because"], tuple(expressions)
    )
