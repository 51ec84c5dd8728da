"""The nouns that travel between capabilities: frozen dataclasses without behaviour."""

from governance.domain.asset import Asset, Finding, Mark, MarkKind, MarkState
from governance.domain.decision import Decision, Duty, Effect, MatchedRule, Mode
from governance.domain.grant import Grant
from governance.domain.principal import Assurance, Principal, PrincipalKind
from governance.domain.quote import Candidate, Quote, Route
from governance.domain.request import Answer, Declaration, GenerationRequest, Media, Purpose

__all__ = [
    "Answer",
    "Asset",
    "Assurance",
    "Candidate",
    "Decision",
    "Declaration",
    "Duty",
    "Effect",
    "Finding",
    "GenerationRequest",
    "Grant",
    "Mark",
    "MarkKind",
    "MarkState",
    "MatchedRule",
    "Media",
    "Mode",
    "Principal",
    "PrincipalKind",
    "Purpose",
    "Quote",
    "Route",
]
