"""The nouns that travel between capabilities: frozen dataclasses without behaviour."""

from governance.domain.asset import Asset, Finding, Mark, MarkKind, MarkState
from governance.domain.decision import Decision, Duty, Effect, MatchedRule, Mode
from governance.domain.grant import Grant
from governance.domain.principal import Assurance, Principal, PrincipalKind
from governance.domain.quote import Candidate, Quote, Route
from governance.domain.request import (
    Answer,
    ConsentState,
    Declaration,
    Depicted,
    GenerationRequest,
    Media,
    Purpose,
)

__all__ = [
    "Answer",
    "Asset",
    "Assurance",
    "Candidate",
    "ConsentState",
    "Decision",
    "Declaration",
    "Depicted",
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
