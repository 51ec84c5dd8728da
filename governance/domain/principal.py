"""Who is asking."""

from dataclasses import dataclass
from typing import Literal

PrincipalKind = Literal["agent", "service", "person"]
# A: signature over the body; B: proof of possession; C: bearer, API key or session.
Assurance = Literal["A", "B", "C"]


@dataclass(frozen=True)
class Principal:
    """An authenticated caller.

    id: `agt_…`, `svc_…` or `usr_…`; organisation: the domain it belongs to;
    accountable: the person (`usr_…`) who answers for it, itself for a person;
    chain: identities from the accountable person down to the caller, both included.
    """

    kind: PrincipalKind
    id: str
    organisation: str
    accountable: str
    assurance: Assurance
    chain: tuple[str, ...]
    name: str = ""  # for screens only; never in a record in the clear
