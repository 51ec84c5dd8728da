"""Looks for forbidden or delicate subjects in prompts, by rules that people edit.

A finding names the rule, never the words of the prompt: findings go into records.
"""

import hashlib
import json
import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import jsonschema_rs
import yaml

from governance.domain import Finding
from governance.kernel.errors import ConfigurationError, InvalidRequest
from governance.screening.patterns import compile_pattern

MAX_PROMPT = 32_000  # characters
FILE = "prompt-rules.yaml"


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


def load_prompt_rules(policies_dir: Path) -> PromptRules:
    """Read `prompt-rules.yaml` and compile it.

    Raises ConfigurationError (`prompt_rules_invalid`) with the place and what to change.
    """
    source = (policies_dir / FILE).read_bytes()
    schema = json.loads((policies_dir / "schemas" / "prompt-rules.schema.json").read_bytes())
    try:
        document = yaml.safe_load(source)
    except yaml.YAMLError as error:
        raise _invalid(str(error)) from error
    fault = next(iter(jsonschema_rs.validator_for(schema).iter_errors(document)), None)
    if fault is not None:
        raise _invalid(f"{'.'.join(str(part) for part in fault.instance_path)}: {fault.message}")
    rules = tuple(_rule(entry) for entry in document["rules"])
    if len({rule.id for rule in rules}) < len(rules):
        raise _invalid("two rules have the same id")
    return PromptRules(document["version"], hashlib.sha256(source).hexdigest(), rules)


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


def _rule(entry: dict[str, Any]) -> PromptRule:
    expressions = []
    if terms := entry.get("terms"):
        escaped = "|".join(re.escape(normalise(term)) for term in terms)
        expressions.append(re.compile(rf"(?<!\w)(?:{escaped})(?!\w)"))
    for pattern in entry.get("patterns", []):
        try:
            expressions.append(compile_pattern(pattern))
        except ValueError as error:
            raise _invalid(f"rule {entry['id']}: pattern {pattern!r}: {error}") from error
    return PromptRule(
        entry["id"], entry["code"], entry["severity"], entry["because"], tuple(expressions)
    )


def _invalid(fault: str) -> ConfigurationError:
    return ConfigurationError("prompt_rules_invalid", f"policies/{FILE}: {fault}")
