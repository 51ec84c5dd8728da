"""Who may do what, which rules apply, and which duties follow."""

from governance.policy.authorization import Assignment, Authorization, Snapshot, domain_of
from governance.policy.decisions import as_body, decide, replay
from governance.policy.inputs import ModelFacts, decision_input
from governance.policy.packs import check, load, warnings
from governance.policy.rules import Policy

__all__ = [
    "Assignment",
    "Authorization",
    "ModelFacts",
    "Policy",
    "Snapshot",
    "as_body",
    "check",
    "decide",
    "decision_input",
    "domain_of",
    "load",
    "replay",
    "warnings",
]
