"""Attacks on `gov-agent-v1` by name: each is tried on the verifier and over real HTTP."""

from tests.identity.attacks.components import COMPONENTS
from tests.identity.attacks.message import MESSAGE
from tests.identity.attacks.parameters import PARAMETERS
from tests.identity.attacks.stage import Attack, Stage, Wire

ATTACKS: dict[str, Attack] = {**PARAMETERS, **COMPONENTS, **MESSAGE}

__all__ = ["ATTACKS", "Attack", "Stage", "Wire"]
