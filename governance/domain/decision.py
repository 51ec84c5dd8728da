"""What policy answered."""

from dataclasses import dataclass
from typing import Any, Literal

Effect = Literal["permit", "review", "deny"]  # in rising strictness
# A waived rule is listed and has no effect; only house rules can be waived.
Mode = Literal["enforce", "observe", "waived"]


@dataclass(frozen=True)
class Duty:
    """Something that must be done before release.

    kind: from the closed vocabulary (`mark.signed_metadata`, `label.visible`, …);
    parameters: JSON object, checked against the vocabulary's schema;
    rules: ids of the rules that impose it; mode: `observe` is reported, not enforced.
    """

    kind: str
    parameters: dict[str, Any]
    rules: tuple[str, ...]
    mode: Mode = "enforce"


@dataclass(frozen=True)
class MatchedRule:
    """A rule whose condition held for the input, with what a person needs to understand it.

    strength: of a code of practice: mandatory for its signatories, encouraged, or left to them;
    waiver: the exception (`wvr_…`) that lifts it, where `mode` is `waived`.
    """

    id: str
    pack: str
    cites: str
    level: Literal["law", "code", "house"]
    binds: tuple[str, ...]
    mode: Mode
    effect: Effect
    because: str
    strength: Literal["will", "encouraged", "may", ""] = ""
    waiver: str = ""


@dataclass(frozen=True)
class Decision:
    """The answer for one input under one policy version; the same input gives the same answer.

    policy: sha256 of the canonical policy document; input: the whole decision input;
    not_assessed: territories of the input of which no rule pack says what the law is.
    """

    effect: Effect
    rules: tuple[MatchedRule, ...]
    duties: tuple[Duty, ...]
    policy: str
    input: dict[str, Any]
    not_assessed: tuple[str, ...] = ()
