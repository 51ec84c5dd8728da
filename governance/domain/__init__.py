"""The nouns that travel between capabilities: frozen dataclasses without behaviour."""

from governance.domain.asset import Asset, Finding, Mark, MarkKind, MarkState
from governance.domain.budget import Budget
from governance.domain.decision import Decision, Duty, Effect, MatchedRule, Mode
from governance.domain.grant import Grant
from governance.domain.principal import Assurance, Principal, PrincipalKind
from governance.domain.quote import Candidate, Component, Part, Quote, Route
from governance.domain.request import (
    MODEL_TASKS,
    Answer,
    ConsentState,
    Declaration,
    Depicted,
    GenerationRequest,
    InputFile,
    InputRole,
    Media,
    ModelTask,
    Purpose,
    Task,
)

__all__ = [
    "MODEL_TASKS",
    "Answer",
    "Asset",
    "Assurance",
    "Budget",
    "Candidate",
    "Component",
    "ConsentState",
    "Decision",
    "Declaration",
    "Depicted",
    "Duty",
    "Effect",
    "Finding",
    "GenerationRequest",
    "Grant",
    "InputFile",
    "InputRole",
    "Mark",
    "MarkKind",
    "MarkState",
    "MatchedRule",
    "Media",
    "Mode",
    "ModelTask",
    "Part",
    "Principal",
    "PrincipalKind",
    "Purpose",
    "Quote",
    "Route",
    "Task",
]
